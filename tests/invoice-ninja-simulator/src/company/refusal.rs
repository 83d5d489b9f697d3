//! What the API refuses, in its own words (Invoice Ninja API: errors).

use serde_json::{Value, json};

use super::record::Errors;

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    message: String,
    errors: Option<Errors>,
}

impl Refusal {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: None }
    }

    pub(crate) fn invalid_token() -> Self {
        Self { errors: Some(Errors::new()), ..Self::new(403, "Invalid token") }
    }

    /// The hosted edition's free plan.
    pub(crate) fn unpaid() -> Self {
        Self::new(403, "The API is not part of this plan.")
    }

    /// A user who may not do this: a policy of the app refuses.
    pub(crate) fn not_allowed() -> Self {
        Self::new(401, "This action is unauthorized.")
    }

    pub(crate) fn invalid(errors: Errors) -> Self {
        Self { errors: Some(errors), ..Self::new(422, "The given data was invalid.") }
    }

    pub(crate) fn invalid_field(field: &str, problem: &str) -> Self {
        Self::invalid(Errors::from([(field.to_owned(), vec![problem.to_owned()])]))
    }

    /// A missing record is a bad request, not "not found".
    pub(crate) fn missing(model: &str, id: &str) -> Self {
        Self::new(400, format!("No query results for model [App\\Models\\{model}] {id}"))
    }

    pub(crate) fn deleted() -> Self {
        Self::new(400, "Record is deleted and cannot be edited. Restore the record to enable editing")
    }

    pub(crate) fn duplicate() -> Self {
        Self::new(400, "Duplicate request")
    }

    pub(crate) fn no_such_include(name: &str) -> Self {
        Self::new(400, format!("Relation `{name}` is not a valid include."))
    }

    pub(crate) fn no_such_action(name: &str) -> Self {
        Self::new(400, format!("The requested action `{name}` is not available."))
    }

    pub(crate) fn no_such_route() -> Self {
        Self::new(404, "Route does not exist")
    }

    pub(crate) fn wrong_method() -> Self {
        Self::new(404, "Method not supported for this route")
    }

    pub(crate) fn too_many() -> Self {
        Self::new(429, "Too many requests")
    }

    /// What the database says of a column that is not there.
    pub(crate) fn no_such_column(name: &str) -> Self {
        Self::new(
            500,
            format!("SQLSTATE[42S22]: Column not found: 1054 Unknown column '{name}' in 'order clause'"),
        )
    }

    pub(crate) fn body(&self) -> Value {
        match &self.errors {
            Some(errors) => json!({"message": self.message, "errors": errors}),
            None => json!({"message": self.message}),
        }
    }

    /// What a client gets that did not say that it wants JSON: validation sends it back where it came from, anything
    /// else is a page for people.
    pub(crate) fn page(&self) -> (u16, String) {
        let status = if self.status == 422 { 302 } else { self.status };
        (
            status,
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\"><title>Invoice Ninja</title><h1>{status}</h1></html>\n"
            ),
        )
    }
}

/// `Ok` if nothing is wrong.
pub(crate) fn unless(errors: Errors) -> Result<(), Refusal> {
    if errors.is_empty() { Ok(()) } else { Err(Refusal::invalid(errors)) }
}

/// Adds what is wrong with a field.
pub(crate) fn wrong(errors: &mut Errors, field: impl Into<String>, problem: impl Into<String>) {
    errors.entry(field.into()).or_default().push(problem.into());
}

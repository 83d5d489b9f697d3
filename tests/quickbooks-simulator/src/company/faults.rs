//! Intuit's faults: code, texts and HTTP status. Literal texts are the recorded ones where a recording exists;
//! otherwise the wording of Intuit's "Error codes" page.

use serde_json::{Value, json};

use super::wire::Object;

/// Why a request was refused. Everything but a system failure is HTTP 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    kind: &'static str,
    errors: Vec<Error>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Error {
    code: &'static str,
    message: String,
    detail: String,
    element: Option<String>,
}

const INACTIVE: &str = "Something you're trying to use has been made inactive. \
    Check the fields with accounts, customers, items, vendors or employees.";
const BUSINESS: &str = "A business validation error has occurred while processing your request";
const MISSING: &str = "Required param missing, need to supply the required value for the API";
const UNSUPPORTED_PROPERTY: &str = "Request has invalid or unsupported property";

impl Fault {
    fn new(code: &'static str, message: &str, detail: impl Into<String>, element: Option<&str>) -> Self {
        let error = Error {
            code,
            message: message.to_owned(),
            detail: detail.into(),
            element: element.map(str::to_owned),
        };
        Self { kind: "ValidationFault", errors: vec![error] }
    }

    /// Joins the errors of several faults into one.
    pub(crate) fn together(faults: Vec<Self>) -> Option<Self> {
        let errors: Vec<Error> = faults.into_iter().flat_map(|fault| fault.errors).collect();
        (!errors.is_empty()).then_some(Self { kind: "ValidationFault", errors })
    }

    /// The code of the first error.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.errors.first().map_or("", |error| error.code)
    }

    /// The text of the first error.
    pub(crate) fn detail(&self) -> &str {
        self.errors.first().map_or("", |error| &error.detail)
    }

    /// The `Fault` object.
    pub(crate) fn to_json(&self) -> Value {
        let errors: Vec<Value> = self.errors.iter().map(Error::to_json).collect();
        json!({ "Error": errors, "type": self.kind })
    }

    pub(crate) fn unsupported_operation(realm: &str, path: &str) -> Self {
        let place = format!("/v3/company/{realm}/{path}");
        let detail = format!(
            "Operation Could not find resource for relative : {place} of full path: \
             https://quickbooks.simulator/qbo1{place} is not supported."
        );
        Self::new("500", "Unsupported Operation", detail, None)
    }

    pub(crate) fn operation_not_supported(operation: &str) -> Self {
        Self::new("500", "Unsupported Operation", format!("Operation {operation} is not supported."), None)
    }

    pub(crate) fn duplicate_request_id(id: &str) -> Self {
        let detail = format!("The request id {id} was already used for a different request");
        Self::new("600", "Duplicate Request ID", detail, Some(""))
    }

    pub(crate) fn not_found() -> Self {
        Self::new("610", "Object Not Found", format!("Object Not Found : {INACTIVE}"), Some(""))
    }

    pub(crate) fn cannot_be_linked(what: &str) -> Self {
        let detail = format!("Transaction cannot be linked : {what}");
        Self::new("620", "Transaction cannot be linked", detail, Some(""))
    }

    pub(crate) fn invalid_parent(what: &str) -> Self {
        Self::new("700", "Parent reference is invalid", what, Some("ParentRef"))
    }

    pub(crate) fn own_parent() -> Self {
        let detail = "A parent cannot be the child of itself";
        Self::new("900", "Parent element cannot be a child of itself", detail, Some("ParentRef"))
    }

    pub(crate) fn batch_too_large(limit: usize, sent: usize) -> Self {
        let detail = format!("The batch holds {sent} items, at most {limit} are allowed");
        Self::new("1040", "Batch size exceeds the allowed limit", detail, Some(""))
    }

    pub(crate) fn invalid_content_type(sent: &str) -> Self {
        Self::new("1050", "Invalid content type", format!("Content type {sent} is not supported"), None)
    }

    pub(crate) fn unsupported_object(name: &str) -> Self {
        let detail = format!("The object name {name} is invalid or unsupported");
        Self::new("2000", "Invalid or unsupported object name", detail, None)
    }

    /// A member that the class does not have. `known` are those it has.
    pub(crate) fn unknown_member(name: &str, class: &str, known: &[&str]) -> Self {
        let shown: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
        Self::invalid_property(&format!(
            "Unrecognized field \"{name}\" (class com.intuit.schema.finance.v3.{class}), not marked as ignorable \
             ({} known properties: {} [truncated]])\n",
            known.len(),
            shown.join(", ")
        ))
    }

    /// A member of the wrong JSON type, or a body that is no JSON.
    pub(crate) fn invalid_property(what: &str) -> Self {
        let detail = format!("Property Name:{what} specified is unsupported or invalid");
        Self::new("2010", UNSUPPORTED_PROPERTY, detail, None)
    }

    pub(crate) fn missing(element: &str) -> Self {
        let detail = format!("Required parameter {element} is missing in the request");
        Self::new("2020", MISSING, detail, Some(element))
    }

    pub(crate) fn invalid_id(supplied: &str) -> Self {
        let detail = format!("Id should be a valid number. Supplied value:{supplied}");
        Self::new("2030", "Invalid ID", detail, Some("Id"))
    }

    pub(crate) fn invalid_string(element: &str) -> Self {
        let detail = format!(
            "{element} has characters that are not supported: colon, tab, new line or quotation mark"
        );
        Self::new("2040", "Invalid String", detail, Some(element))
    }

    pub(crate) fn wrong_length(element: &str, max: usize, supplied: usize) -> Self {
        Self::new(
            "2050",
            "String length is either shorter or longer than supported by specification",
            format!(
                "String length specified does not match the supported length. Min:0 Max:{max} supported. \
                 Supplied length:{supplied}"
            ),
            Some(element),
        )
    }

    pub(crate) fn invalid_date(element: &str, supplied: &str) -> Self {
        let detail = format!("Date should be a valid date of the form YYYY-MM-DD. Supplied value:{supplied}");
        Self::new("2060", "Invalid Date Format", detail, Some(element))
    }

    pub(crate) fn invalid_number(element: &str, supplied: &str) -> Self {
        let detail = format!("{element} should be a valid number. Supplied value:{supplied}");
        Self::new("2090", "Invalid Number", detail, Some(element))
    }

    pub(crate) fn request_id_format(max: usize, supplied: usize) -> Self {
        let detail = format!("The request id has at most {max} characters. Supplied length:{supplied}");
        Self::new("2130", "Invalid Request ID Format", detail, None)
    }

    pub(crate) fn invalid_enumeration(element: &str, supplied: &str) -> Self {
        let detail = format!("{element} has no such value. Supplied value:{supplied}");
        Self::new("2170", "Invalid Enumeration", detail, Some(element))
    }

    pub(crate) fn out_of_range(element: &str, supplied: &str) -> Self {
        let detail = format!("{element} is out of range. Supplied value:{supplied}");
        Self::new("2190", "Invalid Range", detail, Some(element))
    }

    pub(crate) fn invalid_email(element: &str) -> Self {
        let detail = format!("{element} must be conformant to the RFC 822 standard");
        Self::new("2210", "Invalid Email Address", detail, Some(element))
    }

    pub(crate) fn invalid_currency(supplied: &str) -> Self {
        let detail = format!("Invalid currency. Supplied value:{supplied}");
        Self::new("2220", "Invalid Currency Type", detail, Some("CurrencyRef"))
    }

    pub(crate) fn invalid_tax_use(supplied: &str) -> Self {
        let detail = format!("TaxApplicableOn must be Sales or Purchase. Supplied value:{supplied}");
        Self::new("2260", "Invalid TaxApplicableOn", detail, Some("TaxApplicableOn"))
    }

    pub(crate) fn negative_amount(element: &str) -> Self {
        Self::new("2290", "Negative Amount", format!("{element} must not be negative"), Some(element))
    }

    /// A reference to an object that is not there. `what` is Intuit's word: `Names`, `Items`, `Accounts`, …
    pub(crate) fn no_such_reference(what: &str, id: &str) -> Self {
        let detail = format!("Invalid Reference Id : {what} element id {id} not found");
        Self::new("2500", "Invalid Reference Id", detail, Some(""))
    }

    pub(crate) fn inactive_reference() -> Self {
        let detail = format!("Invalid Reference Id : {INACTIVE}");
        Self::new("2500", "Invalid Reference Id", detail, Some(""))
    }

    pub(crate) fn conflicting(detail: &str) -> Self {
        Self::new("2600", "Conflicting Elements in the Request", detail, Some(""))
    }

    pub(crate) fn invalid_custom_field(definition: &str) -> Self {
        let detail = format!("Custom field with DefinitionId {definition} does not exist");
        Self::new("3000", "Invalid Custom Field", detail, Some("CustomField"))
    }

    pub(crate) fn query_syntax(detail: &str) -> Self {
        Self::new("4000", "Error parsing query", format!("QueryParserError: {detail}"), None)
    }

    pub(crate) fn invalid_query(detail: &str) -> Self {
        Self::new("4001", "Invalid query", format!("QueryValidationError: {detail}"), None)
    }

    pub(crate) fn stale(user: &str) -> Self {
        let detail = format!(
            "Stale Object Error : You and {user} were working on this at the same time. {user} finished before you \
             did, so your work was not saved."
        );
        Self::new("5010", "Stale Object Error", detail, Some(""))
    }

    pub(crate) fn business(text: &str) -> Self {
        Self::new("6000", BUSINESS, format!("Business Validation Error: {text}"), Some(""))
    }

    pub(crate) fn account_type_required() -> Self {
        let detail = "AccountType or AccountSubType is required and must be valid";
        Self::new("6010", "Invalid Account Type", detail, Some("AccountType"))
    }

    pub(crate) fn amount_mismatch(supplied: &str) -> Self {
        let detail = format!("Amount is not equal to UnitPrice * Qty. Supplied value:{supplied}");
        Self::new("6070", "Amount calculation incorrect in the request", detail, Some("Line.Amount"))
    }

    pub(crate) fn no_name() -> Self {
        let detail =
            "At least one of DisplayName, Title, GivenName, MiddleName, FamilyName, Suffix must be provided";
        Self::new("6080", "No name provided", detail, Some("DisplayName"))
    }

    pub(crate) fn discount_without_amount() -> Self {
        let detail = "A discount line needs an amount or a percentage";
        Self::new("6090", "Discount Line Missing Amount or Percent", detail, Some("Line.DiscountLineDetail"))
    }

    pub(crate) fn us_line_tax_code(supplied: &str) -> Self {
        let detail = format!("Valid line TaxCodes for US should be TAX or NON. Supplied value: {supplied}");
        let element = "Line.SalesItemLineDetail.TaxCodeRef";
        Self::new("6100", "Invalid Line TaxCode in the request", detail, Some(element))
    }

    pub(crate) fn duplicate_number(number: &str, kind: &str, id: &str) -> Self {
        let detail = format!(
            "Duplicate Document Number Error : You must specify a different number. This number has already been \
             used. DocNumber={number} is assigned to TxnType={kind} with TxnId={id}"
        );
        Self::new("6140", "Duplicate Document Number Error", detail, Some(""))
    }

    pub(crate) fn parent_flag(flag: &str) -> Self {
        let detail = format!("ParentRef and {flag} must be given together");
        Self::new("6150", "ParentRef Required", detail, Some("ParentRef"))
    }

    pub(crate) fn tax_detail_not_applicable() -> Self {
        let detail = "TxnTaxDetail is not allowed when GlobalTaxCalculation is NotApplicable";
        Self::new("6170", "TxnTaxDetail Not Allowed", detail, Some("TxnTaxDetail"))
    }

    pub(crate) fn too_deep() -> Self {
        let detail = "More than five levels of nesting are not supported";
        Self::new("6180", "Maximum Nesting Level Exceeded", detail, Some("ParentRef"))
    }

    pub(crate) fn subscription_ended() -> Self {
        let message = "Subscription period has ended or canceled or there was a billing problem";
        let detail = format!(
            "{message} : You can't add data to QuickBooks Online Plus because your trial or subscription period ended."
        );
        Self::new("6190", message, detail, Some(""))
    }

    pub(crate) fn books_closed(with_password: bool) -> Self {
        if !with_password {
            let detail = "The account period has closed. Transactions dated in it cannot be changed.";
            return Self::new("6200", "Account Period Closed", detail, Some(""));
        }
        Self::new(
            "6210",
            "Account Period Closed, Cannot Update Through Services API",
            "The account period has closed and the account books cannot be updated through the QBO Services API. \
             Please use the QBO website to make these changes.",
            Some(""),
        )
    }

    pub(crate) fn has_balance() -> Self {
        let detail = "An object with a balance cannot be deleted or made inactive";
        Self::new("6220", "Cannot Delete Entity With Balance", detail, Some(""))
    }

    /// A name in use among customers, vendors and employees, or among items; as recorded, without an element.
    pub(crate) fn duplicate_name() -> Self {
        Self::new("6240", "Duplicate Name Exists Error", "The name supplied already exists. : null", None)
    }

    /// A name in use on a list whose kind the text names: `tax rate`, `account`, …
    pub(crate) fn duplicate_name_of(what: &str) -> Self {
        let detail = format!(
            "The name supplied already exists. : Another {what} is already using this \nname. \
             Please use a different name."
        );
        Self::new("6240", "Duplicate Name Exists Error", detail, Some(""))
    }

    pub(crate) fn before_inventory_start(item: &str) -> Self {
        let detail = format!("The transaction date is before the inventory start date of {item}");
        Self::new("6270", "Transaction Date Before Inventory Start Date", detail, Some("TxnDate"))
    }

    pub(crate) fn email_required(element: &str) -> Self {
        let detail = format!("{element} is required to deliver by e-mail");
        Self::new("6420", "Email Address Required", detail, Some(element))
    }

    pub(crate) fn invalid_account_type(element: &str) -> Self {
        let detail = format!("{element} refers to an account of a type that cannot be used here");
        Self::new("6430", "Invalid Account Type Used", detail, Some(element))
    }

    pub(crate) fn matched_to_bank_feed() -> Self {
        let detail = "The transaction is matched to a downloaded bank transaction and cannot be deleted";
        Self::new("6480", "Matched Transaction Cannot Be Deleted", detail, Some(""))
    }

    pub(crate) fn quantity_required() -> Self {
        let detail = "A tracked inventory item needs QtyOnHand";
        Self::new("6520", "Tracked Inventory Item Without Quantity", detail, Some("QtyOnHand"))
    }

    pub(crate) fn deposited() -> Self {
        Self::new(
            "6540",
            "Deposited Transaction cannot be changed",
            "This transaction has been deposited. If you want to change or delete it, you must edit the deposit it \
             appears on and remove it first",
            Some(""),
        )
    }
}

impl Error {
    fn to_json(&self) -> Value {
        let mut error = Object::new();
        error.insert("Message".to_owned(), self.message.as_str().into());
        error.insert("Detail".to_owned(), self.detail.as_str().into());
        error.insert("code".to_owned(), self.code.into());
        if let Some(element) = &self.element {
            error.insert("element".to_owned(), element.as_str().into());
        }
        Value::Object(error)
    }
}

//! What a person means when they name an account, a class, a location or a custom field of QuickBooks'.

use std::collections::BTreeMap;

use super::ChangeError;
use crate::ids::QuickBooksId;
use crate::reference::{Account, Reference, Tracked};

/// What accounts are chosen for.
pub(super) struct Purpose {
    /// As in "those for … are".
    name: &'static str,
    /// The types of account that will do, in words.
    types: &'static str,
    fits: fn(&Account) -> bool,
}

pub(super) const INCOME: Purpose = Purpose { name: "income", types: "Income", fits: is_for_income };
pub(super) const DEPOSITS: Purpose =
    Purpose { name: "deposits", types: "Bank or Other Current Asset", fits: is_for_deposits };

impl Purpose {
    /// The account that a person means; none for a blank. What was chosen before may stay, even if it will not do now:
    /// who changes something else is not kept from it.
    pub(super) fn chosen(
        &self,
        wanted: &str,
        before: Option<QuickBooksId>,
        reference: Option<&Reference>,
    ) -> Result<Option<QuickBooksId>, ChangeError> {
        if wanted.trim().is_empty() {
            return Ok(None);
        }
        match before.filter(|before| before.as_str() == wanted) {
            Some(before) => Ok(Some(before)),
            None => self.account(wanted, reference).map(Some),
        }
    }

    /// The same for one of several.
    pub(super) fn choose<K: Ord>(
        &self,
        accounts: &mut BTreeMap<K, QuickBooksId>,
        of: K,
        wanted: &str,
        reference: Option<&Reference>,
    ) -> Result<(), ChangeError> {
        if let Some(account) = self.chosen(wanted, accounts.remove(&of), reference)? {
            accounts.insert(of, account);
        }
        Ok(())
    }

    /// The account that a person means, which has to be of a type that will do.
    fn account(&self, wanted: &str, reference: Option<&Reference>) -> Result<QuickBooksId, ChangeError> {
        let accounts = &reference.ok_or(ChangeError::NotConnected)?.accounts;
        let known: Vec<Named<'_>> = accounts.iter().map(named).collect();
        let Some(place) = place_of(wanted, "accounts", &known)? else {
            let fitting = accounts.iter().filter(|account| (self.fits)(account)).map(named);
            let names = in_words(fitting);
            return Err(ChangeError::Choice(format!(
                "there is no active account {wanted:?}; those for {} are: {names}",
                self.name
            )));
        };
        let account @ Account { name, id, account_type, .. } = &accounts[place];
        if !(self.fits)(account) {
            let problem = format!("account {name} ({id}) is of type {account_type}, not {}", self.types);
            return Err(ChangeError::Choice(problem));
        }
        Ok(id.clone())
    }
}

/// What sales are sorted by.
pub(super) struct Label {
    /// In words.
    name: &'static str,
    several: &'static str,
    /// All of them, where they are tracked.
    known: fn(&Reference) -> Option<&[Tracked]>,
}

pub(super) const CLASS: Label = Label {
    name: "class",
    several: "classes",
    known: |reference| reference.classes.as_ref().map(|classes| classes.all.as_slice()),
};
pub(super) const LOCATION: Label =
    Label { name: "location", several: "locations", known: |reference| reference.locations.as_deref() };

impl Label {
    /// The one that a person means; none for a blank. What was chosen before may stay.
    pub(super) fn chosen(
        &self,
        wanted: &str,
        before: Option<QuickBooksId>,
        reference: Option<&Reference>,
    ) -> Result<Option<QuickBooksId>, ChangeError> {
        if wanted.trim().is_empty() {
            return Ok(None);
        }
        if before.as_ref().is_some_and(|before| before.as_str() == wanted) {
            return Ok(before);
        }
        let Label { name, several, .. } = self;
        let Some(all) = (self.known)(reference.ok_or(ChangeError::NotConnected)?) else {
            return Err(ChangeError::Choice(format!(
                "QuickBooks does not track {several}; they are turned on there under Account and settings, Advanced, \
                 Categories"
            )));
        };
        let known: Vec<Named<'_>> = all.iter().map(|one| (&one.id, one.name.as_str())).collect();
        match place_of(wanted, several, &known)? {
            Some(place) => Ok(Some(all[place].id.clone())),
            None => {
                let known = in_words(known);
                Err(ChangeError::Choice(format!("there is no active {name} {wanted:?}; there are: {known}")))
            }
        }
    }
}

/// Lets custom fields of QuickBooks' stand for some of the billing app's, each for one at most; none for a blank.
pub(super) fn choose_fields(
    fields: &mut BTreeMap<String, String>,
    wanted: &[(String, String)],
    reference: Option<&Reference>,
) -> Result<(), ChangeError> {
    let before = fields.clone();
    fields.retain(|name, _| !wanted.iter().any(|(changed, _)| changed == name));
    for (name, field) in wanted {
        let Some((id, title)) = chosen_field(field, before.get(name), reference)? else { continue };
        if let Some((other, _)) = fields.iter().find(|(_, taken)| **taken == id) {
            let problem = format!("custom field {title} stands for {other} already");
            return Err(ChangeError::Choice(problem));
        }
        fields.insert(name.clone(), id);
    }
    Ok(())
}

/// The id and the name of the custom field that a person means; none for a blank. What was chosen before may stay.
fn chosen_field(
    wanted: &str,
    before: Option<&String>,
    reference: Option<&Reference>,
) -> Result<Option<(String, String)>, ChangeError> {
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return Ok(None);
    }
    let known = reference.map(|reference| reference.custom_fields.as_slice()).unwrap_or_default();
    let found = known.iter().find(|field| field.id == wanted);
    let found = found.or_else(|| known.iter().find(|field| field.name.eq_ignore_ascii_case(wanted)));
    if let Some(field) = found {
        return Ok(Some((field.id.clone(), field.name.clone())));
    }
    if before.is_some_and(|before| before == wanted) {
        return Ok(Some((wanted.to_owned(), wanted.to_owned())));
    }
    if reference.is_none() {
        return Err(ChangeError::NotConnected);
    }
    let names: Vec<String> = known.iter().map(|field| format!("{} ({})", field.name, field.id)).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let problem = format!("there is no custom field {wanted:?} on sales forms; there are: {names}");
    Err(ChangeError::Choice(problem))
}

/// What is chosen from: id and full name.
type Named<'a> = (&'a QuickBooksId, &'a str);

fn named(account: &Account) -> Named<'_> {
    (&account.id, account.name.as_str())
}

/// The place of the one that a person means: by its id, else by its name in any case.
fn place_of(wanted: &str, several: &str, known: &[Named<'_>]) -> Result<Option<usize>, ChangeError> {
    if let Some(place) = known.iter().position(|(id, _)| id.as_str() == wanted) {
        return Ok(Some(place));
    }
    let wanted_name = wanted.to_lowercase();
    let mut of_name = (0..known.len()).filter(|place| known[*place].1.to_lowercase() == wanted_name);
    match (of_name.next(), of_name.next()) {
        (Some(_), Some(_)) => {
            Err(ChangeError::Choice(format!("there are several {several} {wanted:?}; give the id")))
        }
        (found, _) => Ok(found),
    }
}

fn in_words<'a>(named: impl IntoIterator<Item = Named<'a>>) -> String {
    named.into_iter().map(|(id, name)| format!("{name} ({id})")).collect::<Vec<_>>().join(", ")
}

/// What an Item's income may be booked to (Intuit: Item, IncomeAccountRef).
pub fn is_for_income(account: &Account) -> bool {
    matches!(account.account_type.as_str(), "Income" | "Other Income")
}

/// Where the money of a Payment may go (Intuit: Payment, DepositToAccountRef).
pub fn is_for_deposits(account: &Account) -> bool {
    matches!(account.account_type.as_str(), "Bank" | "Other Current Asset")
}

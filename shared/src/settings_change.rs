//! Changes that people make to a company's settings.

mod choice;

use jiff::civil::Date;

use choice::{CLASS, DEPOSITS, INCOME, LOCATION, choose_fields};
pub use choice::{is_for_deposits, is_for_income};

use crate::ids::CompanyId;
use crate::model::{Kind, PaymentMethod, ProductType};
use crate::ports::{Companies, StoreError};
use crate::reference::Reference;
use crate::settings::{Company, Direction, Notify, Settings};

/// How often a change is tried against others who change the company at the same moment.
const TRIES: u32 = 5;

/// Why a change was not made. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such company.
    #[error("there is no company {0}")]
    UnknownCompany(CompanyId),
    /// What can be chosen is not known yet.
    #[error("accounts, classes and locations are not known before the company is connected with QuickBooks")]
    NotConnected,
    /// The account, class or location that was named will not do.
    #[error("{0}")]
    Choice(String),
    /// The company was connected with another QuickBooks company after a person had looked at it (D12).
    #[error("{0} has been connected with another QuickBooks company meanwhile; open the page again")]
    OtherBooks(CompanyId),
    /// Others changed the company again and again at the same moment.
    #[error("others keep changing company {0}; try again")]
    Contended(CompanyId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a change to a company's settings and returns the company as it is then.
///
/// # Errors
/// As [`ChangeError`] says.
pub async fn change_settings(
    companies: &dyn Companies,
    id: &CompanyId,
    change: &SettingsChange,
) -> Result<Company, ChangeError> {
    edit(companies, id, |company, reference| change.apply(&mut company.settings, reference)).await
}

/// Makes a change that a person has chosen from what was there for the company as they saw it.
///
/// # Errors
/// As [`ChangeError`] says.
pub async fn change_settings_as_seen(
    companies: &dyn Companies,
    seen: &Company,
    change: &SettingsChange,
) -> Result<Company, ChangeError> {
    edit(companies, &seen.id, |company, reference| {
        if company.books() != seen.books() {
            return Err(ChangeError::OtherBooks(company.id.clone()));
        }
        change.apply(&mut company.settings, reference)
    })
    .await
}

/// Changes a company, again from its newest version if others change it meanwhile.
///
/// # Errors
/// What `change` fails with, or as [`ChangeError`] says.
pub async fn edit(
    companies: &dyn Companies,
    id: &CompanyId,
    change: impl Fn(&mut Company, Option<&Reference>) -> Result<(), ChangeError>,
) -> Result<Company, ChangeError> {
    for _ in 0..TRIES {
        let company = companies.load(id).await?;
        let mut company = company.ok_or_else(|| ChangeError::UnknownCompany(id.clone()))?;
        let reference = match company.books() {
            Some(books) => companies.reference(&books).await?,
            None => None,
        };
        change(&mut company, reference.as_ref())?;
        company.version += 1;
        if companies.save(&company).await? {
            return Ok(company);
        }
    }
    Err(ChangeError::Contended(id.clone()))
}

/// What is to be changed; everything else stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// New directions.
    pub directions: Vec<(Kind, Direction)>,
    /// The default income account: its id, or its full name in any case. Blank: none, and new products wait.
    pub income_account: Option<String>,
    /// Income accounts of product types, in the same form. Blank: the default again.
    pub income_accounts: Vec<(ProductType, String)>,
    /// The account of new Payments, in the same form. Blank: QuickBooks' own default again.
    pub deposit_account: Option<String>,
    /// Accounts of payments made in one way, in the same form. Blank: the one for all again.
    pub deposit_accounts: Vec<(PaymentMethod, String)>,
    /// The class of new Invoices: its id, or its full name in any case. Blank: none.
    pub class: Option<String>,
    /// The location of new Invoices, in the same form.
    pub location: Option<String>,
    /// Fields of the billing app, each with the custom field of QuickBooks' that stands for it: its id, or its name in
    /// any case. Blank: none.
    pub custom_fields: Vec<(String, String)>,
    /// The cut-off date.
    pub cut_off: Option<CutOff>,
    /// Whether edits of products are pushed.
    pub push_product_edits: Option<bool>,
    /// Whether missing Customers are created on the fly.
    pub create_clients: Option<bool>,
    /// Whether missing Items are created on the fly.
    pub create_products: Option<bool>,
    /// Whether Customers and Items of deleted records become inactive.
    pub inactivate_deleted: Option<bool>,
    /// Who is told what, by e-mail.
    pub notify: Option<Notify>,
}

/// A cut-off date, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOff {
    /// Invoices before this day are left alone.
    Day(Date),
    /// All invoices are synced.
    None,
}

impl SettingsChange {
    /// Makes the change, or says why it cannot be made; then nothing is changed. Accounts are looked up in what is
    /// cached of QuickBooks.
    pub fn apply(&self, settings: &mut Settings, reference: Option<&Reference>) -> Result<(), ChangeError> {
        let mut changed = settings.clone();
        for (kind, direction) in &self.directions {
            *changed.directions.of_mut(*kind) = *direction;
        }
        if let Some(account) = &self.income_account {
            changed.default_income_account =
                INCOME.chosen(account, changed.default_income_account, reference)?;
        }
        for (product_type, account) in &self.income_accounts {
            INCOME.choose(&mut changed.income_accounts, *product_type, account, reference)?;
        }
        if let Some(account) = &self.deposit_account {
            changed.deposit_account = DEPOSITS.chosen(account, changed.deposit_account, reference)?;
        }
        for (method, account) in &self.deposit_accounts {
            DEPOSITS.choose(&mut changed.deposit_accounts, *method, account, reference)?;
        }
        if let Some(class) = &self.class {
            changed.class = CLASS.chosen(class, changed.class, reference)?;
        }
        if let Some(location) = &self.location {
            changed.location = LOCATION.chosen(location, changed.location, reference)?;
        }
        choose_fields(&mut changed.custom_fields, &self.custom_fields, reference)?;
        match self.cut_off {
            Some(CutOff::Day(day)) => changed.cut_off = Some(day),
            Some(CutOff::None) => changed.cut_off = None,
            None => {}
        }
        if let Some(notify) = &self.notify {
            changed.notify = notify.clone();
        }
        for (wanted, switch) in [
            (self.push_product_edits, &mut changed.push_product_edits),
            (self.create_clients, &mut changed.create_clients),
            (self.create_products, &mut changed.create_products),
            (self.inactivate_deleted, &mut changed.inactivate_deleted),
        ] {
            *switch = wanted.unwrap_or(*switch);
        }
        *settings = changed;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Changes that people make to a company's settings.

use jiff::civil::Date;

use crate::ids::{CompanyId, QuickBooksId};
use crate::model::{Kind, ProductType};
use crate::ports::{Companies, StoreError};
use crate::reference::{Account, Reference};
use crate::settings::{Company, Direction, Notify, Settings};

/// How often a change is tried against others who change the company at the same moment.
const TRIES: u32 = 5;

/// Why a change was not made. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such company.
    #[error("there is no company {0}")]
    UnknownCompany(CompanyId),
    /// The accounts are not known yet.
    #[error("the accounts are not known before the company is connected with QuickBooks")]
    NotConnected,
    /// The account that was named will not do.
    #[error("{0}")]
    Account(String),
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
    /// The default income account: its id, or its full name in any case.
    pub income_account: Option<String>,
    /// Income accounts of product types, in the same form. Blank: the default again.
    pub income_accounts: Vec<(ProductType, String)>,
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
            changed.default_income_account = Some(income_account(account, reference)?);
        }
        for (product_type, account) in &self.income_accounts {
            if account.trim().is_empty() {
                changed.income_accounts.remove(product_type);
                continue;
            }
            changed.income_accounts.insert(*product_type, income_account(account, reference)?);
        }
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

/// The account that a person means, which has to be one for income.
fn income_account(wanted: &str, reference: Option<&Reference>) -> Result<QuickBooksId, ChangeError> {
    let reference = reference.ok_or(ChangeError::NotConnected)?;
    let account = find(wanted, &reference.accounts).map_err(ChangeError::Account)?;
    if !is_for_income(account) {
        let Account { name, id, account_type, .. } = account;
        let problem = format!("account {name} ({id}) is of type {account_type}, not Income");
        return Err(ChangeError::Account(problem));
    }
    Ok(account.id.clone())
}

fn find<'a>(wanted: &str, accounts: &'a [Account]) -> Result<&'a Account, String> {
    if let Some(account) = accounts.iter().find(|account| account.id.as_str() == wanted) {
        return Ok(account);
    }
    let wanted_name = wanted.to_lowercase();
    match accounts.iter().filter(|account| account.name.to_lowercase() == wanted_name).collect::<Vec<_>>()[..]
    {
        [account] => Ok(account),
        [] => {
            let names = accounts.iter().filter(|account| is_for_income(account));
            let names = names.map(|account| format!("{} ({})", account.name, account.id)).collect::<Vec<_>>();
            Err(format!("there is no active account {wanted:?}; those for income are: {}", names.join(", ")))
        }
        _ => Err(format!("there are several accounts {wanted:?}; give the id")),
    }
}

/// What an Item's income may be booked to (Intuit: Item, IncomeAccountRef).
pub fn is_for_income(account: &Account) -> bool {
    matches!(account.account_type.as_str(), "Income" | "Other Income")
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::memory::MemoryCompanies;

    fn account(id: &str, name: &str, account_type: &str) -> Account {
        Account {
            id: QuickBooksId::new(id).unwrap(),
            name: name.into(),
            account_type: account_type.into(),
            sub_type: String::new(),
        }
    }

    fn reference() -> Reference {
        let mut reference = Reference::from_lists(&Default::default(), jiff::Timestamp::UNIX_EPOCH);
        reference.accounts = vec![
            account("79", "Sales of Product Income", "Income"),
            account("45", "Landscaping Services", "Income"),
            account("46", "landscaping services", "Income"),
            account("35", "Checking", "Bank"),
        ];
        reference
    }

    fn with_account(wanted: &str) -> Result<Settings, ChangeError> {
        let mut settings = Settings::default();
        let change = SettingsChange { income_account: Some(wanted.into()), ..SettingsChange::default() };
        change.apply(&mut settings, Some(&reference()))?;
        Ok(settings)
    }

    #[test]
    fn an_account_is_found_by_its_id_or_its_name() {
        let expected = Some(QuickBooksId::new("79").unwrap());
        assert_eq!(with_account("79").unwrap().default_income_account, expected);
        assert_eq!(with_account("sales of product income").unwrap().default_income_account, expected);
    }

    #[test]
    fn an_account_that_will_not_do_is_explained() {
        for (wanted, problem) in [
            ("Checking", "account Checking (35) is of type Bank, not Income"),
            ("Landscaping Services", "there are several accounts \"Landscaping Services\"; give the id"),
        ] {
            assert_eq!(with_account(wanted).unwrap_err().to_string(), problem);
        }
        let unknown = with_account("Fees").unwrap_err().to_string();
        assert!(unknown.contains("Sales of Product Income (79), Landscaping Services (45)"), "{unknown}");
        assert!(!unknown.contains("Checking"), "{unknown}");
    }

    #[test]
    fn nothing_changes_when_a_part_cannot() {
        let mut settings = Settings::default();
        let change = SettingsChange {
            directions: vec![(Kind::Client, Direction::Push)],
            income_account: Some("79".into()),
            ..SettingsChange::default()
        };
        assert!(change.apply(&mut settings, None).is_err());
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn settings_are_changed_one_version_at_a_time() {
        let companies = MemoryCompanies::default();
        let acme = CompanyId::new("acme").unwrap();
        let push =
            SettingsChange { directions: vec![(Kind::Client, Direction::Push)], ..SettingsChange::default() };
        let error = block_on(change_settings(&companies, &acme, &push)).unwrap_err();
        assert_eq!(error.to_string(), "there is no company acme");
        assert!(block_on(companies.save(&Company { version: 1, ..Company::new(acme.clone()) })).unwrap());
        let changed = block_on(change_settings(&companies, &acme, &push)).unwrap();
        assert_eq!((changed.version, changed.settings.directions.client), (2, Direction::Push));
        assert_eq!(block_on(companies.load(&acme)).unwrap(), Some(changed));
    }

    #[test]
    fn only_what_is_named_changes() {
        let mut settings = Settings { cut_off: Some("2026-01-01".parse().unwrap()), ..Settings::default() };
        let change = SettingsChange {
            directions: vec![(Kind::Invoice, Direction::Push)],
            push_product_edits: Some(true),
            create_clients: Some(false),
            income_accounts: vec![(ProductType::Goods, "45".into())],
            ..SettingsChange::default()
        };
        change.apply(&mut settings, Some(&reference())).unwrap();
        let mut expected = Settings {
            cut_off: Some("2026-01-01".parse().unwrap()),
            push_product_edits: true,
            create_clients: false,
            ..Settings::default()
        };
        expected.directions.invoice = Direction::Push;
        expected.income_accounts.insert(ProductType::Goods, QuickBooksId::new("45").unwrap());
        assert_eq!(settings, expected);

        let change = SettingsChange { cut_off: Some(CutOff::None), ..SettingsChange::default() };
        change.apply(&mut settings, None).unwrap();
        assert_eq!(settings.cut_off, None);
    }
}

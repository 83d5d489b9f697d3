//! Changes of settings, as an operator words them.

use anyhow::{Context, bail};
use jiff::civil::Date;
use sync::ids::QuickBooksId;
use sync::model::{Kind, ProductType};
use sync::reference::{Account, Reference};
use sync::settings::{Direction, Settings};

/// What is to be changed; everything else stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// New directions.
    pub directions: Vec<(Kind, Direction)>,
    /// The default income account: its id, or its full name in any case.
    pub income_account: Option<String>,
    /// Income accounts of product types, in the same form.
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
    pub fn apply(&self, settings: &mut Settings, reference: Option<&Reference>) -> anyhow::Result<()> {
        let mut changed = settings.clone();
        for (kind, direction) in &self.directions {
            *changed.directions.of_mut(*kind) = *direction;
        }
        if let Some(account) = &self.income_account {
            changed.default_income_account = Some(income_account(account, reference)?);
        }
        for (product_type, account) in &self.income_accounts {
            changed.income_accounts.insert(*product_type, income_account(account, reference)?);
        }
        match self.cut_off {
            Some(CutOff::Day(day)) => changed.cut_off = Some(day),
            Some(CutOff::None) => changed.cut_off = None,
            None => {}
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
fn income_account(wanted: &str, reference: Option<&Reference>) -> anyhow::Result<QuickBooksId> {
    let reference =
        reference.context("the accounts are not known before the company is connected with QuickBooks")?;
    let account = find(wanted, &reference.accounts)?;
    if !is_for_income(account) {
        bail!("account {} ({}) is of type {}, not Income", account.name, account.id, account.account_type);
    }
    Ok(account.id.clone())
}

fn find<'a>(wanted: &str, accounts: &'a [Account]) -> anyhow::Result<&'a Account> {
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
            bail!("there is no active account {wanted:?}; those for income are: {}", names.join(", "))
        }
        _ => bail!("there are several accounts {wanted:?}; give the id"),
    }
}

/// What an Item's income may be booked to (Intuit: Item, IncomeAccountRef).
fn is_for_income(account: &Account) -> bool {
    matches!(account.account_type.as_str(), "Income" | "Other Income")
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn with_account(wanted: &str) -> anyhow::Result<Settings> {
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

use std::fmt::Write;

use super::*;
use crate::ids::QuickBooksId;
use crate::mapping::fixtures;

fn told(reference: &Reference, settings: &Settings) -> String {
    findings(reference, settings).iter().fold(String::new(), |mut text, finding| {
        let to_do = finding.to_do.as_deref().unwrap_or("-");
        writeln!(text, "{:?} {:?}\n  {}\n  {to_do}", finding.severity, finding.kind, finding.text).unwrap();
        text
    })
}

fn severity(reference: &Reference, settings: &Settings, kind: FindingKind) -> Option<Severity> {
    findings(reference, settings).iter().find(|finding| finding.kind == kind).map(|finding| finding.severity)
}

/// A company that needs nothing done.
fn good() -> (Reference, Settings) {
    let reference = Reference {
        custom_numbers: true,
        discounts: true,
        book_close_date: None,
        subscription: Some("PAID".into()),
        tax_model: TaxModel::Automated,
        ..fixtures::reference()
    };
    let income = income_accounts(&reference).first().map(|(id, _)| (*id).clone());
    assert!(income.is_some());
    (reference, Settings { default_income_account: income, ..Settings::default() })
}

#[test]
fn a_company_that_is_set_up_well_needs_nothing_done() {
    let (reference, settings) = good();
    insta::assert_snapshot!(told(&reference, &settings));
    assert!(findings(&reference, &settings).iter().all(|finding| finding.severity == Severity::Fact));
}

#[test]
fn a_company_with_every_trouble_is_told_the_gravest_first() {
    let reference = Reference {
        subscription: Some("SUSPENDED".into()),
        tax_model: TaxModel::Off,
        automated_tax_unfinished: true,
        custom_numbers: false,
        discounts: false,
        deposits: true,
        auto_apply_credit: true,
        multi_currency: false,
        book_close_date: Some("2026-02-28".parse().unwrap()),
        ..good().0
    };
    let settings = Settings { cut_off: Some("2026-02-28".parse().unwrap()), ..Settings::default() };
    insta::assert_snapshot!(told(&reference, &settings));
}

#[test]
fn the_income_account_has_to_be_chosen_and_to_be_active() {
    let (reference, settings) = good();
    let kind = FindingKind::IncomeAccount;
    let unset = Settings { default_income_account: None, ..settings.clone() };
    assert_eq!(severity(&reference, &unset, kind), Some(Severity::Blocker), "R59");
    let gone = Settings { default_income_account: QuickBooksId::new("9999").ok(), ..settings.clone() };
    assert_eq!(severity(&reference, &gone, kind), Some(Severity::Blocker));
    let none = Reference { accounts: Vec::new(), ..reference.clone() };
    assert!(told(&none, &unset).contains("Add an income account"));
    assert_eq!(severity(&reference, &settings, kind), Some(Severity::Fact));
}

#[test]
fn a_deposit_account_that_is_chosen_has_to_be_able_to_take_money() {
    let (reference, settings) = good();
    let kind = FindingKind::DepositAccounts;
    assert_eq!(severity(&reference, &settings, kind), None, "QuickBooks has a default of its own");
    let chosen = Settings { deposit_account: QuickBooksId::new("35").ok(), ..settings };
    assert_eq!(
        severity(&reference, &chosen, kind),
        Some(Severity::Blocker),
        "inactive, or of another company"
    );
    let checking = crate::reference::Account {
        id: fixtures::id("35"),
        name: "Checking".into(),
        account_type: "Bank".into(),
        sub_type: "Checking".into(),
    };
    let reference = Reference { accounts: [reference.accounts, vec![checking]].concat(), ..reference };
    assert!(told(&reference, &chosen).contains("goes to Checking"));
}

#[test]
fn a_class_that_is_chosen_has_to_be_tracked_and_active() {
    let (reference, settings) = good();
    let kind = FindingKind::Labels;
    assert_eq!(severity(&reference, &settings, kind), None);
    let chosen = Settings { class: QuickBooksId::new("7").ok(), ..settings };
    assert_eq!(severity(&reference, &chosen, kind), Some(Severity::Warning));
    let classes = Some(crate::reference::Classes { per_line: false, all: Vec::new() });
    let tracking = Reference { classes, ..reference };
    assert_eq!(severity(&tracking, &chosen, kind), Some(Severity::Blocker));
}

#[test]
fn closed_books_matter_when_something_may_be_dated_then() {
    let (reference, settings) = good();
    let closed = Reference { book_close_date: Some("2026-02-28".parse().unwrap()), ..reference };
    let severity = |cut_off: Option<&str>| {
        let settings = Settings { cut_off: cut_off.map(|day| day.parse().unwrap()), ..settings.clone() };
        severity(&closed, &settings, FindingKind::ClosedBooks)
    };
    assert_eq!(severity(None), Some(Severity::Warning));
    assert_eq!(severity(Some("2026-02-28")), Some(Severity::Warning));
    assert_eq!(severity(Some("2026-03-01")), Some(Severity::Fact));
}

#[test]
fn what_quickbooks_does_not_say_is_not_found() {
    let (reference, settings) = good();
    let silent = Reference { subscription: None, ..reference };
    assert_eq!(severity(&silent, &settings, FindingKind::Subscription), None);
    let trial = Reference { subscription: Some("TRIAL".into()), ..silent };
    assert_eq!(severity(&trial, &settings, FindingKind::Subscription), Some(Severity::Warning));
}

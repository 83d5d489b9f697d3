use jiff::Timestamp;

use super::*;
use crate::pairing::{Place, Reading};

fn row(id: &str, name: &str) -> Row {
    Row { id: id.into(), name: name.into(), emails: Vec::new(), barred: false }
}

fn directory(billing: Vec<Row>, quickbooks: Vec<Row>) -> Directory {
    let all = || Place { pages: 1, next: None };
    let reading = Reading {
        begun_at: Timestamp::UNIX_EPOCH,
        billing: all(),
        quickbooks: all(),
        billing_is_silent: false,
    };
    Directory { reading, billing, quickbooks }
}

fn pair(billing: &str, quickbooks: &str) -> (BillingId, QuickBooksId) {
    (BillingId::new(billing).unwrap(), QuickBooksId::new(quickbooks).unwrap())
}

fn names(proposals: &[Proposal]) -> Vec<(&str, &str)> {
    proposals.iter().map(|one| (one.billing.name.as_str(), one.quickbooks.name.as_str())).collect()
}

#[test]
fn r80_same_names_are_proposed_and_near_ones_only_as_such() {
    let directory = directory(
        vec![
            row("a", "Blue Fern Café"),
            row("b", "Harbor Lane Dental, Inc."),
            row("c", "Maple Court Apartments"),
            row("d", "Nobody Like This"),
            row("e", "Linked Already"),
            row("f", "The Same"),
            row("g", "the same"),
            Row { emails: vec!["office@quay.example".into()], ..row("h", "Quay Street 12") },
            row("i", "Twice There"),
            row("j", "Amy & Bo"),
        ],
        vec![
            row("1", "BLUE FERN CAFÉ"),
            row("2", "Harbor Lane Dental"),
            row("3", "Maple Cuort Apartments"),
            row("4", "Linked Already"),
            row("5", "The Same"),
            Row { emails: vec!["office@quay.example".into()], ..row("6", "Q12 Holding") },
            row("7", "Twice There"),
            row("8", "twice there"),
            Row { barred: true, ..row("9", "Nobody Like This") },
            row("10", "Bo and Amy"),
        ],
    );
    let auto = auto_map(&directory, &[pair("e", "4")]);
    assert_eq!(names(&auto.exact), [("Blue Fern Café", "BLUE FERN CAFÉ")]);
    assert_eq!(
        names(&auto.near),
        [
            ("Harbor Lane Dental, Inc.", "Harbor Lane Dental"),
            ("Maple Court Apartments", "Maple Cuort Apartments"),
            ("Quay Street 12", "Q12 Holding"),
            ("Amy & Bo", "Bo and Amy"),
        ]
    );
    let ambiguous: Vec<&str> = auto.ambiguous.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ambiguous, ["f", "g", "i"]);
}

#[test]
fn both_sides_are_searched_and_filtered() {
    let directory =
        directory(vec![row("a", "Zebra"), row("b", "apple")], vec![row("1", "Fern Ltd"), row("2", "Other")]);
    let all = mappings(&directory, &[pair("b", "1"), pair("ghost", "2"), pair("c", "99")]);
    let shown = |text: &str, status| {
        let found = search(all.clone(), text, status);
        found.into_iter().map(|mapping| mapping.billing.name).collect::<Vec<_>>()
    };
    assert_eq!(shown("", Status::All), ["apple", "Id c", "Id ghost", "Zebra"]);
    assert_eq!(shown("FERN", Status::All), ["apple"]);
    assert_eq!(shown("ghost", Status::Mapped), ["Id ghost"]);
    assert_eq!(shown("", Status::Unmapped), ["Zebra"]);
    assert_eq!(shown("apple", Status::Unmapped), Vec::<String>::new());
    let unknown = all.iter().find(|mapping| mapping.billing.id == "c").unwrap();
    assert_eq!(unknown.quickbooks.as_ref().unwrap().name, "Id 99");
}

#[test]
fn r83_free_entities_are_offered_those_that_begin_so_first() {
    let directory = directory(
        Vec::new(),
        vec![
            row("1", "Old Fern"),
            row("2", "Fern Cafe"),
            row("3", "Fern Taken"),
            Row { barred: true, ..row("4", "Fern: sub") },
            row("5", "Oak"),
        ],
    );
    let pairs = [pair("x", "3")];
    let offered = |text: &str, limit| {
        choices(&directory, &pairs, text, limit).into_iter().map(|row| row.id.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(offered("fern", 9), ["2", "1"]);
    assert_eq!(offered("", 2), ["2", "5"]);
}

/// Thousands of rows stay quick: no step looks at every pair of rows.
#[test]
fn ten_thousand_rows_are_no_trouble() {
    let rows =
        |side: &str| (0..10_000).map(|n| row(&format!("{side}{n}"), &format!("Client {n} Ltd"))).collect();
    let directory = directory(rows("b"), rows("q"));
    assert_eq!(auto_map(&directory, &[]).exact.len(), 10_000);
    assert_eq!(search(mappings(&directory, &[]), "client 77", Status::All).len(), 111);
    assert_eq!(choices(&directory, &[], "client 9", 20).len(), 20);
}

//! Which members of an entity are ours, their digests, and updates that send only what changed.

use quickbooks_wire::{Customer, Entity, EntityKind, Invoice, Item, Line, Payment};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::ids::{BillingId, Books, EventId};
use crate::link::{Fingerprints, RequestId};
use crate::mapping::text;
use crate::model::Kind;

/// The kind of entity that stands for a kind of record.
pub fn entity_kind(kind: Kind) -> EntityKind {
    match kind {
        Kind::Client => EntityKind::Customer,
        Kind::Product => EntityKind::Item,
        Kind::Invoice => EntityKind::Invoice,
        Kind::Payment => EntityKind::Payment,
    }
}

/// The kind of record that a kind of entity stands for.
pub fn record_kind(kind: EntityKind) -> Kind {
    match kind {
        EntityKind::Customer => Kind::Client,
        EntityKind::Item => Kind::Product,
        EntityKind::Invoice => Kind::Invoice,
        EntityKind::Payment => Kind::Payment,
    }
}

/// The members that Counterpart writes after an entity exists. Everything else is the bookkeeper's and is never
/// sent, so that it survives. (A currency can be set only at creation; Intuit: Customer, CurrencyRef.)
fn ours(kind: EntityKind) -> &'static [&'static str] {
    match kind {
        EntityKind::Customer => &[
            "DisplayName",
            "CompanyName",
            "GivenName",
            "FamilyName",
            "PrimaryEmailAddr",
            "PrimaryPhone",
            "WebAddr",
            "BillAddr",
            "ShipAddr",
            "Notes",
            "Taxable",
            "SalesTermRef",
        ],
        EntityKind::Item => &["Name", "Description", "UnitPrice", "PurchaseCost", "Taxable"],
        EntityKind::Invoice => &[
            "DocNumber",
            "TxnDate",
            "DueDate",
            "CustomerRef",
            "Line",
            "TxnTaxDetail",
            "GlobalTaxCalculation",
            "ApplyTaxAfterDiscount",
            "ExchangeRate",
            "CustomerMemo",
            "PrivateNote",
        ],
        EntityKind::Payment => &[
            "CustomerRef",
            "TotalAmt",
            "TxnDate",
            "Line",
            "PaymentMethodRef",
            "PaymentRefNum",
            "ExchangeRate",
            "PrivateNote",
        ],
    }
}

/// Members that QuickBooks reads together: when one is sent, so are the others.
const TOGETHER: [&str; 4] = ["Line", "TxnTaxDetail", "GlobalTaxCalculation", "ApplyTaxAfterDiscount"];

/// Whether an update that sends these members sends an invoice's lines.
pub fn sends_lines(names: &[String]) -> bool {
    names.iter().any(|name| TOGETHER.contains(&name.as_str()))
}

/// The class of an invoice's line is the bookkeeper's: it is told with a new line only, and kept afterwards.
const CLASS_OF_LINE: &str = "ClassRef";

/// The name of a custom field among the members: each changes by itself, although QuickBooks replaces all of them together.
pub fn custom_field(definition_id: &str) -> String {
    format!("{CUSTOM_FIELD}.{definition_id}")
}

/// Whether it is the name of a custom field.
pub fn is_custom_field(name: &str) -> bool {
    definition_id(name).is_some()
}

const CUSTOM_FIELD: &str = "CustomField";

fn definition_id(name: &str) -> Option<&str> {
    name.strip_prefix(CUSTOM_FIELD)?.strip_prefix('.')
}

fn custom_fields(members: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    members.get(CUSTOM_FIELD).and_then(Value::as_array).into_iter().flatten()
}

/// The value of a member; of a custom field its text, if it is not blank.
fn member<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    match definition_id(name) {
        None => members.get(name),
        Some(id) => {
            let field = custom_fields(members).find(|field| field["DefinitionId"] == id)?;
            field.get("StringValue").filter(|text| *text != "")
        }
    }
}

/// The digest of each member that is ours and is set.
pub fn fingerprints(entity: &Entity) -> Fingerprints {
    let members = members(entity);
    let custom = custom_fields(&members).filter_map(|field| field["DefinitionId"].as_str()).map(custom_field);
    let names = ours(entity.kind()).iter().map(|name| (*name).to_owned()).chain(custom);
    names
        .filter_map(|name| {
            let value = without_labels(member(&members, &name)?).to_string();
            Some((name, digest(&value)))
        })
        .collect()
}

/// The members whose digests differ, those that are set on one side only included.
pub fn changed(before: &Fingerprints, after: &Fingerprints) -> Vec<String> {
    let mut names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names.retain(|name| before.get(name) != after.get(name));
    names
}

/// A sparse update of version `sync_token`: the named members as `entity` has them, blanked where it has none.
/// None if nothing can be said of any of them.
pub fn sparse(entity: &Entity, names: &[String], id: &str, sync_token: &str) -> Option<Entity> {
    let all = members(entity);
    let mut sent = Map::new();
    let companions = TOGETHER.iter().copied().filter(|_| sends_lines(names));
    for name in names.iter().map(String::as_str).chain(companions) {
        if let Some(id) = definition_id(name) {
            let fields = all.get(CUSTOM_FIELD);
            let fields = fields.filter(|_| custom_fields(&all).any(|field| field["DefinitionId"] == id));
            sent.extend(fields.map(|fields| (CUSTOM_FIELD.to_owned(), fields.clone())));
            continue;
        }
        match all.get(name) {
            Some(value) => sent.insert(name.to_owned(), value.clone()),
            None => blank(name).and_then(|value| sent.insert(name.to_owned(), value)),
        };
    }
    if sent.is_empty() {
        return None;
    }
    sent.insert("Id".into(), json!(id));
    sent.insert("SyncToken".into(), json!(sync_token));
    sent.insert("sparse".into(), json!(true));
    typed(entity.kind(), Value::Object(sent))
}

/// A sparse update that makes a Customer or an Item inactive; none for transactions.
pub fn inactive(kind: EntityKind, id: &str, sync_token: &str) -> Option<Entity> {
    let value = json!({"Id": id, "SyncToken": sync_token, "sparse": true, "Active": false});
    match kind {
        EntityKind::Customer | EntityKind::Item => typed(kind, value),
        EntityKind::Invoice | EntityKind::Payment => None,
    }
}

/// The entity with what brings it back after it was withdrawn, and the names of that: a Customer or an Item becomes
/// active; a transaction only needs its members.
pub fn brought_back(mut entity: Entity) -> (Entity, Option<String>) {
    match &mut entity {
        Entity::Customer(customer) => customer.active = Some(true),
        Entity::Item(item) => item.active = Some(true),
        Entity::Invoice(_) | Entity::Payment(_) => return (entity, None),
    }
    (entity, Some("Active".to_owned()))
}

/// What counts as pushed of a withdrawn entity: of each of these members something that no record says, so that
/// bringing it back sends or blanks all of them. A void has written into the note besides (Intuit: Invoice, void).
pub fn withdrawn(kind: EntityKind, members: impl Iterator<Item = String>) -> Fingerprints {
    let note = match kind {
        EntityKind::Customer | EntityKind::Item => None,
        EntityKind::Invoice | EntityKind::Payment => Some("PrivateNote".to_owned()),
    };
    members.chain(note).map(|name| (name, "withdrawn".to_owned())).collect()
}

/// The named members of an entity as JSON, without those it does not have.
pub fn only(entity: &Entity, names: &[String]) -> Value {
    let custom = names.iter().any(|name| is_custom_field(name));
    let is_named = |name: &String| names.contains(name) || (custom && name == CUSTOM_FIELD);
    members(entity).into_iter().filter(|(name, _)| is_named(name)).collect::<Map<_, _>>().into()
}

/// The members that may change when this one is sent, itself included.
pub fn read_with(name: &str) -> Vec<&str> {
    if TOGETHER.contains(&name) { TOGETHER.to_vec() } else { vec![name] }
}

/// Whether QuickBooks gives a new entity this member where none was sent.
pub fn is_filled_in(name: &str) -> bool {
    TOGETHER.contains(&name)
        || ["DocNumber", "DueDate", "ExchangeRate", "PurchaseCost", "Taxable", "UnitPrice"].contains(&name)
}

/// Reads an entity from its JSON; none if it is not one.
pub fn typed(kind: EntityKind, value: Value) -> Option<Entity> {
    match kind {
        EntityKind::Customer => serde_json::from_value::<Customer>(value).ok().map(Entity::from),
        EntityKind::Item => serde_json::from_value::<Item>(value).ok().map(Entity::from),
        EntityKind::Invoice => serde_json::from_value::<Invoice>(value).ok().map(Entity::from),
        EntityKind::Payment => serde_json::from_value::<Payment>(value).ok().map(Entity::from),
    }
}

/// Whether `theirs` has all that `ours` says in one member. QuickBooks adds to what it is sent (ids, names, a
/// subtotal line), so only what we say is compared, and numbers by their value.
pub fn holds(theirs: &Entity, ours: &Entity, name: &str) -> bool {
    match (member(&members(theirs), name), member(&members(ours), name)) {
        (Some(theirs), Some(ours)) => value_holds(theirs, ours),
        (None, ours) => ours.is_none(),
        (Some(_), None) => false,
    }
}

/// The same for two lines of an invoice.
pub(crate) fn line_holds(theirs: &Line, ours: &Line) -> bool {
    match (serde_json::to_value(theirs), serde_json::to_value(ours)) {
        (Ok(theirs), Ok(ours)) => value_holds(&theirs, &ours),
        _ => false,
    }
}

fn value_holds(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            let mut said = ours.iter().filter(|(name, _)| *name != CLASS_OF_LINE);
            said.all(|(name, ours)| theirs.get(name).is_some_and(|theirs| value_holds(theirs, ours)))
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            let own: Vec<&Value> =
                theirs.iter().filter(|line| line["DetailType"] != "SubTotalLineDetail").collect();
            own.len() == ours.len() && own.iter().zip(ours).all(|(theirs, ours)| value_holds(theirs, ours))
        }
        (Value::Number(theirs), Value::Number(ours)) => number_holds(theirs, ours),
        (theirs, ours) => theirs == ours,
    }
}

/// The value of one member in words, for a note about a conflict.
pub fn shown(entity: &Entity, name: &str) -> String {
    match member(&members(entity), name) {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => format!("\"{text}\""),
        Some(value) => without_labels(value).to_string(),
    }
}

/// The `requestid` of a create: the same for the same content of the same record's same generation, for the sake of
/// the same event in the same books, and for nothing else. (The event is in it because a generation is forgotten with
/// an intent that came to nothing: the first entity's id must never be sent again.)
pub fn create_request_id(
    books: &Books,
    (kind, id): (Kind, &BillingId),
    generation: u32,
    event: &EventId,
    body: &str,
) -> RequestId {
    let (company, realm, generation) = (books.company.as_str(), books.realm.as_str(), generation.to_string());
    request_id(&["create", company, realm, kind.name(), id.as_str(), &generation, event.as_str(), body])
}

/// The `requestid` of a change to an entity: the same for the same change to the same version.
pub fn change_request_id(
    books: &Books,
    entity: EntityKind,
    id: &str,
    sync_token: &str,
    change: &str,
) -> RequestId {
    request_id(&[
        "change",
        books.company.as_str(),
        books.realm.as_str(),
        entity.name(),
        id,
        sync_token,
        change,
    ])
}

/// The `requestid` of a batch: the same for the same writes in the same order.
pub fn batch_request_id<'a>(writes: impl IntoIterator<Item = &'a RequestId>) -> RequestId {
    let writes = writes.into_iter().map(RequestId::as_str);
    request_id(&["batch"].into_iter().chain(writes).collect::<Vec<_>>())
}

fn request_id(parts: &[&str]) -> RequestId {
    // Each part is preceded by its length, so that no two lists of parts read alike.
    let joined: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    RequestId(digest_bytes(&joined, 16))
}

/// The members of an entity; what is inactive has its own name, since what QuickBooks puts behind that is nobody's edit.
fn members(entity: &Entity) -> Map<String, Value> {
    let Ok(Value::Object(mut members)) = serde_json::to_value(entity) else { return Map::new() };
    if members.get("Active") == Some(&json!(false)) {
        for member in ["DisplayName", "Name"] {
            if let Some(Value::String(name)) = members.get_mut(member) {
                *name = text::of_inactive(name).to_owned();
            }
        }
    }
    members
}

/// A reference's name is only informational: a renamed Customer does not change its invoices. And 48.50 is 48.5. The class
/// of a line is not ours.
fn without_labels(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let is_reference = members.contains_key("value");
            let kept = members
                .iter()
                .filter(|(name, _)| *name != CLASS_OF_LINE && !(is_reference && *name == "name"));
            Value::Object(kept.map(|(name, value)| (name.clone(), without_labels(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_labels).collect()),
        Value::Number(number) => Value::Number(without_trailing_zeros(number)),
        other => other.clone(),
    }
}

/// A number's value; none if it does not fit.
fn decimal(number: &serde_json::Number) -> Option<Decimal> {
    number.as_str().parse().ok()
}

/// By their values, and by what they say where they are too long to have one here.
fn number_holds(theirs: &serde_json::Number, ours: &serde_json::Number) -> bool {
    match (decimal(theirs), decimal(ours)) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => theirs.as_str() == ours.as_str(),
    }
}

fn without_trailing_zeros(number: &serde_json::Number) -> serde_json::Number {
    let shorter = decimal(number).and_then(|decimal| decimal.normalize().to_string().parse().ok());
    shorter.unwrap_or_else(|| number.clone())
}

/// What clears a member (Intuit: Full and sparse update). Members that cannot be cleared have none.
fn blank(name: &str) -> Option<Value> {
    Some(match name {
        "CompanyName" | "GivenName" | "FamilyName" | "Notes" | "Description" | "PrivateNote"
        | "PaymentRefNum" => {
            json!("")
        }
        "PrimaryEmailAddr" => json!({"Address": ""}),
        "PrimaryPhone" => json!({"FreeFormNumber": ""}),
        "WebAddr" => json!({"URI": ""}),
        "CustomerMemo" => json!({"value": ""}),
        "BillAddr" | "ShipAddr" => json!({
            "Line1": "", "Line2": "", "City": "", "CountrySubDivisionCode": "", "PostalCode": "", "Country": "",
        }),
        _ => return None,
    })
}

pub(super) fn digest(text: &str) -> String {
    digest_bytes(text, 8)
}

fn digest_bytes(text: &str, bytes: usize) -> String {
    Sha256::digest(text.as_bytes()).iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use quickbooks_wire::Ref;

    use super::*;
    use crate::ids::{CompanyId, RealmId};
    use crate::mapping::fixtures::json;

    fn invoice(memo: Option<&str>, customer: &str) -> Entity {
        let value =
            json!({"TxnDate": "2026-03-01", "CustomerRef": {"value": "7", "name": customer}, "Line": []});
        let Some(Entity::Invoice(mut invoice)) = typed(EntityKind::Invoice, value) else {
            panic!("an invoice")
        };
        invoice.private_note = memo.map(str::to_owned);
        Entity::Invoice(invoice)
    }

    #[test]
    fn a_reference_is_compared_by_its_id_alone() {
        let renamed = invoice(None, "New name");
        assert!(changed(&fingerprints(&invoice(None, "Old name")), &fingerprints(&renamed)).is_empty());
    }

    #[test]
    fn what_quickbooks_puts_behind_the_name_of_what_is_inactive_is_no_edit() {
        let customer = |name: &str, active: bool| {
            let value = json!({"Id": "7", "DisplayName": name, "Active": active});
            fingerprints(&typed(EntityKind::Customer, value).unwrap())
        };
        let shown = customer("Reed & Rush", true);
        assert_eq!(customer("Reed & Rush (deleted)", false), shown);
        assert_eq!(customer("Reed & Rush (deleted 2)", false), shown);
        assert_ne!(customer("Reed & Rush (deleted)", true), shown, "somebody calls it so");
    }

    #[test]
    fn a_sparse_update_sends_what_changed_and_blanks_what_is_gone() {
        let (before, after) = (invoice(Some("ring first"), "A"), invoice(None, "A"));
        let names = changed(&fingerprints(&before), &fingerprints(&after));
        assert_eq!(names, ["PrivateNote"]);
        let update = sparse(&after, &names, "12", "3").unwrap();
        insta::assert_snapshot!(json(&update), @r#"
        {
          "Id": "12",
          "SyncToken": "3",
          "sparse": true,
          "PrivateNote": ""
        }
        "#);
    }

    #[test]
    fn lines_and_taxes_travel_together() {
        let Entity::Invoice(mut taxed) = invoice(None, "A") else { panic!("an invoice") };
        taxed.txn_tax_detail = Some(quickbooks_wire::TxnTaxDetail {
            txn_tax_code_ref: Some(Ref::to("3")),
            ..Default::default()
        });
        let update = sparse(&Entity::Invoice(taxed), &["Line".to_owned()], "12", "3").unwrap();
        let Entity::Invoice(update) = update else { panic!("an invoice") };
        assert!(update.txn_tax_detail.is_some() && update.line.is_some() && update.customer_ref.is_none());
    }

    #[test]
    fn what_quickbooks_adds_to_our_lines_is_no_difference() {
        let line = json!({"Amount": 100, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "5"}, "Qty": 2}});
        let mut stored = line.clone();
        stored["Id"] = json!("1");
        stored["Amount"] = serde_json::from_str("100.00").unwrap();
        stored["SalesItemLineDetail"]["ItemRef"]["name"] = json!("Pruning");
        let subtotal = json!({"Amount": 100, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}});
        let invoice = |lines: Value| typed(EntityKind::Invoice, json!({"Line": lines})).unwrap();
        let ours = invoice(json!([line]));
        assert!(holds(&invoice(json!([stored, subtotal])), &ours, "Line"));
        let mut other = stored.clone();
        other["SalesItemLineDetail"]["Qty"] = json!(3);
        assert!(!holds(&invoice(json!([other, subtotal])), &ours, "Line"));
        assert!(!holds(&invoice(json!([stored, stored, subtotal])), &ours, "Line"));
        assert!(!holds(&ours, &invoice(json!([])), "Line"));
    }

    #[test]
    fn custom_fields_change_one_by_one_and_are_sent_together() {
        let invoice = |fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(id, text)| json!({"DefinitionId": id, "StringValue": text}));
            typed(EntityKind::Invoice, json!({"CustomField": fields.collect::<Vec<_>>()})).unwrap()
        };
        let before = fingerprints(&invoice(&[("1", "North"), ("2", "Gate 4")]));
        assert_eq!(before.keys().collect::<Vec<_>>(), ["CustomField.1", "CustomField.2"]);
        let after = invoice(&[("1", ""), ("2", "Gate 4")]);
        let names = changed(&before, &fingerprints(&after));
        assert_eq!(names, ["CustomField.1"], "a blank one is none");
        let Some(Entity::Invoice(update)) = sparse(&after, &names, "12", "3") else { panic!("an invoice") };
        assert_eq!(update.custom_field.unwrap().len(), 2, "all or nothing");
        assert!(holds(&invoice(&[("2", "Gate 4")]), &after, "CustomField.1"));
        assert!(!holds(&invoice(&[("1", "South")]), &after, "CustomField.1"));
        let body = only(&after, &names);
        assert_eq!(body["CustomField"].as_array().unwrap().len(), 2);
        let unmapped = invoice(&[]);
        assert_eq!(sparse(&unmapped, &names, "12", "3"), None, "a field that stands for none is left alone");
    }

    #[test]
    fn the_class_of_a_line_is_no_difference() {
        let invoice = |class: Option<&str>| {
            let mut line = json!({"Amount": 100, "SalesItemLineDetail": {"ItemRef": {"value": "5"}}});
            if let Some(class) = class {
                line["SalesItemLineDetail"]["ClassRef"] = json!({"value": class});
            }
            typed(EntityKind::Invoice, json!({"Line": [line]})).unwrap()
        };
        assert_eq!(fingerprints(&invoice(None)), fingerprints(&invoice(Some("7"))));
        for (theirs, ours) in [(None, Some("7")), (Some("8"), Some("7")), (Some("8"), None)] {
            assert!(holds(&invoice(theirs), &invoice(ours), "Line"), "{theirs:?} {ours:?}");
        }
    }

    #[test]
    fn numbers_hold_by_their_values_and_long_ones_by_what_they_say() {
        let holds = |theirs: &str, ours: &str| {
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            value_holds(&value(theirs), &value(ours))
        };
        assert!(holds("48.50", "48.5") && !holds("48.51", "48.5"));
        let long = "1".repeat(40);
        assert!(holds(&long, &long));
        assert!(!holds(&long, &"2".repeat(40)) && !holds(&long, "1"), "neither fits, and they differ");
    }

    #[test]
    fn request_ids_differ_with_every_part_and_fit() {
        let books = |company: &str| Books {
            company: CompanyId::new(company).unwrap(),
            realm: RealmId::new("1").unwrap(),
        };
        let id = |text: &str| BillingId::new(text).unwrap();
        let event = |text: &str| EventId::new(text).unwrap();
        let one = create_request_id(&books("a"), (Kind::Client, &id("1")), 0, &event("e"), "{}");
        assert_eq!(one, create_request_id(&books("a"), (Kind::Client, &id("1")), 0, &event("e"), "{}"));
        for other in [
            create_request_id(&books("b"), (Kind::Client, &id("1")), 0, &event("e"), "{}"),
            create_request_id(&books("a"), (Kind::Product, &id("1")), 0, &event("e"), "{}"),
            create_request_id(&books("a"), (Kind::Client, &id("10")), 0, &event("e"), "{}"),
            create_request_id(&books("a"), (Kind::Client, &id("1")), 1, &event("e"), "{}"),
            create_request_id(&books("a"), (Kind::Client, &id("1")), 0, &event("e"), "{ }"),
            create_request_id(&books("a"), (Kind::Client, &id("1")), 0, &event("f"), "{}"),
        ] {
            assert_ne!(one, other);
        }
        assert!(one.as_str().len() <= 36, "Intuit: Batch, requestid");
    }
}

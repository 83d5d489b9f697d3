//! What an update leaves as it is in members that QuickBooks replaces whole: the class of each line, and custom fields.

use quickbooks_wire::{CustomField, Entity, Invoice, Line};

use crate::mapping::fields;
use crate::reference::Reference;

/// Whether an update that sends these members has to know what is there now.
pub fn is_needed(ours: &Entity, send: &[String], reference: &Reference) -> bool {
    let per_line = reference.classes.as_ref().is_some_and(|classes| classes.per_line);
    let sends_custom = send.iter().any(|name| fields::is_custom_field(name));
    matches!(ours, Entity::Invoice(_)) && (sends_custom || (per_line && fields::sends_lines(send)))
}

/// The record as it is to be sent, with what is there now and is not ours to change. A line that is not there yet keeps
/// the class that is chosen for new ones.
pub fn keeping(ours: Entity, theirs: &Entity, send: &[String]) -> Entity {
    match (ours, theirs) {
        (Entity::Invoice(mut ours), Entity::Invoice(theirs)) => {
            keep_classes(&mut ours, theirs);
            keep_custom_fields(&mut ours, theirs, send);
            Entity::Invoice(ours)
        }
        (ours, _) => ours,
    }
}

/// Which line is which: first those that say the same, then those that sell the same.
const ALIKE: [fn(&Line, &Line) -> bool; 3] = [
    |theirs, ours| fields::line_holds(theirs, ours),
    |theirs, ours| sells_same(theirs, ours) && theirs.description == ours.description,
    sells_same,
];

fn keep_classes(ours: &mut Invoice, theirs: &Invoice) {
    let mut there: Vec<&Line> =
        theirs.lines().iter().filter(|line| line.sales_item_line_detail.is_some()).collect();
    let mut open: Vec<&mut Line> = ours.line.iter_mut().flatten().collect();
    for alike in ALIKE {
        open.retain_mut(|line| {
            let Some(place) = there.iter().position(|theirs| alike(theirs, line)) else { return true };
            let class =
                there.remove(place).sales_item_line_detail.as_ref().and_then(|of| of.class_ref.clone());
            if let Some(detail) = &mut line.sales_item_line_detail {
                detail.class_ref = class;
            }
            false
        });
    }
}

/// Custom fields that are not to be sent say what they say.
fn keep_custom_fields(ours: &mut Invoice, theirs: &Invoice, send: &[String]) {
    let is_sent = |field: &CustomField| {
        let id = field.definition_id.as_deref().unwrap_or_default();
        send.contains(&fields::custom_field(id))
    };
    let sent = ours.custom_field.iter().flatten().filter(|field| is_sent(field));
    let kept = theirs.custom_field.iter().flatten().filter(|field| !is_sent(field));
    let all: Vec<CustomField> = sent.chain(kept).cloned().collect();
    ours.custom_field = (!all.is_empty()).then_some(all);
}

fn sells_same(theirs: &Line, ours: &Line) -> bool {
    let item = |line: &Line| Some(line.sales_item_line_detail.as_ref()?.item_ref.as_ref()?.id().to_owned());
    item(ours).is_some() && item(theirs) == item(ours)
}

#[cfg(test)]
mod tests {
    use quickbooks_wire::{DetailType, Ref, SalesItemLineDetail};
    use rust_decimal::Decimal;

    use super::*;

    fn line(item: &str, words: &str, amount: i64, class: Option<&str>) -> Line {
        Line {
            description: Some(words.into()),
            amount: Some(Decimal::from(amount)),
            detail_type: Some(DetailType::SalesItemLineDetail),
            sales_item_line_detail: Some(SalesItemLineDetail {
                item_ref: Some(Ref::to(item)),
                class_ref: class.map(Ref::to),
                ..SalesItemLineDetail::default()
            }),
            ..Line::default()
        }
    }

    fn classes(ours: Vec<Line>, theirs: Vec<Line>) -> Vec<Option<String>> {
        let invoice = |lines| Entity::from(Invoice { line: Some(lines), ..Invoice::default() });
        let Entity::Invoice(kept) = keeping(invoice(ours), &invoice(theirs), &[]) else {
            panic!("an invoice")
        };
        let class = |line: &Line| Some(line.sales_item_line_detail.clone()?.class_ref?.id().to_owned());
        kept.lines().iter().map(class).collect()
    }

    #[test]
    fn each_line_keeps_its_class_and_a_new_one_has_the_chosen_one() {
        let there = vec![
            line("1", "Hedges", 10, Some("8")),
            line("2", "Mulch", 5, None),
            line("1", "Lawn", 7, Some("9")),
        ];
        let chosen = Some("7");
        let ours = vec![
            line("3", "Seeds", 4, chosen),
            line("1", "Lawn", 70, chosen),
            line("1", "Hedges", 10, chosen),
            line("2", "Mulch, fine", 5, chosen),
        ];
        let expected = [Some("7"), Some("9"), Some("8"), None].map(|class| class.map(str::to_owned));
        assert_eq!(classes(ours, there), expected);
    }

    #[test]
    fn a_custom_field_is_changed_without_the_others() {
        let invoice = |fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(id, text)| CustomField::text(*id, *text)).collect();
            Entity::from(Invoice { custom_field: Some(fields), ..Invoice::default() })
        };
        let there = invoice(&[("1", "North"), ("2", "Gate 4"), ("3", "theirs alone")]);
        let ours = invoice(&[("1", "South"), ("2", "Gate 5")]);
        let send = ["CustomField.1".to_owned()];
        assert_eq!(
            keeping(ours.clone(), &there, &send),
            invoice(&[("1", "South"), ("2", "Gate 4"), ("3", "theirs alone")])
        );
        let reference = crate::mapping::fixtures::reference();
        let needs = |send: &str| is_needed(&ours, &[send.to_owned()], &reference);
        assert!(
            needs("CustomField.1") && !needs("PrivateNote") && !needs("Line"),
            "no read without a reason"
        );
    }

    #[test]
    fn lines_that_say_the_same_take_one_class_each() {
        let there = vec![line("1", "Hedges", 10, Some("8")), line("1", "Hedges", 10, Some("9"))];
        let ours = vec![line("1", "Hedges", 10, Some("7")); 3];
        let expected = [Some("8"), Some("9"), Some("7")].map(|class| class.map(str::to_owned));
        assert_eq!(classes(ours, there), expected);
    }
}

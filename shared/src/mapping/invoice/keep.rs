//! What an update leaves as it is in members that QuickBooks replaces whole: the class of each line.

use quickbooks_wire::{Entity, Invoice, Line};

use crate::mapping::fields;
use crate::reference::Reference;

/// Whether an update that sends these members has to know what is there now.
pub fn is_needed(ours: &Entity, send: &[String], reference: &Reference) -> bool {
    let per_line = reference.classes.as_ref().is_some_and(|classes| classes.per_line);
    matches!(ours, Entity::Invoice(_)) && per_line && fields::sends_lines(send)
}

/// The record as it is to be sent, with what is there now and is not ours to change. A line that is not there yet keeps
/// the class that is chosen for new ones.
pub fn keeping(ours: Entity, theirs: &Entity) -> Entity {
    match (ours, theirs) {
        (Entity::Invoice(mut ours), Entity::Invoice(theirs)) => {
            keep_classes(&mut ours, theirs);
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
        let Entity::Invoice(kept) = keeping(invoice(ours), &invoice(theirs)) else { panic!("an invoice") };
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
    fn lines_that_say_the_same_take_one_class_each() {
        let there = vec![line("1", "Hedges", 10, Some("8")), line("1", "Hedges", 10, Some("9"))];
        let ours = vec![line("1", "Hedges", 10, Some("7")); 3];
        let expected = [Some("8"), Some("9"), Some("7")].map(|class| class.map(str::to_owned));
        assert_eq!(classes(ours, there), expected);
    }
}

//! Whether what was pushed has what the company has chosen for it: a class, a location, an account for the money. It is
//! told once; later it is the bookkeeper's.

use serde_json::Value;
use sync::model::Record;

use super::case::Case;
use super::{Findings, Sort, entity_of};
use crate::billing::MADE;
use crate::bookkeeper::What;
use crate::view;

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let journal = case.evidence.journal;
    let pushed = case.evidence.app.records().filter(|(_, number, _)| *number < MADE);
    for (kind, number, held) in pushed {
        let entity = entity_of(kind);
        let all = case.entities.get(&(kind, number)).into_iter().flatten();
        for value in all.filter(|value| view::is_live(value)) {
            let id = view::text(value, "Id");
            let is_edited = |member: &str| {
                let mut deeds = journal.deeds.iter().filter(|deed| deed.entity == entity && deed.id == id);
                deeds.any(|deed| matches!(deed.what, What::Edited { member: edited, .. } if edited == member))
            };
            if journal.added.contains(&(entity, id.clone())) {
                continue;
            }
            for (member, chosen, found) in chosen_and_found(case, &held.record, value) {
                if chosen != found && !is_edited(member) {
                    let text =
                        format!("{member} of {entity} {id} is {found:?}, and {chosen:?} was chosen for it");
                    findings.add(Sort::SilentDifference, text);
                }
            }
        }
    }
}

/// What was chosen for a record's entity, and what it has.
fn chosen_and_found(case: &Case<'_>, record: &Record, value: &Value) -> Vec<(&'static str, String, String)> {
    let choices = case.evidence.choices;
    let one = |member: &'static str, chosen: Option<&String>| {
        chosen.map(|chosen| (member, chosen.clone(), view::text(&value[member], "value")))
    };
    match record {
        Record::Client(_) | Record::Product(_) => Vec::new(),
        Record::Invoice(_) => {
            let lines = value["Line"].as_array().into_iter().flatten();
            let sales = lines.filter(|line| line["DetailType"] == "SalesItemLineDetail");
            let class = |line: &Value| view::text(&line["SalesItemLineDetail"]["ClassRef"], "value");
            let of_lines = choices.class_of_lines.iter().flat_map(|chosen| {
                sales.clone().map(|line| ("ClassRef on a line", chosen.clone(), class(line)))
            });
            let of_form =
                [one("ClassRef", choices.class.as_ref()), one("DepartmentRef", choices.location.as_ref())];
            of_form.into_iter().flatten().chain(of_lines).collect()
        }
        Record::Payment(payment) => {
            one("DepositToAccountRef", choices.account_for(payment.method)).into_iter().collect()
        }
    }
}

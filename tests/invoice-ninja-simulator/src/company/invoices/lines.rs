//! Invoice lines as the app stores them: they have no ids, unknown members are dropped, and what cannot be read counts
//! as blank.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;

use crate::company::kinds;
use crate::company::record::{Members, Record, blank, fill_loosely};

/// The lines sent, made whole. On a new invoice, dated by `date`, placeholders in notes are replaced.
pub(super) fn normal(sent: Option<&Value>, date: Option<&str>) -> Value {
    let sent = sent.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    sent.map(|line| Value::Object(normal_line(line, date))).collect()
}

fn normal_line(sent: &Record, date: Option<&str>) -> Record {
    let mut line = blank(&kinds::line());
    line.put("type_id", "1");
    line.put("tax_id", "1");
    fill_loosely(&mut line, sent, &kinds::line());
    for name in ["type_id", "tax_id"] {
        if line.text(name).is_empty() {
            line.put(name, "1");
        }
    }
    let mut notes = line.text("notes").replace("<script", "<-");
    if let Some(date) = date.and_then(|date| date.parse().ok()) {
        notes = with_dates(&notes, date);
    }
    line.put("notes", notes);
    line
}

/// Replaces the app's reserved words. Sums such as `:MONTH+1` are not simulated.
fn with_dates(notes: &str, date: Date) -> String {
    if !notes.contains(':') {
        return notes.to_owned();
    }
    let week_begins = date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days());
    let week_ends = week_begins.saturating_add(6.days());
    notes
        .replace(":MONTH", &date.strftime("%B").to_string())
        .replace(":YEAR", &date.year().to_string())
        .replace(":QUARTER", &format!("Q{}", (date.month() - 1) / 3 + 1))
        .replace(":WEEK", &format!("{week_begins} to {week_ends}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(sent: &Value) -> Value {
        normal(Some(&json!([sent])), Some("2026-05-14"))[0].clone()
    }

    #[test]
    fn words_for_dates_are_replaced_in_the_notes_of_new_invoices() {
        let notes = line(&json!({"notes": "Care, :MONTH :YEAR (:QUARTER), :WEEK"}))["notes"].clone();
        assert_eq!(notes, "Care, May 2026 (Q2), 2026-05-11 to 2026-05-17");
        let later = normal(Some(&json!([{"notes": ":MONTH"}])), None);
        assert_eq!(later[0]["notes"], ":MONTH");
    }

    #[test]
    fn a_line_loses_its_id_and_what_is_not_known_and_gets_defaults() {
        let line = line(&json!({"id": "x", "colour": "red", "cost": "12.50", "quantity": "many"}));
        assert!(line.get("id").is_none() && line.get("colour").is_none());
        assert_eq!(
            (&line["cost"], &line["quantity"], &line["type_id"]),
            (&json!(12.5), &json!(0), &json!("1"))
        );
    }
}

//! What a failed call to QuickBooks means: the one place where status, fault type and code are looked at.
//!
//! Codes: Intuit, "Error codes" and "Handling common errors".

use std::time::Duration;

use quickbooks_wire::{Fault, FaultError};

use crate::outcome::{Park, ParkCause, Retry};
use crate::ports::CallError;
use crate::standing::EndReason;

/// How long a realm is left alone when QuickBooks does not say (Intuit: Limits and throttles, "wait 60 seconds").
pub const THROTTLE_PAUSE: Duration = Duration::from_secs(60);

/// What to do about a failed call.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// Try again later. `certain` says that nothing has happened in QuickBooks.
    Later {
        /// Why and when.
        retry: Retry,
        /// The call certainly had no effect.
        certain: bool,
    },
    /// The entity has changed since it was last seen (5010): read it and plan anew.
    Stale,
    /// The entity, or something it refers to, is not there or inactive (610).
    Gone(Park),
    /// The name is in use (6240).
    NameTaken(Park),
    /// The connection has ended: nothing can be pushed until a person acts.
    Disconnected(Park),
    /// Refused for good; nothing has happened.
    Refused(Park),
}

/// Classifies a failed call.
pub fn classify(error: &CallError) -> Failure {
    let later =
        |after, certain| Failure::Later { retry: Retry { reason: error.to_string(), after }, certain };
    match error {
        CallError::NotSent(_) => later(None, true),
        CallError::Unknown(_) => later(None, false),
        CallError::Throttled { retry_after } => later(Some(retry_after.unwrap_or(THROTTLE_PAUSE)), true),
        CallError::Unauthorized => {
            Failure::Disconnected(reconnect("QuickBooks no longer accepts the connection.".into()))
        }
        CallError::Forbidden(fault) if is_suspended(fault) => Failure::Disconnected(settle(fault)),
        CallError::Forbidden(fault) => Failure::Disconnected(reconnect(in_words(fault))),
        CallError::Refused(fault) => refused(fault),
    }
}

/// Why a connection has ended, if a refusal by QuickBooks says so: then nobody's calls succeed any more, with any new
/// token, until a person acts.
pub fn end_of_connection(error: &CallError) -> Option<EndReason> {
    let Failure::Disconnected(park) = classify(error) else { return None };
    Some(match error {
        CallError::Forbidden(fault) | CallError::Refused(fault) if is_suspended(fault) => {
            EndReason::Subscription(park.reason)
        }
        CallError::Unauthorized => EndReason::Revoked,
        _ => EndReason::Refused(park.reason),
    })
}

fn refused(fault: &Fault) -> Failure {
    let park = |cause, way_on: &str| Park::new(cause, in_words(fault), way_on);
    let code = |wanted: &[&str]| wanted.iter().any(|code| fault.has_code(code));
    if code(&["5010"]) {
        Failure::Stale
    } else if code(&["6240"]) {
        Failure::NameTaken(park(
            ParkCause::NameTaken,
            "Rename one of the two, or map them by hand; then retry.",
        ))
    } else if code(&["610"]) {
        Failure::Gone(park(
            ParkCause::Refused,
            "Make the record active in QuickBooks, or map another one; then retry.",
        ))
    } else if code(&["6200", "6210"]) {
        Failure::Refused(park(
            ParkCause::ClosedPeriod,
            "Move the closing date in QuickBooks, or date the record in an open period; then retry.",
        ))
    } else if code(&["2500"]) {
        Failure::Refused(park(
            ParkCause::Refused,
            "Make the record that it refers to active in QuickBooks, or map another one; then retry.",
        ))
    } else if code(&["6540"]) {
        Failure::Refused(park(
            ParkCause::Refused,
            "Take the payment off its bank deposit in QuickBooks, then retry.",
        ))
    } else if code(&["6480"]) {
        Failure::Refused(park(
            ParkCause::Refused,
            "Undo its match with the bank feed in QuickBooks, then retry.",
        ))
    } else if code(&["6190", "120", "3100", "100", "110", "140"]) {
        Failure::Disconnected(settle(fault))
    } else if code(&["6140"]) {
        Failure::Refused(park(
            ParkCause::LikelyTwin,
            "Link the two by hand, or change one of the numbers; then retry.",
        ))
    } else if code(&["130", "150", "1000", "1010", "1020", "4002", "10000"]) {
        let retry = Retry { reason: in_words(fault), after: None };
        Failure::Later { retry, certain: false }
    } else {
        Failure::Refused(park(ParkCause::Refused, "Correct what QuickBooks names, then retry."))
    }
}

/// The company's QuickBooks subscription has ended, with its code or in words.
fn is_suspended(fault: &Fault) -> bool {
    fault.has_code("6190") || fault.mentions("subscription")
}

fn settle(fault: &Fault) -> Park {
    Park::new(
        ParkCause::NotConnected,
        in_words(fault),
        "Settle the QuickBooks subscription or the user's rights, reconnect, then retry.",
    )
}

fn reconnect(reason: String) -> Park {
    Park::new(
        ParkCause::NotConnected,
        reason,
        "Reconnect QuickBooks on the settings page; what waits is then pushed in order.",
    )
}

/// The fault as a sentence that names the code and the field, if QuickBooks told them.
pub fn in_words(fault: &Fault) -> String {
    let sentences: Vec<String> = fault.errors.iter().take(5).map(error_in_words).collect();
    if sentences.is_empty() {
        "QuickBooks refuses it without saying why.".into()
    } else {
        sentences.join(" ")
    }
}

fn error_in_words(error: &FaultError) -> String {
    let text = if error.detail.trim().is_empty() { &error.message } else { &error.detail };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = if text.is_empty() { "it is refused".to_owned() } else { text };
    let mut facts = Vec::new();
    if !error.code.is_empty() {
        facts.push(format!("code {}", error.code));
    }
    if !error.element.is_empty() {
        facts.push(format!("field {}", error.element));
    }
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    format!("QuickBooks says: {}{facts}.", text.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: &str) -> CallError {
        let error = FaultError {
            message: "Something is wrong".into(),
            detail: "Something is wrong : with\nthe line.".into(),
            code: code.into(),
            element: "Line".into(),
        };
        CallError::Refused(Fault { errors: vec![error], fault_type: "ValidationFault".into() })
    }

    #[test]
    fn a_refusal_reads_as_a_sentence_with_code_and_field() {
        let Failure::Refused(park) = classify(&fault("2050")) else { panic!("refused") };
        assert_eq!(
            park.reason,
            "QuickBooks says: Something is wrong : with the line (code 2050, field Line)."
        );
    }

    #[test]
    fn what_may_have_happened_is_told_from_what_has_not() {
        let certain = |error| match classify(&error) {
            Failure::Later { certain, .. } => certain,
            other => panic!("{other:?}"),
        };
        assert!(certain(CallError::NotSent("no route".into())));
        assert!(certain(CallError::Throttled { retry_after: None }));
        assert!(!certain(CallError::Unknown("timed out".into())));
        assert!(!certain(fault("10000")), "Intuit: System Failure Error");
    }

    #[test]
    fn codes_decide() {
        assert_eq!(classify(&fault("5010")), Failure::Stale);
        assert!(matches!(classify(&fault("610")), Failure::Gone(_)));
        assert!(matches!(classify(&fault("6240")), Failure::NameTaken(_)));
        for (code, cause) in
            [("6210", ParkCause::ClosedPeriod), ("6140", ParkCause::LikelyTwin), ("6000", ParkCause::Refused)]
        {
            let Failure::Refused(park) = classify(&fault(code)) else { panic!("{code}") };
            assert_eq!(park.cause, cause);
        }
        let way_on = |code| match classify(&fault(code)) {
            Failure::Refused(park) => park.way_on,
            other => panic!("{other:?}"),
        };
        assert!(way_on("6540").contains("bank deposit") && way_on("6480").contains("bank feed"));
        for error in [CallError::Unauthorized, fault("6190")] {
            let Failure::Disconnected(park) = classify(&error) else { panic!("{error}") };
            assert_eq!(park.cause, ParkCause::NotConnected);
        }
    }

    #[test]
    fn a_suspended_company_is_told_to_settle_its_subscription() {
        let CallError::Refused(mut fault) = fault("6190") else { panic!("refused") };
        let way_on = |fault: &Fault| match classify(&CallError::Forbidden(fault.clone())) {
            Failure::Disconnected(park) => park.way_on,
            other => panic!("{other:?}"),
        };
        assert!(way_on(&fault).contains("subscription"));
        fault.errors[0].code = "3100".into();
        assert!(way_on(&fault).starts_with("Reconnect"));
        fault.errors[0].detail = "The Subscription has ended".into();
        assert!(way_on(&fault).contains("subscription"), "a gateway that tells no code of it");
    }

    #[test]
    fn a_throttle_waits_as_long_as_it_is_told() {
        let after = |retry_after| match classify(&CallError::Throttled { retry_after }) {
            Failure::Later { retry, .. } => retry.after,
            other => panic!("{other:?}"),
        };
        assert_eq!(after(None), Some(Duration::from_secs(60)));
        assert_eq!(after(Some(Duration::from_secs(5))), Some(Duration::from_secs(5)));
    }
}

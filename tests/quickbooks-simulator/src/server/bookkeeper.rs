//! What a person does in QuickBooks itself, on request.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::control::no_such_company;
use super::state::{Shared, lock};
use crate::company::{Company, Refused};

/// One thing that a bookkeeper does.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    MergeCustomers {
        winner: String,
        loser: String,
    },
    DepositPayment {
        payment: String,
    },
    RemoveFromDeposit {
        payment: String,
    },
    MatchToBankFeed {
        transaction: String,
    },
    CloseBooks {
        date: Option<Date>,
        with_password: bool,
    },
    AutoApplyCredit {
        on: bool,
    },
    EnableMulticurrency,
    AddTaxArea {
        state: String,
        zip_prefix: String,
        rates: Vec<(String, Decimal)>,
    },
    /// "My apps", "Disconnect".
    Disconnect,
}

/// `POST /simulator/bookkeeper/{realm}`: 204, or 409 with the reason why QuickBooks would not.
pub(super) async fn act(
    State(server): State<Shared>,
    Path(realm): Path<String>,
    Json(action): Json<Action>,
) -> Response {
    if let Action::Disconnect = action {
        lock(&server.connections).disconnect(&realm);
    }
    match server.with_company(&realm, |company, now| perform(company, action, now)) {
        None => no_such_company(),
        Some(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Some(Err(refused)) => (StatusCode::CONFLICT, refused.to_string()).into_response(),
    }
}

fn perform(company: &mut Company, action: Action, now: Timestamp) -> Result<(), Refused> {
    match action {
        Action::MergeCustomers { winner, loser } => return company.merge_customers(&winner, &loser, now),
        Action::DepositPayment { payment } => return company.deposit_payment(&payment),
        Action::RemoveFromDeposit { payment } => company.remove_from_deposit(&payment),
        Action::MatchToBankFeed { transaction } => company.match_to_bank_feed(&transaction),
        Action::CloseBooks { date, with_password } => company.close_books(date, with_password, now),
        Action::AutoApplyCredit { on } => company.auto_apply_credit(on, now),
        Action::EnableMulticurrency => company.enable_multicurrency(now),
        Action::AddTaxArea { state, zip_prefix, rates } => {
            let rates: Vec<(&str, Decimal)> =
                rates.iter().map(|(name, rate)| (name.as_str(), *rate)).collect();
            company.add_tax_area(&state, &zip_prefix, &rates, now);
        }
        Action::Disconnect => {}
    }
    Ok(())
}

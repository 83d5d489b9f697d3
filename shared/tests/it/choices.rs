//! What a company chooses for its books: where the money of payments goes.

use jiff::SignedDuration;
use quickbooks_simulator::company::Seed;
use serde_json::{Value, json};
use sync::ids::QuickBooksId;
use sync::model::PaymentMethod;
use sync::outcome::ParkCause;
use sync::ports::{Clock, Companies};
use sync::reference::Reference;
use sync::settings::Settings;

use crate::desk::{Desk, Now, client, done, invoice, parked, payment};

/// A company with a bank account, which is known.
async fn with_a_bank() -> (Desk, QuickBooksId) {
    let desk = Desk::open(Seed::Landscaping).await;
    let answer = desk.bookkeeper("account", &[], &json!({"Name": "Clearing", "AccountType": "Bank"}));
    let id = QuickBooksId::new(answer["Account"]["Id"].as_str().unwrap()).unwrap();
    desk.read_reference_anew().await;
    (desk, id)
}

/// Makes the lists look as if they had been read a while ago.
async fn let_lists_age(desk: &Desk) {
    let reference = desk.companies.reference(&desk.books).await.unwrap().unwrap();
    let read_at = Now.now().saturating_sub(SignedDuration::from_mins(10)).unwrap();
    desk.companies.save_reference(&desk.books, &Reference { read_at, ..reference }).await.unwrap();
}

fn account_of(desk: &Desk, payment: &QuickBooksId) -> Value {
    desk.entity("Payment", payment)["DepositToAccountRef"].clone()
}

#[tokio::test]
async fn point_49_a_payment_goes_to_the_account_that_is_chosen_and_stays_where_the_bookkeeper_puts_it() {
    let (desk, checking) = with_a_bank().await;
    let ames = client("c-1", "Ames & Daughters");
    done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    let (_, plain) = done(&desk.push("payment.created", &payment("y-1", &ames, 10, &[("i-1", 10)])).await);
    assert_eq!(account_of(&desk, &plain)["name"], "Undeposited Funds", "QuickBooks' own default");

    desk.save(Settings {
        deposit_accounts: [(PaymentMethod::Card, checking.clone())].into(),
        ..desk.settings().await
    })
    .await;
    let mut by_card = payment("y-2", &ames, 20, &[("i-1", 20)]);
    by_card["method"] = json!("card");
    let (_, id) = done(&desk.push("payment.created", &by_card).await);
    assert_eq!(account_of(&desk, &id)["value"], checking.as_str());
    let (_, other) = done(&desk.push("payment.created", &payment("y-3", &ames, 30, &[("i-1", 30)])).await);
    assert_eq!(account_of(&desk, &other)["name"], "Undeposited Funds");

    desk.edit("Payment", &id, &json!({"DepositToAccountRef": {"value": account_of(&desk, &plain)["value"]}}));
    by_card["reference"] = json!("ref 77");
    done(&desk.push("payment.updated", &by_card).await);
    assert_eq!(desk.entity("Payment", &id)["PaymentRefNum"], "ref 77");
    assert_eq!(account_of(&desk, &id)["name"], "Undeposited Funds", "later it is the bookkeeper's");
}

#[tokio::test]
async fn point_49_an_account_that_was_made_inactive_is_named_and_nothing_is_booked_elsewhere() {
    let (desk, checking) = with_a_bank().await;
    desk.save(Settings { deposit_account: Some(checking.clone()), ..desk.settings().await }).await;
    desk.edit("Account", &checking, &json!({"Active": false, "Name": "Clearing", "AccountType": "Bank"}));
    let_lists_age(&desk).await;
    let payments = desk.count("Payment");
    let ames = client("c-1", "Ames & Daughters");
    let paid = desk.event("payment.created", &payment("y-1", &ames, 10, &[]));
    desk.deliver(std::slice::from_ref(&paid)).await;
    let park = parked(&desk.result(&paid).await).clone();
    assert_eq!(park.cause, ParkCause::Settings);
    assert!(park.reason.contains(checking.as_str()) && park.reason.contains("deposited"), "{}", park.reason);
    assert!(park.way_on.contains("deposit account") && park.way_on.contains("retry"), "{}", park.way_on);
    assert_eq!(desk.count("Payment"), payments);

    desk.edit("Account", &checking, &json!({"Active": true, "Name": "Clearing", "AccountType": "Bank"}));
    let_lists_age(&desk).await;
    desk.deliver(std::slice::from_ref(&paid)).await;
    let (_, id) = done(&desk.result(&paid).await);
    assert_eq!(account_of(&desk, &id)["value"], checking.as_str());
}

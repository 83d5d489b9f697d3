//! What happens in a run: a list of operations, each of which stands on its own. An operation names what is done; what
//! exactly, and which faults go with it, its seed decides. So any part of a list is a list.

use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// One thing that somebody does, and the work that goes on meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its number in the first run. What it makes carries this number.
    pub number: u32,
    /// In which company it happens, by its place.
    pub company: usize,
    /// What is done.
    pub act: Act,
    /// Decides the details.
    pub seed: u64,
    /// Whether stores, calls and workers fail meanwhile.
    pub faults: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// The billing app: a new client.
    CreateClient,
    /// Some of a client's data change.
    EditClient,
    /// An event without a change, as a new balance causes it.
    TouchClient,
    /// A client is deleted.
    DeleteClient,
    /// A deleted client comes back.
    RestoreClient,
    /// A new product.
    CreateProduct,
    /// A product's text or price change.
    EditProduct,
    /// A new invoice, perhaps a draft.
    CreateInvoice,
    /// An invoice changes.
    EditInvoice,
    /// A draft is sent.
    SendDraft,
    /// An invoice is cancelled or deleted.
    CancelInvoice,
    /// A cancelled or deleted invoice comes back.
    RestoreInvoice,
    /// A client pays one or more invoices.
    CreatePayment,
    /// A payment's reference, date or note change.
    EditPayment,
    /// A payment is cancelled or deleted.
    CancelPayment,
    /// An old message is sent once more.
    SendAgain,
    /// Nobody does anything for a while.
    Wait,
    /// The bookkeeper changes a member, one of ours or another.
    BookkeeperEdits,
    /// The bookkeeper books a payment of an invoice.
    BookkeeperPays,
    /// The bookkeeper voids an invoice or a payment.
    BookkeeperVoids,
    /// The bookkeeper deletes an invoice or a payment.
    BookkeeperDeletes,
    /// The bookkeeper makes a customer or an item inactive.
    BookkeeperHides,
    /// The bookkeeper makes one active again.
    BookkeeperShows,
    /// The bookkeeper merges two customers.
    BookkeeperMerges,
    /// The bookkeeper adds a customer, an item or a vendor whose name a billing record may come to have.
    BookkeeperAdds,
    /// The bookkeeper closes the books.
    BookkeeperCloses,
    /// The bookkeeper opens the books.
    BookkeeperOpens,
    /// The bookkeeper puts a payment on a deposit.
    BookkeeperDeposits,
    /// The bookkeeper gives an invoice another class or location, or a payment another account.
    BookkeeperRelabels,
    /// The connection ends: the tokens are refused, or the access is.
    Disconnect,
    /// The connection works again, and what waited for it is tried again.
    Reconnect,
    /// The bookkeeper bills a customer.
    BookkeeperBills,
    /// The bookkeeper changes what stands on an invoice.
    BookkeeperChangesLines,
    /// The bookkeeper applies a payment otherwise.
    BookkeeperMovesPayments,
    /// QuickBooks is asked what has changed.
    Sweep,
    /// The billing app is asked what has changed.
    Poll,
    /// The billing app cannot be reached.
    AppGoesAway,
    /// The billing app is there again.
    AppComesBack,
}

/// Which ways changes travel in a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ways {
    /// From the billing apps to QuickBooks only.
    #[default]
    Push,
    /// As each company has it: both, one, or none.
    Both,
    /// As each company has it for each kind.
    Mixed,
}

/// Acts and how often they happen, relative to each other.
const PUSH: [(Act, u32); 31] = [
    (Act::CreateClient, 60),
    (Act::EditClient, 70),
    (Act::TouchClient, 25),
    (Act::DeleteClient, 8),
    (Act::RestoreClient, 8),
    (Act::CreateProduct, 40),
    (Act::EditProduct, 35),
    (Act::CreateInvoice, 150),
    (Act::EditInvoice, 110),
    (Act::SendDraft, 25),
    (Act::CancelInvoice, 30),
    (Act::RestoreInvoice, 15),
    (Act::CreatePayment, 90),
    (Act::EditPayment, 25),
    (Act::CancelPayment, 25),
    (Act::SendAgain, 30),
    (Act::Wait, 15),
    (Act::BookkeeperEdits, 90),
    (Act::BookkeeperPays, 20),
    (Act::BookkeeperVoids, 10),
    (Act::BookkeeperDeletes, 10),
    (Act::BookkeeperHides, 8),
    (Act::BookkeeperShows, 8),
    (Act::BookkeeperMerges, 4),
    (Act::BookkeeperAdds, 20),
    (Act::BookkeeperCloses, 4),
    (Act::BookkeeperOpens, 12),
    (Act::BookkeeperDeposits, 8),
    (Act::BookkeeperRelabels, 20),
    (Act::Disconnect, 5),
    (Act::Reconnect, 15),
];

/// What happens besides where changes travel both ways.
const BOTH: [(Act, u32); 13] = [
    (Act::BookkeeperEdits, 60),
    (Act::BookkeeperAdds, 50),
    (Act::BookkeeperBills, 60),
    (Act::BookkeeperPays, 40),
    (Act::BookkeeperChangesLines, 30),
    (Act::BookkeeperMovesPayments, 15),
    (Act::BookkeeperVoids, 10),
    (Act::BookkeeperDeletes, 10),
    (Act::Sweep, 30),
    (Act::Poll, 60),
    (Act::AppGoesAway, 6),
    (Act::AppComesBack, 18),
    (Act::Wait, 10),
];

/// The operations of a run over `companies` companies.
pub(crate) fn draw(dice: Dice, ways: Ways, count: u32, companies: usize) -> Vec<Operation> {
    let mut stream = dice.part("operations").stream();
    let besides: &[(Act, u32)] = if ways == Ways::Push { &[] } else { &BOTH };
    let weights = || PUSH.into_iter().chain(besides.iter().copied());
    let all: u32 = weights().map(|(_, weight)| weight).sum();
    let act = |stream: &mut fastrand::Rng| {
        let mut left = stream.u32(..all);
        for (act, weight) in weights() {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return act,
            }
        }
        Act::Wait
    };
    let one = |number| Operation {
        number,
        company: stream.usize(..companies),
        act: act(&mut stream),
        seed: stream.u64(..),
        faults: true,
    };
    (1..=count).map(one).collect()
}

//! Every direction tried: changes on either side's page, what arrives on the other, and what does not.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures::future::try_join_all;
use invoice_ninja_simulator::company::Kind as NinjaKind;
use invoice_ninja_simulator::server::CallKind as NinjaCall;
use quickbooks_simulator::server::CallKind;
use serde::Serialize;
use serde_json::Value;
use sync::ids::CompanyId;
use sync::settings::Direction;
use tokio::time::sleep;

use crate::bundle::Bundle;
use crate::pairs::Pair;
use crate::person::Person;

/// How long a change may take. Four companies share one local AWS, which carries out one message at a time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Invoice Ninja's status of a paid invoice.
const PAID: &str = "4";
const GLANCE: Duration = Duration::from_millis(50);

/// What the changes on the pages of one company have come to.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// The company.
    pub company: CompanyId,
    /// Its direction.
    pub direction: Direction,
    /// Milliseconds from a change on Invoice Ninja's page to QuickBooks; none if it does not arrive.
    pub to_quickbooks: Option<u128>,
    /// The same from QuickBooks' page to Invoice Ninja.
    pub to_invoice_ninja: Option<u128>,
    /// Writes of Counterpart's to QuickBooks, and to Invoice Ninja.
    pub writes: (usize, usize),
    /// What is not as it should be.
    pub problems: Vec<String>,
}

/// Tries all companies at once: on both pages a client, an invoice and a payment are made, then edited, and edited once
/// more where they have arrived. Whatever should arrive is waited for; when nothing is on its way any more, nothing may
/// have arrived that should not, and nothing may have been written twice or come back.
pub async fn both_ways(bundle: &Bundle, pairs: &[Pair]) -> anyhow::Result<Vec<Trial>> {
    let started = pairs.iter().map(|pair| async move {
        let tried = Tried::begin(bundle, pair)?;
        let times = tried.change_everything().await;
        let times = times.with_context(|| format!("the direction {} does not work", pair.direction))?;
        anyhow::Ok((tried, times))
    });
    let done = try_join_all(started).await?;
    bundle.is_quiet().await?;
    done.into_iter().map(|(tried, times)| tried.judged(times)).collect()
}

/// What is made on one of the pages.
struct Deal {
    /// The client.
    name: String,
    /// The invoice's number.
    number: String,
}

impl Deal {
    fn new(name: &str, number: &str) -> Deal {
        Deal { name: name.to_owned(), number: number.to_owned() }
    }
}

/// One company while it is tried.
struct Tried<'a> {
    bundle: &'a Bundle,
    pair: &'a Pair,
    person: Person,
    /// Tried in an earlier run: its products are there.
    again: bool,
    /// What is made on Invoice Ninja's page.
    billed: Deal,
    /// What is made on QuickBooks' page.
    booked: Deal,
    /// Writes so far.
    writes: (usize, usize),
}

/// How long the last change took to each side.
type Times = (Option<Duration>, Option<Duration>);

impl<'a> Tried<'a> {
    fn begin(bundle: &'a Bundle, pair: &'a Pair) -> anyhow::Result<Tried<'a>> {
        let person = Person::new()?;
        let (billed, booked) = (Deal::new("Heron Ferry", "HERON"), Deal::new("Willow Mill", "WILLOW"));
        let mut tried = Tried { bundle, pair, person, again: false, billed, booked, writes: (0, 0) };
        let before = tried.records(NinjaKind::Invoice).len() + tried.entities("Invoice").len();
        if before > 0 {
            tried.again = true;
            for deal in [&mut tried.billed, &mut tried.booked] {
                deal.name.push_str(&format!(" {before}"));
                deal.number.push_str(&format!("-{before}"));
            }
        }
        tried.writes = tried.writes_so_far();
        Ok(tried)
    }

    async fn change_everything(&self) -> anyhow::Result<Times> {
        let (pushes, pulls) = (self.pair.direction.pushes(), self.pair.direction.pulls());
        let bill = self.bill().await?;
        let book = self.book().await?;
        if pushes {
            self.entity("the paid invoice", "Invoice", |row| {
                row["DocNumber"] == *self.billed.number && is_zero(&row["Balance"])
            })
            .await?;
        }
        if pulls {
            self.record("the paid invoice", NinjaKind::Invoice, |row| {
                row["number"] == *self.booked.number && row["status_id"] == PAID
            })
            .await?;
        }
        // Each side edits its own, and what came from the other.
        self.ninja_saves(&format!("invoices/{bill}"), &[("due_date", "2030-01-31")]).await?;
        let edited = Instant::now();
        let to_quickbooks = match pushes {
            true => {
                let is_due =
                    |row: &Value| row["DocNumber"] == *self.billed.number && row["DueDate"] == "2030-01-31";
                self.entity("the due date", "Invoice", is_due).await?;
                Some(edited.elapsed())
            }
            false => None,
        };
        self.quickbooks_saves(&format!("invoices/{book}"), &[("DueDate", "2030-02-28")]).await?;
        let edited = Instant::now();
        let to_invoice_ninja = match pulls {
            true => {
                let is_due =
                    |row: &Value| row["number"] == *self.booked.number && row["due_date"] == "2030-02-28";
                self.record("the due date", NinjaKind::Invoice, is_due).await?;
                Some(edited.elapsed())
            }
            false => None,
        };
        if pushes {
            let customer =
                self.entity("the client", "Customer", |row| row["DisplayName"] == *self.billed.name).await?;
            self.quickbooks_saves(&format!("customers/{}", id(&customer, "Id")?), &[("Notes", "Ring twice")])
                .await?;
        }
        if pulls {
            let client =
                self.record("the client", NinjaKind::Client, |row| row["name"] == *self.booked.name).await?;
            self.ninja_saves(&format!("clients/{}", id(&client, "id")?), &[("public_notes", "Mind the dog")])
                .await?;
        }
        if pushes && pulls {
            self.record("the notes", NinjaKind::Client, |row| row["public_notes"] == "Ring twice").await?;
            self.entity("the notes", "Customer", |row| row["Notes"] == "Mind the dog").await?;
        }
        Ok((to_quickbooks, to_invoice_ninja))
    }

    /// On Invoice Ninja's page: a client, an invoice, its payment. Returns the invoice's id.
    async fn bill(&self) -> anyhow::Result<String> {
        let client =
            self.ninja_saves("clients/new", &[("name", &self.billed.name), ("city", "Bayview")]).await?;
        let lines = [
            ("product_key.0", "Ferrying"),
            ("notes.0", "There and back"),
            ("quantity.0", "2"),
            ("cost.0", "35"),
        ];
        let invoice = [("client_id", client.as_str()), ("number", &self.billed.number)];
        let invoice = self.ninja_saves("invoices/new", &[&invoice[..], &lines].concat()).await?;
        self.ninja_saves(&format!("invoices/{invoice}/mark_sent"), &[]).await?;
        let paid = [("client_id", client.as_str()), ("amount", "70"), ("invoice_id", &invoice)];
        self.ninja_saves("payments/new", &paid).await?;
        Ok(invoice)
    }

    /// On QuickBooks' page: a customer, an item, an invoice, its payment. Returns the invoice's id.
    async fn book(&self) -> anyhow::Result<String> {
        let customer = self.quickbooks_saves("customers/new", &[("DisplayName", &self.booked.name)]).await?;
        let there = self.entities("Item").into_iter().find(|item| item["Name"] == "Milling");
        let item = match there {
            Some(item) => id(&item, "Id")?,
            None => self.quickbooks_saves("items/new", &[("Name", "Milling"), ("UnitPrice", "12")]).await?,
        };
        let invoice = [
            ("CustomerRef/value", customer.as_str()),
            ("DocNumber", &self.booked.number),
            ("SalesItemLineDetail/ItemRef/value.0", &item),
            ("Description.0", "By the sack"),
            ("SalesItemLineDetail/Qty.0", "4"),
            ("SalesItemLineDetail/UnitPrice.0", "12"),
        ];
        let invoice = self.quickbooks_saves("invoices/new", &invoice).await?;
        let paid = format!("paid.{invoice}");
        let payment = [("CustomerRef/value", customer.as_str()), ("TotalAmt", "48"), (&paid, "48")];
        self.quickbooks_saves("payments/new", &payment).await?;
        Ok(invoice)
    }

    async fn ninja_saves(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<String> {
        self.saves(&self.pair.invoice_ninja_page, path, fields).await
    }

    async fn quickbooks_saves(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<String> {
        self.saves(&self.pair.quickbooks_page, path, fields).await
    }

    /// Sends a form of a page and returns the id of the record that it leads to.
    async fn saves(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<String> {
        let shown = self.person.fill_in(&format!("{page}/{path}"), fields).await?;
        ensure!(
            shown.status == 200 && !shown.html.contains("role=\"alert\""),
            "{path} is refused:\n{}",
            shown.html
        );
        let id = shown.address.path_segments().and_then(|mut parts| parts.next_back());
        id.map(str::to_owned).context("the page leads nowhere")
    }

    /// The first entity of the QuickBooks company that is so, as soon as there is one.
    async fn entity(
        &self,
        what: &str,
        entity: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        self.arrives(what, || self.entities(entity).into_iter().find(&is_it)).await
    }

    /// The first record of the Invoice Ninja company that is so, as soon as there is one.
    async fn record(
        &self,
        what: &str,
        kind: NinjaKind,
        is_it: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        self.arrives(what, || self.records(kind).into_iter().find(&is_it)).await
    }

    async fn arrives(&self, what: &str, mut look: impl FnMut() -> Option<Value>) -> anyhow::Result<Value> {
        let begun = Instant::now();
        loop {
            if let Some(found) = look() {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                let log = self.bundle.operator.activity(&self.pair.company, 20).await?;
                bail!("{what} has not arrived after {PATIENCE:?}; the activity log says: {log:#?}");
            }
            sleep(GLANCE).await;
        }
    }

    fn entities(&self, entity: &str) -> Vec<Value> {
        let read = |company: &mut quickbooks_simulator::company::Company| {
            company.entities(entity).into_iter().cloned().collect()
        };
        self.bundle.simulator.with_company(&self.pair.realm, read).unwrap_or_default()
    }

    fn records(&self, kind: NinjaKind) -> Vec<Value> {
        self.bundle
            .invoice_ninja
            .with_company(self.pair.place, |company, _| company.records(kind))
            .unwrap_or_default()
    }

    /// Calls of Counterpart's that have written something to QuickBooks and to Invoice Ninja; what is done on the pages
    /// is none of them.
    fn writes_so_far(&self) -> (usize, usize) {
        let calls = self.bundle.simulator.call_list(Some(&self.pair.realm));
        let in_quickbooks = calls.iter().filter(|call| {
            // A refused one has written nothing: a payment makes the invoice's SyncToken stale.
            let is_write =
                matches!(call.kind, CallKind::Create | CallKind::Update | CallKind::Void | CallKind::Delete);
            is_write && call.status == Some(200)
        });
        let calls = self.bundle.invoice_ninja.calls();
        let in_invoice_ninja = calls.iter().filter(|call| {
            let is_write = matches!(
                call.kind,
                NinjaCall::Create | NinjaCall::Update | NinjaCall::Delete | NinjaCall::Bulk
            );
            call.company == Some(self.pair.place) && is_write && !call.path.contains("/webhooks")
        });
        (in_quickbooks.count(), in_invoice_ninja.count())
    }

    /// What the changes have come to, now that nothing is on its way any more.
    fn judged(&self, (to_quickbooks, to_invoice_ninja): Times) -> anyhow::Result<Trial> {
        let (pushes, pulls) = (self.pair.direction.pushes(), self.pair.direction.pulls());
        let mut problems = Vec::new();
        let mut one = |what: &str, found: usize, arrives: bool| {
            if found != usize::from(arrives) {
                problems.push(format!("direction {}: {found} times {what}", self.pair.direction));
            }
        };
        let named =
            |name: &str| self.entities("Customer").iter().filter(|row| row["DisplayName"] == *name).count();
        let numbered =
            |number: &str| self.entities("Invoice").iter().filter(|row| row["DocNumber"] == *number).count();
        one("the client of Invoice Ninja's page in QuickBooks", named(&self.billed.name), pushes);
        one("its invoice in QuickBooks", numbered(&self.billed.number), pushes);
        let named =
            |name: &str| self.records(NinjaKind::Client).iter().filter(|row| row["name"] == *name).count();
        let numbered = |number: &str| {
            self.records(NinjaKind::Invoice).iter().filter(|row| row["number"] == *number).count()
        };
        one("the customer of QuickBooks' page in Invoice Ninja", named(&self.booked.name), pulls);
        one("its invoice in Invoice Ninja", numbered(&self.booked.number), pulls);
        let noted = |note: &str| {
            self.records(NinjaKind::Client)
                .iter()
                .filter(|row| row["name"] == *self.billed.name && row["public_notes"] == note)
                .count()
        };
        one("the bookkeeper's note on Invoice Ninja's client", noted("Ring twice"), pushes && pulls);
        let noted = |note: &str| {
            self.entities("Customer")
                .iter()
                .filter(|row| row["DisplayName"] == *self.booked.name && row["Notes"] == note)
                .count()
        };
        one("Invoice Ninja's note on the bookkeeper's customer", noted("Mind the dog"), pushes && pulls);

        let now = self.writes_so_far();
        let writes = (now.0 - self.writes.0, now.1 - self.writes.1);
        let wanted = self.writes_wanted();
        if writes != wanted {
            problems.push(format!(
                "direction {}: {writes:?} writes to QuickBooks and Invoice Ninja, where {wanted:?} do; an echo?",
                self.pair.direction
            ));
        }
        Ok(Trial {
            company: self.pair.company.clone(),
            direction: self.pair.direction,
            to_quickbooks: to_quickbooks.map(|time| time.as_millis()),
            to_invoice_ninja: to_invoice_ninja.map(|time| time.as_millis()),
            writes,
            problems,
        })
    }

    /// A client, a product, an invoice and a payment are made, and the invoice is edited; with both directions what came
    /// from the other side is edited too. Products are there when it is tried again.
    fn writes_wanted(&self) -> (usize, usize) {
        let products = usize::from(!self.again);
        let (pushes, pulls) =
            (usize::from(self.pair.direction.pushes()), usize::from(self.pair.direction.pulls()));
        let back = pushes * pulls;
        (pushes * (4 + products) + back, pulls * (4 + products) + back)
    }
}

fn is_zero(amount: &Value) -> bool {
    amount.to_string().parse::<rust_decimal::Decimal>().is_ok_and(|open| open.is_zero())
}

fn id(record: &Value, member: &str) -> anyhow::Result<String> {
    record[member].as_str().map(str::to_owned).context("a record without an id")
}

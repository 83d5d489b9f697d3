//! Sync settings: directions, switches, the cut-off date and the accounts of new products (R59, R62, D1, D8, D9, D13).

use lambda_http::http::StatusCode;
use maud::{Markup, html};
use sync::ids::QuickBooksId;
use sync::mail::Address;
use sync::model::{Kind, PaymentMethod, ProductType};
use sync::reference::{Account, Reference, Tracked};
use sync::settings::{Direction, Notify, Settings};
use sync::settings_change::{self, ChangeError, CutOff, SettingsChange, is_for_deposits, is_for_income};

use crate::answer::Answer;
use crate::fields::Fields;
use crate::layout::{self, Said, mark};
use crate::route::Section;
use crate::site::{Answered, Site, Visitor};
use crate::{mapping, words};

/// Invoice Ninja's own fields of an invoice.
const CUSTOM_FIELDS: [&str; 4] = ["custom_value1", "custom_value2", "custom_value3", "custom_value4"];

const DIRECTIONS: [Direction; 4] =
    [Direction::None, Direction::Push, Direction::Pull, Direction::Bidirectional];

pub(crate) async fn show(site: &Site<'_>, visitor: &Visitor, query: &Fields) -> Answered {
    let reference = site.reference(&visitor.company).await?;
    let said = Said::of(query.get("said"));
    let shown = Shown::stored(&visitor.company.settings);
    Ok(Answer::page(page(visitor, shown, reference.as_ref(), said.as_ref())))
}

/// Makes the changes of the whole form, or tells why not.
pub(crate) async fn save(site: &Site<'_>, visitor: &Visitor, form: &Fields) -> Answered {
    let saved = match change(form) {
        Ok(change) => {
            settings_change::change_settings_as_seen(site.companies, &visitor.company, &change).await
        }
        Err(problem) => Err(ChangeError::Choice(problem)),
    };
    match saved {
        Ok(_) => Ok(Answer::see("/console/settings?said=saved")),
        Err(error) => refuse(site, visitor, form, error, page).await,
    }
}

/// The page again, with what the person has entered, for them to mend; unless that was meant for other books.
async fn refuse(
    site: &Site<'_>,
    visitor: &Visitor,
    form: &Fields,
    error: ChangeError,
    page: fn(&Visitor, Shown<'_>, Option<&Reference>, Option<&Said>) -> Markup,
) -> Answered {
    if let ChangeError::Store(error) = error {
        return Err(error);
    }
    let entered = (!matches!(error, ChangeError::OtherBooks(_))).then_some(form);
    let said = Said::problem(format!("Nothing was saved: {error}."));
    let reference = site.reference(&visitor.company).await?;
    let shown = Shown { entered, ..Shown::stored(&visitor.company.settings) };
    let page = page(visitor, shown, reference.as_ref(), Some(&said));
    Ok(Answer::Page(StatusCode::UNPROCESSABLE_ENTITY, page))
}

/// What the form's fields hold: what a person has just entered and could not be saved, else what is stored.
#[derive(Clone, Copy)]
struct Shown<'a> {
    settings: &'a Settings,
    entered: Option<&'a Fields>,
}

impl<'a> Shown<'a> {
    fn stored(settings: &'a Settings) -> Shown<'a> {
        Shown { settings, entered: None }
    }

    fn text(self, name: &str, stored: &str) -> String {
        self.entered.and_then(|form| form.sent(name)).unwrap_or_else(|| stored.to_owned())
    }

    /// An id, or nothing.
    fn chosen(self, name: &str, stored: Option<&impl ToString>) -> String {
        self.text(name, &stored.map(ToString::to_string).unwrap_or_default())
    }

    fn ticked(self, name: &str, stored: bool) -> bool {
        self.entered.map_or(stored, |form| form.ticked(name))
    }
}

/// Which product types are booked to which accounts (R88).
pub(crate) async fn show_accounts(site: &Site<'_>, visitor: &Visitor, query: &Fields) -> Answered {
    let reference = site.reference(&visitor.company).await?;
    let said = Said::of(query.get("said"));
    let shown = Shown::stored(&visitor.company.settings);
    Ok(Answer::page(accounts_page(visitor, shown, reference.as_ref(), said.as_ref())))
}

/// Stores the accounts alone.
pub(crate) async fn save_accounts(site: &Site<'_>, visitor: &Visitor, form: &Fields) -> Answered {
    let change = SettingsChange {
        income_account: form.sent("income_account"),
        income_accounts: accounts_of(form),
        ..SettingsChange::default()
    };
    match settings_change::change_settings_as_seen(site.companies, &visitor.company, &change).await {
        Ok(_) => Ok(Answer::see("/console/mapping/accounts?said=saved")),
        Err(error) => refuse(site, visitor, form, error, accounts_page).await,
    }
}

fn accounts_page(
    visitor: &Visitor,
    shown: Shown<'_>,
    reference: Option<&Reference>,
    said: Option<&Said>,
) -> Markup {
    let content = html! {
        (mapping::tabs("/console/mapping/accounts"))
        p { "Each type of product is booked to an income account of your chart of accounts. An Item that is there already keeps its own." }
        form method="post" action="/console/mapping/accounts" {
            (mark(visitor))
            (accounts(shown, reference))
            @if reference.is_some() { button class="main" { "Save" } }
        }
    };
    layout::page(visitor, Section::Mapping, "Mapping", said, &content)
}

fn accounts_of(form: &Fields) -> Vec<(ProductType, String)> {
    sent(form, ProductType::ALL, income_field)
}

/// What the form says of some choices, as far as its page had them.
fn sent<T: Copy>(
    form: &Fields,
    all: impl IntoIterator<Item = T>,
    field: fn(T) -> String,
) -> Vec<(T, String)> {
    all.into_iter().filter_map(|of| Some((of, form.sent(&field(of))?))).collect()
}

/// What the form says. It carries all but the choices that QuickBooks did not offer when its page was made.
fn change(form: &Fields) -> Result<SettingsChange, String> {
    let directions = Kind::ALL.map(|kind| {
        let direction = words::meant::<Direction>(form.get(kind.name()));
        direction
            .map(|direction| (kind, direction))
            .ok_or_else(|| format!("the direction of {kind}s is missing"))
    });
    let notify = form.get("notify_to").split([',', ' ', ';']).filter(|one| !one.is_empty());
    let notify_to: Vec<Address> = notify
        .map(|one| Address::new(one).map_err(|error| format!("{one:?} is no address: {error}")))
        .collect::<Result<_, _>>()?;
    let cut_off = match form.get("cut_off") {
        "" => CutOff::None,
        day => CutOff::Day(day.parse().map_err(|_| "the cut-off date is no date".to_owned())?),
    };
    let named = |name: &&str| Some(((*name).to_owned(), form.sent(name)?));
    Ok(SettingsChange {
        directions: directions.into_iter().collect::<Result<_, _>>()?,
        income_account: form.sent("income_account"),
        income_accounts: accounts_of(form),
        deposit_account: form.sent("deposit_account"),
        deposit_accounts: sent(form, PaymentMethod::ALL, deposit_field),
        class: form.sent("class"),
        location: form.sent("location"),
        custom_fields: CUSTOM_FIELDS.iter().filter_map(named).collect(),
        cut_off: Some(cut_off),
        push_product_edits: Some(form.ticked("push_product_edits")),
        create_clients: Some(form.ticked("create_clients")),
        create_products: Some(form.ticked("create_products")),
        inactivate_deleted: Some(form.ticked("inactivate_deleted")),
        notify: Some(Notify { to: notify_to, digest: form.ticked("digest") }),
    })
}

fn page(visitor: &Visitor, shown: Shown<'_>, reference: Option<&Reference>, said: Option<&Said>) -> Markup {
    let content = html! {
        form method="post" action="/console/settings" {
            (mark(visitor))
            (directions(shown))
            (accounts(shown, reference))
            (deposits(shown, reference))
            (labels(shown, reference))
            (custom_fields(shown, reference))
            (cut_off(shown))
            (switches(shown))
            (notify(shown))
            button class="main" { "Save" }
        }
        (sessions(visitor))
    };
    layout::page(visitor, Section::Settings, "Sync settings", said, &content)
}

fn sessions(visitor: &Visitor) -> Markup {
    html! {
        h2 { "Who has this open" }
        form class="card" method="post" action="/console/end-sessions" {
            (mark(visitor))
            p { "Sessions end by themselves after half an hour without a click. If a device is lost, or somebody has left, end them all now: "
                "everybody who has your company's console open is signed out, you too." }
            button class="danger" { "End all sessions" }
        }
    }
}

fn directions(shown: Shown<'_>) -> Markup {
    let direction = |kind: Kind| shown.text(kind.name(), &words::word(shown.settings.directions.of(kind)));
    html! {
        fieldset {
            legend { "Directions" }
            p class="quiet" { "Import first, then switch a direction on: what is there already is linked instead of made twice." }
            div class="wide" { table class="rows" {
                thead { tr { th scope="col" { "Kind" } th scope="col" { "Direction" } } }
                tbody { @for kind in Kind::ALL {
                    tr {
                        th scope="row" id={ "direction-" (kind) } { (words::pair(kind)) }
                        td {
                            select name=(kind) aria-labelledby={ "direction-" (kind) } {
                                @let chosen = direction(kind);
                                @for direction in DIRECTIONS {
                                    @let word = words::word(direction);
                                    option value=(word) selected[chosen == word] { (words::direction(direction)) }
                                }
                            }
                        }
                    }
                } }
            } }
        }
    }
}

fn accounts(shown: Shown<'_>, reference: Option<&Reference>) -> Markup {
    let settings = shown.settings;
    let income = fitting(reference, is_for_income);
    html! {
        fieldset {
            legend { "Income accounts of new products" }
            @if reference.is_none() {
                p { "The accounts are known once QuickBooks is connected." }
            } @else {
                label for="income_account" { "Default income account" }
                (account_choice(shown, "income_account", &income, settings.default_income_account.as_ref(), "Not chosen: new products wait"))
                @for of in ProductType::ALL {
                    @let name = income_field(of);
                    label for=(name) { (words::product_type(of)) }
                    (account_choice(shown, &name, &income, settings.income_accounts.get(&of), "The default"))
                }
                p class="small" { "Intuit's help: "
                    a href="https://quickbooks.intuit.com/learn-support/en-us/help-article/chart-accounts/learn-chart-accounts-quickbooks-online/L2yc6KBob_US_en_US"
                        rel="noopener noreferrer" target="_blank" { "chart of accounts" }
                    ", "
                    a href="https://quickbooks.intuit.com/learn-support/en-ca/help-article/chart-accounts/add-edit-chart-accounts/L0pYMeZK6_CA_en_CA"
                        rel="noopener noreferrer" target="_blank" { "add an account" } }
            }
        }
    }
}

/// Where the money of payments goes.
fn deposits(shown: Shown<'_>, reference: Option<&Reference>) -> Markup {
    let settings = shown.settings;
    let fitting = fitting(reference, is_for_deposits);
    html! {
        @if reference.is_some() {
            fieldset {
                legend { "Deposit accounts of new payments" }
                label for="deposit_account" { "Payments go to" }
                (account_choice(shown, "deposit_account", &fitting, settings.deposit_account.as_ref(), "QuickBooks' own choice: Undeposited Funds"))
                @for of in PaymentMethod::ALL {
                    @let name = deposit_field(of);
                    label for=(name) { (words::payment_method(of)) }
                    (account_choice(shown, &name, &fitting, settings.deposit_accounts.get(&of), "As above"))
                }
            }
        }
    }
}

/// The class and the location of new invoices, where QuickBooks tracks them or one was chosen before.
fn labels(shown: Shown<'_>, reference: Option<&Reference>) -> Markup {
    let settings = shown.settings;
    let classes = reference.and_then(|reference| reference.classes.as_ref()).map(|classes| &classes.all);
    let locations = reference.and_then(|reference| reference.locations.as_ref());
    let tracked_or_chosen: Vec<_> = [
        ("class", "Class", &settings.class, classes),
        ("location", "Location", &settings.location, locations),
    ]
    .into_iter()
    .filter(|(.., chosen, known)| chosen.is_some() || known.is_some())
    .collect();
    html! {
        @if !tracked_or_chosen.is_empty() {
            fieldset {
                legend { "Class and location of new invoices" }
                @for (name, title, chosen, known) in tracked_or_chosen {
                    label for=(name) { (title) }
                    (choice(name, &known.into_iter().flatten().map(tracked).collect::<Vec<_>>(), &shown.chosen(name, chosen.as_ref()), "None"))
                }
            }
        }
    }
}

/// Which of QuickBooks' custom fields stand for the billing app's, where there are any.
fn custom_fields(shown: Shown<'_>, reference: Option<&Reference>) -> Markup {
    let settings = shown.settings;
    let known = reference.map(|reference| reference.custom_fields.as_slice()).unwrap_or_default();
    let title = |id: &str| known.iter().find(|field| field.id == id).map(|field| field.name.clone());
    html! {
        @if !known.is_empty() || !settings.custom_fields.is_empty() {
            fieldset {
                legend { "Custom fields of invoices" }
                @for (place, name) in (1..).zip(CUSTOM_FIELDS) {
                    @let chosen = shown.chosen(name, settings.custom_fields.get(name));
                    label for=(name) { "The billing app's custom field " (place) " stands in QuickBooks as" }
                    select id=(name) name=(name) {
                        option value="" { "Not at all" }
                        @if !chosen.is_empty() && title(&chosen).is_none() {
                            option value=(chosen) selected { "Field " (chosen) ", which is not in use in QuickBooks" }
                        }
                        @for field in known {
                            option value=(field.id) selected[chosen == field.id] { (field.name) }
                        }
                    }
                }
            }
        }
    }
}

fn tracked(one: &Tracked) -> (&QuickBooksId, &str) {
    (&one.id, &one.name)
}

fn income_field(of: ProductType) -> String {
    format!("income_account_{}", words::word(of))
}

fn deposit_field(of: PaymentMethod) -> String {
    format!("deposit_account_{}", words::word(of))
}

fn fitting(reference: Option<&Reference>, fits: fn(&Account) -> bool) -> Vec<&Account> {
    reference.into_iter().flat_map(|reference| &reference.accounts).filter(|account| fits(account)).collect()
}

fn account_choice(
    shown: Shown<'_>,
    name: &str,
    accounts: &[&Account],
    stored: Option<&QuickBooksId>,
    nothing: &str,
) -> Markup {
    let known: Vec<_> = accounts.iter().map(|account| (&account.id, account.name.as_str())).collect();
    choice(name, &known, &shown.chosen(name, stored), nothing)
}

/// `chosen` is an id, or empty.
fn choice(name: &str, known: &[(&QuickBooksId, &str)], chosen: &str, nothing: &str) -> Markup {
    html! {
        select id=(name) name=(name) {
            option value="" { (nothing) }
            @if !chosen.is_empty() && !known.iter().any(|(id, _)| id.as_str() == chosen) {
                option value=(chosen) selected { "Id " (chosen) ", which is not active in QuickBooks" }
            }
            @for (id, name) in known {
                option value=(id) selected[id.as_str() == chosen] { (name) }
            }
        }
    }
}

fn cut_off(shown: Shown<'_>) -> Markup {
    let day = shown.chosen("cut_off", shown.settings.cut_off.as_ref());
    html! {
        fieldset {
            legend { "Cut-off date" }
            label for="cut_off" { "Invoices dated before this day are left alone, and so are their payments. Empty: none is." }
            input id="cut_off" type="date" name="cut_off" value=(day);
        }
    }
}

fn notify(shown: Shown<'_>) -> Markup {
    let notify = &shown.settings.notify;
    let to: Vec<&str> = notify.to.iter().map(Address::as_str).collect();
    let to = shown.text("notify_to", &to.join(", "));
    html! {
        fieldset {
            legend { "E-mail" }
            label for="notify_to" { "Who is told when the connection ends or is about to. Several addresses with commas between; empty: nobody." }
            input id="notify_to" type="text" name="notify_to" value=(to) size="50" autocomplete="off";
            label class="check" { input type="checkbox" name="digest" checked[shown.ticked("digest", notify.digest)];
                span { "Tell them once a day what needs attention." } }
        }
    }
}

fn switches(shown: Shown<'_>) -> Markup {
    let settings = shown.settings;
    let switch = |name: &str, on: bool, text: &str| {
        html! { label class="check" { input type="checkbox" name=(name) checked[shown.ticked(name, on)]; span { (text) } } }
    };
    html! {
        fieldset {
            legend { "Switches" }
            (switch("create_clients", settings.create_clients,
                "Create a missing Customer while an invoice or a payment is pushed. Off: the invoice waits until its client is mapped."))
            (switch("create_products", settings.create_products,
                "Create missing Items while an invoice is pushed. Off: the invoice waits until its products are mapped."))
            (switch("push_product_edits", settings.push_product_edits,
                "Push edits of products too: prices and descriptions. Off: only new products are pushed."))
            (switch("inactivate_deleted", settings.inactivate_deleted,
                "Make a Customer or an Item inactive when its record is deleted in the billing app."))
        }
    }
}

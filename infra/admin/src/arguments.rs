//! The command line's words.

use admin::{CutOff, Deployment, SettingsChange};
use clap::{Args, Parser, Subcommand};
use serde::de::DeserializeOwned;
use sync::ids::{CompanyId, EventId, InvalidId, JobId};
use sync::mail::{Address, BadAddress};
use sync::model::{Kind, PaymentMethod, ProductType};
use sync::outcome::ParkCause;
use sync::parked::Which;
use sync::settings::Direction;

/// Looks after Counterpart's companies.
#[derive(Debug, Parser)]
#[command(version, name = "counterpart-admin")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where Counterpart keeps its things: the name of its stack, or all of the other names.
#[derive(Debug, Args)]
pub(crate) struct Names {
    /// CloudFormation stack
    #[arg(long, global = true)]
    pub(crate) stack: Option<String>,
    /// DynamoDB table of companies
    #[arg(long, global = true)]
    companies_table: Option<String>,
    /// DynamoDB table of the links
    #[arg(long, global = true)]
    links_table: Option<String>,
    /// DynamoDB table of the activity log
    #[arg(long, global = true)]
    activity_table: Option<String>,
    /// Address of the push queue
    #[arg(long, global = true)]
    push_queue_url: Option<String>,
    /// What the names of the companies' secrets begin with
    #[arg(long, global = true)]
    company_secret_prefix: Option<String>,
    /// Address of the pull queue
    #[arg(long, global = true)]
    pull_queue_url: Option<String>,
    /// DynamoDB table of imports
    #[arg(long, global = true)]
    imports_table: Option<String>,
    /// Address of the imports' queue
    #[arg(long, global = true)]
    import_queue_url: Option<String>,
    /// Secret that signs connect links
    #[arg(long, global = true)]
    signing_key_secret: Option<String>,
    /// Address of the HTTP API, without a slash at the end
    #[arg(long, global = true)]
    public_url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Adds and shows companies
    #[command(subcommand)]
    Company(CompanyCommand),
    /// Prints a link on which somebody connects the company with QuickBooks, good for 15 minutes
    ConnectLink {
        #[arg(value_parser = company)]
        id: CompanyId,
    },
    /// Prints a link that opens the company's console in a browser, once and within 5 minutes
    ConsoleLink {
        #[arg(value_parser = company)]
        id: CompanyId,
    },
    /// Prints a link on which somebody disconnects the company from QuickBooks, good for 15 minutes
    DisconnectLink {
        #[arg(value_parser = company)]
        id: CompanyId,
    },
    /// Says who is told by e-mail when the connection ends, and what is parked
    Notify {
        #[arg(value_parser = company)]
        id: CompanyId,
        #[command(flatten)]
        change: NotifyArguments,
    },
    /// Makes and takes away the keys with which billing apps push while they wait
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Changes settings
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Says what a company bills with, and looks after its webhooks
    #[command(subcommand)]
    Billing(BillingCommand),
    /// Brings an existing QuickBooks company into the billing app
    #[command(subcommand)]
    Import(ImportCommand),
    /// Shows what became of a company's events, newest first
    Activity {
        #[arg(value_parser = company)]
        id: CompanyId,
        /// Only what waits, oldest first
        #[arg(long)]
        parked: bool,
        /// How many entries
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Puts parked events back on the push queue
    Retry {
        #[arg(value_parser = company)]
        id: CompanyId,
        #[command(flatten)]
        which: WhichArguments,
    },
    /// Makes a record anew in the billing app that was deleted there because it was voided or deleted in QuickBooks
    ReCreate {
        #[arg(value_parser = company)]
        id: CompanyId,
        /// The event of the deletion, as `activity` shows it
        #[arg(long, value_parser = event)]
        event: EventId,
        /// As with billing set
        #[arg(long)]
        private: bool,
    },
    /// Ends parked events without carrying them out
    Ignore {
        #[arg(value_parser = company)]
        id: CompanyId,
        #[command(flatten)]
        which: WhichArguments,
        /// Why they need not be carried out; kept in the activity log
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CompanyCommand {
    /// Adds a company
    Add {
        #[arg(value_parser = company)]
        id: CompanyId,
    },
    /// Shows a company's connection and settings
    Show {
        #[arg(value_parser = company)]
        id: CompanyId,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// Makes a new key in place of the one before, and prints it this once
    Create {
        #[arg(value_parser = company)]
        id: CompanyId,
    },
    /// Takes the key away
    Revoke {
        #[arg(value_parser = company)]
        id: CompanyId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BillingCommand {
    /// Tries an Invoice Ninja and makes it the company's billing app; its API token is read from standard input
    Set {
        #[arg(value_parser = company)]
        id: CompanyId,
        /// Its address, such as https://invoicing.co
        #[arg(long)]
        url: String,
        /// Lets it be at a private address, or on this machine over http
        #[arg(long)]
        private: bool,
    },
    /// Makes the company's billing app one that only sends events
    EventsOnly {
        #[arg(value_parser = company)]
        id: CompanyId,
    },
    /// Makes or mends the webhooks with which the company's Invoice Ninja tells what changes
    Webhooks {
        #[arg(value_parser = company)]
        id: CompanyId,
        /// As with set
        #[arg(long)]
        private: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Finds out what an import would do, and writes nothing on either side
    Preview {
        #[arg(value_parser = company)]
        id: CompanyId,
        #[command(flatten)]
        kinds: KindArguments,
    },
    /// Begins an import
    Start {
        #[arg(value_parser = company)]
        id: CompanyId,
        #[command(flatten)]
        kinds: KindArguments,
    },
    /// Shows how far an import or a preview is; the newest, unless another one is named
    Status {
        #[arg(value_parser = company)]
        id: CompanyId,
        /// An earlier one
        #[arg(long, value_parser = job)]
        job: Option<JobId>,
        /// What became of each entity of a kind, too
        #[arg(long, value_name = "KIND", value_parser = named::<Kind>)]
        records: Option<Kind>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Ends the import or preview that is running; what was brought over stays
    Cancel {
        #[arg(value_parser = company)]
        id: CompanyId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct KindArguments {
    /// Kinds to bring over: all, or some of product,client,invoice,payment
    #[arg(long = "kinds", value_name = "KINDS", value_delimiter = ',', value_parser = kinds, default_value = "all")]
    kinds: Vec<Kinds>,
}

impl From<KindArguments> for Vec<Kind> {
    fn from(arguments: KindArguments) -> Vec<Kind> {
        arguments.kinds.into_iter().flat_map(|kinds| kinds.0).collect()
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Changes what is named, and nothing else
    Set {
        #[arg(value_parser = company)]
        id: CompanyId,
        #[command(flatten)]
        change: ChangeArguments,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct ChangeArguments {
    /// Kinds to push: all, or some of client,product,invoice,payment
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = kinds)]
    push: Vec<Kinds>,
    /// A kind's direction, such as invoice=push; or none, pull, bidirectional
    #[arg(long, value_name = "KIND=DIRECTION", value_parser = pair::<Kind, Direction>)]
    direction: Vec<(Kind, Direction)>,
    /// Default income account of new products: its full name or its id
    #[arg(long, value_name = "ACCOUNT")]
    income_account: Option<String>,
    /// Income account of a type of product, such as goods="Sales of Product Income"
    #[arg(long, value_name = "TYPE=ACCOUNT", value_parser = named_and_account::<ProductType>)]
    income_account_for: Vec<(ProductType, String)>,
    /// Account that the money of new Payments goes to; "" for QuickBooks' own, Undeposited Funds
    #[arg(long, value_name = "ACCOUNT")]
    deposit_account: Option<String>,
    /// Account of payments made by cash, check, card, bank_transfer or other, such as card="Clearing"
    #[arg(long, value_name = "METHOD=ACCOUNT", value_parser = named_and_account::<PaymentMethod>)]
    deposit_account_for: Vec<(PaymentMethod, String)>,
    /// Class of new Invoices, where QuickBooks tracks classes: its full name or its id; "" for none
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Location of new Invoices, where QuickBooks tracks locations: its full name or its id; "" for none
    #[arg(long, value_name = "LOCATION")]
    location: Option<String>,
    /// Custom field of QuickBooks' that stands for one of the billing app's, such as custom_value1=Crew; none after the =
    /// for none
    #[arg(long, value_name = "NAME=FIELD", value_parser = named_and_account::<String>)]
    custom_field: Vec<(String, String)>,
    /// Invoices dated before this day (2026-03-09) are left alone; or none
    #[arg(long, value_name = "DATE", value_parser = cut_off)]
    cut_off: Option<CutOff>,
    /// Push edits of products too
    #[arg(long, value_name = "on|off", value_parser = on_off)]
    product_edits: Option<bool>,
    /// Create missing Customers while pushing an invoice or payment
    #[arg(long, value_name = "on|off", value_parser = on_off)]
    create_clients: Option<bool>,
    /// Create missing Items while pushing an invoice
    #[arg(long, value_name = "on|off", value_parser = on_off)]
    create_products: Option<bool>,
    /// Make Customers and Items inactive when their record is deleted
    #[arg(long, value_name = "on|off", value_parser = on_off)]
    inactivate_deleted: Option<bool>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct NotifyArguments {
    /// Addresses in place of those before; "" for nobody
    #[arg(long, value_name = "ADDRESSES")]
    to: Option<String>,
    /// Tell once a day what is parked
    #[arg(long, value_name = "on|off", value_parser = on_off)]
    pub(crate) digest: Option<bool>,
}

impl NotifyArguments {
    /// The addresses, divided by commas.
    pub(crate) fn to(&self) -> Result<Option<Vec<Address>>, BadAddress> {
        let Some(list) = &self.to else { return Ok(None) };
        let addresses = list.split(',').map(str::trim).filter(|address| !address.is_empty());
        addresses.map(Address::new).collect::<Result<_, _>>().map(Some)
    }
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhichArguments {
    /// One event, by its id
    #[arg(long, value_parser = event)]
    event: Option<EventId>,
    /// All that are parked for one cause, such as not_connected
    #[arg(long, value_parser = named::<ParkCause>)]
    cause: Option<ParkCause>,
    /// All that can be tried again
    #[arg(long)]
    all: bool,
}

impl Names {
    /// The deployment, if all of its names are given.
    pub(crate) fn deployment(&self) -> Option<Deployment> {
        Some(Deployment {
            companies_table: self.companies_table.clone()?,
            links_table: self.links_table.clone()?,
            activity_table: self.activity_table.clone()?,
            push_queue_url: self.push_queue_url.clone()?,
            company_secret_prefix: self.company_secret_prefix.clone()?,
            pull_queue_url: self.pull_queue_url.clone()?,
            imports_table: self.imports_table.clone()?,
            import_queue_url: self.import_queue_url.clone()?,
            signing_key_secret: self.signing_key_secret.clone()?,
            public_url: self.public_url.clone()?,
        })
    }
}

impl From<ChangeArguments> for SettingsChange {
    fn from(arguments: ChangeArguments) -> SettingsChange {
        let pushed = arguments.push.into_iter().flat_map(|kinds| kinds.0).map(|kind| (kind, Direction::Push));
        SettingsChange {
            directions: pushed.chain(arguments.direction).collect(),
            income_account: arguments.income_account,
            income_accounts: arguments.income_account_for,
            deposit_account: arguments.deposit_account,
            deposit_accounts: arguments.deposit_account_for,
            class: arguments.class,
            location: arguments.location,
            custom_fields: arguments.custom_field,
            cut_off: arguments.cut_off,
            push_product_edits: arguments.product_edits,
            create_clients: arguments.create_clients,
            create_products: arguments.create_products,
            inactivate_deleted: arguments.inactivate_deleted,
            notify: None,
        }
    }
}

impl From<WhichArguments> for Which {
    fn from(arguments: WhichArguments) -> Which {
        match (arguments.event, arguments.cause) {
            (Some(event), _) => Which::Event(event),
            (None, Some(cause)) => Which::Cause(cause),
            (None, None) => Which::All,
        }
    }
}

fn company(text: &str) -> Result<CompanyId, InvalidId> {
    CompanyId::new(text)
}

fn job(text: &str) -> Result<JobId, InvalidId> {
    JobId::new(text)
}

fn event(text: &str) -> Result<EventId, InvalidId> {
    EventId::new(text)
}

/// One kind, or all of them.
#[derive(Clone, Debug)]
struct Kinds(Vec<Kind>);

fn kinds(text: &str) -> Result<Kinds, String> {
    if text == "all" { Ok(Kinds(Kind::ALL.to_vec())) } else { Ok(Kinds(vec![named(text)?])) }
}

/// A value by the name that it has in JSON.
fn named<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

fn pair<A: DeserializeOwned, B: DeserializeOwned>(text: &str) -> Result<(A, B), String> {
    let (first, second) = text.split_once('=').ok_or("it should read KIND=DIRECTION")?;
    Ok((named(first)?, named(second)?))
}

fn named_and_account<T: DeserializeOwned>(text: &str) -> Result<(T, String), String> {
    let (name, account) = text.split_once('=').ok_or("an account should come after a =")?;
    Ok((named(name)?, account.to_owned()))
}

fn cut_off(text: &str) -> Result<CutOff, String> {
    if text == "none" {
        return Ok(CutOff::None);
    }
    text.parse().map(CutOff::Day).map_err(|error| format!("{error}; a day looks like 2026-03-09"))
}

fn on_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("it should be on or off".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn change(arguments: &[&str]) -> SettingsChange {
        let command = ["counterpart-admin", "--stack", "counterpart", "settings", "set", "acme"];
        match Arguments::try_parse_from(command.iter().chain(arguments)).unwrap().command {
            Command::Settings(SettingsCommand::Set { change, .. }) => change.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn settings_are_read_from_their_words() {
        let all = change(&["--push", "all", "--direction", "payment=none"]);
        let pushed = Kind::ALL.map(|kind| (kind, Direction::Push));
        assert_eq!(all.directions, [pushed.as_slice(), &[(Kind::Payment, Direction::None)]].concat());
        assert_eq!(
            change(&["--push", "client,invoice", "--cut-off", "none", "--product-edits", "on"]),
            SettingsChange {
                directions: vec![(Kind::Client, Direction::Push), (Kind::Invoice, Direction::Push)],
                cut_off: Some(CutOff::None),
                push_product_edits: Some(true),
                ..SettingsChange::default()
            }
        );
        let accounts =
            change(&["--income-account", "79", "--income-account-for", "goods=Sales of Product Income"]);
        assert_eq!(accounts.income_account.as_deref(), Some("79"));
        assert_eq!(accounts.income_accounts, [(ProductType::Goods, "Sales of Product Income".to_owned())]);
        let deposits = change(&["--deposit-account", "", "--deposit-account-for", "bank_transfer=Checking"]);
        assert_eq!(deposits.deposit_account.as_deref(), Some(""));
        assert_eq!(deposits.deposit_accounts, [(PaymentMethod::BankTransfer, "Checking".to_owned())]);
        assert_eq!(
            change(&["--cut-off", "2026-03-09"]).cut_off,
            Some(CutOff::Day("2026-03-09".parse().unwrap()))
        );
    }

    #[test]
    fn an_import_brings_everything_unless_kinds_are_named() {
        let kinds = |words: &str| {
            let words = ["counterpart-admin"].into_iter().chain(words.split(' '));
            match Arguments::try_parse_from(words).unwrap().command {
                Command::Import(ImportCommand::Start { kinds, .. }) => Vec::<Kind>::from(kinds),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(kinds("import start acme"), Kind::ALL);
        assert_eq!(kinds("import start acme --kinds product,client"), [Kind::Product, Kind::Client]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for arguments in [
            "settings set acme",
            "settings set acme --push customers",
            "settings set acme --cut-off soon",
            "settings set acme --product-edits yes",
            "settings set acme --deposit-account-for barter=Checking",
            "settings set a#b --push all",
            "retry acme",
            "retry acme --all --cause tax",
            "retry acme --cause weather",
            "ignore acme --all",
            "import start acme --kinds customer",
            "import status acme --job a#b",
        ] {
            let words = ["counterpart-admin"].into_iter().chain(arguments.split(' '));
            assert!(Arguments::try_parse_from(words).is_err(), "{arguments}");
        }
    }
}

//! The command line.

mod arguments;

use admin::{Admin, Deployment, text};
use anyhow::Context;
use arguments::{
    ApiKeyCommand, Arguments, BillingCommand, Command, CompanyCommand, ImportCommand, Names, SettingsCommand,
};
use aws::Aws;
use clap::Parser;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sync::activity::Activity;
use sync::ids::EventId;
use transport::Reach;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let aws = Aws::load().await;
    let admin = Admin::new(&aws, &deployment(&aws, &arguments.names).await?);
    run(&admin, arguments.command).await
}

#[expect(clippy::disallowed_methods, reason = "a command happens when it is given")]
async fn run(admin: &Admin, command: Command) -> anyhow::Result<()> {
    let now = Timestamp::now();
    match command {
        Command::Company(CompanyCommand::Add { id }) => {
            print(&text::company(&admin.add_company(&id).await?, None))
        }
        Command::Company(CompanyCommand::Show { id, json }) => {
            let (company, reference) = admin.company(&id).await?;
            let standing = admin.standing(&id).await?;
            if json {
                print_json(&company)?;
            } else {
                print(&text::company(&company, reference.as_ref()));
                print(&text::standing(standing.as_ref(), &company, reference.as_ref()));
            }
        }
        Command::DisconnectLink { id } => print(&format!("{}\n", admin.disconnect_link(&id, now).await?)),
        Command::Notify { id, change } => {
            let company = admin.notify(&id, change.to()?.as_deref(), change.digest).await?;
            print(&text::notify(&company));
        }
        Command::ConnectLink { id } => print(&format!("{}\n", admin.connect_link(&id, now).await?)),
        Command::ConsoleLink { id } => print(&format!("{}\n", admin.console_link(&id, now).await?)),
        Command::ApiKey(ApiKeyCommand::Create { id }) => {
            print(&format!("{}\n", admin.create_api_key(&id).await?.expose_secret()))
        }
        Command::ApiKey(ApiKeyCommand::Revoke { id }) => {
            admin.revoke_api_key(&id).await?;
            print(&format!("company {id} has no API key any more\n"));
        }
        Command::Settings(SettingsCommand::Set { id, change }) => {
            admin.change_settings(&id, &change.into()).await?;
            let (company, reference) = admin.company(&id).await?;
            print(&text::company(&company, reference.as_ref()));
        }
        Command::Billing(BillingCommand::Set { id, url, private }) => {
            let checked = admin.set_billing(&id, &url, token()?, reach(private), now).await?;
            print(&text::billing_app(&checked));
        }
        Command::Billing(BillingCommand::EventsOnly { id }) => admin.set_events_only(&id).await?,
        Command::Billing(BillingCommand::Webhooks { id, private }) => {
            print(&text::webhooks(admin.repair_webhooks(&id, reach(private)).await?));
        }
        Command::Import(command) => import(admin, command, now).await?,
        Command::Activity { id, parked: true, json, .. } => print_activity(&admin.parked(&id).await?, json)?,
        Command::Activity { id, limit, json, .. } => {
            print_activity(&admin.activity(&id, limit).await?, json)?
        }
        Command::Retry { id, which } => print_events("retried", &admin.retry(&id, &which.into(), now).await?),
        Command::ReCreate { id, event, private } => {
            print(&text::recreated(&admin.recreate(&id, &event, reach(private)).await?));
        }
        Command::Ignore { id, which, reason } => {
            print_events("ignored", &admin.ignore(&id, &which.into(), &reason, now).await?);
        }
    }
    Ok(())
}

async fn import(admin: &Admin, command: ImportCommand, now: Timestamp) -> anyhow::Result<()> {
    match command {
        ImportCommand::Preview { id, kinds } => {
            print(&text::import(&admin.preview_import(&id, &Vec::from(kinds), now).await?));
        }
        ImportCommand::Start { id, kinds } => {
            print(&text::import(&admin.start_import(&id, &Vec::from(kinds), now).await?));
        }
        ImportCommand::Status { id, job, records, json } => {
            let job = admin.import(&id, job, now).await?;
            if json {
                print_json(&job)?
            } else {
                print(&text::import(&job))
            }
            if let Some(kind) = records {
                for record in admin.import_records(&job, kind, now).await? {
                    if json { print_json(&record)? } else { print(&text::imported(&record)) }
                }
            }
        }
        ImportCommand::Cancel { id } => print(&text::import(&admin.cancel_import(&id, now).await?)),
    }
    Ok(())
}

/// The token from standard input, so that it stands in no list of processes and no history.
fn token() -> anyhow::Result<SecretString> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let token = line.trim();
    anyhow::ensure!(!token.is_empty(), "write the API token to standard input");
    Ok(token.into())
}

fn reach(private: bool) -> Reach {
    if private { Reach::Anywhere } else { Reach::Public }
}

async fn deployment(aws: &Aws, names: &Names) -> anyhow::Result<Deployment> {
    match &names.stack {
        Some(stack) => Deployment::of_stack(aws, stack).await,
        None => names.deployment().context("give --stack, or all of the other names"),
    }
}

fn print_activity(entries: &[Activity], json: bool) -> anyhow::Result<()> {
    for entry in entries {
        if json { print_json(entry)? } else { print(&text::activity(entry)) }
    }
    Ok(())
}

fn print_events(what: &str, events: &[EventId]) {
    for event in events {
        print(&format!("{what} {event}\n"));
    }
    print(&format!("{} events {what}\n", events.len()));
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what a person or a script asked for")]
fn print(text: &str) {
    print!("{text}");
}

//! Connect: the state of the connection, and how to make, renew and end it (R55-R60).

use maud::{Markup, html};
use sync::connect;
use sync::reference::{Reference, TaxModel};
use sync::settings::{Company, ConnectionState};

use crate::answer::Answer;
use crate::fields::Fields;
use crate::layout::{self, Said};
use crate::route::Section;
use crate::site::{Answered, Site, Visitor};
use crate::words;

pub(crate) async fn show(site: &Site<'_>, visitor: &Visitor, query: &Fields) -> Answered {
    let reference = site.reference(&visitor.company).await?;
    let content = html! {
        section class="card" { (connection(&visitor.company, reference.as_ref())) }
    };
    let said = Said::of(query.get("said"));
    Ok(Answer::page(layout::page(visitor, Section::Connect, "Connect", said.as_ref(), &content)))
}

/// On to Intuit, by a connect link of this very moment. It changes nothing until the person consents there.
pub(crate) fn start(site: &Site<'_>, visitor: &Visitor) -> Answered {
    let link = connect::link(site.seal, visitor.id(), site.clock.now())?;
    Ok(Answer::see(format!("/connect?link={link}")))
}

fn connection(company: &Company, reference: Option<&Reference>) -> Markup {
    let start = |label: &str| html! { a class="button main" href="/console/connect/start" { (label) } };
    let Some(connection) = &company.connection else {
        return html! {
            p { span class="state none" { "Not connected" } }
            p { "You sign in at Intuit as an administrator of your QuickBooks company, choose the company, and come back here. "
                "Nothing is sent or changed until you set a direction." }
            p { (start("Connect to QuickBooks")) }
        };
    };
    html! {
        dl {
            dt { "State" }
            dd { @match connection.state {
                ConnectionState::Connected => span class="state good" { "Connected" },
                ConnectionState::Expired => span class="state bad" { "Expired: QuickBooks no longer lets us in" },
                ConnectionState::Disconnected => span class="state warn" { "Disconnected" },
            } }
            dt { "QuickBooks company" } dd { (connection.name) }
            dt { "Connected since" } dd { (words::moment(connection.connected_at)) " UTC" }
            @if let Some(reference) = reference {
                dt { "Country" } dd { (reference.country) }
                dt { "Home currency" } dd { (reference.home_currency) @if reference.multi_currency { " (and others)" } }
                dt { "Automatic taxes" } dd { (taxes(reference.tax_model)) }
                @if let Some(day) = reference.book_close_date { dt { "Books closed until" } dd { (day) } }
            }
        }
        @match connection.state {
            ConnectionState::Connected => p { a class="button" href="/console/connect/start" { "Reconnect" } },
            ConnectionState::Expired => {
                p { "Settings and links are as they were. What happens meanwhile is kept and goes on by itself." }
                p { (start("Reconnect")) }
            }
            ConnectionState::Disconnected => {
                p { "Settings and links are kept for the same QuickBooks company. Another one begins without links." }
                p { (start("Connect again")) }
            }
        }
    }
}

/// R60.
fn taxes(model: TaxModel) -> &'static str {
    match model {
        TaxModel::Automated => "On: QuickBooks works sales tax out, and its taxes are taken over",
        TaxModel::Manual => "Off: sales tax is set up by hand in QuickBooks",
        TaxModel::Global => "Off: each line carries a tax code",
        TaxModel::Off => "Off: sales tax is switched off in QuickBooks",
    }
}

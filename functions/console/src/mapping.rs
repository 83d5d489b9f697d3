//! Mapping: which client is which Customer, and which product which Item (R78-R91).

mod file;
mod pages;
mod view;

use std::time::Duration;

use sync::ids::{BillingId, Books, QuickBooksId};
use sync::link::{Entry, LinkKey, MatchedBy};
use sync::model::Kind;
use sync::pairing::{self, Directory, Mapping, Ports, Reading, Refusal};
use sync::ports::StoreError;
use sync::settings::ConnectionState;

use crate::answer::Answer;
use crate::fields::Fields;
use crate::handler::not_found;
use crate::layout::{self, Said};
use crate::route::{MappingRoute, Section};
use crate::site::{Answered, Site, Visitor};

pub(crate) use pages::tabs;
use view::View;

/// How many lines a page shows.
const PAGE: usize = 50;
/// How many entities are offered while a person types.
const OFFERED: usize = 20;
/// How many pairs are linked at once: each takes a call to the billing app.
const AT_ONCE: usize = 200;
/// How many records are ticked at most. They travel in addresses, which API Gateway cuts off at 10 KB with all headers.
const TICKED: usize = 50;
/// How long names are read for one answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where the mapping of a kind is.
pub(crate) fn path(kind: Kind) -> &'static str {
    match kind {
        Kind::Product => "/console/mapping/items",
        _ => "/console/mapping/customers",
    }
}

/// Answers for one of the two kinds.
pub(crate) async fn answer(
    site: &Site<'_>,
    visitor: &Visitor,
    (kind, route): (Kind, MappingRoute),
    query: &Fields,
    form: &Fields,
) -> Answered {
    let Some(books) = connected(visitor) else {
        let content = pages::not_connected(kind);
        return Ok(Answer::page(layout::page(visitor, Section::Mapping, "Mapping", None, &content)));
    };
    let desk = Desk { site, visitor, books, kind };
    match route {
        MappingRoute::List => desk.list(query).await,
        MappingRoute::Read => desk.read_anew().await,
        MappingRoute::Reading => desk.reading().await,
        MappingRoute::Change => desk.choose(query).await,
        MappingRoute::Choices => desk.choices(query).await,
        MappingRoute::Update => desk.update(form).await,
        MappingRoute::Clear => desk.clear(form).await,
        MappingRoute::Auto => desk.auto().await,
        MappingRoute::Confirm => desk.confirm(form).await,
        MappingRoute::File => desk.file().await,
        MappingRoute::Upload => desk.upload(form).await,
    }
}

fn connected(visitor: &Visitor) -> Option<Books> {
    let connection = visitor.company.connection.as_ref()?;
    (connection.state == ConnectionState::Connected).then(|| visitor.company.books()).flatten()
}

/// The names of both sides as they are now, and which of them are linked.
struct Names {
    directory: Directory,
    pairs: Vec<(BillingId, QuickBooksId)>,
}

/// The mapping of one kind in one company's books.
struct Desk<'a> {
    site: &'a Site<'a>,
    visitor: &'a Visitor,
    books: Books,
    kind: Kind,
}

impl Desk<'_> {
    fn ports(&self) -> Ports<'_> {
        let site = self.site;
        Ports {
            companies: site.companies,
            ledger: site.ledger,
            pairs: site.pairs,
            directories: site.directories,
            connector: site.connector,
            billing: site.billing,
            history: site.history,
            pushes: site.pushes,
            clock: site.clock,
        }
    }

    fn page(&self, title: &str, said: Option<&Said>, content: &maud::Markup) -> Answer {
        Answer::page(layout::page(self.visitor, Section::Mapping, title, said, content))
    }

    /// The names, if they are read whole; else the page that reads on.
    async fn names(&self) -> Result<Result<Names, Answer>, StoreError> {
        let kept = self.site.directories.directory(&self.books, self.kind).await?;
        let now = self.site.clock.now();
        match kept.filter(|directory| !directory.reading.is_old(now)) {
            Some(directory) if directory.reading.is_complete() => {
                let pairs = self.site.pairs.pairs(&self.books, self.kind).await?;
                let directory =
                    pairing::current(self.ports(), &self.books, self.kind, directory, &pairs).await?;
                Ok(Ok(Names { directory, pairs }))
            }
            Some(directory) => Ok(Err(self.reading_page(&directory.reading, None))),
            None => {
                let reading = pairing::begin(self.ports(), &self.books, self.kind).await?;
                Ok(Err(self.reading_page(&reading, None)))
            }
        }
    }

    fn reading_page(&self, reading: &Reading, problem: Option<&str>) -> Answer {
        let said = problem.map(Said::problem);
        self.page(
            "Mapping",
            said.as_ref(),
            &pages::reading(self.visitor, self.kind, reading, problem.is_some()),
        )
    }

    /// Reads on for some seconds; the page asks again until all is read.
    async fn reading(&self) -> Answered {
        let kept = self.site.directories.directory(&self.books, self.kind).await?;
        let Some(directory) = kept else { return Ok(Answer::see(path(self.kind))) };
        let until = self.site.clock.now() + PATIENCE;
        let read =
            pairing::read_on(self.ports(), &self.books, self.kind, directory.reading.clone(), until).await;
        Ok(match read {
            Ok(reading) if reading.is_complete() => Answer::part(pages::read(self.kind)),
            Ok(reading) => Answer::part(pages::reading(self.visitor, self.kind, &reading, false)),
            Err(Refusal::Store(error)) => return Err(error),
            Err(refusal) => {
                Answer::part(pages::reading_failed(self.visitor, self.kind, &refusal.to_string()))
            }
        })
    }

    async fn read_anew(&self) -> Answered {
        pairing::begin(self.ports(), &self.books, self.kind).await?;
        Ok(Answer::see(path(self.kind)))
    }

    async fn list(&self, query: &Fields) -> Answered {
        let Names { directory, pairs } = match self.names().await? {
            Ok(names) => names,
            Err(reading) => return Ok(reading),
        };
        let mut view = View::of(query);
        let all = pairing::mappings(&directory, &pairs);
        let counts = pages::Counts {
            all: all.len(),
            mapped: all.iter().filter(|mapping| mapping.quickbooks.is_some()).count(),
        };
        let is_ticked = |mapping: &&Mapping| view.ticked.contains(&mapping.billing.id);
        let ticked: Vec<Mapping> = all.iter().filter(is_ticked).cloned().collect();
        let found = pairing::search(all, &view.text, view.status);
        let pages_in_all = found.len().div_ceil(PAGE).max(1);
        view.page = view.page.clamp(1, pages_in_all);
        let shown: Vec<Mapping> = found.iter().skip((view.page - 1) * PAGE).take(PAGE).cloned().collect();
        let elsewhere: Vec<Mapping> = ticked
            .into_iter()
            .filter(|one| !shown.iter().any(|line| line.billing.id == one.billing.id))
            .collect();
        let lines = self.with_links(shown).await?;
        let list = pages::List {
            kind: self.kind,
            counts,
            found: found.len(),
            lines: &lines,
            elsewhere: &elsewhere,
            view: &view,
            pages: pages_in_all,
            reading: &directory.reading,
        };
        let said = Said::of(query.get("said"));
        Ok(self.page("Mapping", said.as_ref(), &pages::list(self.site, self.visitor, &list)))
    }

    /// How each pair was made is in its link; only those on the page are read.
    async fn with_links(&self, shown: Vec<Mapping>) -> Result<Vec<pages::Line>, StoreError> {
        let key = |mapping: &Mapping| {
            Some(LinkKey::Billing(self.kind, BillingId::new(mapping.billing.id.as_str()).ok()?))
        };
        let keys: Vec<LinkKey> =
            shown.iter().filter(|mapping| mapping.quickbooks.is_some()).filter_map(key).collect();
        let mut entries = self.site.ledger.entries(&self.books, &keys).await?;
        let line = |mapping: Mapping| {
            let link = key(&mapping).and_then(|key| match entries.remove(&key) {
                Some(Entry::Linked(link)) => Some(link),
                _ => None,
            });
            pages::Line { mapping, link }
        };
        Ok(shown.into_iter().map(line).collect())
    }

    /// The records that a person ticked, each with what it may be mapped to.
    async fn choose(&self, query: &Fields) -> Answered {
        let Names { directory, pairs } = match self.names().await? {
            Ok(names) => names,
            Err(reading) => return Ok(reading),
        };
        let all = pairing::mappings(&directory, &pairs);
        let view = View::of(query);
        let ticked: Vec<&Mapping> = view
            .ticked
            .iter()
            .filter_map(|id| all.iter().find(|mapping| mapping.billing.id == *id))
            .collect();
        if ticked.is_empty() {
            return Ok(Answer::see(view.address(self.kind)));
        }
        let offered: Vec<pages::Offer<'_>> = ticked
            .into_iter()
            .map(|mapping| {
                let first = mapping.billing.name.split_whitespace().next().unwrap_or_default();
                let mut rows = pairing::choices(&directory, &pairs, first, OFFERED);
                if rows.is_empty() {
                    rows = pairing::choices(&directory, &pairs, "", OFFERED);
                }
                pages::Offer { mapping, rows }
            })
            .collect();
        let title = format!("Change mapping: {}", pages::theirs(self.kind));
        Ok(self.page(&title, None, &pages::change(self.visitor, self.kind, &view, &offered)))
    }

    /// The entities that fit what a person types, and before them the one that is chosen already.
    async fn choices(&self, query: &Fields) -> Answered {
        let Some(directory) = self.site.directories.directory(&self.books, self.kind).await? else {
            return Ok(not_found());
        };
        let pairs = self.site.pairs.pairs(&self.books, self.kind).await?;
        let billing = query.get("for");
        let chosen = query.get(&format!("to-{billing}"));
        let chosen = directory.quickbooks.iter().find(|row| row.id == chosen && !row.barred);
        let rows = pairing::choices(&directory, &pairs, query.get("name"), OFFERED);
        Ok(Answer::part(pages::choices(billing, chosen, &rows)))
    }

    /// Stores what was chosen: fields named `to-ID` hold an entity's id.
    async fn update(&self, form: &Fields) -> Answered {
        let chosen = form.named("to-").filter_map(|(id, to)| pair(id, to)).take(AT_ONCE).collect();
        self.link(chosen, MatchedBy::Person, &View::of(form)).await
    }

    /// Stores what Auto Map proposed and the person left ticked.
    async fn confirm(&self, form: &Fields) -> Answered {
        let pairs = form.all("pair").filter_map(|pair| pair.rsplit_once('|'));
        let pairs: Vec<_> = pairs.filter_map(|(id, to)| pair(id, to)).take(AT_ONCE).collect();
        self.link(pairs, MatchedBy::Person, &View::default()).await
    }

    /// Links pairs, and goes back to what the person looked at.
    async fn link(&self, pairs: Vec<(BillingId, QuickBooksId)>, by: MatchedBy, view: &View) -> Answered {
        if pairs.is_empty() {
            let said = Said::problem("Nothing was chosen, so nothing was changed.".to_owned());
            return Ok(self.page("Mapping", Some(&said), &pages::back(self.kind)));
        }
        match pairing::link_all(self.ports(), &self.books, self.kind, &pairs, by).await {
            Ok(ends) => {
                let mapped = ends.iter().filter(|(_, end)| end.is_ok()).count();
                let problems: Vec<(String, String)> = ends
                    .iter()
                    .filter_map(|(id, end)| Some((id.to_string(), end.as_ref().err()?.to_string())))
                    .collect();
                if problems.is_empty() {
                    return Ok(Answer::see(format!(
                        "{}&said=mapped-{mapped}",
                        view.unticked().address(self.kind)
                    )));
                }
                Ok(self.page("Mapping", None, &pages::partly(self.kind, mapped, &problems)))
            }
            Err(Refusal::Store(error)) => Err(error),
            Err(refusal) => Ok(self.refused(&refusal)),
        }
    }

    fn refused(&self, refusal: &Refusal) -> Answer {
        let said = Said::problem(format!("Nothing was changed: {refusal}."));
        self.page("Mapping", Some(&said), &pages::back(self.kind))
    }

    async fn clear(&self, form: &Fields) -> Answered {
        let mut cleared = 0;
        for id in form.all("pick").filter_map(|id| BillingId::new(id).ok()).take(AT_ONCE) {
            match pairing::clear(self.ports(), &self.books, self.kind, &id).await {
                Ok(true) => cleared += 1,
                Ok(false) => {}
                Err(Refusal::Store(error)) => return Err(error),
                Err(refusal) => return Ok(self.refused(&refusal)),
            }
        }
        Ok(Answer::see(format!("{}&said=cleared-{cleared}", View::of(form).unticked().address(self.kind))))
    }

    /// What Auto Map would do. Nothing is stored.
    async fn auto(&self) -> Answered {
        let Names { directory, pairs } = match self.names().await? {
            Ok(names) => names,
            Err(reading) => return Ok(reading),
        };
        let auto = pairing::auto_map(&directory, &pairs);
        Ok(self.page("Auto Map", None, &pages::auto(self.visitor, self.kind, &auto, AT_ONCE)))
    }

    async fn file(&self) -> Answered {
        let Names { directory, pairs } = match self.names().await? {
            Ok(names) => names,
            Err(reading) => return Ok(reading),
        };
        let csv = file::write(&pairing::mappings(&directory, &pairs));
        Ok(Answer::File { name: format!("mapping-{}s-{}.csv", self.kind, self.visitor.id()), csv })
    }

    /// What a table would change, to be looked at. Nothing is stored.
    async fn upload(&self, form: &Fields) -> Answered {
        let Names { directory, pairs } = match self.names().await? {
            Ok(names) => names,
            Err(reading) => return Ok(reading),
        };
        let table = file::read(form.get("table"), &directory, &pairs);
        Ok(self.page("Import mappings", None, &pages::preview(self.visitor, self.kind, &table, AT_ONCE)))
    }
}

fn pair(billing: &str, quickbooks: &str) -> Option<(BillingId, QuickBooksId)> {
    Some((BillingId::new(billing).ok()?, QuickBooksId::new(quickbooks).ok()?))
}

//! Addresses.

use http_api::values;
use lambda_http::http::Method;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sync::ids::{BillingId, JobId};
use sync::model::Kind;

use crate::asset::Asset;

/// The parts of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Activity,
    Mapping,
    Import,
    Settings,
    Connect,
}

impl Section {
    pub(crate) const ALL: [Section; 6] = [
        Section::Overview,
        Section::Activity,
        Section::Mapping,
        Section::Import,
        Section::Settings,
        Section::Connect,
    ];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Section::Overview => "/console",
            Section::Activity => "/console/activity",
            Section::Mapping => "/console/mapping/customers",
            Section::Import => "/console/import",
            Section::Settings => "/console/settings",
            Section::Connect => "/console/connect",
        }
    }

    /// What links into the console may end with.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Overview => "overview",
            Section::Activity => "activity",
            Section::Mapping => "mapping",
            Section::Import => "import",
            Section::Settings => "settings",
            Section::Connect => "connect",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Section::Overview => "Overview",
            Section::Activity => "Activity",
            Section::Mapping => "Mapping",
            Section::Import => "Import",
            Section::Settings => "Sync settings",
            Section::Connect => "Connect",
        }
    }
}

/// What is asked of one kind's mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MappingRoute {
    List,
    Read,
    Reading,
    Change,
    Choices,
    Update,
    Clear,
    Auto,
    Confirm,
    File,
    Upload,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Asset(Asset),
    Enter,
    SignOut,
    EndSessions,
    Overview,
    Health,
    Activity,
    ActivityFile,
    Retry,
    Ignore,
    Record(Kind, BillingId),
    Mapping(Kind, MappingRoute),
    Accounts,
    SaveAccounts,
    Imports,
    StartImport,
    Job(JobId),
    JobProgress(JobId),
    JobRecords(JobId, Kind),
    CancelJob(JobId),
    Settings,
    SaveSettings,
    Connect,
    StartConnecting,
    CheckAgain,
    Leave,
}

/// The route that an address stands for, by the values in it; none if they name nothing.
type Named = fn(&[&str]) -> Option<Route>;

/// Every address of the console: its method, its template, and what it stands for.
pub(crate) static ROUTES: [(Method, &str, Named); 36] = [
    (Method::GET, "/console/assets/{name}", |values| Some(Route::Asset(Asset::named(values.first()?)?))),
    (Method::GET, "/console/enter", |_| Some(Route::Enter)),
    (Method::POST, "/console/sign-out", |_| Some(Route::SignOut)),
    (Method::POST, "/console/end-sessions", |_| Some(Route::EndSessions)),
    (Method::GET, "/console", |_| Some(Route::Overview)),
    (Method::GET, "/console/health", |_| Some(Route::Health)),
    (Method::GET, "/console/activity", |_| Some(Route::Activity)),
    (Method::GET, "/console/activity.csv", |_| Some(Route::ActivityFile)),
    (Method::POST, "/console/activity/retry", |_| Some(Route::Retry)),
    (Method::POST, "/console/activity/ignore", |_| Some(Route::Ignore)),
    (Method::GET, "/console/records/{kind}/{id+}", record),
    (Method::GET, "/console/settings", |_| Some(Route::Settings)),
    (Method::POST, "/console/settings", |_| Some(Route::SaveSettings)),
    (Method::GET, "/console/connect", |_| Some(Route::Connect)),
    (Method::GET, "/console/connect/start", |_| Some(Route::StartConnecting)),
    (Method::POST, "/console/connect/check", |_| Some(Route::CheckAgain)),
    (Method::GET, "/console/connect/leave", |_| Some(Route::Leave)),
    (Method::GET, "/console/import", |_| Some(Route::Imports)),
    (Method::POST, "/console/import", |_| Some(Route::StartImport)),
    (Method::GET, "/console/import/{job}", |values| Some(Route::Job(job(values)?))),
    (Method::GET, "/console/import/{job}/progress", |values| Some(Route::JobProgress(job(values)?))),
    (Method::GET, "/console/import/{job}/{kind}", |values| {
        Some(Route::JobRecords(job(values)?, kind(values.last()?)?))
    }),
    (Method::POST, "/console/import/{job}/cancel", |values| Some(Route::CancelJob(job(values)?))),
    (Method::GET, "/console/mapping/accounts", |_| Some(Route::Accounts)),
    (Method::POST, "/console/mapping/accounts", |_| Some(Route::SaveAccounts)),
    (Method::GET, "/console/mapping/{side}", |values| mapping(values, MappingRoute::List)),
    (Method::POST, "/console/mapping/{side}/read", |values| mapping(values, MappingRoute::Read)),
    (Method::GET, "/console/mapping/{side}/reading", |values| mapping(values, MappingRoute::Reading)),
    (Method::GET, "/console/mapping/{side}/change", |values| mapping(values, MappingRoute::Change)),
    (Method::GET, "/console/mapping/{side}/choices", |values| mapping(values, MappingRoute::Choices)),
    (Method::POST, "/console/mapping/{side}/update", |values| mapping(values, MappingRoute::Update)),
    (Method::POST, "/console/mapping/{side}/clear", |values| mapping(values, MappingRoute::Clear)),
    (Method::GET, "/console/mapping/{side}/auto", |values| mapping(values, MappingRoute::Auto)),
    (Method::POST, "/console/mapping/{side}/confirm", |values| mapping(values, MappingRoute::Confirm)),
    (Method::GET, "/console/mapping/{side}/table.csv", |values| mapping(values, MappingRoute::File)),
    (Method::POST, "/console/mapping/{side}/upload", |values| mapping(values, MappingRoute::Upload)),
];

impl Route {
    pub(crate) fn of(method: &Method, path: &str) -> Option<Route> {
        let path = path.trim_end_matches('/');
        ROUTES
            .iter()
            .filter(|(of, ..)| of == method)
            .find_map(|(_, template, named)| named(&values(template, path)?))
    }
}

fn kind(value: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|known| known.name() == value)
}

fn job(values: &[&str]) -> Option<JobId> {
    JobId::new(*values.first()?).ok()
}

fn mapping(values: &[&str], route: MappingRoute) -> Option<Route> {
    match values {
        ["customers"] => Some(Route::Mapping(Kind::Client, route)),
        ["items"] => Some(Route::Mapping(Kind::Product, route)),
        _ => None,
    }
}

fn record(values: &[&str]) -> Option<Route> {
    let [of, id] = values else { return None };
    let id = percent_decode_str(id).decode_utf8().ok()?;
    Some(Route::Record(kind(of)?, BillingId::new(id).ok()?))
}

/// Where the history of a record is.
pub(crate) fn record_path(kind: Kind, id: &BillingId) -> String {
    format!("/console/records/{kind}/{}", encoded(id.as_str()))
}

/// A value as it may stand in an address.
pub(crate) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_whatever_its_id_holds() {
        for id in ["7", "a/b", "ü ?&#", "%2e%2e"] {
            let id = BillingId::new(id).unwrap();
            let path = record_path(Kind::Client, &id);
            assert_eq!(Route::of(&Method::GET, &path), Some(Route::Record(Kind::Client, id)), "{path}");
        }
    }

    #[test]
    fn what_is_no_address_leads_nowhere() {
        for path in ["/", "/consolex", "/console/records/vendor/1", "/console/records/client/", "/console/x"]
        {
            assert_eq!(Route::of(&Method::GET, path), None, "{path}");
        }
        assert_eq!(Route::of(&Method::GET, "/console/activity/retry"), None);
        assert_eq!(Route::of(&Method::DELETE, "/console"), None);
    }

    #[test]
    fn no_address_hides_behind_another() {
        let sample = |template: &str| {
            ["{name}", "{kind}", "{id+}", "{job}", "{side}"]
                .into_iter()
                .zip(["htmx.js", "client", "1", "j1", "items"])
                .fold(template.to_owned(), |path, (name, value)| path.replace(name, value))
        };
        let routes: Vec<Route> = ROUTES
            .iter()
            .map(|(method, template, _)| Route::of(method, &sample(template)).expect(template))
            .collect();
        for (place, route) in routes.iter().enumerate() {
            assert!(!routes[..place].contains(route), "{route:?}");
        }
    }
}

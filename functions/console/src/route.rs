//! Addresses.

use lambda_http::http::Method;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sync::ids::{BillingId, JobId};
use sync::model::Kind;

/// Where the script is, by its version: it never changes under this name.
pub(crate) const SCRIPT_PATH: &str = "/console/assets/htmx-2.0.11.js";

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
    Script,
    Enter,
    SignOut,
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

impl Route {
    pub(crate) fn of(method: &Method, path: &str) -> Option<Route> {
        if method == Method::GET && path == SCRIPT_PATH {
            return Some(Route::Script);
        }
        let path = path.strip_prefix("/console")?.trim_end_matches('/');
        Some(match (method, path) {
            (&Method::GET, "/enter") => Route::Enter,
            (&Method::POST, "/sign-out") => Route::SignOut,
            (&Method::GET, "") => Route::Overview,
            (&Method::GET, "/health") => Route::Health,
            (&Method::GET, "/activity") => Route::Activity,
            (&Method::GET, "/activity.csv") => Route::ActivityFile,
            (&Method::POST, "/activity/retry") => Route::Retry,
            (&Method::POST, "/activity/ignore") => Route::Ignore,
            (&Method::GET, "/settings") => Route::Settings,
            (&Method::POST, "/settings") => Route::SaveSettings,
            (&Method::GET, "/connect") => Route::Connect,
            (&Method::GET, "/connect/start") => Route::StartConnecting,
            (&Method::POST, "/connect/check") => Route::CheckAgain,
            (&Method::GET, "/connect/leave") => Route::Leave,
            (&Method::GET, "/import") => Route::Imports,
            (&Method::POST, "/import") => Route::StartImport,
            (method, rest) if rest.starts_with("/import/") => job(method, rest)?,
            (&Method::GET, "/mapping/accounts") => Route::Accounts,
            (&Method::POST, "/mapping/accounts") => Route::SaveAccounts,
            (method, rest) if rest.starts_with("/mapping/") => mapping(method, rest)?,
            (&Method::GET, rest) => record(rest)?,
            _ => return None,
        })
    }
}

fn job(method: &Method, path: &str) -> Option<Route> {
    let rest = path.strip_prefix("/import/")?;
    let (id, what) = rest.split_once('/').unwrap_or((rest, ""));
    let id = JobId::new(id).ok()?;
    Some(match (method, what) {
        (&Method::GET, "") => Route::Job(id),
        (&Method::GET, "progress") => Route::JobProgress(id),
        (&Method::POST, "cancel") => Route::CancelJob(id),
        (&Method::GET, kind) => {
            Route::JobRecords(id, Kind::ALL.into_iter().find(|known| known.name() == kind)?)
        }
        _ => return None,
    })
}

fn mapping(method: &Method, path: &str) -> Option<Route> {
    let of = |name, kind| Some((kind, path.strip_prefix("/mapping/")?.strip_prefix(name)?));
    let (kind, rest) = of("customers", Kind::Client).or_else(|| of("items", Kind::Product))?;
    let route = match (method, rest) {
        (&Method::GET, "") => MappingRoute::List,
        (&Method::POST, "/read") => MappingRoute::Read,
        (&Method::GET, "/reading") => MappingRoute::Reading,
        (&Method::GET, "/change") => MappingRoute::Change,
        (&Method::GET, "/choices") => MappingRoute::Choices,
        (&Method::POST, "/update") => MappingRoute::Update,
        (&Method::POST, "/clear") => MappingRoute::Clear,
        (&Method::GET, "/auto") => MappingRoute::Auto,
        (&Method::POST, "/confirm") => MappingRoute::Confirm,
        (&Method::GET, ".csv") => MappingRoute::File,
        (&Method::POST, "/upload") => MappingRoute::Upload,
        _ => return None,
    };
    Some(Route::Mapping(kind, route))
}

fn record(path: &str) -> Option<Route> {
    let (kind, id) = path.strip_prefix("/records/")?.split_once('/')?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
    let id = percent_decode_str(id).decode_utf8().ok()?;
    Some(Route::Record(kind, BillingId::new(id).ok()?))
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
}

//! Codes, tokens and connections as a pure state machine: time and random values are arguments.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long an access token lives, in seconds.
pub(in crate::server) const ACCESS_TOKEN_SECONDS: i64 = 3600;
/// What Intuit tells as the refresh token's life, in seconds: 101 days (recorded), though it documents 100.
pub(in crate::server) const ANNOUNCED_REFRESH_SECONDS: i64 = 8_726_400;
/// A refresh token not used for this long is dead (Intuit: "OAuth 2.0", frequent questions).
const IDLE_LIFE: SignedDuration = SignedDuration::from_hours(100 * 24);
/// From this age on, the next refresh gives the refresh token a new value (same source).
const VALUE_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// However often it is refreshed, a connection ends after five years (Intuit: refresh token policy, November 2025).
const HARD_LIFE: SignedDuration = SignedDuration::from_secs(157_680_000);
/// Not documented; the stricter end of what is reported.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// What happens to the second of two refreshes at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConcurrentRefresh {
    /// It is answered like any other.
    Allowed,
    /// `invalid_grant`, as Intuit documents.
    #[default]
    Refused,
    /// `invalid_grant`, and the connection is revoked, as Intuit documents that it may.
    Revokes,
}

/// The doubtful rules of refreshing.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct RefreshRules {
    /// How long a refresh token's previous value lives on.
    pub(in crate::server) previous_valid_for: SignedDuration,
    pub(in crate::server) concurrent: ConcurrentRefresh,
    /// How long a refresh takes; another one meanwhile is concurrent.
    pub(in crate::server) takes: SignedDuration,
}

/// New random values for a pair of tokens.
#[derive(Clone, Debug)]
pub(in crate::server) struct NewValues {
    pub(in crate::server) access_token: String,
    pub(in crate::server) refresh_token: String,
}

/// What a token request yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server) struct TokenPair {
    pub(in crate::server) realm: String,
    pub(in crate::server) access_token: String,
    pub(in crate::server) refresh_token: String,
    /// When the connection ends for good.
    pub(in crate::server) hard_end: Timestamp,
}

/// Why a code or a refresh token is not honoured. All are `invalid_grant` to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Refusal {
    /// Unknown, used, expired, or of another redirect URI.
    Code,
    /// Unknown, replaced, idle too long, revoked, or used twice at once.
    DeadRefreshToken,
    /// An access token in its place.
    WrongTokenType,
}

/// All authorization codes, tokens and connections.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::server) struct Connections {
    codes: BTreeMap<String, Code>,
    connections: BTreeMap<u64, Connection>,
    access_tokens: BTreeMap<String, AccessToken>,
    last_id: u64,
    /// Every code and token that was ever handed out, for whoever looks for them where they must not be.
    #[serde(default)]
    issued: BTreeSet<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Code {
    realm: String,
    redirect_uri: String,
    expires: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct AccessToken {
    connection: u64,
    expires: Timestamp,
}

/// One app connected to one company, by one consent.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Connection {
    realm: String,
    by_consent: bool,
    granted: Timestamp,
    /// None after the same company was connected anew.
    refresh_token: Option<String>,
    /// When the refresh token got its present value.
    value_since: Timestamp,
    previous: Option<PreviousValue>,
    last_refresh: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PreviousValue {
    value: String,
    until: Timestamp,
}

impl Connection {
    fn knows(&self, value: &str, now: Timestamp) -> bool {
        let previous = self.previous.as_ref().filter(|previous| now < previous.until);
        self.refresh_token.as_deref() == Some(value)
            || previous.is_some_and(|previous| previous.value == value)
    }

    fn hard_end(&self) -> Timestamp {
        self.granted + HARD_LIFE
    }

    fn is_dead(&self, now: Timestamp) -> bool {
        let used = self.last_refresh.unwrap_or(self.granted);
        now >= self.hard_end() || now.duration_since(used) >= IDLE_LIFE
    }

    fn is_being_refreshed(&self, takes: SignedDuration, now: Timestamp) -> bool {
        self.last_refresh.is_some_and(|last| last <= now && now.duration_since(last) < takes)
    }

    /// Gives the refresh token a new value if the present one is a day old.
    fn rotate(&mut self, new: String, rules: &RefreshRules, now: Timestamp) {
        if now.duration_since(self.value_since) >= VALUE_LIFE {
            let until = now + rules.previous_valid_for;
            self.previous = self.refresh_token.replace(new).map(|value| PreviousValue { value, until });
            self.value_since = now;
        }
    }
}

impl Connections {
    /// A person consented: `code` can be exchanged once, soon.
    pub(in crate::server) fn add_code(
        &mut self,
        code: String,
        realm: &str,
        redirect_uri: &str,
        now: Timestamp,
    ) {
        let code_data =
            Code { realm: realm.to_owned(), redirect_uri: redirect_uri.to_owned(), expires: now + CODE_LIFE };
        self.codes.retain(|_, code| now < code.expires);
        self.issued.insert(code.clone());
        self.codes.insert(code, code_data);
    }

    /// Exchanges a code. The company's earlier consents lose their refresh tokens.
    pub(in crate::server) fn exchange(
        &mut self,
        code: &str,
        redirect_uri: &str,
        new: NewValues,
        now: Timestamp,
    ) -> Result<TokenPair, Refusal> {
        let code = self.codes.remove(code).ok_or(Refusal::Code)?;
        if now >= code.expires || redirect_uri != code.redirect_uri {
            return Err(Refusal::Code);
        }
        let earlier = self.connections.values_mut();
        for connection in earlier.filter(|other| other.by_consent && other.realm == code.realm) {
            connection.refresh_token = None;
            connection.previous = None;
        }
        Ok(self.connect(&code.realm, true, new, now))
    }

    /// Connects a company without asking anybody. Other connections live on.
    pub(in crate::server) fn connect_for_tools(
        &mut self,
        realm: &str,
        new: NewValues,
        now: Timestamp,
    ) -> TokenPair {
        self.connect(realm, false, new, now)
    }

    fn connect(&mut self, realm: &str, by_consent: bool, new: NewValues, now: Timestamp) -> TokenPair {
        self.last_id += 1;
        let connection = Connection {
            realm: realm.to_owned(),
            by_consent,
            granted: now,
            refresh_token: Some(new.refresh_token.clone()),
            value_since: now,
            previous: None,
            last_refresh: None,
        };
        let hard_end = connection.hard_end();
        self.connections.insert(self.last_id, connection);
        self.issued.insert(new.refresh_token.clone());
        self.add_access_token(new.access_token.clone(), self.last_id, now);
        let NewValues { access_token, refresh_token } = new;
        TokenPair { realm: realm.to_owned(), access_token, refresh_token, hard_end }
    }

    fn add_access_token(&mut self, value: String, connection: u64, now: Timestamp) {
        self.access_tokens.retain(|_, token| now < token.expires);
        self.issued.insert(value.clone());
        let expires = now + SignedDuration::from_secs(ACCESS_TOKEN_SECONDS);
        self.access_tokens.insert(value, AccessToken { connection, expires });
    }

    /// Refreshes. The refresh token keeps its value for a day; earlier access tokens live on.
    pub(in crate::server) fn refresh(
        &mut self,
        refresh_token: &str,
        new: NewValues,
        rules: &RefreshRules,
        now: Timestamp,
    ) -> Result<TokenPair, Refusal> {
        if self.access_tokens.contains_key(refresh_token) {
            return Err(Refusal::WrongTokenType);
        }
        let known = self.connections.iter_mut().find(|(_, connection)| connection.knows(refresh_token, now));
        let (&id, connection) = known.ok_or(Refusal::DeadRefreshToken)?;
        if connection.is_dead(now) {
            self.end(|other| other == id);
            return Err(Refusal::DeadRefreshToken);
        }
        if rules.concurrent != ConcurrentRefresh::Allowed && connection.is_being_refreshed(rules.takes, now) {
            if rules.concurrent == ConcurrentRefresh::Revokes {
                self.end(|other| other == id);
            }
            return Err(Refusal::DeadRefreshToken);
        }
        connection.rotate(new.refresh_token, rules, now);
        connection.last_refresh = Some(now);
        let pair = TokenPair {
            realm: connection.realm.clone(),
            access_token: new.access_token.clone(),
            refresh_token: connection.refresh_token.clone().unwrap_or_default(),
            hard_end: connection.hard_end(),
        };
        self.issued.insert(pair.refresh_token.clone());
        self.add_access_token(new.access_token, id, now);
        Ok(pair)
    }

    /// Ends the connection that an access or refresh token belongs to. False if the token is not known.
    pub(in crate::server) fn revoke(&mut self, token: &str, now: Timestamp) -> bool {
        let by_access = self.access_tokens.get(token).map(|token| token.connection);
        let by_refresh = || self.connections.iter().find(|(_, it)| it.knows(token, now)).map(|(id, _)| *id);
        let Some(id) = by_access.or_else(by_refresh) else { return false };
        self.end(|other| other == id);
        true
    }

    /// Ends all connections of a company, as a person does in QuickBooks under "My apps".
    pub(in crate::server) fn disconnect(&mut self, realm: &str) {
        let ids: Vec<u64> =
            self.connections.iter().filter(|(_, it)| it.realm == realm).map(|(id, _)| *id).collect();
        self.end(|id| ids.contains(&id));
    }

    fn end(&mut self, ends: impl Fn(u64) -> bool) {
        self.connections.retain(|id, _| !ends(*id));
        self.access_tokens.retain(|_, token| !ends(token.connection));
    }

    /// Lets one access token end now.
    pub(in crate::server) fn expire_access_token(&mut self, token: &str) {
        self.access_tokens.remove(token);
    }

    /// Lets all access tokens of a company end now.
    pub(in crate::server) fn expire_access_tokens_of(&mut self, realm: &str) {
        let connections = &self.connections;
        self.access_tokens
            .retain(|_, token| connections.get(&token.connection).is_some_and(|it| it.realm != realm));
    }

    /// The company that a living access token opens.
    pub(in crate::server) fn realm_of(&self, access_token: &str, now: Timestamp) -> Option<&str> {
        let token = self.access_tokens.get(access_token).filter(|token| now < token.expires)?;
        self.connections.get(&token.connection).map(|connection| connection.realm.as_str())
    }

    /// Whether any connection to the company can still be refreshed.
    pub(in crate::server) fn is_connected(&self, realm: &str, now: Timestamp) -> bool {
        let alive = |it: &Connection| it.refresh_token.is_some() && !it.is_dead(now);
        self.connections.values().any(|connection| connection.realm == realm && alive(connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: RefreshRules = RefreshRules {
        previous_valid_for: SignedDuration::ZERO,
        concurrent: ConcurrentRefresh::Refused,
        takes: SignedDuration::from_millis(100),
    };

    fn hours(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    fn values(n: u32) -> NewValues {
        NewValues { access_token: format!("access {n}"), refresh_token: format!("refresh {n}") }
    }

    fn connected() -> Connections {
        let mut connections = Connections::default();
        connections.add_code("code".into(), "1", "https://app.test/cb", hours(0));
        connections.exchange("code", "https://app.test/cb", values(0), hours(0)).unwrap();
        connections
    }

    #[test]
    fn whatever_was_issued_is_known_after_its_end() {
        let mut connections = connected();
        connections.refresh("refresh 0", values(1), &STRICT, hours(25)).unwrap();
        connections.disconnect("1");
        for value in ["code", "access 0", "refresh 0", "access 1", "refresh 1"] {
            assert!(connections.issued.contains(value), "{value}");
        }
    }

    #[test]
    fn a_code_works_once_and_for_five_minutes() {
        let mut connections = connected();
        let mut exchange = |now| connections.exchange("code", "https://app.test/cb", values(1), now);
        assert_eq!(exchange(hours(0)), Err(Refusal::Code), "used already");
        for (redirect_uri, minutes) in [("https://app.test/cb", 5), ("https://other.test/cb", 1)] {
            let mut connections = Connections::default();
            connections.add_code("code".into(), "1", "https://app.test/cb", hours(0));
            let later = hours(0) + SignedDuration::from_mins(minutes);
            assert_eq!(connections.exchange("code", redirect_uri, values(0), later), Err(Refusal::Code));
        }
    }

    #[test]
    fn the_refresh_token_keeps_its_value_for_a_day_then_the_old_one_is_dead() {
        let mut connections = connected();
        let same = connections.refresh("refresh 0", values(1), &STRICT, hours(23)).unwrap();
        assert_eq!((same.refresh_token.as_str(), same.access_token.as_str()), ("refresh 0", "access 1"));
        let rotated = connections.refresh("refresh 0", values(2), &STRICT, hours(24)).unwrap();
        assert_eq!(rotated.refresh_token, "refresh 2");
        let old = connections.refresh("refresh 0", values(3), &STRICT, hours(25));
        assert_eq!(old, Err(Refusal::DeadRefreshToken));
        assert!(connections.refresh("refresh 2", values(4), &STRICT, hours(25)).is_ok());
    }

    #[test]
    fn the_old_value_may_live_on_by_a_switch() {
        let rules = RefreshRules { previous_valid_for: SignedDuration::from_hours(24), ..STRICT };
        let mut connections = connected();
        connections.refresh("refresh 0", values(1), &rules, hours(24)).unwrap();
        let again = connections.refresh("refresh 0", values(2), &rules, hours(47)).unwrap();
        assert_eq!(again.refresh_token, "refresh 1");
        assert!(connections.refresh("refresh 0", values(3), &rules, hours(48)).is_err());
    }

    #[test]
    fn a_hundred_idle_days_or_five_years_end_a_connection() {
        assert!(connected().refresh("refresh 0", values(1), &STRICT, hours(100 * 24 - 1)).is_ok());
        assert!(connected().refresh("refresh 0", values(1), &STRICT, hours(100 * 24)).is_err());

        let mut connections = connected();
        let mut refresh_token = "refresh 0".to_owned();
        let five_years = 157_680_000 / 3600;
        for day in (0..five_years / 24).step_by(90).skip(1) {
            let pair = connections.refresh(&refresh_token, values(day), &STRICT, hours((day * 24).into()));
            refresh_token = pair.unwrap().refresh_token;
        }
        assert!(connections.clone().refresh(&refresh_token, values(1), &STRICT, hours(43_799)).is_ok());
        assert!(connections.refresh(&refresh_token, values(1), &STRICT, hours(43_800)).is_err());
    }

    #[test]
    fn of_two_refreshes_at_once_the_second_is_refused_and_may_revoke() {
        let at_once = hours(1) + SignedDuration::from_millis(99);
        for (concurrent, second_is_ok, survives) in [
            (ConcurrentRefresh::Allowed, true, true),
            (ConcurrentRefresh::Refused, false, true),
            (ConcurrentRefresh::Revokes, false, false),
        ] {
            let rules = RefreshRules { concurrent, ..STRICT };
            let mut connections = connected();
            connections.refresh("refresh 0", values(1), &rules, hours(1)).unwrap();
            assert_eq!(connections.refresh("refresh 0", values(2), &rules, at_once).is_ok(), second_is_ok);
            assert_eq!(connections.realm_of("access 1", at_once).is_some(), survives);
            assert_eq!(connections.refresh("refresh 0", values(3), &rules, hours(2)).is_ok(), survives);
        }
    }

    #[test]
    fn a_refresh_leaves_the_earlier_access_token_alone() {
        let mut connections = connected();
        let soon = hours(0) + SignedDuration::from_mins(30);
        connections.refresh("refresh 0", values(1), &STRICT, soon).unwrap();
        assert_eq!(connections.realm_of("access 0", soon), Some("1"));
        assert_eq!(connections.realm_of("access 0", hours(1)), None);
        assert_eq!(connections.realm_of("access 1", hours(1)), Some("1"));
    }

    #[test]
    fn revoking_either_token_kills_both() {
        for token in ["access 0", "refresh 0"] {
            let mut connections = connected();
            assert!(connections.revoke(token, hours(0)));
            assert_eq!(connections.realm_of("access 0", hours(0)), None);
            assert!(connections.refresh("refresh 0", values(1), &STRICT, hours(1)).is_err());
            assert!(!connections.revoke(token, hours(0)));
        }
    }

    #[test]
    fn a_new_consent_replaces_the_refresh_token_and_tools_replace_nothing() {
        let mut connections = connected();
        connections.connect_for_tools("1", values(1), hours(0));
        assert!(connections.refresh("refresh 0", values(2), &STRICT, hours(1)).is_ok());
        connections.add_code("again".into(), "1", "https://app.test/cb", hours(2));
        connections.exchange("again", "https://app.test/cb", values(3), hours(2)).unwrap();
        assert!(connections.refresh("refresh 0", values(4), &STRICT, hours(3)).is_err());
        assert!(connections.refresh("refresh 1", values(5), &STRICT, hours(3)).is_ok());
        assert!(connections.refresh("refresh 3", values(6), &STRICT, hours(3)).is_ok());
    }

    #[test]
    fn an_access_token_is_no_refresh_token() {
        let refused = connected().refresh("access 0", values(1), &STRICT, hours(0));
        assert_eq!(refused, Err(Refusal::WrongTokenType));
    }
}

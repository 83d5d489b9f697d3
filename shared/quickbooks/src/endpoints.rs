//! Where Intuit's servers are.

use url::{ParseError, Url};

/// The addresses that the clients call. Another set of addresses is all it takes to use a simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The accounting API, without `/v3/company`.
    pub api: Url,
    /// Where a person consents.
    pub authorize: Url,
    /// Where codes and refresh tokens are traded.
    pub token: Url,
    /// Where tokens are given up.
    pub revoke: Url,
}

impl Endpoints {
    /// Live companies (Intuit: OAuth 2.0, REST API features).
    pub fn production() -> Result<Self, ParseError> {
        Self::intuit("https://quickbooks.api.intuit.com")
    }

    /// Sandbox companies. They differ in the API's address and in the app's keys, which only open them.
    pub fn sandbox() -> Result<Self, ParseError> {
        Self::intuit("https://sandbox-quickbooks.api.intuit.com")
    }

    /// A server that does everything under one address, such as the simulator.
    pub fn at(address: &Url) -> Result<Self, ParseError> {
        Ok(Self {
            api: address.clone(),
            authorize: address.join("/connect/oauth2")?,
            token: address.join("/oauth2/v1/tokens/bearer")?,
            revoke: address.join("/v2/oauth2/tokens/revoke")?,
        })
    }

    fn intuit(api: &str) -> Result<Self, ParseError> {
        Ok(Self {
            api: Url::parse(api)?,
            authorize: Url::parse("https://appcenter.intuit.com/connect/oauth2")?,
            token: Url::parse("https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer")?,
            revoke: Url::parse("https://developer.api.intuit.com/v2/oauth2/tokens/revoke")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intuits_addresses_are_addresses() {
        let (production, sandbox) = (Endpoints::production().unwrap(), Endpoints::sandbox().unwrap());
        assert_ne!(production.api, sandbox.api);
        assert_eq!(production.token, sandbox.token);
    }
}

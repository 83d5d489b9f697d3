//! Which addresses may be called when somebody else chooses them: a company tells where its billing app is, and must
//! not make Counterpart call what only Counterpart can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// What may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only addresses of the public internet, over https.
    Public,
    /// Private addresses too, and this machine over http: for a run on one machine.
    Anywhere,
}

/// Why an address may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address {0}")]
pub struct BadAddress(&'static str);

impl Reach {
    /// Checks the base address of an app, such as `https://invoicing.co`, and returns it without a slash at the end.
    /// Where its name leads is checked with each call.
    ///
    /// # Errors
    /// It is no plain https address (http is for this machine only), or out of reach.
    pub fn base(self, text: &str) -> Result<Url, BadAddress> {
        let mut url =
            Url::parse(text.trim()).map_err(|_| BadAddress("is not one, such as https://invoicing.co"))?;
        let host = url.host().ok_or(BadAddress("names no host"))?;
        let is_this_machine = is_this_machine(&host);
        match (url.scheme(), self) {
            ("https", _) => {}
            ("http", Reach::Anywhere) if is_this_machine => {}
            _ => return Err(BadAddress("does not begin with https://")),
        }
        let literal = match host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
        };
        if is_this_machine && self == Reach::Public || literal.is_some_and(|ip| !self.covers(ip)) {
            return Err(BadAddress("is private, and only public ones are called"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadAddress("holds a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BadAddress("goes on after its path"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(url)
    }

    /// Whether an address may be connected with.
    pub fn covers(self, ip: IpAddr) -> bool {
        match self {
            Reach::Anywhere => true,
            Reach::Public => match ip {
                IpAddr::V4(ip) => is_public_v4(ip),
                IpAddr::V6(ip) => is_public_v6(ip),
            },
        }
    }
}

impl Resolve for Reach {
    /// Only the addresses within reach, so that a name that changes where it leads between check and call gains
    /// nothing.
    fn resolve(&self, name: Name) -> Resolving {
        let reach = *self;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let covered: Vec<SocketAddr> = found.into_iter().filter(|at| reach.covers(at.ip())).collect();
            if covered.is_empty() {
                return Err(BadAddress("leads to none that may be called").into());
            }
            Ok(Box::new(covered.into_iter()) as Addrs)
        })
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// Not set aside for a special purpose (IANA: IPv4 Special-Purpose Address Registry).
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b));
    !is_special
}

/// Global unicast, and not one that stands for an IPv4 address (IANA: IPv6 Special-Purpose Address Registry).
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    let is_global = first & 0xe000 == 0x2000;
    let is_documentation = first == 0x2001 && second == 0x0db8;
    // Teredo, ORCHID and the like below 2001:200::, and 6to4.
    let is_tunnel = (first == 0x2001 && second < 0x0200) || first == 0x2002;
    is_global && !is_documentation && !is_tunnel
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn base(reach: Reach, text: &str) -> Result<String, String> {
        reach.base(text).map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn plain_https_addresses_are_taken() {
        assert_eq!(base(Reach::Public, " https://invoicing.co/ ").unwrap(), "https://invoicing.co/");
        assert_eq!(
            base(Reach::Public, "https://books.example/ninja//").unwrap(),
            "https://books.example/ninja"
        );
        assert_eq!(base(Reach::Public, "https://8.8.8.8:8443").unwrap(), "https://8.8.8.8:8443/");
    }

    #[test]
    fn what_only_we_can_reach_is_refused_in_every_spelling() {
        for text in [
            "https://127.0.0.1",
            "https://2130706433",
            "https://0x7f.1",
            "https://localhost",
            "https://app.localhost",
            "https://10.1.2.3",
            "https://172.16.0.1",
            "https://192.168.1.1",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1",
            "https://0.0.0.0",
            "https://[::1]",
            "https://[::ffff:10.0.0.1]",
            "https://[fd00::1]",
            "https://[fe80::1]",
            "https://[64:ff9b::a00:1]",
            "https://[2002:a00:1::]",
        ] {
            assert!(base(Reach::Public, text).unwrap_err().contains("private"), "{text}");
        }
    }

    #[test]
    fn http_is_for_this_machine_only_and_only_where_that_is_allowed() {
        assert!(base(Reach::Public, "http://invoicing.co").is_err());
        assert!(base(Reach::Public, "http://127.0.0.1:8080").is_err());
        assert!(base(Reach::Anywhere, "http://invoicing.co").is_err());
        assert!(base(Reach::Anywhere, "http://10.0.0.1").is_err());
        assert!(base(Reach::Anywhere, "http://127.0.0.1:8080").is_ok());
        assert!(base(Reach::Anywhere, "https://10.0.0.1").is_ok());
    }

    #[test]
    fn what_hides_in_an_address_is_refused() {
        for text in [
            "https://me:secret@invoicing.co",
            "https://invoicing.co/?a=b",
            "https://invoicing.co/#a",
            "invoicing.co",
            "ftp://invoicing.co",
            "",
        ] {
            assert!(base(Reach::Anywhere, text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_not_called() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let app = axum::Router::new().route("/", axum::routing::get(|| async { "reached" }));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let patience = Duration::from_secs(10);
        let get = async |reach| {
            crate::http_client_within(reach, patience, patience).unwrap().get(&address).send().await
        };
        assert_eq!(get(Reach::Anywhere).await.unwrap().text().await.unwrap(), "reached");
        assert!(get(Reach::Public).await.unwrap_err().is_connect());
    }
}

//! Which addresses webhooks may go to.
//!
//! Owns this rule: an address must be public, unless a setting allows others. It must not trust an earlier
//! check of a name: it checks the addresses when connecting, because a name may point elsewhere a moment
//! later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::settings::WebhookSettings;

/// Longest URL.
pub const LONGEST_URL: usize = 2000;

/// Networks of IPv4 that are not the public internet (the IANA special-purpose registry), with
/// multicast.
const NOT_PUBLIC: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Networks within 2000::/3 that are not the public internet, or lead on to any address of IPv4.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is one of the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC
            .iter()
            .any(|(network, bits)| (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0),
        IpAddr::V6(address) => {
            if let Some(mapped) = address.to_ipv4_mapped() {
                return is_public(IpAddr::V4(mapped));
            }
            // Only 2000::/3 is assigned as global unicast.
            address.to_bits() >> 125 == 1
                && !NOT_PUBLIC_V6.iter().any(|(network, bits)| {
                    (address.to_bits() ^ network.to_bits()) >> (128 - bits) == 0
                })
        }
    }
}

/// The address that a URL names in figures, if it does.
fn in_figures(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

/// Whether the URL itself allows connecting. The addresses behind a name are checked when it is resolved.
#[must_use]
pub fn may_connect(url: &Url, settings: &WebhookSettings) -> bool {
    settings.allow_private || in_figures(url).is_none_or(is_public)
}

/// The URL of an endpoint.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str, settings: &WebhookSettings) -> Result<Url, &'static str> {
    if text.len() > LONGEST_URL {
        return Err("Give a URL of at most 2,000 characters.");
    }
    let url = Url::parse(text)
        .map_err(|_| "Give an absolute URL such as https://app.example.org/hooks/gridpatrol.")?;
    match url.scheme() {
        "https" => {}
        "http" if settings.allow_http => {}
        "http" => return Err("Give an https URL: this server does not send without TLS."),
        _ => return Err("Give an https URL."),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("Give a URL with a host.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Give a URL without a user: the signature tells who sends.");
    }
    if url.fragment().is_some() {
        return Err("Give a URL without a fragment.");
    }
    if !may_connect(&url, settings) {
        return Err("Give a public address: this server sends to no other.");
    }
    Ok(url)
}

/// A name led to no address that may be connected to.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the name leads to no public address")]
pub struct NotPublic;

/// Resolves names by the operating system, and leaves out what is not public. The connection goes to
/// what this answers, and to nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// Whether any address will do.
    pub allow_private: bool,
}

impl Guard {
    fn within(self, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
        let allowed: Vec<SocketAddr> = found
            .into_iter()
            .filter(|address| self.allow_private || is_public(address.ip()))
            .collect();
        if allowed.is_empty() {
            Err(NotPublic)
        } else {
            Ok(allowed)
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::task::spawn_blocking(move || {
                (host.as_str(), 0)
                    .to_socket_addrs()
                    .map(Iterator::collect::<Vec<_>>)
            })
            .await??;
            Ok(Box::new(guard.within(found)?.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_pass() {
        for public in [
            "1.1.1.1",
            "172.15.0.1",
            "100.63.255.255",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "127.8.8.8",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.19.0.1",
            "::1",
            "::",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn figures_in_any_guise_are_recognised() {
        let strict = WebhookSettings::default();
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[0:0:0:0:0:ffff:7f00:1]/",
            "https://１２７.0.0.1/",
        ] {
            assert!(read(url, &strict).is_err(), "{url}");
        }
        assert!(read("https://app.example.org/hooks?x=1", &strict).is_ok());
        for wrong in [
            "http://app.example.org/",
            "ftp://app.example.org/",
            "app.example.org",
            "https://user@app.example.org/",
            "https://app.example.org/#part",
            "",
        ] {
            assert!(read(wrong, &strict).is_err(), "{wrong}");
        }
        let lenient = WebhookSettings {
            allow_http: true,
            allow_private: true,
            ..WebhookSettings::default()
        };
        assert!(read("http://127.0.0.1:9000/", &lenient).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused_when_it_is_resolved() {
        let name = || "localhost".parse::<Name>().unwrap();
        let strict = Guard {
            allow_private: false,
        };
        let refused = strict.resolve(name()).await.err().unwrap();
        assert!(refused.downcast_ref::<NotPublic>().is_some(), "{refused}");
        let lenient = Guard {
            allow_private: true,
        };
        assert!(lenient.resolve(name()).await.unwrap().next().is_some());
        // Of several addresses, only the public ones remain.
        let mixed = ["10.0.0.1:0", "1.1.1.1:0"].map(|one| one.parse().unwrap());
        let left = strict.within(mixed.to_vec()).unwrap();
        assert_eq!(left, ["1.1.1.1:0".parse().unwrap()]);
    }
}

use std::{fmt, net::IpAddr, str::FromStr};

use reqwest::Url;

use crate::WebhookError;

const MAX_LEN: usize = 2048;
/// Below, every port but 80 and 443 belongs to another protocol.
const FIRST_FREE_PORT: u16 = 1024;
/// Above, these do: services that take lines of text as commands, or that act for whoever reaches them.
const FOREIGN_PORTS: &[u16] = &[
    1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 4222, 5060, 5061, 5432, 6000, 6379, 6443, 6665, 6666, 6667,
    6668, 6669, 6697, 9200, 9300, 10250, 11211, 27017,
];

/// The URL of an endpoint: `http` or `https`, a host, at most a path and a query.
///
/// Its port is 80, 443, or one from 1024 on that no other protocol is known for, so that nobody can make the platform
/// talk to a mail server or a database. Which *addresses* may be called is [`crate::AddressGuard`]'s matter.
///
/// Owners put passwords into paths and queries: `Debug` shows only the origin.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

impl WebhookUrl {
    /// The only door. The URL is kept in the normal form of the WHATWG URL standard, in which an IPv4 address has
    /// only one way to be written.
    ///
    /// # Errors
    /// The variants of [`WebhookError`] that begin with `Url`.
    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        if text.len() > MAX_LEN {
            return Err(WebhookError::UrlTooLong {
                len: text.len(),
                max: MAX_LEN,
            });
        }
        // The standard strips these silently; in an address that somebody means they are a mistake.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(WebhookError::UrlMalformed);
        }
        let url = Url::parse(text).map_err(|_| WebhookError::UrlMalformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebhookError::UrlScheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookError::UrlUserInfo);
        }
        if url.fragment().is_some() {
            return Err(WebhookError::UrlFragment);
        }
        match url.port_or_known_default() {
            Some(80 | 443) => {}
            Some(port) if port >= FIRST_FREE_PORT && !FOREIGN_PORTS.contains(&port) => {}
            port => {
                return Err(WebhookError::UrlPort {
                    port: port.unwrap_or_default(),
                });
            }
        }
        Ok(Self(url))
    }

    /// The URL as text, with whatever its owner hid in it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The address, if the host is one: ask [`crate::AddressGuard::permits`] about it when an endpoint is set up.
    pub fn ip(&self) -> Option<IpAddr> {
        let host = self.0.host_str()?;
        host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    pub(crate) fn to_url(&self) -> Url {
        self.0.clone()
    }

    /// Scheme, host and port: what may stand in a log.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl FromStr for WebhookUrl {
    type Err = WebhookError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({}/…)", self.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_kept_in_its_normal_form() {
        for (text, expected) in [
            ("https://app.example.com", "https://app.example.com/"),
            (
                "HTTPS://App.Example.com:443/Hook?a=b",
                "https://app.example.com/Hook?a=b",
            ),
            ("http://app.example.com:8080/x", "http://app.example.com:8080/x"),
            ("https://b\u{fc}cher.example/", "https://xn--bcher-kva.example/"),
            (
                "https://app.example.com\\@10.0.0.1:0/",
                "https://app.example.com/@10.0.0.1:0/",
            ),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://[2001:DB8::1]:1024/", "http://[2001:db8::1]:1024/"),
        ] {
            assert_eq!(WebhookUrl::parse(text).unwrap().as_str(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_the_reason() {
        use WebhookError::{UrlFragment, UrlMalformed, UrlPort, UrlScheme, UrlUserInfo};
        for (text, expected) in [
            ("", UrlMalformed),
            ("app.example.com", UrlMalformed),
            ("/hook", UrlMalformed),
            ("http://", UrlMalformed),
            ("http://:80/", UrlMalformed),
            ("https://two words/", UrlMalformed),
            ("https://app.exam\tple.com/", UrlMalformed),
            (" https://app.example.com/", UrlMalformed),
            ("https://app.example.com/\r\nx: y", UrlMalformed),
            ("https://app.example.com:65536/", UrlMalformed),
            ("http://[fe80::1%25eth0]/", UrlMalformed),
            ("http://[fe80::1%eth0]/", UrlMalformed),
            ("http://1.2.3.256/", UrlMalformed),
            ("ws://app.example.com/", UrlScheme),
            ("file:///etc/passwd", UrlScheme),
            ("gopher://app.example.com:80/", UrlScheme),
            ("javascript:alert(1)", UrlScheme),
            ("https://bob@app.example.com/", UrlUserInfo),
            ("https://:hush@app.example.com/", UrlUserInfo),
            ("https://app.example.com/#x", UrlFragment),
            ("https://app.example.com/#", UrlFragment),
            ("https://app.example.com:0/", UrlPort { port: 0 }),
            ("https://app.example.com:22/", UrlPort { port: 22 }),
            ("https://app.example.com:25/", UrlPort { port: 25 }),
            ("https://app.example.com:1023/", UrlPort { port: 1023 }),
            ("https://app.example.com:6379/", UrlPort { port: 6379 }),
            ("https://app.example.com:11211/", UrlPort { port: 11211 }),
        ] {
            assert_eq!(WebhookUrl::parse(text), Err(expected), "{text:?}");
        }
        let long = format!("https://app.example.com/{}", "a".repeat(MAX_LEN));
        assert!(matches!(
            WebhookUrl::parse(&long),
            Err(WebhookError::UrlTooLong { max: MAX_LEN, .. })
        ));
    }

    #[test]
    fn only_a_host_that_is_an_address_has_one() {
        let ip = |text: &str| WebhookUrl::parse(text).unwrap().ip();
        assert_eq!(ip("http://0x7f.1/"), Some([127, 0, 0, 1].into()));
        assert_eq!(ip("http://[::1]/"), "::1".parse().ok());
        assert_eq!(ip("http://localhost/"), None);
    }

    #[test]
    fn a_path_does_not_show_itself() {
        let url = WebhookUrl::parse("https://app.example.com:8443/hook/hush?key=hush").unwrap();
        assert_eq!(format!("{url:?}"), "WebhookUrl(https://app.example.com:8443/…)");
    }
}

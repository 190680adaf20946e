use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use axum::http::{Uri, uri::Authority};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where a browser sees the server: a scheme and a host with its port, as in `https://rtc.example.org:7880`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    secure: bool,
    authority: Authority,
}

/// A text that is no [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an address like https://rtc.example.org or http://192.0.2.1:7880 is wanted, without a path")]
pub struct InvalidOrigin;

impl Origin {
    /// What a request's `Host` says. `None` if it is no host.
    pub(crate) fn of_host(secure: bool, host: &str) -> Option<Self> {
        let authority = host.parse().ok().filter(is_host)?;
        Some(Self { secure, authority })
    }

    /// A socket's address.
    pub(crate) fn of_address(secure: bool, address: SocketAddr) -> Self {
        let authority = address.to_string().parse().expect("a socket address is an authority");
        Self { secure, authority }
    }

    /// Its host, with the brackets of IPv6.
    pub(crate) fn host(&self) -> &str {
        self.authority.host()
    }

    /// Its port, also where it is left out.
    pub(crate) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.secure { 443 } else { 80 })
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it names the client's own machine.
    pub(crate) fn is_local(&self) -> bool {
        let ip = self.host().trim_matches(['[', ']']).parse::<IpAddr>();
        ip.map_or(self.host().eq_ignore_ascii_case("localhost"), |ip| ip.is_loopback())
    }

    /// The address of signalling by WebSocket.
    pub(crate) fn signal(&self) -> String {
        self.web_socket("/v1/signal")
    }

    /// The address of the event gateway.
    pub(crate) fn events(&self) -> String {
        self.web_socket("/v1/events")
    }

    fn web_socket(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.secure { "wss" } else { "ws" }, self.authority)
    }
}

/// No user name, and an IPv6 address or a name before the port.
fn is_host(authority: &Authority) -> bool {
    let host = authority.host();
    let port = &authority.as_str()[host.len().min(authority.as_str().len())..];
    !host.is_empty() && !authority.as_str().contains('@') && (port.is_empty() || authority.port_u16().is_some())
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin)?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(InvalidOrigin),
        };
        let authority = uri.authority().cloned().filter(is_host).ok_or(InvalidOrigin)?;
        if uri.path() != "/" || uri.query().is_some() {
            return Err(InvalidOrigin);
        }
        Ok(Self { secure, authority })
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for text in [
            "https://rtc.example.org",
            "http://192.0.2.1:7880",
            "https://[2001:db8::1]:8443",
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
        let origin: Origin = "https://[::1]:7880/".parse().unwrap();
        assert_eq!(
            (origin.host(), origin.signal().as_str()),
            ("[::1]", "wss://[::1]:7880/v1/signal")
        );
        for text in [
            "",
            "rtc.example.org",
            "ws://a",
            "http://",
            "http://a/b",
            "http://a?b",
            "http://u@a",
            "http://a:x",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text}");
        }
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        assert!(Origin::of_host(false, "localhost:7880").is_some());
        for host in ["", "a b", "a/b", "u:p@a", "a\"", "<a>", "a:b:c", "a:99999"] {
            assert_eq!(Origin::of_host(false, host), None, "{host}");
        }
    }
}

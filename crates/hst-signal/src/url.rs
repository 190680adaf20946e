use std::num::NonZeroU16;

use crate::{CertificatePin, ConnectError};

/// A signalling URL in its parts: `scheme://host[:port][/path][#sha256=digits]`, in ASCII.
///
/// ```
/// use hst_signal::SignalUrl;
///
/// let url = SignalUrl::parse("wss://[::1]:7880/v1/signal?a=1", &["ws", "wss"])?;
/// assert_eq!((url.scheme, url.host, url.port, url.path), ("wss", "::1", Some(7880), "/v1/signal?a=1"));
/// # Ok::<(), hst_signal::ConnectError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalUrl<'a> {
    /// The one of the schemes asked for that it has.
    pub scheme: &'static str,
    /// A host name or an IP address, without the brackets of IPv6.
    pub host: &'a str,
    /// Its port, if it names one.
    pub port: Option<u16>,
    /// The path with the query; at least `/`.
    pub path: &'a str,
    /// The only certificate to accept, if it names one.
    pub pin: Option<CertificatePin>,
}

impl<'a> SignalUrl<'a> {
    /// Reads a URL of one of `schemes`.
    ///
    /// # Errors
    /// [`ConnectError::Unsupported`] if it has another scheme, whatever follows it; [`ConnectError::InvalidUrl`].
    pub fn parse(url: &'a str, schemes: &[&'static str]) -> Result<Self, ConnectError> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or(ConnectError::InvalidUrl("it has no scheme"))?;
        let scheme = schemes
            .iter()
            .find(|s| s.eq_ignore_ascii_case(scheme))
            .ok_or(ConnectError::Unsupported)?;

        let (rest, fragment) = rest
            .split_once('#')
            .map_or((rest, None), |(rest, fragment)| (rest, Some(fragment)));
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = split_authority(authority)?;
        let path = match path {
            "" => "/",
            path if path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic()) => path,
            _ => {
                return Err(ConnectError::InvalidUrl(
                    "its path must start with '/' and be visible ASCII",
                ));
            }
        };
        // A pin that cannot be read must not be passed over: it would protect nothing, and nobody would know.
        let pin = match fragment {
            None => None,
            Some(text) => Some(
                text.strip_prefix("sha256=")
                    .and_then(|digits| digits.parse().ok())
                    .ok_or(ConnectError::InvalidUrl(
                        "only #sha256=<64 hexadecimal digits> may follow the path",
                    ))?,
            ),
        };
        Ok(Self {
            scheme,
            host,
            port,
            path,
            pin,
        })
    }

    /// The host with its port, as in an HTTP request.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.to_owned()
        };
        self.port.map_or(host.clone(), |port| format!("{host}:{port}"))
    }
}

const BAD_PORT: ConnectError = ConnectError::InvalidUrl("its port is not a number within 1 to 65535");

fn split_authority(authority: &str) -> Result<(&str, Option<u16>), ConnectError> {
    let (host, port, is_host): (_, _, fn(char) -> bool) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest
                .split_once(']')
                .ok_or(ConnectError::InvalidUrl("a ']' is missing"))?;
            (host, port, |c| c.is_ascii_hexdigit() || c == ':' || c == '.')
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (host, port, |c| {
                c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')
            })
        }
    };
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(ConnectError::InvalidUrl(
            "its host is neither a name in ASCII nor an address",
        ));
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        // `parse` alone would take a sign.
        Some(digits) if !digits.starts_with('+') => Some(digits.parse::<NonZeroU16>().map_err(|_| BAD_PORT)?.get()),
        _ => return Err(BAD_PORT),
    };
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<SignalUrl<'_>, ConnectError> {
        SignalUrl::parse(url, &["ws", "wss"])
    }

    #[test]
    fn the_parts_are_found() {
        let plain = parse("WS://example.org").unwrap();
        assert_eq!(
            (plain.scheme, plain.host, plain.port, plain.path),
            ("ws", "example.org", None, "/")
        );
        assert_eq!(plain.authority(), "example.org");

        let digits = "0a".repeat(32);
        let url = format!("wss://[fe80::1]:443/a?b=://#sha256={digits}");
        let full = parse(&url).unwrap();
        assert_eq!((full.host, full.port, full.path), ("fe80::1", Some(443), "/a?b=://"));
        assert_eq!(full.authority(), "[fe80::1]:443");
        assert_eq!(full.pin.unwrap().to_string(), digits);
    }

    #[test]
    fn an_alien_scheme_is_unsupported_whatever_follows() {
        for url in ["http://a", "quic://???", "wsx://", "://a"] {
            assert!(matches!(parse(url), Err(ConnectError::Unsupported)), "{url}");
        }
    }

    #[test]
    fn broken_urls_are_refused() {
        for url in [
            "",
            "ws:",
            "ws//a",
            "ws://",
            "ws:///path",
            "ws://:80",
            "ws://user@host",
            "ws://a b",
            "ws://ä",
            "ws://[::1",
            "ws://[::1]80",
            "ws://[]",
            "ws://[x]",
            "ws://a:",
            "ws://a:x",
            "ws://a:+1",
            "ws://a:0",
            "ws://a:65536",
            "ws://a?q",
            "ws://a/ b",
            "ws://a/\r\nHost: b",
            "ws://a/ü",
            "ws://a#",
            "ws://a#sha256=",
            "ws://a#sha1=00",
            "ws://a/#top",
            "ws://a\\b",
            "ws://a::1",
        ] {
            assert!(matches!(parse(url), Err(ConnectError::InvalidUrl(_))), "{url}");
        }
    }
}

//! The relays that a peer was given, as their addresses are written (RFC 7065).

use hst_media::{IceServer, MediaError};
use hst_turn::Credentials;

/// The most relays of a peer that are looked at; those behind them are the least wanted.
const MAX_RELAYS: usize = 6;
const PORT: u16 = 3478;
const TLS_PORT: u16 = 5349;

/// A relay, and what opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relay {
    pub(crate) address: RelayAddress,
    pub(crate) credentials: Credentials,
}

/// Where a relay is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelayAddress {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) carrier: Carrier,
}

/// What messages to a relay go over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Udp,
    Tcp,
    Tls,
}

/// The relays among the servers that a peer was given. Servers that only say where one is seen (STUN) are of no use here: the
/// media server sees it anyway.
///
/// # Errors
/// [`MediaError::Config`] for what is no address of a STUN or TURN server: a mistake that should be seen.
pub(crate) fn relays(servers: &[IceServer]) -> Result<Vec<Relay>, MediaError> {
    let mut relays = Vec::new();
    for server in servers {
        for url in &server.urls {
            let wrong = || MediaError::Config(format!("{url} is no STUN or TURN server").into());
            let address = parse(url).ok_or_else(wrong)?;
            relays.extend(address.map(|address| Relay {
                address,
                credentials: Credentials {
                    username: server.username.clone(),
                    password: server.credential.clone(),
                },
            }));
        }
    }
    relays.truncate(MAX_RELAYS);
    Ok(relays)
}

/// `None` for what is no address, `Some(None)` for one that is no relay's or of a kind that is not spoken.
fn parse(url: &str) -> Option<Option<RelayAddress>> {
    let (scheme, rest) = url.split_once(':')?;
    let is_secure = match scheme {
        "stun" | "stuns" => return Some(None),
        "turn" => false,
        "turns" => true,
        _ => return None,
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let carrier = match (query, is_secure) {
        ("transport=udp" | "", false) => Carrier::Udp,
        ("transport=tcp", false) => Carrier::Tcp,
        ("transport=tcp" | "", true) => Carrier::Tls,
        // DTLS, or one of a later day.
        _ => return Some(None),
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => place.find(':').map_or((place, ""), |at| place.split_at(at)),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok()?,
        None if port.is_empty() => {
            if is_secure {
                TLS_PORT
            } else {
                PORT
            }
        }
        None => return None,
    };
    let host = Some(host).filter(|host| !host.is_empty())?.to_owned();
    Some(Some(RelayAddress { host, port, carrier }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_are_read_and_what_is_no_server_is_refused() {
        let read = |url: &str| parse(url).map(|it| it.map(|it| (it.host, it.port, it.carrier)));
        let relay = |host: &str, port, carrier| Some(Some((host.to_owned(), port, carrier)));
        assert_eq!(read("turn:a.example"), relay("a.example", 3478, Carrier::Udp));
        assert_eq!(
            read("turn:a.example:1?transport=udp"),
            relay("a.example", 1, Carrier::Udp)
        );
        assert_eq!(
            read("turn:192.0.2.1?transport=tcp"),
            relay("192.0.2.1", 3478, Carrier::Tcp)
        );
        assert_eq!(read("turns:[2001:db8::1]:443"), relay("2001:db8::1", 443, Carrier::Tls));
        assert_eq!(read("turns:[::1]?transport=tcp"), relay("::1", 5349, Carrier::Tls));
        for none in [
            "stun:a.example",
            "stuns:a.example",
            "turns:a.example?transport=udp",
            "turn:a?transport=sctp",
        ] {
            assert_eq!(read(none), Some(None), "{none}");
        }
        for bad in [
            "",
            "turn",
            "turn:",
            "turn::1",
            "turn:a:",
            "turn:a:70000",
            "turn:[::1",
            "turn:[::1]1",
            "https://a",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

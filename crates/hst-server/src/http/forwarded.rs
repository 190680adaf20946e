use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header::FORWARDED};

use crate::{Connections, ProxyHeader};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// For whom a connection was made that comes from `peer`.
///
/// Each proxy on the way adds the address that it was reached from at the end. So the list is read backwards, for as
/// long as those who wrote it are trusted: the first address that is not a trusted proxy's is the client's, and
/// whatever stands before it may be invented.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, connections: &Connections) -> IpAddr {
    let is_trusted = |address| connections.trusted_proxies.iter().any(|proxy| proxy.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let (name, address_of): (_, fn(&str) -> Option<IpAddr>) = match connections.proxy_header {
        ProxyHeader::XForwardedFor => (X_FORWARDED_FOR, address),
        ProxyHeader::Forwarded => (FORWARDED, address_of_element),
    };
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    // As bytes: what a client put in front need not be text, and must not hide what a proxy put behind it.
    let hops = lines
        .iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','));
    let mut nearest = peer;
    for hop in hops {
        // One that does not say who it was is as far as this can be followed.
        let Some(address) = str::from_utf8(hop).ok().and_then(|hop| address_of(hop.trim())) else {
            return nearest;
        };
        nearest = address;
        if !is_trusted(address) {
            return nearest;
        }
    }
    nearest
}

/// `for=192.0.2.1;proto=https` (RFC 7239, section 4).
fn address_of_element(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for"));
    address(values.next()?.1.trim_matches('"'))
}

/// With or without a port, and in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text)
        .parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(peer: &str, proxy_header: ProxyHeader, lines: &[(&'static str, &'static str)]) -> String {
        let connections = Connections {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            proxy_header,
            ..Connections::default()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &connections).to_string()
    }

    #[test]
    fn a8_a_stranger_is_not_believed() {
        let lines = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.1")];
        for header in [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded] {
            assert_eq!(of("203.0.113.9", header, &lines), "203.0.113.9");
        }
    }

    #[test]
    fn a8_of_a_trusted_proxy_the_last_hop_that_is_not_trusted_counts() {
        for (lines, client) in [
            (&[("x-forwarded-for", "198.51.100.1")][..], "198.51.100.1"),
            (&[("x-forwarded-for", "6.6.6.6, 198.51.100.1")], "198.51.100.1"),
            (
                &[("x-forwarded-for", "6.6.6.6,198.51.100.1 , 10.0.0.2")],
                "198.51.100.1",
            ),
            (
                &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.1:4711")],
                "198.51.100.1",
            ),
            (&[("x-forwarded-for", "[2001:db8::1]:80")], "2001:db8::1"),
            (&[("x-forwarded-for", "h\u{e4}, 198.51.100.1")], "198.51.100.1"),
            (&[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            (&[("x-forwarded-for", "6.6.6.6, unknown, 10.0.0.2")], "10.0.0.2"),
            (&[("x-forwarded-for", "")], "10.0.0.1"),
            (&[("forwarded", "for=6.6.6.6")], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(of("10.0.0.1", ProxyHeader::XForwardedFor, lines), client, "{lines:?}");
        }
        for (lines, client) in [
            (&[("forwarded", "for=198.51.100.1")][..], "198.51.100.1"),
            (
                &[(
                    "forwarded",
                    "For=6.6.6.6, proto=https; FOR=\"[2001:db8::1]:4711\" ;by=_x",
                )],
                "2001:db8::1",
            ),
            (&[("forwarded", "for=6.6.6.6, for=_hidden")], "10.0.0.1"),
            (&[("forwarded", "for=6.6.6.6, by=10.0.0.1")], "10.0.0.1"),
            (&[("x-forwarded-for", "6.6.6.6")], "10.0.0.1"),
        ] {
            assert_eq!(of("10.0.0.1", ProxyHeader::Forwarded, lines), client, "{lines:?}");
        }
    }
}

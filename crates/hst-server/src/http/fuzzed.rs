use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue};

use super::forwarded;
use crate::{Connections, ProxyHeader, Subnet};

/// The headers by which proxies tell whose a request is. Whatever somebody wrote there, he is who the proxy says that he is, and of
/// one who comes without a proxy nothing is believed.
pub fn proxied(data: &[u8]) {
    let Ok(written) = HeaderValue::from_bytes(data) else {
        return;
    };
    let [proxy, client] = [[10, 0, 0, 1], [198, 51, 100, 1]].map(IpAddr::from);
    for (proxy_header, name, said) in [
        (ProxyHeader::XForwardedFor, "x-forwarded-for", "198.51.100.1"),
        (ProxyHeader::Forwarded, "forwarded", "for=198.51.100.1"),
    ] {
        let connections = Connections {
            trusted_proxies: vec![Subnet::around(proxy, 8)],
            proxy_header,
            ..Connections::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(name, written.clone());
        assert_eq!(forwarded::client(client, &headers, &connections), client);
        forwarded::client(proxy, &headers, &connections);
        headers.append(name, HeaderValue::from_static(said));
        assert_eq!(forwarded::client(proxy, &headers, &connections), client);
        let longer = HeaderValue::from_bytes(&[data, b",", said.as_bytes()].concat());
        headers.insert(name, longer.expect("both can stand in a header"));
        assert_eq!(forwarded::client(proxy, &headers, &connections), client);
    }
}

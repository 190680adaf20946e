//! The way to the server: which of our addresses leads to each of its own, and what its answers would be.

use std::{
    cmp::Reverse,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
};

use str0m::{
    Candidate, IceCreds, crypto,
    ice::StunMessage,
    net::{Protocol, TcpType},
};

use crate::{relay::Relay, way::Plan};

/// A response to a check has some 60 bytes.
const RESPONSE: usize = 256;
/// The most addresses of a server that are tried over TCP.
pub(crate) const MAX_TCP: usize = 4;

/// The server's addresses for media over UDP, from its answer (RFC 8839 section 5.1).
pub(crate) fn candidates(sdp: &str) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = Vec::new();
    for line in sdp.lines() {
        let Some(candidate) = line.strip_prefix("a=candidate:") else {
            continue;
        };
        let mut words = candidate.split(' ').skip(1);
        let (component, transport) = (words.next(), words.next());
        let (address, port) = (words.nth(1), words.next());
        if component != Some("1") || !transport.is_some_and(|it| it.eq_ignore_ascii_case("udp")) {
            continue;
        }
        let address: Option<IpAddr> = address.and_then(|it| it.parse().ok());
        let port = port.and_then(|it| it.parse().ok());
        if let Some(address) = address.zip(port).map(SocketAddr::from)
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// The ways to the server beside UDP, best first: its addresses that wait for TCP connections (RFC 6544 section 4.5), from
/// its answer, and relays to those for UDP.
pub(crate) fn plans(sdp: &str, relays: &[Relay]) -> Vec<Plan> {
    let lines = sdp.lines().filter_map(|line| line.strip_prefix("a="));
    let candidates = lines.filter(|line| line.starts_with("candidate:"));
    let mut waiting: Vec<Candidate> = candidates
        .filter_map(|line| Candidate::from_sdp_string(line).ok())
        .filter(|it| it.proto() == Protocol::Tcp && it.tcptype() == Some(TcpType::Passive))
        .collect();
    waiting.sort_by_key(|candidate| Reverse(candidate.prio()));
    waiting.dedup_by_key(|candidate| candidate.addr());
    let mut peers = self::candidates(sdp);
    // An allocation is of one family.
    if let Some(first) = peers.first().copied() {
        peers.retain(|peer| peer.is_ipv4() == first.is_ipv4());
    }
    let relays = relays.iter().filter(|_| !peers.is_empty()).map(|relay| Plan::Relay {
        relay: relay.clone(),
        peers: peers.clone(),
    });
    waiting.into_iter().take(MAX_TCP).map(Plan::Tcp).chain(relays).collect()
}

/// The address of ours from which the system sends to another one. Nothing is sent.
///
/// # Errors
/// There is no way there from a socket that is bound like this.
pub(crate) fn source_to(destination: SocketAddr, bound: SocketAddr) -> io::Result<SocketAddr> {
    let probe = UdpSocket::bind((bound.ip(), 0))?;
    probe.connect(destination)?;
    Ok((probe.local_addr()?.ip(), bound.port()).into())
}

/// The credentials in a description (RFC 8839 section 5.4).
pub(crate) fn credentials(sdp: &str) -> Option<IceCreds> {
    let value = |name| sdp.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    Some(IceCreds {
        ufrag: value("a=ice-ufrag:")?,
        pass: value("a=ice-pwd:")?,
    })
}

/// The password of a server that answers every check and makes none itself (RFC 8445 section 2.5), from its answer.
pub(crate) fn lite_password(sdp: &str) -> Option<&str> {
    let is_lite = sdp.lines().any(|line| line == "a=ice-lite");
    let password = sdp.lines().find_map(|line| line.strip_prefix("a=ice-pwd:"));
    password.filter(|_| is_lite)
}

/// The response that the server will give to this connectivity check, which comes from an address of ours.
pub(crate) fn response_to(check: &[u8], source: SocketAddr, password: &str) -> Option<Vec<u8>> {
    let check = StunMessage::parse(check).ok().filter(StunMessage::is_binding_request)?;
    let hmac = crypto::from_feature_flags().sha1_hmac_provider;
    let hmac = |key: &[u8], parts: &[&[u8]]| hmac.sha1_hmac(key, parts);
    let mut response = vec![0; RESPONSE];
    let reply = StunMessage::binding_reply(check.trans_id(), source);
    let len = reply.to_bytes(Some(password.as_bytes()), &mut response, hmac).ok()?;
    response.truncate(len);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_candidates_for_udp_are_taken_and_each_once() {
        let sdp = "v=0\r\na=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host\r\n\
                   a=candidate:1 1 UDP 2130706431 192.0.2.1 7882 typ host generation 0\r\n\
                   a=candidate:2 1 tcp 1 192.0.2.1 7882 typ host tcptype passive\r\n\
                   a=candidate:3 2 udp 1 192.0.2.1 7883 typ host\r\n\
                   a=candidate:4 1 udp 1 name.local 7882 typ host\r\na=candidate:5\r\n";
        assert_eq!(candidates(sdp), ["192.0.2.1:7882".parse().unwrap()]);
    }

    #[test]
    fn loopback_is_reached_from_loopback() {
        let source = source_to("127.0.0.1:9".parse().unwrap(), "0.0.0.0:4711".parse().unwrap()).unwrap();
        assert_eq!(source, "127.0.0.1:4711".parse().unwrap());
    }
}

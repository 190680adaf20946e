//! The way to the server: which of our addresses leads to each of its own.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
};

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

/// The address of ours from which the system sends to another one. Nothing is sent.
///
/// # Errors
/// There is no way there from a socket that is bound like this.
pub(crate) fn source_to(destination: SocketAddr, bound: SocketAddr) -> io::Result<SocketAddr> {
    let probe = UdpSocket::bind((bound.ip(), 0))?;
    probe.connect(destination)?;
    Ok((probe.local_addr()?.ip(), bound.port()).into())
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

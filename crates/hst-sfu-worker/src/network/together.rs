//! Several sends in one call of the system (sendmmsg), where it has such a call: a receiver who gets a single datagram would
//! otherwise cost a call of his own.

use std::net::{IpAddr, SocketAddr};

use mio::net::UdpSocket;

/// So many at most.
pub(super) const MOST: usize = 64;

/// What is to be sent to one destination.
#[derive(Debug, Clone, Copy)]
pub(super) struct Send<'a> {
    pub(super) to: SocketAddr,
    pub(super) bytes: &'a [u8],
    pub(super) kind: Kind,
}

/// What must be the same of all that are sent in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// The kernel cuts it into datagrams of this size.
    pub(super) segment: Option<u16>,
    /// From which of this machine's addresses.
    pub(super) from: Option<IpAddr>,
}

/// Sends them, all of one kind, [`MOST`] at most; says how many of them, the first ones, the kernel has taken.
#[cfg(target_os = "linux")]
pub(super) fn send(socket: &UdpSocket, sends: &[Send<'_>]) -> usize {
    linux::send(socket, sends).unwrap_or(0)
}

/// There is no such call.
#[cfg(not(target_os = "linux"))]
pub(super) fn send(_: &UdpSocket, _: &[Send<'_>]) -> usize {
    0
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{cell::RefCell, io::IoSlice, net::IpAddr, os::fd::AsRawFd};

    use mio::net::UdpSocket;
    use nix::{
        cmsg_space,
        errno::Errno,
        libc,
        sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg},
    };

    use super::{Kind, MOST, Send};

    type Headers = MultiHeaders<SockaddrStorage>;

    thread_local! {
        // What it holds points into itself, so it stays on its thread.
        static DESK: RefCell<Desk> = const { RefCell::new(Desk { headers: Vec::new(), addresses: Vec::new() }) };
    }

    /// What a call needs beside the datagrams, so that it is allocated once.
    struct Desk {
        /// With the kind for which they were made.
        headers: Vec<(Kind, Headers)>,
        addresses: Vec<Option<SockaddrStorage>>,
    }

    pub(super) fn send(socket: &UdpSocket, sends: &[Send<'_>]) -> Result<usize, Errno> {
        let Some(Send { kind, .. }) = sends.first() else {
            return Ok(0);
        };
        let from = kind.from.map(PacketInfo::from);
        let segment = kind.segment.as_ref().map(ControlMessage::UdpGsoSegments);
        let said: &[ControlMessage<'_>] = match (segment, from.as_ref().map(PacketInfo::said)) {
            (Some(segment), Some(from)) => &[segment, from],
            (Some(one), None) | (None, Some(one)) => &[one],
            (None, None) => &[],
        };
        DESK.with_borrow_mut(|Desk { headers, addresses }| {
            addresses.clear();
            addresses.extend(sends.iter().map(|send| Some(send.to.into())));
            let mut pieces = [[IoSlice::new(&[])]; MOST];
            for (piece, send) in pieces.iter_mut().zip(sends) {
                *piece = [IoSlice::new(send.bytes)];
            }
            let headers = headers_of(headers, kind);
            let flags = MsgFlags::MSG_DONTWAIT;
            let sent = sendmmsg(
                socket.as_raw_fd(),
                headers,
                &pieces[..sends.len().min(MOST)],
                &*addresses,
                said,
                flags,
            )?;
            Ok(sent.count())
        })
    }

    /// Headers with exactly the room that what this kind says fills.
    fn headers_of<'a>(all: &'a mut Vec<(Kind, Headers)>, kind: &Kind) -> &'a mut Headers {
        let shape = |kind: &Kind| (kind.segment.is_some(), kind.from.map(|ip| ip.is_ipv6()));
        let at = all.iter().position(|(other, _)| shape(other) == shape(kind));
        let at = at.unwrap_or_else(|| {
            let room = match shape(kind) {
                (false, None) => None,
                (true, None) => Some(cmsg_space!(u16)),
                (false, Some(false)) => Some(cmsg_space!(libc::in_pktinfo)),
                (true, Some(false)) => Some(cmsg_space!(u16, libc::in_pktinfo)),
                (false, Some(true)) => Some(cmsg_space!(libc::in6_pktinfo)),
                (true, Some(true)) => Some(cmsg_space!(u16, libc::in6_pktinfo)),
            };
            all.push((*kind, Headers::preallocate(MOST, room)));
            all.len() - 1
        });
        &mut all[at].1
    }

    /// From where a datagram is sent, as the system has it.
    enum PacketInfo {
        V4(libc::in_pktinfo),
        V6(libc::in6_pktinfo),
    }

    impl From<IpAddr> for PacketInfo {
        fn from(ip: IpAddr) -> Self {
            match ip {
                IpAddr::V4(ip) => Self::V4(libc::in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: libc::in_addr {
                        s_addr: u32::from_ne_bytes(ip.octets()),
                    },
                    ipi_addr: libc::in_addr { s_addr: 0 },
                }),
                IpAddr::V6(ip) => Self::V6(libc::in6_pktinfo {
                    ipi6_ifindex: 0,
                    ipi6_addr: libc::in6_addr { s6_addr: ip.octets() },
                }),
            }
        }
    }

    impl PacketInfo {
        fn said(&self) -> ControlMessage<'_> {
            match self {
                Self::V4(info) => ControlMessage::Ipv4PacketInfo(info),
                Self::V6(info) => ControlMessage::Ipv6PacketInfo(info),
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        net::{Ipv4Addr, Ipv6Addr},
        time::Duration,
    };

    use super::*;

    /// Sends a datagram, or several of the segment's size, to each of three; gives what each has received.
    fn receive(bound: IpAddr, from: Option<IpAddr>, segment: Option<u16>, to: IpAddr) -> Vec<(IpAddr, Vec<Vec<u8>>)> {
        let socket = UdpSocket::bind((bound, 0).into()).expect("loopback");
        let receivers = [0; 3].map(|_| std::net::UdpSocket::bind((to.to_canonical(), 0)).expect("loopback"));
        let bodies: Vec<Vec<u8>> = (0..3).map(|at| vec![at; 25]).collect();
        let sends: Vec<_> = receivers
            .iter()
            .zip(&bodies)
            .map(|(receiver, bytes)| Send {
                to: SocketAddr::new(to, receiver.local_addr().expect("bound").port()),
                bytes,
                kind: Kind { segment, from },
            })
            .collect();
        assert_eq!(send(&socket, &sends), 3);
        let received = receivers.iter().map(|receiver| {
            receiver
                .set_read_timeout(Some(Duration::from_secs(5)))
                .expect("a timeout");
            let (mut bytes, mut datagrams, mut source) = ([0; 100], Vec::new(), None);
            while datagrams.iter().map(Vec::len).sum::<usize>() < 25 {
                let (len, peer) = receiver.recv_from(&mut bytes).expect("a datagram");
                datagrams.push(bytes[..len].to_vec());
                source = Some(peer.ip());
            }
            (source.expect("a sender"), datagrams)
        });
        received.collect()
    }

    #[test]
    fn each_gets_his_own_whole_or_cut_and_from_the_address_that_he_knows() {
        let v4 = |last| IpAddr::from([127, 0, 0, last]);
        let mapped = |last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last).to_ipv6_mapped());
        let v6 = IpAddr::from(Ipv6Addr::LOCALHOST);
        for (bound, from, to, expected) in [
            (v4(1), None, v4(1), v4(1)),
            (Ipv4Addr::UNSPECIFIED.into(), Some(v4(3)), v4(1), v4(3)),
            (Ipv6Addr::UNSPECIFIED.into(), Some(mapped(3)), mapped(1), v4(3)),
            (Ipv6Addr::UNSPECIFIED.into(), Some(v6), v6, v6),
        ] {
            for (segment, sizes) in [(None, vec![25]), (Some(10), vec![10, 10, 5])] {
                for (at, (source, datagrams)) in receive(bound, from, segment, to).into_iter().enumerate() {
                    assert_eq!(source, expected);
                    assert_eq!(datagrams.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
                    assert_eq!(datagrams.concat(), vec![at as u8; 25]);
                }
            }
        }
    }

    #[test]
    fn what_the_system_refuses_is_not_said_to_be_sent() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("loopback");
        let receiver = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let to = receiver.local_addr().expect("bound");
        let kind = Kind {
            segment: None,
            from: None,
        };
        let (small, large) = ([1; 10], vec![2; 70_000]);
        let sends = [&small[..], &large, &small].map(|bytes| Send { to, bytes, kind });
        assert_eq!(send(&socket, &sends), 1, "the second one is too large for a datagram");
        assert_eq!(send(&socket, &[]), 0);
    }
}

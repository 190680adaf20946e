use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use hst_srtp::{Profile, Sender, Side};
use mio::{Events, Interest, Poll, Token, net::UdpSocket};
use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};

use crate::{
    LoadError, Pace,
    arrival::{self, Inbox},
    crowd,
    processor::processor_time,
};

/// The header of a packet with the extensions that a server writes: twelve bytes, four to begin them, and eight of them.
const HEADER: usize = 24;
const NEWS: usize = 256;

/// What this machine can do at most for media of this kind.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limit {
    /// How many packets were sent.
    pub packets: u64,
    /// For how long the thread that encrypted and sent them had the processor.
    pub busy: Duration,
}

/// A receiver as the limit knows it: an address, and keys.
struct Destination {
    addr: SocketAddr,
    sender: Sender,
}

/// Who gets what.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "whoever measures fills it in")]
pub struct Audience {
    /// How many groups there are.
    pub groups: usize,
    /// The media of each.
    pub streams: usize,
    /// The receivers of each.
    pub receivers: usize,
    /// Whether those who send are the receivers, each of all media but his own.
    pub is_mutual: bool,
}

/// Copies, encrypts (AES-128-GCM) and sends packets for a while, each burst to one receiver in one call of the system, and
/// does nothing else: no server that does the same can need less. The packets go to sockets on loopback like those of a server's
/// [clients](crate::Crowd): a thread of its own empties them as seldom, and asks as well when each came.
///
/// # Errors
/// The system gives no socket or no thread.
pub fn limit(audience: Audience, pace: Pace, length: Duration) -> Result<Limit, LoadError> {
    let sockets = (0..audience.groups * audience.receivers)
        .map(|_| arrival::bind((Ipv4Addr::LOCALHOST, 0).into()))
        .collect::<io::Result<Vec<_>>>()?;
    let destinations = sockets
        .iter()
        .enumerate()
        .map(|(index, socket)| destination(index, socket))
        .collect::<Result<Vec<_>, _>>()?;
    let is_over = Arc::new(AtomicBool::new(false));
    let told = is_over.clone();
    let hall = thread::Builder::new()
        .name("limit-hall".into())
        .spawn(move || empty(sockets, &told))?;
    let sent = thread::Builder::new()
        .name("limit".into())
        .spawn(move || send(audience, &destinations, pace, length))?
        .join();
    is_over.store(true, Ordering::Release);
    hall.join().map_err(|_| LoadError::Panicked)??;
    sent.map_err(|_| LoadError::Panicked)?.map_err(LoadError::System)
}

fn destination(index: usize, socket: &UdpSocket) -> Result<Destination, LoadError> {
    let profile = Profile::AeadAes128Gcm;
    let exported = vec![index as u8; profile.exported_len()];
    let (sender, _) = hst_srtp::contexts(profile, &exported, Side::Server).map_err(io::Error::other)?;
    Ok(Destination {
        addr: socket.local_addr()?,
        sender,
    })
}

fn send(audience: Audience, destinations: &[Destination], pace: Pace, length: Duration) -> io::Result<Limit> {
    let mut line = Line::new(pace)?;
    let streams = (audience.groups * audience.streams).max(1);
    // They do not all send at the same moment.
    let apart = pace.every / streams as u32;
    let (begun, before) = (Instant::now(), processor_time());
    let mut next = begun;
    for turn in 0.. {
        if begun.elapsed() >= length {
            break;
        }
        let (index, stream) = (turn / streams * pace.burst, turn % streams);
        let (group, own) = (stream / audience.streams, stream % audience.streams);
        let receivers = &destinations[group * audience.receivers..][..audience.receivers];
        for (at, destination) in receivers.iter().enumerate() {
            if !audience.is_mutual || at != own {
                line.send(destination, stream as u32, index as u64)?;
            }
        }
        next += apart;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(Limit {
        packets: line.packets,
        busy: processor_time().saturating_sub(before),
    })
}

/// The way out: a socket, and the buffer in which packets are encrypted.
struct Line {
    socket: UdpSocket,
    state: UdpSocketState,
    pace: Pace,
    payload: Vec<u8>,
    buffer: Vec<u8>,
    packets: u64,
}

impl Line {
    fn new(pace: Pace) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self {
            state: UdpSocketState::new(UdpSockRef::from(&socket))?,
            socket,
            pace,
            payload: vec![0xa5; pace.size],
            buffer: Vec::new(),
            packets: 0,
        })
    }

    /// Sends a burst, in as few calls as the system has it.
    fn send(&mut self, destination: &Destination, ssrc: u32, index: u64) -> io::Result<()> {
        let per_call = self.state.max_gso_segments().max(1);
        let mut index = index;
        let mut left = self.pace.burst;
        while left > 0 {
            let count = left.min(per_call);
            self.buffer.clear();
            for _ in 0..count {
                let start = self.buffer.len();
                header(&mut self.buffer, ssrc, index);
                self.buffer.extend_from_slice(&self.payload);
                destination.sender.protect(index, &mut self.buffer, start, HEADER);
                index += 1;
            }
            let transmit = Transmit {
                destination: destination.addr,
                ecn: None,
                contents: &self.buffer,
                segment_size: (count > 1).then_some(self.buffer.len() / count),
                src_ip: None,
            };
            self.state.send(UdpSockRef::from(&self.socket), &transmit)?;
            self.packets += count as u64;
            left -= count;
        }
        Ok(())
    }
}

fn header(out: &mut Vec<u8>, ssrc: u32, index: u64) {
    out.extend([0x90, 96]);
    out.extend((index as u16).to_be_bytes());
    out.extend([0; 4]);
    out.extend(ssrc.to_be_bytes());
    // Two words of extensions in the one-byte form (RFC 8285 section 4.2).
    out.extend([0xbe, 0xde, 0, 2]);
    out.extend([0; 8]);
}

/// Takes everything that comes, when clients would.
fn empty(mut sockets: Vec<UdpSocket>, is_over: &AtomicBool) -> io::Result<()> {
    let mut poll = Poll::new()?;
    for (place, socket) in sockets.iter_mut().enumerate() {
        poll.registry().register(socket, Token(place), Interest::READABLE)?;
    }
    let mut ready = Events::with_capacity(NEWS);
    let mut inbox = Inbox::new();
    while !is_over.load(Ordering::Acquire) {
        thread::sleep(crowd::REST);
        match poll.poll(&mut ready, Some(Duration::ZERO)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &ready {
            while inbox.receive(&sockets[event.token().0]).is_ok() {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_go_to_every_receiver_and_take_their_time() {
        let pace = Pace {
            every: Duration::from_millis(10),
            burst: 8,
            size: 1100,
        };
        let audience = Audience {
            groups: 2,
            streams: 3,
            receivers: 3,
            is_mutual: true,
        };
        let limit = limit(audience, pace, Duration::from_millis(100)).unwrap();
        assert!(limit.packets > 0 && limit.packets.is_multiple_of(16), "{limit:?}");
        assert!(!cfg!(target_os = "linux") || limit.busy > Duration::ZERO, "{limit:?}");
    }
}

//! A QUIC client (RFC 9000, RFC 9001) by hand, which can send what no library would.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use hst_signal::{CertificatePin, tls::ClientTls};
use hst_signal_quic::ALPN;
use rustls::{
    crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
    pki_types::ServerName,
    quic::{ClientConnection, KeyChange, Keys, Version},
};
use tokio::{net::UdpSocket, time::timeout};

/// A first datagram is filled up to this size.
const DATAGRAM: usize = 1200;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// When nothing has come for this long, nothing more is on its way.
const MOMENT: Duration = Duration::from_millis(5);
/// The numbers of packets are written with four bytes.
const NUMBER: usize = 4;

/// The first connection id of the next client.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The three spaces of packet numbers, each with its keys.
const INITIAL: usize = 0;
const HANDSHAKE: usize = 1;
const DATA: usize = 2;

#[derive(Default)]
struct Space {
    keys: Option<Keys>,
    sent: u64,
    /// Handshake bytes that have come, by their place, and how many are with TLS.
    received: BTreeMap<u64, Vec<u8>>,
    read: u64,
    written: u64,
}

pub(crate) struct Wire {
    socket: UdpSocket,
    tls: ClientConnection,
    spaces: [Space; 3],
    own_id: [u8; 8],
    peer_id: Vec<u8>,
    /// The code by which the server has closed.
    closed: Option<u64>,
}

/// A number as QUIC writes it, in its longest form.
pub(crate) fn varint(number: u64) -> [u8; 8] {
    (number | 3 << 62).to_be_bytes()
}

/// One transport parameter.
pub(crate) fn parameter(id: u64, value: &[u8]) -> Vec<u8> {
    [&varint(id)[..], &varint(value.len() as u64), value].concat()
}

/// What a client must say: its connection id, and that it takes data.
pub(crate) fn usual_parameters() -> Vec<u8> {
    // In their shortest form, here and only here.
    let some = (100_000 | 2_u32 << 30).to_be_bytes();
    let numbers = [0x04, 0x05, 0x06, 0x07].map(|id| parameter(id, &some));
    [parameter(0x0f, b"by hand!"), numbers.concat()].concat()
}

/// One frame of the stream that the client opens.
pub(crate) fn stream(offset: u64, data: &[u8]) -> Vec<u8> {
    [&[0x0e, 0][..], &varint(offset), &varint(data.len() as u64), data].concat()
}

impl Wire {
    /// A client that has sent nothing yet.
    pub(crate) async fn new(server: SocketAddr, pin: CertificatePin, parameters: Vec<u8>) -> Self {
        let config = ClientTls::new(&[ALPN]).config(Some(pin)).expect("a pin needs no roots");
        let name = ServerName::try_from("localhost").expect("a name");
        let tls = ClientConnection::new(config, Version::V1, name, parameters).expect("TLS 1.3");
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        socket.connect(server).await.expect("an address");
        // Two with the same one would be the same client.
        let peer_id = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec();
        let suite = TLS13_AES_128_GCM_SHA256.tls13().and_then(|suite| suite.quic_suite());
        let keys = suite
            .expect("the first packets' suite")
            .keys(&peer_id, rustls::Side::Client, Version::V1);
        let mut spaces: [Space; 3] = Default::default();
        spaces[INITIAL].keys = Some(keys);
        Self {
            socket,
            tls,
            spaces,
            own_id: *b"by hand!",
            peer_id,
            closed: None,
        }
    }

    /// A client through its handshake, or the code by which it was turned away; 0 if nothing came of it.
    pub(crate) async fn connect(server: SocketAddr, pin: CertificatePin, parameters: Vec<u8>) -> Result<Self, u64> {
        let mut this = Self::new(server, pin, parameters).await;
        this.greet().await;
        while this.tls.is_handshaking() || this.spaces[DATA].keys.is_none() {
            if this.hear(PATIENCE).await.is_none() || this.closed.is_some() {
                return Err(this.closed.unwrap_or(0));
            }
        }
        Ok(this)
    }

    /// Sends the first datagram.
    pub(crate) async fn greet(&mut self) {
        self.speak(INITIAL).await;
    }

    /// Sends frames in one packet.
    pub(crate) async fn send(&mut self, frames: &[u8]) {
        let packet = self.packet(DATA, frames);
        // The server may be gone, and the system then says so here.
        let _ = self.socket.send(&packet).await;
    }

    /// Closes, and is forgotten at once.
    pub(crate) async fn leave(mut self) {
        self.send(&[0x1c, 0, 0, 0]).await;
    }

    /// The code by which the server closes; `None` if it does not.
    pub(crate) async fn closed(&mut self) -> Option<u64> {
        while self.closed.is_none() && self.hear(PATIENCE).await.is_some() {}
        self.closed
    }

    /// How many bytes come until nothing more does for a moment.
    pub(crate) async fn count(&mut self) -> usize {
        let mut sum = 0;
        while let Some(len) = self.hear(MOMENT).await {
            sum += len;
        }
        sum
    }

    /// Sends what TLS has to say.
    async fn speak(&mut self, space: usize) {
        let mut said = Vec::new();
        let change = self.tls.write_hs(&mut said);
        if !said.is_empty() {
            let mut frame = [
                &[0x06][..],
                &varint(self.spaces[space].written),
                &varint(said.len() as u64),
                &said,
            ]
            .concat();
            self.spaces[space].written += said.len() as u64;
            if space == INITIAL {
                frame.resize(DATAGRAM - 48, 0);
            }
            let packet = self.packet(space, &frame);
            self.socket.send(&packet).await.expect("is sent");
        }
        match change {
            Some(KeyChange::Handshake { keys }) => self.spaces[HANDSHAKE].keys = Some(keys),
            Some(KeyChange::OneRtt { keys, .. }) => self.spaces[DATA].keys = Some(keys),
            None => {}
        }
    }

    fn packet(&mut self, space: usize, frames: &[u8]) -> Vec<u8> {
        let number = self.spaces[space].sent;
        self.spaces[space].sent += 1;
        let keys = &self.spaces[space].keys.as_ref().expect("keys").local;
        let mut packet = Vec::with_capacity(DATAGRAM);
        if space == DATA {
            packet.push(0x40 | 3);
            packet.extend_from_slice(&self.peer_id);
        } else {
            packet.extend([0xc3 | [0, 0x20][space], 0, 0, 0, 1]);
            for id in [&self.peer_id[..], &self.own_id] {
                packet.push(id.len() as u8);
                packet.extend_from_slice(id);
            }
            if space == INITIAL {
                packet.push(0);
            }
            packet.extend(varint((NUMBER + frames.len() + keys.packet.tag_len()) as u64));
        }
        let head = packet.len();
        packet.extend((number as u32).to_be_bytes());
        let mut body = frames.to_vec();
        let tag = keys
            .packet
            .encrypt_in_place(number, &packet, &mut body)
            .expect("encrypts");
        packet.extend(body);
        packet.extend_from_slice(tag.as_ref());
        let (before, rest) = packet.split_at_mut(head);
        let (number, body) = rest.split_at_mut(NUMBER);
        keys.header
            .encrypt_in_place(&body[..keys.header.sample_len()], &mut before[0], number)
            .expect("a sample");
        packet
    }

    /// Takes in one datagram and tells its length; `None` when none comes.
    async fn hear(&mut self, patience: Duration) -> Option<usize> {
        let mut datagram = vec![0; 2048];
        let len = timeout(patience, self.socket.recv(&mut datagram)).await.ok()?.ok()?;
        // To be asked for a proof of the address is to be turned away.
        if datagram[0] & 0xf0 == 0xf0 {
            self.closed = Some(0);
            return Some(len);
        }
        let mut rest = &mut datagram[..len];
        while !rest.is_empty() {
            let (space, head, end) = self.bounds(rest);
            let (packet, behind) = rest.split_at_mut(end);
            if let Some(frames) = self.open(space, head, packet) {
                self.take(space, &frames);
                // New keys are needed for the next packet, which may be in the same datagram.
                self.speak(HANDSHAKE).await;
            }
            rest = behind;
        }
        Some(len)
    }

    /// Of the packet that comes first: its space, where its number is, and where it ends.
    fn bounds(&mut self, packet: &[u8]) -> (usize, usize, usize) {
        if packet[0] & 0x80 == 0 {
            return (DATA, 1 + self.own_id.len(), packet.len());
        }
        let space = if packet[0] & 0x30 == 0x20 { HANDSHAKE } else { INITIAL };
        let mut at = 5 + 1 + usize::from(packet[5]);
        self.peer_id = packet[at + 1..][..usize::from(packet[at])].to_vec();
        at += 1 + self.peer_id.len();
        let mut reader = &packet[at..];
        if space == INITIAL {
            let token = number(&mut reader) as usize;
            reader = &reader[token..];
        }
        let length = number(&mut reader) as usize;
        let head = packet.len() - reader.len();
        (space, head, head + length)
    }

    fn open(&self, space: usize, head: usize, packet: &mut [u8]) -> Option<Vec<u8>> {
        let keys = &self.spaces[space].keys.as_ref()?.remote;
        let (before, rest) = packet.split_at_mut(head);
        let (number, sample) = rest.split_at_mut(NUMBER);
        let sample = &sample[..keys.header.sample_len()];
        keys.header.decrypt_in_place(sample, &mut before[0], number).ok()?;
        let len = usize::from(packet[0] & 3) + 1;
        let number = packet[head..][..len]
            .iter()
            .fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let (header, body) = packet.split_at_mut(head + len);
        Some(keys.packet.decrypt_in_place(number, header, body).ok()?.to_vec())
    }

    fn take(&mut self, space: usize, mut frames: &[u8]) {
        let reader = &mut frames;
        while let Some((&kind, rest)) = reader.split_first() {
            *reader = rest;
            let numbers = match kind {
                0x02 | 0x03 => {
                    let (_, _, ranges, _) = (number(reader), number(reader), number(reader), number(reader));
                    2 * ranges
                }
                0x06 => {
                    let (offset, len) = (number(reader), number(reader) as usize);
                    self.spaces[space].received.insert(offset, reader[..len].to_vec());
                    *reader = &reader[len..];
                    0
                }
                0x1c | 0x1d => return self.closed = Some(number(reader)),
                0x10 | 0x12 | 0x13 | 0x19 => 1,
                0x11 => 2,
                0x00 | 0x01 | 0x1e => 0,
                // Nothing behind it is of interest.
                _ => break,
            };
            (0..numbers).for_each(|_| _ = number(reader));
        }
        let Space { received, read, .. } = &mut self.spaces[space];
        while let Some(next) = received.remove(read) {
            *read += next.len() as u64;
            self.tls.read_hs(&next).expect("the server's handshake is right");
        }
    }
}

fn number(reader: &mut &[u8]) -> u64 {
    let len = 1 << (reader[0] >> 6);
    let (bytes, rest) = reader.split_at(len);
    *reader = rest;
    bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)) & ((1 << (8 * len - 2)) - 1)
}

/// What this process holds in memory, in bytes.
pub(crate) fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let resident: usize = pages.split(' ').nth(1).expect("two numbers").parse().expect("a number");
    resident * 4096
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

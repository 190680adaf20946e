use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::IpAddr,
    time::{Duration, Instant},
};

use hst_framing::{Unframer, header};
use mio::{Token, net::TcpStream};

/// How much is read in one go.
const READ: usize = 16 * 1024;
/// How many bytes wait for a client that reads slower than it is sent to: a large keyframe fits. When it is full,
/// packets are lost one by one, as on any link that is full, and nobody else notices.
const MAX_OUTGOING: usize = 256 * 1024;
/// How long a client may read nothing at all, though there is something for it, before it is cut off.
const STUCK_TIMEOUT: Duration = Duration::from_secs(15);

/// One client's TCP connection, with datagrams in frames.
#[derive(Debug)]
pub(crate) struct Stream {
    stream: TcpStream,
    token: Token,
    local_ip: IpAddr,
    /// Until when it must have proved whose it is; `None` when it has.
    proof_due: Option<Instant>,
    is_readable: bool,
    unframer: Unframer,
    outgoing: VecDeque<u8>,
    /// Since when nothing of `outgoing` could be sent, as far as it was looked.
    stuck_since: Option<Instant>,
}

/// The connection is over, or what comes on it is not what we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended;

impl Stream {
    pub(crate) fn new(stream: TcpStream, token: Token, local_ip: IpAddr, proof_due: Instant) -> Self {
        Self {
            stream,
            token,
            local_ip,
            proof_due: Some(proof_due),
            is_readable: false,
            unframer: Unframer::default(),
            outgoing: VecDeque::new(),
            stuck_since: None,
        }
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    /// The address of this machine that the client has called.
    pub(crate) fn local_ip(&self) -> IpAddr {
        self.local_ip
    }

    pub(crate) fn is_stranger(&self) -> bool {
        self.proof_due.is_some()
    }

    /// It is a client's from now on; says whether it was a stranger's.
    pub(crate) fn prove(&mut self) -> bool {
        self.proof_due.take().is_some()
    }

    /// Notes whether there may be something to read; says whether that was known.
    pub(crate) fn set_readable(&mut self, is_readable: bool) -> bool {
        std::mem::replace(&mut self.is_readable, is_readable)
    }

    /// Gives the next datagram, reading more when there is need; says whether there was one.
    pub(crate) fn receive(&mut self, datagram: &mut Vec<u8>) -> Result<bool, Ended> {
        loop {
            if self.unframer.next(datagram).map_err(|_| Ended)? {
                return Ok(true);
            }
            if !self.read()? {
                return Ok(false);
            }
        }
    }

    /// Reads some more; says whether there was something.
    fn read(&mut self) -> Result<bool, Ended> {
        let mut bytes = [0; READ];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(Ended),
                Ok(len) => {
                    self.unframer.push(&bytes[..len]);
                    return Ok(true);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return Ok(false),
                    _ => return Err(Ended),
                },
            }
        }
    }

    /// Takes a datagram for the next flush; says whether there was room for it.
    pub(crate) fn queue(&mut self, datagram: &[u8]) -> bool {
        let Some(header) = header(datagram) else { return false };
        if self.outgoing.len() + header.len() + datagram.len() > MAX_OUTGOING {
            return false;
        }
        self.outgoing.extend(header);
        self.outgoing.extend(datagram);
        true
    }

    /// Sends what the kernel takes.
    pub(crate) fn flush(&mut self) -> Result<(), Ended> {
        while !self.outgoing.is_empty() {
            match self.stream.write(self.outgoing.as_slices().0) {
                Ok(0) => return Err(Ended),
                Ok(sent) => {
                    self.outgoing.drain(..sent);
                    self.stuck_since = None;
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    // The kernel tells when it takes more.
                    io::ErrorKind::WouldBlock => break,
                    _ => return Err(Ended),
                },
            }
        }
        Ok(())
    }

    /// Whether it has proved nothing in time, or takes nothing any more.
    pub(crate) fn is_over(&mut self, now: Instant) -> bool {
        if self.outgoing.is_empty() {
            self.stuck_since = None;
        } else {
            self.stuck_since.get_or_insert(now);
        }
        self.proof_due.is_some_and(|due| due <= now)
            || self.stuck_since.is_some_and(|since| now - since >= STUCK_TIMEOUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(now: Instant) -> (Stream, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, addr) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let stream = TcpStream::from_std(stream);
        (Stream::new(stream, Token(9), addr.ip(), now + STUCK_TIMEOUT), client)
    }

    #[test]
    fn a_client_that_takes_nothing_for_long_is_cut_off_and_a_slow_one_is_not() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let (mut stream, _client) = stream(now);
        assert!(stream.prove() && !stream.prove());
        assert!(!stream.is_over(at(1_000)), "there is nothing to take");
        stream.queue(&[1; 500]);
        assert!(!stream.is_over(at(1_001)) && !stream.is_over(at(1_015)));
        stream.flush().unwrap();
        stream.queue(&[1; 500]);
        assert!(
            !stream.is_over(at(1_016)) && !stream.is_over(at(1_030)),
            "something went"
        );
        assert!(stream.is_over(at(1_031)));
    }

    #[test]
    fn what_there_is_no_room_for_is_dropped_whole() {
        let (mut stream, mut client) = stream(Instant::now());
        let sent = (0..).take_while(|_| stream.queue(&[7; 998])).count();
        assert_eq!(sent, MAX_OUTGOING / 1000);
        assert!(
            !stream.queue(&[7; 998]) && stream.queue(&[7; 100]),
            "a small one still fits"
        );
        let total = stream.outgoing.len();
        let mut received = vec![0; total];
        // Loopback takes as much at once.
        stream.flush().unwrap();
        assert!(stream.outgoing.is_empty());
        client.read_exact(&mut received).unwrap();
        assert_eq!(received[..2], 998_u16.to_be_bytes());
        assert_eq!(received[total - 102..total - 100], 100_u16.to_be_bytes());
    }
}

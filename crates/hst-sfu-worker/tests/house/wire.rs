use std::{
    io::{self, Read, Write},
    net::SocketAddr,
};

use mio::net::TcpStream;

/// A TCP connection to a media thread: datagrams behind their lengths (RFC 4571).
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    pub(crate) is_closed: bool,
    /// Reads nothing while this is set.
    pub(crate) is_deaf: bool,
    incoming: Vec<u8>,
}

impl Wire {
    pub(crate) fn connect(to: SocketAddr) -> Self {
        let stream = std::net::TcpStream::connect(to).expect("somebody listens");
        stream.set_nonblocking(true).expect("a socket like any");
        stream.set_nodelay(true).expect("a socket like any");
        Self {
            stream: TcpStream::from_std(stream),
            is_closed: false,
            is_deaf: false,
            incoming: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, datagram: &[u8]) {
        let mut frame = (datagram.len() as u16).to_be_bytes().to_vec();
        frame.extend(datagram);
        self.send_raw(&frame);
    }

    /// Loopback takes what a test sends at once, unless the server has closed.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        if self.stream.write_all(bytes).is_err() {
            self.is_closed = true;
        }
    }

    /// The datagrams that have come.
    pub(crate) fn receive(&mut self) -> Vec<Vec<u8>> {
        let mut buffer = [0; 65_536];
        while !self.is_closed && !self.is_deaf {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.is_closed = true,
                Ok(len) => self.incoming.extend(&buffer[..len]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.is_closed = true,
            }
        }
        let mut datagrams = Vec::new();
        while let Some((header, rest)) = self.incoming.split_first_chunk() {
            let len = usize::from(u16::from_be_bytes(*header));
            let Some(datagram) = rest.get(..len) else { break };
            datagrams.push(datagram.to_vec());
            self.incoming.drain(..2 + len);
        }
        datagrams
    }
}

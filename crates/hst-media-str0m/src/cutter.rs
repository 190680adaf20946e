use std::io;

/// How messages lie in a stream of bytes, and what of one has come.
#[derive(Debug)]
pub(crate) enum Cutter {
    /// Datagrams behind their length, as ICE has it.
    Ice(hst_framing::Unframer),
    /// Messages that say their length themselves, as a relay has it.
    Relay(hst_turn::Unframer),
}

impl Cutter {
    pub(crate) fn ice() -> Self {
        Self::Ice(hst_framing::Unframer::default())
    }

    pub(crate) fn relay() -> Self {
        Self::Relay(hst_turn::Unframer::default())
    }

    /// Whether messages have their length in front of them.
    pub(crate) fn is_framed(&self) -> bool {
        matches!(self, Self::Ice(_))
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Ice(unframer) => unframer.push(bytes),
            Self::Relay(unframer) => unframer.push(bytes),
        }
    }

    /// The next whole message that is not empty.
    ///
    /// # Errors
    /// The stream cannot be read on.
    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let garbage = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        match self {
            Self::Ice(unframer) => {
                let mut datagram = Vec::new();
                while unframer
                    .next(&mut datagram)
                    .map_err(|_| garbage("this is no media server"))?
                {
                    if !datagram.is_empty() {
                        return Ok(Some(datagram));
                    }
                }
                Ok(None)
            }
            Self::Relay(unframer) => {
                let message = unframer.next_message().map_err(|_| garbage("this is no relay"))?;
                Ok(message.map(<[u8]>::to_vec))
            }
        }
    }
}

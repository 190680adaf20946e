use async_trait::async_trait;
use bytes::{Buf, Bytes, BytesMut};
use hst_signal::{CloseReason, RecvEnd, SignalReceiver};
use quinn::{Connection, ReadError, RecvStream};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{
    config,
    connection::{CLOSE_TIMEOUT, Link, end},
};

/// The length in front of each frame: 32 bits, the highest first.
const PREFIX: usize = 4;

#[derive(Debug)]
pub(crate) struct Receiver {
    incoming: Incoming,
    closed: watch::Receiver<Option<CloseReason>>,
    end: Option<RecvEnd>,
    /// What `limit_frames` cannot exceed.
    max_frame: usize,
}

/// What comes from the peer.
#[derive(Debug)]
struct Incoming {
    connection: Connection,
    stream: RecvStream,
    max_frame: usize,
    /// For frames of which size the window is open.
    is_open_for: usize,
    /// The beginning of one frame, with its length. It grows as bytes come, never by what a length promises.
    partial: BytesMut,
    /// Until when to wait for the reason behind the end of the stream.
    deadline: Option<Instant>,
}

impl Receiver {
    pub(crate) fn new(link: Link, stream: RecvStream) -> Self {
        let Link {
            connection,
            closed,
            max_frame,
        } = link;
        let incoming = Incoming {
            connection,
            stream,
            max_frame,
            is_open_for: 0,
            partial: BytesMut::new(),
            deadline: None,
        };
        Self {
            incoming,
            closed: closed.subscribe(),
            end: None,
            max_frame,
        }
    }
}

impl Incoming {
    /// How many bytes of the frame are still to come, as far as is known yet; 0 if it is whole.
    fn missing(&self) -> Result<usize, RecvEnd> {
        let Some(&prefix) = self.partial.first_chunk::<PREFIX>() else {
            return Ok(PREFIX - self.partial.len());
        };
        let max = self.max_frame;
        let len = usize::try_from(u32::from_be_bytes(prefix))
            .ok()
            .filter(|&len| len <= max);
        len.map(|len| PREFIX + len - self.partial.len())
            .ok_or(RecvEnd::TooLarge { max })
    }

    /// Opens the window as far as the frames that are taken now need it. It never narrows.
    fn open_window(&mut self) {
        if self.is_open_for < self.max_frame {
            self.connection.set_receive_window(config::window(self.max_frame));
            self.is_open_for = self.max_frame;
        }
    }

    /// Cancel-safe: what has come is in `partial`.
    async fn next(&mut self) -> Result<Bytes, RecvEnd> {
        self.open_window();
        loop {
            let missing = self.missing()?;
            if missing == 0 {
                let mut frame = self.partial.split().freeze();
                frame.advance(PREFIX);
                return Ok(frame);
            }
            match self.stream.read_chunk(missing, true).await {
                Ok(Some(chunk)) => self.partial.extend_from_slice(&chunk.bytes),
                Ok(None) => return Err(self.reason().await),
                Err(ReadError::ConnectionLost(error)) => return Err(end(&error)),
                Err(_) => return Err(RecvEnd::Lost),
            }
        }
    }

    /// The stream ends where a peer closes; the reason comes in a packet of its own.
    async fn reason(&mut self) -> RecvEnd {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + CLOSE_TIMEOUT);
        let closed = timeout_at(deadline, self.connection.closed()).await;
        closed.map_or(RecvEnd::Lost, |error| end(&error))
    }
}

#[async_trait]
impl SignalReceiver for Receiver {
    async fn recv(&mut self) -> Result<Bytes, RecvEnd> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        // Nothing comes of it when the sender was dropped and will not close.
        let own = async { self.closed.wait_for(Option::is_some).await.ok()?.clone() };
        let received = tokio::select! {
            biased;
            Some(reason) = own => Err(RecvEnd::Closed(reason)),
            received = self.incoming.next() => received,
        };
        self.end = received.as_ref().err().cloned();
        received
    }

    fn limit_frames(&mut self, max_frame: usize) {
        self.incoming.max_frame = max_frame.min(self.max_frame);
    }
}

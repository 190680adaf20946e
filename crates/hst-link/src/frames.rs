use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use quinn::{ReadError, RecvStream, SendStream, WriteError};

use crate::{CloseCode, CloseReason, Closed, MAX_FRAME, SendFrameError, closing::End, link::Core};

/// The length in front of each frame: 32 bits, the highest first.
const PREFIX: usize = 4;

/// Sends frames. They arrive whole and in order.
#[derive(Debug)]
pub struct FrameSender {
    core: Arc<Core>,
    stream: SendStream,
    /// The rest of a frame: its length and its bytes. It outlives a dropped `send`, so that no frame is ever cut short.
    unsent: [Bytes; 2],
}

impl FrameSender {
    pub(crate) fn new(core: Arc<Core>, stream: SendStream) -> Self {
        Self {
            core,
            stream,
            unsent: Default::default(),
        }
    }

    /// Beneath the frames, for the hello alone.
    pub(crate) fn stream(&mut self) -> &mut SendStream {
        &mut self.stream
    }

    /// Sends a frame, and waits while the peer does not read. Cancel-safe: a frame whose `send` was dropped is sent whole,
    /// before the next one, or not at all.
    ///
    /// # Errors
    /// It is too long, or the link has ended.
    pub async fn send(&mut self, frame: Bytes) -> Result<(), SendFrameError> {
        let (len, max) = (frame.len(), MAX_FRAME);
        if len > max {
            return Err(SendFrameError::TooLarge { len, max });
        }
        self.flush().await?;
        self.unsent = [prefix(len), frame];
        Ok(self.flush().await?)
    }

    /// Sends no more, and waits until the peer has every frame: before a `close` that must not overtake them.
    ///
    /// # Errors
    /// The link ended before.
    pub async fn finish(mut self) -> Result<(), Closed> {
        self.flush().await?;
        // An error says that it was finished or stopped before.
        let _ = self.stream.finish();
        match self.stream.stopped().await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.core.end.closed().await),
        }
    }

    /// Cancel-safe.
    async fn flush(&mut self) -> Result<(), Closed> {
        while let Some(first) = self.unsent.iter().position(|part| !part.is_empty()) {
            let written = self.stream.write_chunks(&mut self.unsent[first..]).await;
            written.map_err(|error| self.explain(error))?;
        }
        Ok(())
    }

    fn explain(&self, error: WriteError) -> Closed {
        match error {
            WriteError::ConnectionLost(error) => self.core.end.explain(&error),
            error => Closed::Broken(error.to_string()),
        }
    }
}

/// Receives frames.
#[derive(Debug)]
pub struct FrameReceiver {
    core: Arc<Core>,
    incoming: Incoming,
}

impl FrameReceiver {
    pub(crate) fn new(core: Arc<Core>, incoming: Incoming) -> Self {
        Self { core, incoming }
    }

    /// The next frame; `None` when the peer sends no more. Cancel-safe.
    ///
    /// # Errors
    /// The link has ended. A peer that announces a frame above [`MAX_FRAME`] is closed.
    pub async fn recv(&mut self) -> Result<Option<Bytes>, Closed> {
        let end = &self.core.end;
        match self.incoming.next(MAX_FRAME).await {
            Ok(frame) => Ok(frame),
            Err(error) => Err(fail(end, error).await),
        }
    }
}

async fn fail(end: &End, error: FrameError) -> Closed {
    match error {
        FrameError::Lost(error) => return end.explain(&error),
        FrameError::TooLong { len, max } => end.close(CloseReason::new(
            CloseCode::FrameTooLarge,
            format!("a frame of {len} bytes; {max} are the most"),
        )),
        FrameError::CutShort => end.close(CloseReason::new(CloseCode::Dropped, "a frame was cut short")),
    }
    end.closed().await
}

/// The frames on a stream, before anybody has a right to them.
#[derive(Debug)]
pub(crate) struct Incoming {
    stream: RecvStream,
    /// The beginning of one frame, with its length. It grows as bytes come, never by what a length promises.
    partial: BytesMut,
}

/// Why there is no frame.
#[derive(Debug)]
pub(crate) enum FrameError {
    /// Its length is above the limit.
    TooLong { len: usize, max: usize },
    /// The stream ended within it.
    CutShort,
    /// The connection ended.
    Lost(quinn::ConnectionError),
}

impl Incoming {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self {
            stream,
            partial: BytesMut::new(),
        }
    }

    /// `None` at the end of the stream. Cancel-safe: what has come is in `partial`.
    pub(crate) async fn next(&mut self, max: usize) -> Result<Option<Bytes>, FrameError> {
        loop {
            let missing = self.missing(max)?;
            if missing == 0 {
                let mut frame = self.partial.split().freeze();
                frame.advance(PREFIX);
                return Ok(Some(frame));
            }
            match self.stream.read_chunk(missing, true).await {
                Ok(Some(chunk)) => self.partial.extend_from_slice(&chunk.bytes),
                Ok(None) if self.partial.is_empty() => return Ok(None),
                Err(ReadError::ConnectionLost(error)) => return Err(FrameError::Lost(error)),
                Ok(None) | Err(_) => return Err(FrameError::CutShort),
            }
        }
    }

    /// How many bytes of the frame are still to come, as far as is known yet; 0 if it is whole.
    fn missing(&self, max: usize) -> Result<usize, FrameError> {
        let Some(&prefix) = self.partial.first_chunk::<PREFIX>() else {
            return Ok(PREFIX - self.partial.len());
        };
        let len = u32::from_be_bytes(prefix) as usize;
        if len > max {
            return Err(FrameError::TooLong { len, max });
        }
        Ok(PREFIX + len - self.partial.len())
    }
}

/// What stands before a frame of this many bytes, [`MAX_FRAME`] at most.
pub(crate) fn prefix(len: usize) -> Bytes {
    Bytes::copy_from_slice(&(len as u32).to_be_bytes())
}

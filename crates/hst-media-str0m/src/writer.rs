use std::sync::Arc;

use async_trait::async_trait;
use hst_media::{
    Frame, FrameWriter, LineClosed,
    rtp::{BURST, BURST_INTERVAL, Counters, Outgoing},
};
use str0m::media::Mid;
use tokio::{
    sync::{Mutex, mpsc, watch},
    time::{Instant, sleep},
};

use crate::{codecs::payload_type_of, command::Command, link::Link};

/// Whether a line may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Not negotiated yet.
    Waiting,
    /// Negotiated, on the section of this name.
    Open(Mid),
    /// Stopped.
    Shut,
}

/// The [`FrameWriter`] of one line.
#[derive(Debug)]
pub(crate) struct Writer {
    /// A lock, because the writer of a stopped line may still be at its last frame when the next one begins.
    pub(crate) stream: Arc<Mutex<Outgoing>>,
    pub(crate) gate: watch::Receiver<Gate>,
    pub(crate) link: watch::Receiver<Link>,
    /// Weak, so that a writer that outlives its peer does not keep the connection.
    pub(crate) commands: mpsc::WeakSender<Command>,
    pub(crate) counters: Arc<Counters>,
    /// The timestamp of the track's time zero; known from the first frame on.
    pub(crate) zero: Option<u32>,
}

impl Writer {
    /// Waits until the line works for the first time; from then on it only finds out whether it still does.
    async fn ready(&mut self) -> Result<Mid, LineClosed> {
        loop {
            match (*self.gate.borrow_and_update(), *self.link.borrow_and_update()) {
                (Gate::Shut, _) | (_, Link::Gone) => return Err(LineClosed),
                (Gate::Open(mid), Link::Up) => return Ok(mid),
                (Gate::Waiting, _) | (_, Link::Waiting) => {}
            }
            tokio::select! {
                changed = self.gate.changed() => changed,
                changed = self.link.changed() => changed,
            }
            .map_err(|_| LineClosed)?;
        }
    }
}

#[async_trait]
impl FrameWriter for Writer {
    async fn write(&mut self, frame: Frame) -> Result<(), LineClosed> {
        let mid = self.ready().await?;
        let mut stream = self.stream.lock().await;
        let codec = stream.codec();
        let pt = payload_type_of(codec).ok_or(LineClosed)?;
        let now = Instant::now();
        let zero = *self
            .zero
            .get_or_insert_with(|| stream.begin(now, frame.time, rand::random()));
        let packets = stream.packets(now, zero, &frame);
        for (index, burst) in packets.chunks(BURST).enumerate() {
            if index > 0 {
                sleep(BURST_INTERVAL).await;
            }
            for packet in burst {
                self.counters.packet(codec, packet.payload.len());
            }
            let commands = self.commands.upgrade().ok_or(LineClosed)?;
            let packets = burst.to_vec();
            let written = commands.send(Command::Write { mid, pt, packets }).await;
            written.map_err(|_| LineClosed)?;
        }
        self.counters.frame(codec, &frame);
        self.counters.heard(frame.loudness(codec));
        Ok(())
    }
}

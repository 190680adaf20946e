use std::{sync::Arc, time::Duration};

use hst_media::{
    LineId, PeerEvent, PeerEventSender,
    rtp::{Counters, Echo, Incoming, Packet},
};
use str0m::{rtp::RtpPacket, stats::RemoteIngressStats};
use tokio::time::Instant;

use crate::{
    codecs::{codec_of, sound_in},
    level::level_of,
};

/// What a section of the session description carries at the moment.
#[derive(Debug, Default)]
pub(crate) struct Section {
    carried: Option<Carried>,
    incoming: Option<Incoming>,
    /// Packets that were lost on the way out, of all lines so far.
    lost: u64,
    lost_before: u64,
    /// What it has sent last, of sound.
    pub(crate) echo: Echo,
}

/// A line on a section.
#[derive(Debug, Clone)]
pub(crate) struct Carried {
    pub(crate) line: LineId,
    pub(crate) counters: Arc<Counters>,
    /// Of a line that sends, the ticks a second of its timestamps.
    pub(crate) clock_rate: u32,
}

impl Section {
    /// A line that it carries already goes on with its reader.
    pub(crate) fn carry(&mut self, carried: Option<Carried>) {
        let line = |carried: &Option<Carried>| carried.as_ref().map(|it| it.line);
        if line(&self.carried) != line(&carried) {
            self.carried = carried;
            self.incoming = None;
            // Nobody hears in the next line what this one carried.
            self.echo = Echo::default();
            self.lost_before = self.lost;
        }
    }

    pub(crate) fn line(&self) -> Option<LineId> {
        self.carried.as_ref().map(|it| it.line)
    }

    /// A packet has arrived; it is dropped when the section carries nothing.
    pub(crate) fn receive(&mut self, now: Instant, packet: RtpPacket, events: &PeerEventSender) {
        let payload_type = packet.header.payload_type;
        let (Some(carried), Some(codec)) = (&self.carried, codec_of(payload_type)) else {
            self.incoming = None;
            return;
        };
        if self.incoming.as_ref().is_none_or(|incoming| incoming.codec() != codec) {
            let (incoming, reader) = Incoming::new(codec, carried.counters.clone());
            let line = carried.line;
            events.send(PeerEvent::Track { line, codec, reader });
            self.incoming = Some(incoming);
        }
        if let Some(incoming) = &mut self.incoming {
            let packet = Packet {
                sequence: *packet.seq_no,
                timestamp: packet.header.timestamp,
                marker: packet.header.marker,
                level: level_of(&packet.header.ext_vals),
                payload: bytes::Bytes::copy_from_slice(&packet.payload),
            };
            match sound_in(payload_type) {
                Some(sound) => incoming.take_redundant(now, packet, sound),
                None => incoming.take(now, packet),
            }
        }
    }

    /// Hands on what is ready; returns whether a keyframe must be asked for. Lost packets are asked for by str0m.
    pub(crate) fn advance(&mut self, now: Instant) -> bool {
        self.incoming
            .as_mut()
            .is_some_and(|incoming| incoming.advance(now).keyframe)
    }

    /// When to call [`advance`](Self::advance) even if nothing arrives.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.incoming.as_ref()?.deadline()
    }

    /// How long it takes to the other side and back.
    pub(crate) fn measured(&self, round_trip: Duration) {
        if let Some(carried) = &self.carried {
            carried.counters.set_round_trip(round_trip);
        }
    }

    /// What the other side has received of it.
    pub(crate) fn reported(&mut self, remote: &RemoteIngressStats) {
        self.lost = remote.packets_lost;
        if let Some(carried) = &self.carried {
            carried.counters.set_lost(self.lost.saturating_sub(self.lost_before));
            carried
                .counters
                .set_jitter(f64::from(remote.jitter) / f64::from(carried.clock_rate));
        }
    }
}

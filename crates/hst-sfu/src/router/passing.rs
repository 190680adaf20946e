//! Packets on their way from their track to its lines. Those that came together go to each line together: what is known of a line is
//! looked up once for all of them, and so is its receiver by whoever sends them.

use std::time::Instant;

use super::{Router, line_at};
use crate::{Codec, Encodings, Format, Output, Packet, TrackId, line::Verdict, reading::Reading, track::Admitted};

/// A packet that may go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passing {
    pub(crate) now: Instant,
    pub(crate) track: TrackId,
    /// Which one it is of those that were handled since there was nothing to do.
    pub(crate) number: usize,
    pub(crate) encoding: u8,
    pub(crate) codec: Codec,
    pub(crate) format: Format,
    pub(crate) timestamp: u32,
    pub(crate) admitted: Admitted,
    pub(crate) read: Reading,
    /// Which encodings are silent when it begins a keyframe.
    pub(crate) silent: Encodings,
    /// Whether it is more than one of many sounds that are left out.
    pub(crate) is_heard: bool,
    /// Whether a line needs a keyframe to begin with what it is of.
    is_awaited: bool,
}

/// Packets that have not gone to all lines yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    packets: Vec<Passing>,
    /// How many of them, the first ones, are on their way: all of one track.
    leaving: usize,
    /// Where the lines are to which those still have to go, the next one last.
    places: Vec<usize>,
    /// How many packets were handled since there was nothing to do.
    handled: usize,
}

impl Passing {
    pub(super) fn new(
        (now, number): (Instant, usize),
        track: TrackId,
        packet: &Packet<'_>,
        (admitted, read): (Admitted, Reading),
        silent: Encodings,
        is_heard: bool,
    ) -> Self {
        Self {
            now,
            track,
            number,
            encoding: packet.encoding,
            codec: packet.codec,
            format: packet.format,
            timestamp: packet.timestamp,
            admitted,
            read,
            silent,
            is_heard,
            is_awaited: false,
        }
    }
}

impl Pending {
    /// Counts a packet: which one it is.
    pub(super) fn count(&mut self) -> usize {
        self.handled += 1;
        self.handled - 1
    }

    /// There is nothing to do any more.
    pub(super) fn restart(&mut self) {
        self.handled = 0;
    }

    pub(super) fn push(&mut self, packet: Passing) {
        self.packets.push(packet);
    }

    /// Has the packets of the next track leave; gives it, if there is one.
    fn leave(&mut self) -> Option<TrackId> {
        let track = self.packets.first()?.track;
        self.leaving = self.packets.iter().take_while(|it| it.track == track).count();
        Some(track)
    }
}

impl Router {
    /// Has all packets go to all lines, before something changes of those.
    pub(super) fn pass_all(&mut self) {
        while self.pass_next() {}
    }

    /// Has the packets of a track go to its next line; says whether there was something to do.
    pub(super) fn pass_next(&mut self) -> bool {
        if self.pending.leaving == 0 {
            let Some(track) = self.pending.leave() else {
                return false;
            };
            let lines = self
                .tracks
                .get(&track)
                .into_iter()
                .flat_map(|entry| entry.lines.iter().rev());
            self.pending.places.extend(lines);
        }
        if let Some(place) = self.pending.places.pop() {
            self.pass_to(place);
        }
        if self.pending.places.is_empty() {
            self.finish();
        }
        true
    }

    /// Those that are leaving go to this line.
    fn pass_to(&mut self, place: usize) {
        let line = line_at(&mut self.lines, place);
        let Pending { packets, leaving, .. } = &mut self.pending;
        for packet in &mut packets[..*leaving] {
            // A line's first packet shows its receiver that there is somebody.
            if !packet.is_heard && line.encoding().is_some() {
                line.omit(packet);
                continue;
            }
            match line.handle(packet) {
                Verdict::Forward(forward) => self.outputs.push_back(Output::Forward(forward)),
                Verdict::Omit => {}
                Verdict::AwaitKeyframe => packet.is_awaited = true,
                Verdict::Unsupported => self.outputs.push_back(Output::Unsupported {
                    line: line.id,
                    track: packet.track,
                    format: packet.format,
                }),
            }
        }
    }

    /// Those that are leaving have gone to all lines.
    fn finish(&mut self) {
        let count = std::mem::take(&mut self.pending.leaving);
        for at in 0..count {
            let Passing {
                now,
                track,
                encoding,
                read,
                is_awaited,
                ..
            } = self.pending.packets[at];
            if read.starts_keyframe {
                self.calm(track, Some(encoding));
            }
            if is_awaited {
                self.want_keyframe(now, track, encoding);
            }
        }
        self.pending.packets.drain(..count);
    }
}

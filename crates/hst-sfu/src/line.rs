use std::time::Instant;

use crate::{
    DescriptorPatch, Formats, Forward, LineId, TrackId,
    freezes::FreezeMeter,
    layer::Layer,
    reading::Reading,
    rewrite::{Place, Rewriter},
    router::Passing,
};

/// One outgoing stream: which track it carries, which of its layers, and under which numbers.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) id: LineId,
    pub(crate) track: Option<TrackId>,
    pub(crate) formats: Formats,
    /// The most that it should carry; `None` is nothing, because nothing fits.
    pub(crate) target: Option<Layer>,
    /// Since when not even the smallest of it fits.
    pub(crate) short_since: Option<Instant>,
    /// What it carries at present; `None` until it has started with its track's present source.
    current: Option<Layer>,
    /// The timestamp of the newest picture, whose layers are settled.
    picture: Option<u32>,
    /// Whether it was reported that it cannot carry the present source.
    is_reported: bool,
    rewriter: Rewriter,
    pub(crate) freezes: FreezeMeter,
}

/// What becomes of a packet on a line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict {
    Forward(Forward),
    /// It is not for this line.
    Omit,
    /// It is what the line should carry, which can begin at a keyframe of its encoding only.
    AwaitKeyframe,
    /// The receiver has not negotiated its format: said once each time.
    Unsupported,
}

impl Line {
    pub(crate) fn new(id: LineId, formats: Formats) -> Self {
        Self {
            id,
            track: None,
            formats,
            target: Some(Layer::BEST),
            short_since: None,
            current: None,
            picture: None,
            is_reported: false,
            rewriter: Rewriter::default(),
            freezes: FreezeMeter::default(),
        }
    }

    /// What it carries at present.
    pub(crate) fn current(&self) -> Option<Layer> {
        self.current
    }

    /// The encoding that it carries.
    pub(crate) fn encoding(&self) -> Option<u8> {
        self.current.map(|layer| layer.encoding)
    }

    /// Nothing is known any more of what it should carry; says whether nothing of it fitted.
    pub(crate) fn clear_target(&mut self) -> bool {
        self.short_since = None;
        self.target.replace(Layer::BEST).is_none()
    }

    /// Nothing flows until the next start.
    pub(crate) fn stop(&mut self) {
        self.current = None;
        self.is_reported = false;
    }

    pub(crate) fn handle(&mut self, packet: &Passing) -> Verdict {
        if packet.admitted.is_restart && self.encoding().is_none_or(|encoding| encoding == packet.encoding) {
            self.stop();
        }
        let Some(target) = self.target else {
            self.current = None;
            return Verdict::Omit;
        };
        if self.encoding() != Some(packet.encoding) {
            return self.begin(packet, target);
        }
        self.go_on(packet, target)
    }

    /// Leaves a packet out of what it carries.
    pub(crate) fn omit(&mut self, packet: &Passing) {
        if packet.admitted.is_restart {
            self.stop();
        } else if self.current.is_some() {
            self.rewriter.omit(place_of(packet));
        }
    }

    /// A packet of another encoding than the present one, if there is one.
    fn begin(&mut self, packet: &Passing, target: Layer) -> Verdict {
        let Passing { admitted, read, .. } = packet;
        let is_due = packet.encoding == target.encoding || target == Layer::BEST;
        let has_nothing = self.encoding().is_none_or(|it| packet.silent.contains(it));
        // Who has nothing yet, or no more, takes a smaller one than he should have, so that he soon sees something.
        if !is_due && (!has_nothing || packet.encoding > target.encoding) {
            return Verdict::Omit;
        }
        if !self.formats.contains(packet.format) {
            return match std::mem::replace(&mut self.is_reported, true) {
                false => Verdict::Unsupported,
                true => Verdict::Omit,
            };
        }
        // A keyframe whose first packet comes late has already lost the others for those who wait for it.
        if !read.starts_keyframe || !admitted.is_newest {
            return if is_due { Verdict::AwaitKeyframe } else { Verdict::Omit };
        }
        let place = place_of(packet);
        self.rewriter.start(packet.now, place, packet.codec.clock_rate());
        self.settle(packet, target);
        self.bound(read);
        self.note_picture(packet);
        self.forward(packet, place, self.current.unwrap_or(target))
    }

    /// A packet of the present encoding.
    fn go_on(&mut self, packet: &Passing, target: Layer) -> Verdict {
        let Passing { admitted, read, .. } = packet;
        let place = place_of(packet);
        if self.rewriter.is_newest(admitted.index) {
            let is_new = self.picture != Some(packet.timestamp);
            if read.starts_keyframe {
                self.settle(packet, target);
            } else if is_new {
                self.picture = Some(packet.timestamp);
                self.lower(target);
            }
            self.raise(target, read);
            if is_new && self.current.is_some_and(|current| read.temporal <= current.temporal) {
                self.note_picture(packet);
            }
        }
        self.bound(read);
        let Some(current) = self.current else {
            return Verdict::Omit;
        };
        if read.temporal > current.temporal || read.spatial > current.spatial {
            self.rewriter.omit(place);
            // A larger size begins at a keyframe only; more pictures begin at one that says so.
            let is_awaited = target.encoding == current.encoding
                && read.spatial > current.spatial
                && read.spatial <= target.spatial
                && self.shows_sizes(read);
            return if is_awaited {
                Verdict::AwaitKeyframe
            } else {
                Verdict::Omit
            };
        }
        self.forward(packet, place, current)
    }

    fn forward(&mut self, packet: &Passing, place: Place, current: Layer) -> Verdict {
        let Some(placed) = self.rewriter.place(packet.now, place) else {
            return Verdict::Omit;
        };
        let read = &packet.read;
        Verdict::Forward(Forward {
            line: self.id,
            packet: packet.number,
            seq: placed.seq,
            timestamp: placed.timestamp,
            ends_picture: read.ends_layer && read.spatial == current.spatial,
            vp8: placed.vp8,
            descriptor: placed.frame.map(|frame_number| DescriptorPatch {
                frame_number,
                active: read.frame.and_then(|frame| Some(frame.targets?.up_to(current))),
            }),
        })
    }

    /// A picture goes on, of which this is the first packet that came.
    fn note_picture(&mut self, packet: &Passing) {
        if packet.codec.is_video() {
            self.freezes.handle_picture(packet.now);
        }
    }

    /// From this keyframe on it carries of this encoding what it should.
    fn settle(&mut self, packet: &Passing, target: Layer) {
        self.picture = Some(packet.timestamp);
        self.current = Some(match packet.encoding == target.encoding {
            true => target,
            false => Layer::all_of(packet.encoding),
        });
    }

    /// Who does not read what tells the sizes of a stream apart takes each for a picture of its own, and shows none of them.
    fn bound(&mut self, read: &Reading) {
        let shows_sizes = self.shows_sizes(read);
        if let Some(current) = self.current.as_mut().filter(|_| !shows_sizes) {
            current.spatial = 0;
        }
    }

    fn shows_sizes(&self, read: &Reading) -> bool {
        read.frame.is_none() || self.formats.reads_descriptors()
    }

    /// With a new picture, layers can be left out from here on.
    fn lower(&mut self, target: Layer) {
        if let Some(current) = self.current.as_mut().filter(|it| it.encoding == target.encoding) {
            current.spatial = current.spatial.min(target.spatial);
            current.temporal = current.temporal.min(target.temporal);
        }
    }

    /// With some pictures, more layers can be taken from here on.
    fn raise(&mut self, target: Layer, read: &Reading) {
        if let Some(current) = self.current.as_mut().filter(|it| it.encoding == target.encoding)
            && let Some(rise) = read.rise.filter(|rise| rise.from <= current.temporal)
        {
            current.temporal = current.temporal.max(rise.to.min(target.temporal));
        }
    }
}

fn place_of(packet: &Passing) -> Place {
    Place {
        index: packet.admitted.index,
        timestamp: packet.timestamp,
        vp8: packet.read.vp8,
        frame: packet.read.frame.map(|frame| frame.number),
    }
}

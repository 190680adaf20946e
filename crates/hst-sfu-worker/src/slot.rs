use std::{hint::black_box, sync::Arc, time::Instant};

use hst_sfu::{Format, Formats, MAX_ENCODINGS, TrackId};
use rand::distr::{Alphanumeric, SampleString};
use str0m::media::{MediaKind, Mid, Rid};

use crate::{
    LineRole,
    egress::{Line, Outgoing, Sent, Way},
    media::{Media, Passing},
    negotiation::{AgreedLine, Types},
    network::Outbox,
    passed::Passed,
    protected::Protected,
    red::{Echo, Trail},
};

/// The letters of a name for what we send: nobody else takes the same.
const CNAME: usize = 16;

/// An m-line.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) mid: Mid,
    pub(crate) kind: MediaKind,
    pub(crate) role: Option<LineRole>,
    /// What it is to be played in step with.
    pub(crate) stream: Option<u64>,
    /// Whether the client may send on it.
    pub(crate) is_inward: bool,
    /// The sources (SSRCs) that he sends on it at present, by encoding.
    pub(crate) received: [Option<u32>; MAX_ENCODINGS],
    /// The names of the encodings that the client sends side by side, in their order: by convention the smallest first.
    /// Empty when he sends one without a name.
    pub(crate) rids: Vec<Rid>,
    /// What the last packet that came on it passes on.
    pub(crate) passed: Arc<Passed>,
    /// What has come of its sound.
    pub(crate) sound: Trail,
    /// What we send on it, for as long as it is a receiving line.
    pub(crate) line: Option<Line>,
    /// Whether its receiver takes dependency descriptors.
    has_descriptors: bool,
    /// What we may send on it, by format.
    types: Vec<Types>,
    /// What it has sent of its sound.
    echo: Echo,
}

/// What an offer changed for the router, in an order in which it can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Unpublish(TrackId),
    Publish {
        track: TrackId,
        slot: u16,
    },
    /// The slot's stream is over; the next one on it is new.
    Forget {
        slot: u16,
    },
    /// The slot carries nothing for now.
    Pause {
        slot: u16,
    },
    Carry {
        slot: u16,
        track: TrackId,
        formats: Formats,
    },
}

impl Slot {
    pub(crate) fn new(mid: Mid, kind: MediaKind) -> Self {
        Self {
            mid,
            kind,
            role: None,
            stream: None,
            is_inward: false,
            received: [None; MAX_ENCODINGS],
            rids: Vec::new(),
            passed: Arc::default(),
            sound: Trail::default(),
            line: None,
            has_descriptors: false,
            types: Vec::new(),
            echo: Echo::default(),
        }
    }

    /// Takes over what the offer just applied says of this m-line. `share` of what is sent may go into sending lost packets
    /// again.
    pub(crate) fn update(
        &mut self,
        slot: u16,
        declared: Option<LineRole>,
        share: f32,
        agreed: AgreedLine,
        changes: &mut Vec<Change>,
    ) {
        let AgreedLine {
            is_outward,
            is_inward: receives,
            ids,
            ..
        } = agreed;
        self.types = agreed.types;
        self.rids = agreed.rids;
        self.has_descriptors = ids.descriptor.is_some();
        self.is_inward = receives;
        if !receives {
            self.received = [None; MAX_ENCODINGS];
        }
        // A receiver may forget how often a stopped stream's sequence numbers wrapped, and then it can decrypt
        // nothing of it any more. So a line that starts again gets a fresh SSRC.
        if is_outward != self.line.is_some() {
            self.echo = Echo::default();
            changes.extend(self.line.as_ref().map(|_| Change::Forget { slot }));
            self.line = is_outward.then(|| self.begin(share));
        }
        if let Some(line) = &mut self.line {
            line.set_ids(ids);
        }

        let role = declared.filter(|role| match role {
            LineRole::Send { .. } => receives,
            LineRole::Receive { .. } => self.line.is_some(),
        });
        let old = std::mem::replace(&mut self.role, role);
        if old != role {
            self.echo = Echo::default();
            match old {
                Some(LineRole::Send { track }) => changes.push(Change::Unpublish(track)),
                Some(LineRole::Receive { .. }) => changes.push(Change::Pause { slot }),
                None => {}
            }
            if let Some(LineRole::Send { track }) = role {
                changes.push(Change::Publish { track, slot });
            }
        }
        changes.extend(self.carry(slot));
    }

    /// Whether this payload type stands for something on it that is sent as it is.
    pub(crate) fn speaks(&self, payload_type: u8) -> bool {
        let types = self.types.iter().flat_map(|it| [it.plain, it.red, it.again]);
        types.flatten().any(|pt| *pt == payload_type)
    }

    /// Has the pictures that we send on it protected under this payload type, or not at all; says whether they are now.
    pub(crate) fn protect(&mut self, payload_type: Option<u8>) -> bool {
        let payload_type = payload_type.filter(|_| self.kind == MediaKind::Video);
        let line = self.line.as_mut();
        line.is_some_and(|line| line.protect(payload_type).is_some())
    }

    /// Whether the pictures that we send on it are protected.
    pub(crate) fn is_protected(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.protector().is_some())
    }

    /// Protects what was sent of these packets; says how many bytes that took.
    pub(crate) fn send_protection(
        &mut self,
        now: Instant,
        way: &mut Way,
        out: &mut Outbox,
        protected: &Protected,
    ) -> usize {
        let Self { types, line, .. } = self;
        let type_of = |media: &Media| types.get(usize::from(media.format.number()))?.plain.map(|pt| *pt);
        let line = line.as_mut();
        line.map_or(0, |line| line.send_protection(now, way, out, protected, type_of))
    }

    /// A line that we send on.
    fn begin(&self, share: f32) -> Line {
        let has_again = self.types.iter().any(|types| types.again.is_some());
        let ssrc: u32 = rand::random();
        let rtx = has_again.then(|| ssrc ^ rand::random_range(1..=u32::MAX));
        let cname = Alphanumeric.sample_string(&mut rand::rng(), CNAME);
        Line::new(ssrc, rtx, (&*self.mid, &cname), share)
    }

    /// What has to be undone when the m-line becomes another.
    pub(crate) fn retire(&self, slot: u16) -> impl Iterator<Item = Change> + use<> {
        let unpublish = match self.role {
            Some(LineRole::Send { track }) => Some(Change::Unpublish(track)),
            _ => None,
        };
        unpublish.into_iter().chain([Change::Forget { slot }])
    }

    pub(crate) fn carry(&self, slot: u16) -> Option<Change> {
        let Some(LineRole::Receive { track }) = self.role else {
            return None;
        };
        let negotiated = self.types.iter().enumerate().filter(|(_, types)| types.plain.is_some());
        let formats: Formats = negotiated.filter_map(|(format, _)| Format::new(format as u8)).collect();
        let formats = formats.with_descriptors(self.has_descriptors);
        Some(Change::Carry { slot, track, formats })
    }

    /// Which of the encodings this is; `None` for one that is not forwarded.
    pub(crate) fn encoding(&self, rid: Option<Rid>) -> Option<u8> {
        let number = match rid {
            None => 0,
            Some(rid) => self.rids.iter().position(|other| *other == rid)?,
        };
        (number < MAX_ENCODINGS).then_some(number as u8)
    }

    /// Reads what sending will use.
    pub(crate) fn foresee(&self) {
        black_box(self.types.len());
        if let Some(line) = &self.line {
            line.foresee();
        }
    }

    /// Reads what is behind that.
    pub(crate) fn foresee_more(&self) {
        black_box(self.types.first().copied());
        if let Some(line) = &self.line {
            line.foresee_more();
        }
    }

    /// Sends a packet; to who loses much, sound with more of what was before it.
    pub(crate) fn write(
        &mut self,
        now: Instant,
        way: &mut Way,
        out: &mut Outbox,
        (passing, sent): (&Passing, Sent),
        is_lossy: bool,
    ) {
        let Passing { media, kept } = passing;
        let types = self.types.get(usize::from(media.format.number())).copied();
        let (
            Some(Types {
                plain: Some(plain),
                red: redundant,
                again,
            }),
            Some(line),
        ) = (types, &mut self.line)
        else {
            return;
        };
        let mut outgoing = Outgoing {
            media,
            kept: kept.as_ref(),
            sent,
            payload_type: *plain,
            again_type: again.map(|pt| *pt),
            payload: None,
        };
        if media.codec.is_video() {
            return line.send(now, way, out, outgoing);
        }
        outgoing.again_type = None;
        let sound = media.red.as_ref().map_or(&media.payload, |red| &red.primary);
        let with_more = match redundant {
            Some(_) => self.echo.take(sent.timestamp, sound, is_lossy.then_some(plain)),
            None => None,
        };
        let (payload_type, payload) = match (redundant, with_more, &media.red) {
            (Some(redundant), Some(payload), _) => (redundant, payload),
            (Some(redundant), None, Some(red)) => (redundant, red.addressed(plain)),
            _ => (plain, sound.clone()),
        };
        outgoing.payload_type = *payload_type;
        outgoing.payload = Some(&payload);
        line.send(now, way, out, outgoing);
    }
}

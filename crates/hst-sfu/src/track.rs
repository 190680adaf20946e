use std::time::{Duration, Instant};

use crate::{
    BranchId, Codec, Encodings, Format, MAX_ENCODINGS, Packet, TrackId, Word,
    dependency::Structure,
    ladder::Rung,
    layer::Layer,
    meter::Meter,
    origin::{Former, Next, Origin},
    passage::{Demand, Wanted},
    reading::Reading,
    sequence::{Arrival, Sequence},
    silence::{Begun, STOPPED, Silence},
};

/// A publisher is asked for a keyframe of an encoding at most once in this time, and again each time it has passed
/// without one.
pub const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);
/// A source that was silent for so long may give its place back to the one before it.
const SETTLED: Duration = Duration::from_millis(500);
/// An encoding that is wanted but has not come for so long is not there: its sender lacks the power or the bandwidth.
const MISSING: Duration = Duration::from_secs(2);
/// One that was missing is wanted again after so long, if it does not come by itself.
const RETRY: Duration = Duration::from_secs(10);
/// Its publisher is told that an encoding is not wanted when it was so for this long: until then somebody may take it up
/// again.
const UNWANTED: Duration = Duration::from_secs(3);
/// A neighbour is told that a larger size is not wanted when it was so for this long: to take it up again costs a keyframe.
const TOO_MUCH: Duration = Duration::from_secs(2);

/// A published stream and the lines that carry it.
#[derive(Debug, Default)]
pub(crate) struct Track {
    /// Where it is published, if it is.
    pub(crate) origin: Option<Origin>,
    /// Where it will be published as soon as it flows from there: its publisher is on his way.
    pub(crate) next: Option<Next>,
    /// Where it was published before its publisher went: it may still be said to be there.
    pub(crate) former: Option<Former>,
    pub(crate) is_muted: bool,
    /// By number; the first one is the smallest.
    pub(crate) encodings: Vec<Encoding>,
    /// Where its lines are in the router.
    pub(crate) lines: Vec<usize>,
    /// What neighbouring branches want of it: those that want anything.
    pub(crate) demands: Vec<Demand>,
    /// What was asked of neighbouring branches: of those of whom anything was.
    pub(crate) asked: Vec<Asked>,
    /// Which encodings the publisher was told to be wanted; `None` is not told yet, so he sends what he likes.
    told: Option<Encodings>,
}

/// What was asked of a neighbour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) branch: BranchId,
    pub(crate) wanted: Wanted,
    /// Since when less of its spatial layers would do.
    pub(crate) too_much_since: Option<Instant>,
}

/// One of the encodings in which a track is sent side by side, or the only one.
#[derive(Debug, Default)]
pub(crate) struct Encoding {
    pub(crate) source: Option<Source>,
    pub(crate) meter: Meter,
    /// Width and height of its pictures, by spatial layer, as far as the publisher tells.
    pub(crate) sizes: Vec<(u16, u16)>,
    /// The timestamp of its newest picture.
    picture: Option<u32>,
    pub(crate) begun: Begun,
    pub(crate) silence: Silence,
    structure: Option<Box<Structure>>,
    pub(crate) wants_keyframe: bool,
    /// With which sequence number the newest keyframe began.
    pub(crate) keyframe: Option<u16>,
    /// When the publisher was last asked for a keyframe.
    pub(crate) asked: Option<Instant>,
    /// Since when somebody should carry it.
    wanted_since: Option<Instant>,
    /// Until when nobody waits for it: it was wanted and did not come.
    missing_until: Option<Instant>,
    /// Since when nobody should.
    unwanted_since: Option<Instant>,
}

/// What an encoding's packets are like at present.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) codec: Codec,
    format: Format,
    ssrc: u32,
    /// The SSRC before it: its late packets must not be taken for a new change.
    retired: Option<u32>,
    sequence: Sequence,
    pub(crate) last_at: Instant,
}

/// A packet that may be forwarded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    pub(crate) index: u64,
    /// No packet of the source has a higher number.
    pub(crate) is_newest: bool,
    /// Receivers cannot just go on from the packets before: the source, its numbering or its format is new.
    pub(crate) is_restart: bool,
}

impl Track {
    /// Takes a packet: where it stands in its encoding, and what it says.
    pub(crate) fn admit(&mut self, now: Instant, packet: &Packet<'_>) -> Option<(Admitted, Reading)> {
        let number = usize::from(packet.encoding);
        if number >= MAX_ENCODINGS {
            return None;
        }
        self.set_encodings(number + 1);
        let comes_up_to = self.comes_up_to();
        self.encodings[number].admit(now, packet, comes_up_to)
    }

    /// Nobody receives it, here or behind a neighbour.
    pub(crate) fn is_idle(&self) -> bool {
        self.lines.is_empty() && self.demands.is_empty()
    }

    pub(crate) fn demand_of(&self, branch: BranchId) -> Wanted {
        let found = self.demands.iter().find(|demand| demand.branch == branch);
        found.map_or(Wanted::NOTHING, |demand| demand.wanted)
    }

    pub(crate) fn asked_of(&self, branch: BranchId) -> Wanted {
        let found = self.asked.iter().find(|asked| asked.branch == branch);
        found.map_or(Wanted::NOTHING, |asked| asked.wanted)
    }

    /// From now on so much is wanted of a neighbour; gives what he is to be told, if anything.
    pub(crate) fn ask(&mut self, now: Instant, branch: BranchId, wanted: Wanted) -> Option<Wanted> {
        let before = self.asked_of(branch);
        let since = self.asked.iter().find(|asked| asked.branch == branch);
        let since = since.and_then(|asked| asked.too_much_since).unwrap_or(now);
        let is_too_much = !wanted.is_nothing() && !before.is_nothing() && wanted.spatial < before.spatial;
        let is_waiting = is_too_much && now.saturating_duration_since(since) < TOO_MUCH;
        let told = Wanted {
            spatial: if is_waiting { before.spatial } else { wanted.spatial },
            ..wanted
        };
        self.asked.retain(|asked| asked.branch != branch);
        if !told.is_nothing() {
            self.asked.push(Asked {
                branch,
                wanted: told,
                too_much_since: is_waiting.then_some(since),
            });
        }
        (told != before).then_some(told)
    }

    /// Whether more sizes were asked for than are wanted, for the time being.
    pub(crate) fn asks_too_much(&self) -> bool {
        self.asked.iter().any(|asked| asked.too_much_since.is_some())
    }

    /// Up to which spatial layer it comes here, because no more of it was asked for.
    fn comes_up_to(&self) -> u8 {
        match self.origin {
            Some(Origin::Branch(branch)) => self.asked_of(branch).spatial,
            Some(Origin::Here) | None => u8::MAX,
        }
    }

    /// What a neighbour is told of it.
    pub(crate) fn here(&self, track: TrackId) -> Word {
        let encodings = self.encodings.len() as u8;
        Word::Here { track, encodings }
    }

    /// Whether this neighbour has it, or is about to, and need not be told that it is here.
    pub(crate) fn comes_from(&self, branch: BranchId) -> bool {
        let from = Origin::Branch(branch);
        self.origin == Some(from) || self.next.as_ref().is_some_and(|next| next.origin == from)
    }

    /// It flows from elsewhere from now on: what is known of its packets does not hold for those to come.
    pub(crate) fn restart(&mut self) {
        for encoding in &mut self.encodings {
            (encoding.source, encoding.picture, encoding.structure) = (None, None, None);
        }
        self.told = None;
    }

    /// It comes from there from now on.
    pub(crate) fn go_over(&mut self, to: Origin, is_alike: bool) {
        let former = self.origin.replace(to);
        self.former = former.map(|origin| Former { origin, is_alike });
    }

    /// Where else it may come from: where it is about to, or where it did before.
    pub(crate) fn take_other_origin(&mut self) -> Option<Origin> {
        let next = self.next.take().map(|next| next.origin);
        next.or_else(|| self.former.take().map(|former| former.origin))
    }

    /// Whether the packet is of the stream that its encoding consists of at present.
    pub(crate) fn is_stream(&self, packet: &Packet<'_>) -> bool {
        let encoding = self.encodings.get(usize::from(packet.encoding));
        let source = encoding.and_then(|encoding| encoding.source.as_ref());
        source.is_some_and(|source| source.ssrc == packet.ssrc)
    }

    /// Its encodings that did not come are there again.
    pub(crate) fn expect_all(&mut self) {
        for encoding in &mut self.encodings {
            (encoding.missing_until, encoding.wanted_since) = (None, None);
        }
    }

    /// Nobody publishes it any more: whoever does next begins anew.
    pub(crate) fn clear(&mut self) {
        self.encodings.clear();
        self.told = None;
    }

    pub(crate) fn encoding(&mut self, number: u8) -> Option<&mut Encoding> {
        self.encodings.get_mut(usize::from(number))
    }

    /// The largest encoding of which anything has come.
    pub(crate) fn largest_seen(&self) -> u8 {
        self.encodings.iter().rposition(|it| it.source.is_some()).unwrap_or(0) as u8
    }

    /// Whether it has several encodings, and what has come of them is measured.
    pub(crate) fn has_choice(&self, now: Instant) -> bool {
        let is_measured = |it: &Encoding| !it.comes(now) || it.meter.rate(u8::MAX, u8::MAX) > 0;
        self.encodings.len() > 1 && self.codec().is_some() && self.encodings.iter().all(is_measured)
    }

    /// Whether it is a picture; nobody knows before its first packet.
    pub(crate) fn is_video(&self) -> bool {
        self.codec().is_some_and(Codec::is_video)
    }

    /// The largest encoding up to this one that comes at present.
    pub(crate) fn coming_up_to(&self, now: Instant, encoding: u8) -> Option<u8> {
        let mut encodings = self.encodings.iter().take(usize::from(encoding) + 1);
        encodings.rposition(|it| it.comes(now)).map(|number| number as u8)
    }

    /// The largest of those up to this one that go on: the others have stopped, if not for long.
    pub(crate) fn going_on_up_to(&self, now: Instant, encoding: u8) -> Option<u8> {
        let mut encodings = self.encodings.iter().take(usize::from(encoding) + 1);
        let goes_on = encodings.rposition(|it| it.comes(now) && !it.silence.is_silent());
        goes_on.map(|number| number as u8)
    }

    /// Bits in a second of everything that comes.
    pub(crate) fn rate(&self) -> u64 {
        self.encodings.iter().map(|it| it.meter.rate(u8::MAX, u8::MAX)).sum()
    }

    /// It has so many encodings from now on. Those that do not come yet are sent when somebody wants them.
    pub(crate) fn set_encodings(&mut self, count: usize) {
        let count = count.clamp(self.encodings.len(), MAX_ENCODINGS);
        self.encodings.resize_with(count, Encoding::default);
    }

    /// What a receiver may get of it, the cheapest first; never empty once something has come.
    pub(crate) fn ladder(&self, now: Instant) -> Vec<Rung> {
        let mut rungs: Vec<Rung> = Vec::new();
        let is_alone = self.encodings.len() < 2;
        for (number, encoding) in self.encodings.iter().enumerate() {
            if !is_alone && !encoding.is_there(now) {
                continue;
            }
            match encoding.source {
                Some(_) => encoding.climb(number as u8, &mut rungs),
                None => rungs.extend(self.guess(number)),
            }
        }
        rungs
    }

    /// What an encoding that has not come yet would cost: each has half the height of the next, and a third of its bits.
    fn guess(&self, number: usize) -> Option<Rung> {
        let known = self
            .encodings
            .iter()
            .enumerate()
            .skip(number)
            .find(|(_, it)| it.source.is_some());
        let (larger, encoding) = known?;
        let steps = (larger - number) as u32;
        let rate = encoding.meter.rate(u8::MAX, u8::MAX) / 3_u64.pow(steps);
        (rate > 0).then(|| Rung {
            layer: Layer::all_of(number as u8),
            rate,
            height: encoding.sizes.last().map(|&(_, height)| u32::from(height) >> steps),
        })
    }

    /// Which encodings somebody should carry; gives what the publisher is to be told, if anything.
    pub(crate) fn want(&mut self, now: Instant, wanted: Encodings) -> Option<Encodings> {
        let mut due = wanted;
        let mut newest = None;
        for (number, encoding) in self.encodings.iter_mut().enumerate() {
            let number = number as u8;
            if wanted.contains(number) {
                let since = *encoding.wanted_since.get_or_insert(now);
                let is_late = !encoding.comes(now) && now.saturating_duration_since(since) >= MISSING;
                if is_late || encoding.has_stopped(since, newest) {
                    encoding.missing_until = Some(now + RETRY);
                }
                encoding.unwanted_since = None;
            } else {
                let since = *encoding.unwanted_since.get_or_insert(now);
                encoding.wanted_since = None;
                // One that was never sent need not be stopped.
                if encoding.source.is_some() && now.saturating_duration_since(since) < UNWANTED {
                    due.insert(number);
                }
            }
            newest = newest.max(encoding.source.as_ref().map(|source| source.last_at));
        }
        (self.told.replace(due) != Some(due)).then_some(due)
    }

    pub(crate) fn codec(&self) -> Option<Codec> {
        self.encodings.iter().find_map(|it| Some(it.source.as_ref()?.codec))
    }
}

impl Encoding {
    /// When the next request for a keyframe may go out.
    pub(crate) fn may_ask_at(&self) -> Option<Instant> {
        self.asked.map(|at| at + KEYFRAME_INTERVAL)
    }

    fn admit(&mut self, now: Instant, packet: &Packet<'_>, comes_up_to: u8) -> Option<(Admitted, Reading)> {
        let before = self.source.as_ref().map(|source| source.last_at);
        let admitted = match &mut self.source {
            Some(source) => source.admit(now, packet)?,
            None => {
                let source = self.source.insert(Source::begin(now, packet));
                Admitted {
                    index: source.sequence.highest(),
                    is_newest: true,
                    is_restart: true,
                }
            }
        };
        self.missing_until = None;
        if admitted.is_restart {
            self.structure = None;
        }
        let read = Reading::of(packet, &mut self.structure);
        if read.starts_keyframe && admitted.is_newest {
            self.keyframe = Some(packet.seq);
        }
        if admitted.is_newest {
            let after = now.saturating_duration_since(before.unwrap_or(now));
            let goes_on = !read.starts_keyframe && !self.wants_keyframe;
            self.silence.end(after, goes_on);
        }
        let begins_picture = admitted.is_newest && self.picture.replace(packet.timestamp) != Some(packet.timestamp);
        let len = packet.payload.len();
        if begins_picture {
            self.begun.begin(now);
        }
        self.meter.keep_above(comes_up_to);
        self.meter.count(now, read.spatial, read.temporal, len, begins_picture);
        Some((admitted, read))
    }

    /// Whether it would come if somebody wanted it.
    pub(crate) fn is_there(&self, now: Instant) -> bool {
        self.missing_until.is_none_or(|until| until <= now)
    }

    /// Whether it came while it was wanted, and has stopped since while `newest` of the smaller ones came.
    fn has_stopped(&self, wanted_since: Instant, newest: Option<Instant>) -> bool {
        let last = self.source.as_ref().map(|source| source.last_at);
        let stopped = last.filter(|&last| last > wanted_since).zip(newest);
        stopped.is_some_and(|(last, newest)| newest.saturating_duration_since(last) >= STOPPED)
    }

    /// Whether it comes at present.
    pub(crate) fn comes(&self, now: Instant) -> bool {
        let is_recent = |source: &Source| now.saturating_duration_since(source.last_at) < MISSING;
        self.source.as_ref().is_some_and(is_recent)
    }

    /// Adds what a receiver may get of it.
    fn climb(&self, number: u8, rungs: &mut Vec<Rung>) {
        let (spatial, temporal) = self.meter.top();
        let mut add = |spatial: u8, temporal: u8, is_top: bool| {
            let layer = match is_top {
                true => Layer::all_of(number),
                false => Layer {
                    encoding: number,
                    spatial,
                    temporal,
                },
            };
            let rate = self.meter.rate(layer.spatial, layer.temporal);
            let height = self.sizes.get(usize::from(spatial)).map(|&(_, height)| height.into());
            // Nothing is known of it yet.
            if rate == 0 && !rungs.is_empty() {
                return;
            }
            // What costs no less than a larger one is of no use.
            while rungs.last().is_some_and(|smaller| smaller.rate >= rate) {
                rungs.pop();
            }
            rungs.push(Rung { layer, rate, height });
        };
        // Only the smallest picture loses its smoothness, before it is lost as a whole.
        if number == 0 {
            for temporal in 0..temporal {
                add(0, temporal, false);
            }
        }
        for at in 0..spatial {
            add(at, u8::MAX, false);
        }
        add(spatial, temporal, true);
    }
}

impl Source {
    fn begin(now: Instant, packet: &Packet<'_>) -> Self {
        Self {
            codec: packet.codec,
            format: packet.format,
            ssrc: packet.ssrc,
            retired: None,
            sequence: Sequence::begin(packet.seq),
            last_at: now,
        }
    }

    fn admit(&mut self, now: Instant, packet: &Packet<'_>) -> Option<Admitted> {
        let (index, mut is_restart) = if packet.ssrc == self.ssrc {
            match self.sequence.admit(packet.seq) {
                Arrival::Within(index) => (index, false),
                Arrival::Restart(index) => (index, true),
                Arrival::Refused => return None,
            }
        } else {
            let is_settled = now.saturating_duration_since(self.last_at) >= SETTLED;
            if self.retired == Some(packet.ssrc) && !is_settled {
                return None;
            }
            self.retired = Some(self.ssrc);
            self.ssrc = packet.ssrc;
            self.sequence.restart(packet.seq);
            (self.sequence.highest(), true)
        };
        let is_newest = index == self.sequence.highest();
        if packet.format != self.format || packet.codec != self.codec {
            if !is_newest {
                return None;
            }
            (self.format, self.codec) = (packet.format, packet.codec);
            is_restart = true;
        }
        // What is sent again comes for a while after its source has stopped.
        if is_newest {
            self.last_at = now;
        }
        Some(Admitted {
            index,
            is_newest,
            is_restart,
        })
    }
}

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use crate::{
    BranchId, Encodings, Formats, LineId, Output, Packet, PeerId, Priority, Rates, TrackId,
    line::Line,
    origin::{Next, Origin},
    passage::Demand,
    receiver::Receiver,
    speakers::Speakers,
    track::Track,
};

mod bounds;
mod branches;
mod flows;
mod keyframes;
mod moving;
mod passing;
mod share;

pub(crate) use passing::Passing;
use passing::Pending;

/// How often what a receiver's network carries is shared out anew among his pictures.
const SHARE_INTERVAL: Duration = Duration::from_millis(200);

/// Decides for one room which packet goes to which line, and under which header.
///
/// Every method takes the present time where it needs one; none waits. After each call take
/// [`poll_output`](Self::poll_output) until it is empty, before the next call. But packets that came together may all be
/// [handled](Self::handle_packet) first: then what goes on one line comes out together.
#[derive(Debug, Default)]
pub struct Router {
    tracks: HashMap<TrackId, Track>,
    /// A place is `None` when it is free.
    lines: Vec<Option<Line>>,
    places: HashMap<LineId, usize>,
    receivers: HashMap<PeerId, Receiver>,
    speakers: Speakers,
    /// The neighbours, if the room has other routers.
    branches: Vec<BranchId>,
    /// Those of them that are going.
    fading: Vec<BranchId>,
    /// What the ways to them carry, where that is known to be little.
    bounds: Vec<(BranchId, u64)>,
    /// Whether those who publish here are going elsewhere.
    is_leaving: bool,
    /// The encodings that want a keyframe: few at a time.
    wanting: Vec<(TrackId, u8)>,
    /// When everything is shared out next; `None` while everybody gets everything.
    share_at: Option<Instant>,
    /// Packets that came together and go on when outputs are taken.
    pending: Pending,
    /// Drained after every call, so never longer than what one call can bring: the packets that came together for one line, or
    /// a change for each line of the room.
    outputs: VecDeque<Output>,
}

impl Router {
    /// A room without tracks and lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// The track has a publisher here: its packets are forwarded from now on. If it is published behind a neighbour, they are
    /// from when they can be [taken](Self::takes) in the place of those.
    pub fn publish(&mut self, track: TrackId) {
        let entry = self.tracks.entry(track).or_default();
        if let Some(Origin::Branch(branch)) = entry.origin {
            entry.next = Some(Next::new(Origin::Here));
            return self.tell_next(track, branch);
        }
        (entry.origin, entry.next) = (Some(Origin::Here), None);
        self.tell_here(track);
    }

    /// The publisher can send so many encodings of the track side by side, at most
    /// [`MAX_ENCODINGS`](crate::MAX_ENCODINGS). He need not send those that nobody wants.
    pub fn set_encodings(&mut self, track: TrackId, count: usize) {
        if let Some(entry) = self.tracks.get_mut(&track) {
            entry.set_encodings(count);
            self.tell_here(track);
        }
    }

    /// The track has no publisher here any more. If it has none elsewhere, its lines fall silent and start again when it is
    /// published again.
    pub fn unpublish(&mut self, track: TrackId) {
        self.lose_origin(track, Origin::Here);
    }

    /// The track is over, wherever it was published. Its lines fall silent.
    pub fn end(&mut self, track: TrackId) {
        self.pass_all();
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        (entry.next, entry.former) = (None, None);
        if entry.origin.is_none() {
            return;
        }
        self.tell_gone(track);
        self.silence(track);
        if let Some(entry) = self.tracks.get_mut(&track) {
            entry.origin = None;
            entry.clear();
            for &place in &entry.lines {
                let line = line_at(&mut self.lines, place);
                if line.clear_target() {
                    let (line, is_starved) = (line.id, false);
                    self.outputs.push_back(Output::Starved {
                        line,
                        track,
                        is_starved,
                    });
                }
            }
        }
        self.drop_unused(track);
    }

    /// Nothing of the track is forwarded and its publisher is asked for nothing, until it is unmuted. Its lines keep
    /// it.
    ///
    /// This holds also while the track is not published, whether it was before or not.
    pub fn mute(&mut self, track: TrackId) {
        self.pass_all();
        self.tracks.entry(track).or_default().is_muted = true;
        self.silence(track);
        for &place in self.tracks.get(&track).into_iter().flat_map(|entry| &entry.lines) {
            line_at(&mut self.lines, place).freezes.rest();
        }
    }

    /// The track is forwarded again: sound at once, video from its next keyframe on, which is asked for. The numbers of
    /// its lines know nothing of what was not forwarded.
    pub fn unmute(&mut self, now: Instant, track: TrackId) {
        let Some(entry) = self.tracks.get_mut(&track).filter(|entry| entry.is_muted) else {
            return;
        };
        entry.is_muted = false;
        let demanded: Vec<_> = entry
            .demands
            .iter()
            .flat_map(|demand| demand.crosses().encodings.iter())
            .collect();
        for place in entry.lines.clone() {
            self.want_start(now, place);
        }
        for encoding in demanded {
            self.want_keyframe(now, track, encoding);
        }
        self.drop_unused(track);
    }

    /// The line carries this track from now on, in place of any other. A receiver can start with sound at once and
    /// with video at a keyframe, which is asked for; the numbers go on from what the line carried before.
    ///
    /// The track need not be published yet. The same track and formats again change nothing.
    pub fn subscribe(&mut self, now: Instant, id: LineId, track: TrackId, formats: Formats) {
        let place = self.place_of(id, formats);
        let line = line_at(&mut self.lines, place);
        if line.track == Some(track) && line.formats == formats {
            return;
        }
        self.pause(now, id);
        let line = line_at(&mut self.lines, place);
        (line.track, line.formats) = (Some(track), formats);
        self.tracks.entry(track).or_default().lines.push(place);
        self.share(now, id.peer);
        self.tell_wants(now, track);
        self.want_start(now, place);
    }

    /// The line carries nothing until it is subscribed again; its numbers will go on from here.
    pub fn pause(&mut self, now: Instant, id: LineId) {
        self.pass_all();
        let Some(&place) = self.places.get(&id) else { return };
        let line = line_at(&mut self.lines, place);
        line.stop();
        line.freezes.rest();
        let Some(track) = line.track.take() else { return };
        if line.clear_target() {
            let is_starved = false;
            self.outputs.push_back(Output::Starved {
                line: id,
                track,
                is_starved,
            });
        }
        if let Some(entry) = self.tracks.get_mut(&track) {
            entry.lines.retain(|&other| other != place);
            if entry.is_idle() {
                self.calm(track, None);
            }
        }
        self.tell_wants(now, track);
        self.drop_unused(track);
    }

    /// The line is gone. If its id comes again, it is a new stream (a new SSRC) whose numbers start at 1.
    pub fn forget(&mut self, now: Instant, id: LineId) {
        self.pause(now, id);
        let Some(place) = self.places.remove(&id) else { return };
        self.lines[place] = None;
        if let Some(receiver) = self.receivers.get_mut(&id.peer) {
            receiver.lines.retain(|&other| other != place);
        }
        self.drop_blank(id.peer);
    }

    /// All lines of this peer are gone, and what was known of his network; what he can show and what matters to him stay.
    pub fn forget_lines(&mut self, now: Instant, peer: PeerId) {
        let Some(receiver) = self.receivers.get_mut(&peer) else {
            return;
        };
        receiver.budget = None;
        receiver.told = Rates::default();
        let ids: Vec<_> = receiver
            .lines
            .iter()
            .filter_map(|&place| Some(self.lines[place].as_ref()?.id))
            .collect();
        ids.into_iter().for_each(|id| self.forget(now, id));
        self.drop_blank(peer);
    }

    /// All lines of this peer are gone, and everything that was known of him.
    pub fn forget_peer(&mut self, now: Instant, peer: PeerId) {
        self.forget_lines(now, peer);
        self.receivers.remove(&peer);
    }

    /// The peer's network carries so many bits in a second; `None` is not known, and then he gets everything. When it is
    /// less than he gets he gets less at once, and more within 200 ms.
    pub fn set_budget(&mut self, now: Instant, peer: PeerId, budget: Option<u64>) {
        let receiver = self.receivers.entry(peer).or_default();
        let before = std::mem::replace(&mut receiver.budget, budget);
        match (before, budget) {
            (Some(_), Some(budget)) if budget >= receiver.told.present => {}
            _ => self.share(now, peer),
        }
        self.drop_blank(peer);
    }

    /// The peer can show pictures of this track up to a height in pixels; `None` is everything. He gets no larger layer
    /// than he needs for that.
    pub fn set_view(&mut self, now: Instant, peer: PeerId, track: TrackId, height: Option<u32>) {
        let views = &mut self.receivers.entry(peer).or_default().views;
        let before = match height {
            Some(height) => views.insert(track, height),
            None => views.remove(&track),
        };
        if before != height {
            self.share(now, peer);
        }
        self.drop_blank(peer);
    }

    /// So much the pictures of this track matter to the peer, beside others. While his network carries less than everything
    /// each gets its smallest layer, those that matter most first, and then those grow before the others do.
    pub fn set_priority(&mut self, now: Instant, peer: PeerId, track: TrackId, priority: Priority) {
        let priorities = &mut self.receivers.entry(peer).or_default().priorities;
        let before = match priority {
            Priority::Normal => priorities.remove(&track),
            Priority::Low | Priority::High => priorities.insert(track, priority),
        };
        if before.unwrap_or_default() != priority {
            self.share(now, peer);
        }
        self.drop_blank(peer);
    }

    /// What peers can show of this track, and how much it matters to them, is forgotten: it will not come again.
    pub fn forget_wishes(&mut self, track: TrackId) {
        self.receivers.retain(|_, receiver| {
            receiver.views.remove(&track);
            receiver.priorities.remove(&track);
            !receiver.is_blank()
        });
    }

    /// The publisher tells width and height of the pictures of one of the track's encodings, by spatial layer. What does
    /// not come is of no use, so this may come with every packet.
    pub fn set_sizes(&mut self, track: TrackId, encoding: u8, sizes: impl Iterator<Item = (u16, u16)>) {
        let entry = self.tracks.get_mut(&track).and_then(|entry| entry.encoding(encoding));
        if let Some(entry) = entry {
            entry.sizes.clear();
            entry.sizes.extend(sizes);
        }
    }

    /// A publisher's packet: the outputs that follow say where it goes.
    ///
    /// Duplicates are dropped, and so is what comes late from before the point where a line started. In a room with many
    /// sounds only the loudest go on; to a receiver the others are silent.
    pub fn handle_packet(&mut self, now: Instant, track: TrackId, packet: &Packet<'_>) {
        let number = self.pending.count();
        let Some(entry) = self.tracks.get_mut(&track).filter(|entry| entry.origin.is_some()) else {
            return;
        };
        let is_new = entry.encoding(packet.encoding).is_none_or(|it| it.source.is_none());
        let Some((admitted, read)) = entry.admit(now, packet) else {
            return;
        };
        // It was admitted all the same, so that the track's numbering is known when it is unmuted.
        if entry.is_muted {
            return;
        }
        let fallen = entry.fall_silent(now, packet.encoding);
        let silent = match read.starts_keyframe {
            true => entry.silent(),
            false => Encodings::NONE,
        };
        let is_heard = packet.codec.is_video() || self.speakers.hears(now, track, packet.level);
        let is_silent = !is_heard && !entry.demands.is_empty() && !self.speakers.shows(now, track);
        for demand in &mut entry.demands {
            let branch = demand.branch;
            if entry.origin != Some(Origin::Branch(branch))
                && let Some(edit) = demand.pass(packet, admitted, &read, is_silent)
            {
                let packet = number;
                self.outputs.push_back(Output::Relay { branch, packet, edit });
            }
        }
        if is_new && entry.encodings.len() > 1 {
            self.share_at = Some(now);
        }
        let passing = Passing::new((now, number), track, packet, (admitted, read), silent, is_heard);
        self.pending.push(passing);
        if !fallen.is_empty() {
            self.want_smaller(now, track, fallen);
        }
    }

    /// The receiver on this line cannot decode and asks for a keyframe (PLI or FIR).
    pub fn handle_keyframe_request(&mut self, now: Instant, id: LineId) {
        let Some(&place) = self.places.get(&id) else { return };
        let line = line_at(&mut self.lines, place);
        let encoding = line.encoding().or(line.target.map(|target| target.encoding));
        if let (Some(track), Some(encoding)) = (line.track, encoding) {
            self.want_keyframe(now, track, encoding);
        }
    }

    /// Time has passed: repeats the requests for keyframes that have not come, and shares out anew what receivers'
    /// networks carry.
    pub fn handle_timeout(&mut self, now: Instant) {
        for at in 0..self.wanting.len() {
            let (track, encoding) = self.wanting[at];
            self.ask(now, track, encoding);
        }
        if self.share_at.is_some_and(|at| at <= now) {
            self.share_at = None;
            self.share_all(now);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if ever.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let may_ask_at = |&(track, encoding): &(TrackId, u8)| {
            let encodings = &self.tracks.get(&track)?.encodings;
            encodings.get(usize::from(encoding))?.may_ask_at()
        };
        self.wanting.iter().filter_map(may_ask_at).chain(self.share_at).min()
    }

    /// What to do next, or `None` when everything is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        while self.outputs.is_empty() && self.pass_next() {}
        let output = self.outputs.pop_front();
        if output.is_none() {
            self.pending.restart();
        }
        output
    }

    /// The line's place, which it gets now if it is new.
    fn place_of(&mut self, id: LineId, formats: Formats) -> usize {
        if let Some(&place) = self.places.get(&id) {
            return place;
        }
        let line = Some(Line::new(id, formats));
        let place = match self.lines.iter().position(Option::is_none) {
            Some(free) => {
                self.lines[free] = line;
                free
            }
            None => {
                self.lines.push(line);
                self.lines.len() - 1
            }
        };
        self.places.insert(id, place);
        self.receivers.entry(id.peer).or_default().lines.push(place);
        place
    }

    /// Nothing of the track flows any more; its lines have to start again.
    fn silence(&mut self, track: TrackId) {
        self.calm(track, None);
        self.speakers.forget(track);
        self.restart(track);
    }

    /// Whatever carries the track starts again with what comes next.
    fn restart(&mut self, track: TrackId) {
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        entry.demands.iter_mut().for_each(Demand::restart);
        for &place in &entry.lines {
            line_at(&mut self.lines, place).stop();
        }
    }

    fn drop_unused(&mut self, track: TrackId) {
        if self
            .tracks
            .get(&track)
            .is_some_and(|entry| entry.origin.is_none() && !entry.is_muted && entry.is_idle())
        {
            self.tracks.remove(&track);
        }
    }

    fn drop_blank(&mut self, peer: PeerId) {
        if self.receivers.get(&peer).is_some_and(Receiver::is_blank) {
            self.receivers.remove(&peer);
        }
    }
}

/// The line at a place which a track, a receiver or the index names; a function of the field alone, so that the router's
/// other fields stay free.
fn line_at(lines: &mut [Option<Line>], place: usize) -> &mut Line {
    lines[place]
        .as_mut()
        .expect("tracks, receivers and the index name only places in use")
}

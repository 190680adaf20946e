use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use crate::{
    Codec, Formats, Forward, LineId, Output, Packet, PeerId, TrackId,
    rewrite::{Place, Rewriter},
    track::Track,
    vp8::Vp8,
};

/// Decides for one room which packet goes to which line, and under which header.
///
/// Every method takes the present time where it needs one; none waits. After each call to a `subscribe` or
/// `handle_*` method take [`poll_output`](Self::poll_output) until it is empty, before the next call.
#[derive(Debug, Default)]
pub struct Router {
    tracks: HashMap<TrackId, Track>,
    /// A place is `None` when it is free.
    lines: Vec<Option<Line>>,
    places: HashMap<LineId, usize>,
    /// The tracks that want a keyframe: few at a time.
    wanting: Vec<TrackId>,
    /// Drained after every packet, so never longer than the lines of one track and a request.
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
struct Line {
    id: LineId,
    track: Option<TrackId>,
    formats: Formats,
    /// Whether it has started with its track's present source.
    is_flowing: bool,
    /// Whether it was reported that it cannot carry the present source.
    is_reported: bool,
    rewriter: Rewriter,
}

impl Router {
    /// A room without tracks and lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// The track has a publisher: its packets are forwarded from now on.
    pub fn publish(&mut self, track: TrackId) {
        self.tracks.entry(track).or_default().is_published = true;
    }

    /// The track has no publisher any more. Its lines fall silent and start again when it is published again.
    pub fn unpublish(&mut self, track: TrackId) {
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        entry.is_published = false;
        entry.source = None;
        self.silence(track);
        self.drop_unused(track);
    }

    /// Nothing of the track is forwarded and its publisher is asked for nothing, until it is unmuted. Its lines keep
    /// it.
    ///
    /// This holds also while the track is not published, whether it was before or not.
    pub fn mute(&mut self, track: TrackId) {
        self.tracks.entry(track).or_default().is_muted = true;
        self.silence(track);
    }

    /// The track is forwarded again: sound at once, video from its next keyframe on, which is asked for. The numbers of
    /// its lines know nothing of what was not forwarded.
    pub fn unmute(&mut self, now: Instant, track: TrackId) {
        let Some(entry) = self.tracks.get_mut(&track).filter(|entry| entry.is_muted) else {
            return;
        };
        entry.is_muted = false;
        if !entry.lines.is_empty() {
            self.want_keyframe(now, track);
        }
        self.drop_unused(track);
    }

    /// The line carries this track from now on, in place of any other. A receiver can start with sound at once and
    /// with video at a keyframe, which is asked for; the numbers go on from what the line carried before.
    ///
    /// The track need not be published yet. The same track and formats again change nothing.
    pub fn subscribe(&mut self, now: Instant, id: LineId, track: TrackId, formats: Formats) {
        let place = *self.places.entry(id).or_insert_with(|| {
            let line = Line {
                id,
                track: None,
                formats,
                is_flowing: false,
                is_reported: false,
                rewriter: Rewriter::default(),
            };
            match self.lines.iter().position(Option::is_none) {
                Some(free) => {
                    self.lines[free] = Some(line);
                    free
                }
                None => {
                    self.lines.push(Some(line));
                    self.lines.len() - 1
                }
            }
        });
        let line = line_at(&mut self.lines, place);
        if line.track == Some(track) && line.formats == formats {
            return;
        }
        self.pause(id);
        let line = line_at(&mut self.lines, place);
        (line.track, line.formats) = (Some(track), formats);
        self.tracks.entry(track).or_default().lines.push(place);
        self.want_keyframe(now, track);
    }

    /// The line carries nothing until it is subscribed again; its numbers will go on from here.
    pub fn pause(&mut self, id: LineId) {
        let Some(&place) = self.places.get(&id) else { return };
        let line = line_at(&mut self.lines, place);
        line.is_flowing = false;
        line.is_reported = false;
        let Some(track) = line.track.take() else { return };
        if let Some(entry) = self.tracks.get_mut(&track) {
            entry.lines.retain(|&other| other != place);
            if entry.lines.is_empty() {
                self.calm(track);
            }
        }
        self.drop_unused(track);
    }

    /// The line is gone. If its id comes again, it is a new stream (a new SSRC) whose numbers start at 1.
    pub fn forget(&mut self, id: LineId) {
        self.pause(id);
        if let Some(place) = self.places.remove(&id) {
            self.lines[place] = None;
        }
    }

    /// All lines of this peer are gone.
    pub fn forget_peer(&mut self, peer: PeerId) {
        let lines: Vec<_> = self.places.keys().filter(|id| id.peer == peer).copied().collect();
        lines.into_iter().for_each(|id| self.forget(id));
    }

    /// A publisher's packet: the outputs that follow say where it goes.
    ///
    /// Duplicates are dropped, and so is what comes late from before the point where a line started.
    pub fn handle_packet(&mut self, now: Instant, track: TrackId, packet: &Packet<'_>) {
        let Some(entry) = self.tracks.get_mut(&track).filter(|entry| entry.is_published) else {
            return;
        };
        let Some(admitted) = entry.admit(now, packet) else {
            return;
        };
        // It was admitted all the same, so that the track's numbering is known when it is unmuted.
        if entry.is_muted {
            return;
        }
        let vp8 = if packet.codec == Codec::Vp8 {
            Vp8::parse(packet.payload)
        } else {
            None
        };
        let starts_keyframe = vp8.map_or_else(|| packet.codec.starts_keyframe(packet.payload), |it| it.starts_keyframe);
        // A keyframe whose first packet comes late has already lost the others for those who wait for it.
        let may_start = starts_keyframe && admitted.is_newest;
        let place = Place {
            index: admitted.index,
            timestamp: packet.timestamp,
            vp8,
        };
        let mut is_waited_for = false;
        for &at in &entry.lines {
            let line = line_at(&mut self.lines, at);
            if admitted.is_restart {
                line.is_flowing = false;
                line.is_reported = false;
            }
            if !line.is_flowing {
                if !line.formats.contains(packet.format) {
                    if !line.is_reported {
                        line.is_reported = true;
                        self.outputs.push_back(Output::Unsupported {
                            line: line.id,
                            track,
                            format: packet.format,
                        });
                    }
                    continue;
                }
                if !may_start {
                    is_waited_for = true;
                    continue;
                }
                line.is_flowing = true;
                line.rewriter.start(now, place, packet.codec.clock_rate());
            }
            if let Some(placed) = line.rewriter.place(now, place) {
                let (seq, timestamp, vp8) = (placed.seq, placed.timestamp, placed.vp8);
                self.outputs.push_back(Output::Forward(Forward {
                    line: line.id,
                    seq,
                    timestamp,
                    vp8,
                }));
            }
        }
        if starts_keyframe {
            self.calm(track);
        }
        if is_waited_for {
            self.want_keyframe(now, track);
        }
    }

    /// The receiver on this line cannot decode and asks for a keyframe (PLI or FIR).
    pub fn handle_keyframe_request(&mut self, now: Instant, id: LineId) {
        let track = self
            .places
            .get(&id)
            .and_then(|&place| line_at(&mut self.lines, place).track);
        if let Some(track) = track {
            self.want_keyframe(now, track);
        }
    }

    /// Time has passed: repeats the requests for keyframes that have not come.
    pub fn handle_timeout(&mut self, now: Instant) {
        for at in 0..self.wanting.len() {
            self.ask(now, self.wanting[at]);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if ever.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wanting
            .iter()
            .filter_map(|track| self.tracks.get(track)?.may_ask_at())
            .min()
    }

    /// What to do next, or `None` when everything is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn want_keyframe(&mut self, now: Instant, track: TrackId) {
        let Some(entry) = self.tracks.get_mut(&track).filter(|entry| !entry.is_muted) else {
            return;
        };
        // Nothing can be asked of a publisher who has not sent yet; his first packet will wake the wish.
        if !entry.source.as_ref().is_some_and(|source| source.codec.is_video()) {
            return;
        }
        if !entry.wants_keyframe {
            entry.wants_keyframe = true;
            self.wanting.push(track);
        }
        self.ask(now, track);
    }

    fn ask(&mut self, now: Instant, track: TrackId) {
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        if entry.may_ask_at().is_none_or(|at| at <= now) {
            entry.asked = Some(now);
            self.outputs.push_back(Output::RequestKeyframe(track));
        }
    }

    /// Nothing of the track flows any more; its lines have to start again.
    fn silence(&mut self, track: TrackId) {
        self.calm(track);
        let Some(entry) = self.tracks.get(&track) else { return };
        for &place in &entry.lines {
            let line = line_at(&mut self.lines, place);
            line.is_flowing = false;
            line.is_reported = false;
        }
    }

    /// The track wants no keyframe any more.
    fn calm(&mut self, track: TrackId) {
        if let Some(entry) = self.tracks.get_mut(&track).filter(|entry| entry.wants_keyframe) {
            entry.wants_keyframe = false;
            self.wanting.retain(|&other| other != track);
        }
    }

    fn drop_unused(&mut self, track: TrackId) {
        if self
            .tracks
            .get(&track)
            .is_some_and(|entry| !entry.is_published && !entry.is_muted && entry.lines.is_empty())
        {
            self.tracks.remove(&track);
        }
    }
}

/// The line at a place which a track or the index names; a function of the field alone, so that the router's other
/// fields stay free.
fn line_at(lines: &mut [Option<Line>], place: usize) -> &mut Line {
    lines[place]
        .as_mut()
        .expect("tracks and the index name only places in use")
}

//! What flows at present, for whoever asks: of what is counted and decided anyway.

use std::time::Instant;

use super::Router;
use crate::{
    Flow, FlowLayer, FlowLimit, Freezes, LineId, PeerId, TrackId,
    ladder::{self, Rung},
    layer::Layer,
    line::Line,
    track::Track,
};

impl Router {
    /// What comes of a track: everything together, and of its encodings the largest.
    pub fn inflow(&self, now: Instant, track: TrackId) -> Option<Flow> {
        let entry = self.tracks.get(&track)?;
        let coming = entry.coming_up_to(now, u8::MAX);
        Some(match coming {
            None => Flow::none(FlowLimit::Paused),
            Some(largest) => {
                let encodings = entry.encodings.iter().filter(|encoding| encoding.comes(now));
                let limit = if entry.is_muted {
                    FlowLimit::Muted
                } else {
                    FlowLimit::None
                };
                Flow {
                    rate: encodings.map(|it| it.meter.rate(u8::MAX, u8::MAX)).sum(),
                    ..flow(entry, Layer::all_of(largest), limit)
                }
            }
        })
    }

    /// What a line carries; `None` if it carries no track.
    pub fn outflow(&self, now: Instant, id: LineId) -> Option<Flow> {
        let line = self.lines[*self.places.get(&id)?].as_ref()?;
        let track = line.track?;
        let entry = self.tracks.get(&track)?;
        if entry.is_muted {
            return Some(Flow::none(FlowLimit::Muted));
        }
        if entry.coming_up_to(now, u8::MAX).is_none() {
            return Some(Flow::none(FlowLimit::Paused));
        }
        if !entry.is_video() {
            let layer = line.current().filter(|_| self.speakers.forwards(track));
            let nothing = Flow::none(FlowLimit::None);
            return Some(layer.map_or(nothing, |layer| flow(entry, layer, FlowLimit::None)));
        }
        let view = self
            .receivers
            .get(&id.peer)
            .and_then(|it| it.views.get(&track).copied());
        let (limit, wanted_height) = bounds(entry.ladder(now), view, line);
        let comes = |layer: &Layer| {
            let encoding = entry.encodings.get(usize::from(layer.encoding));
            encoding.is_some_and(|encoding| encoding.comes(now))
        };
        let current = line.current().filter(comes);
        let nothing = Flow::none(limit);
        let flow = current.map_or(nothing, |layer| flow(entry, layer, limit));
        Some(Flow { wanted_height, ..flow })
    }

    /// How often the pictures on a line stood still since there is this line.
    pub fn freezes(&self, id: LineId) -> Freezes {
        let line = self.places.get(&id).and_then(|&place| self.lines[place].as_ref());
        line.map(|line| line.freezes.sum()).unwrap_or_default()
    }

    /// What a receiver's network carries, in bits in a second; `None` is not known.
    pub fn budget(&self, peer: PeerId) -> Option<u64> {
        self.receivers.get(&peer)?.budget
    }
}

/// What is meant to flow, and why it is not the best that there is.
fn bounds(mut ladder: Vec<Rung>, view: Option<u32>, line: &Line) -> (FlowLimit, u32) {
    let best = ladder.last().copied();
    ladder::cut(&mut ladder, view);
    let wanted = ladder.last();
    let height = wanted.and_then(|rung| rung.height).unwrap_or_default();
    let limit = match (line.target, wanted) {
        (Some(target), Some(wanted)) if target < wanted.layer => FlowLimit::Bandwidth,
        (Some(_), wanted) if wanted.map(|rung| rung.layer) != best.map(|rung| rung.layer) => FlowLimit::View,
        (Some(_), _) => FlowLimit::None,
        (None, _) => FlowLimit::Bandwidth,
    };
    (limit, height)
}

fn flow(track: &Track, layer: Layer, limit: FlowLimit) -> Flow {
    let Some(encoding) = track.encodings.get(usize::from(layer.encoding)) else {
        return Flow::none(limit);
    };
    let (spatial, temporal) = encoding.meter.top();
    let (spatial, temporal) = (spatial.min(layer.spatial), temporal.min(layer.temporal));
    Flow {
        codec: track.codec(),
        rate: encoding.meter.rate(layer.spatial, layer.temporal),
        frame_rate: encoding.meter.frame_rate(layer.temporal),
        size: encoding.sizes.get(usize::from(spatial)).copied(),
        layer: track.is_video().then_some(FlowLayer {
            encoding: layer.encoding,
            spatial,
            temporal,
        }),
        limit,
        wanted_height: 0,
    }
}

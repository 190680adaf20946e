//! What a media thread tells of a room when it is asked.

use std::time::Instant;

use hst_sfu::{Flow, FlowLimit, LineId, TrackId};

use super::Worker;
use crate::{
    LineStats, Path, RoomId, RoomStats, TrackStats,
    room_state::{Published, RoomState},
    transport::Transport,
};

impl Worker {
    pub(super) fn stats(&self, now: Instant, room: RoomId) -> RoomStats {
        let Some(room) = self.rooms.get(&room) else {
            return RoomStats::default();
        };
        let members = room.members.values().filter_map(|member| member.transport);
        let connected: Vec<_> = members
            .filter_map(|id| self.transports.get(&id))
            .filter(|transport| transport.is_connected())
            .collect();
        RoomStats {
            peers: connected.len(),
            tracks: room
                .published
                .iter()
                .map(|(&track, it)| self.track(now, room, track, it))
                .collect(),
            lines: connected
                .into_iter()
                .flat_map(|transport| lines(now, room, transport))
                .collect(),
            forwarded_packets: room.forwarded_packets,
            forwarded_bytes: room.forwarded_bytes,
        }
    }

    fn track(&self, now: Instant, room: &RoomState, track: TrackId, published: &Published) -> TrackStats {
        let flow = room.router.inflow(now, track).unwrap_or(Flow::none(FlowLimit::Paused));
        let path = self.transports.get(&published.transport).map(|transport| {
            let encoding = flow.layer.map_or(0, |layer| layer.encoding);
            transport.path.inward(transport.quality(published.slot, encoding))
        });
        TrackStats {
            track,
            peer: published.peer,
            packets: published.packets,
            bytes: published.bytes,
            keyframe_requests: published.keyframe_requests,
            flow,
            path: path.unwrap_or_default(),
        }
    }
}

fn lines<'a>(now: Instant, room: &'a RoomState, transport: &'a Transport) -> impl Iterator<Item = LineStats> + 'a {
    let peer = transport.peer;
    let estimate = room.router.budget(peer);
    let held = room.held.get(&peer);
    transport.received().map(move |(slot, track, line)| {
        // What is kept from him is hidden at his end.
        let is_held = held.is_some_and(|held| held.contains(&track));
        let nothing = Flow::none(if is_held { FlowLimit::View } else { FlowLimit::Paused });
        let id = LineId { peer, slot };
        let flow = room.router.outflow(now, id).unwrap_or(nothing);
        let path: Path = transport.path.out(line.heard(), &flow);
        LineStats {
            peer,
            track,
            flow,
            packets: line.packets(),
            nacks: line.nacks(),
            keyframe_requests: line.keyframe_requests(),
            freezes: room.router.freezes(id),
            estimate,
            path,
        }
    })
}

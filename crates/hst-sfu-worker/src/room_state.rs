use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Instant,
};

use hst_sfu::{PeerId, Router, TrackId};
use rustc_hash::FxHashMap;

use crate::{claims::Claims, demux::TransportId, media::Passing, recent::Recents};

/// A room as one of its threads sees it.
#[derive(Debug)]
pub(crate) struct RoomState {
    /// Dead when the last handle is gone.
    pub(crate) alive: Weak<()>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) router: Router,
    /// Those whose connections are on this thread.
    pub(crate) members: FxHashMap<PeerId, Member>,
    pub(crate) published: FxHashMap<TrackId, Published>,
    pub(crate) recents: Recents,
    /// The packets that were given to the router and have not gone on yet.
    pub(crate) batch: Vec<Passing>,
    /// What is kept from whom: of each peer no more than there are tracks.
    pub(crate) held: HashMap<PeerId, HashSet<TrackId>>,
    pub(crate) forwarded_packets: u64,
    pub(crate) forwarded_bytes: u64,
}

/// A peer, with or without a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// The newest that was seen.
    pub(crate) generation: u32,
    pub(crate) transport: Option<TransportId>,
}

/// A track and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Published {
    pub(crate) peer: PeerId,
    pub(crate) transport: TransportId,
    pub(crate) slot: u16,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) keyframe_requests: u64,
}

impl RoomState {
    pub(crate) fn new(alive: Weak<()>, claims: Arc<Claims>) -> Self {
        Self {
            alive,
            claims,
            router: Router::new(),
            members: FxHashMap::default(),
            published: FxHashMap::default(),
            recents: Recents::default(),
            batch: Vec::new(),
            held: HashMap::new(),
            forwarded_packets: 0,
            forwarded_bytes: 0,
        }
    }

    pub(crate) fn transport_of(&self, peer: PeerId) -> Option<TransportId> {
        self.members.get(&peer)?.transport
    }

    pub(crate) fn publish(&mut self, track: TrackId, peer: PeerId, transport: TransportId, slot: u16) {
        let published = Published {
            peer,
            transport,
            slot,
            packets: 0,
            bytes: 0,
            keyframe_requests: 0,
        };
        self.published.insert(track, published);
        self.claims.claim(track, peer);
        self.router.publish(track);
    }

    pub(crate) fn unpublish(&mut self, track: TrackId) -> Option<Published> {
        self.router.unpublish(track);
        self.recents.forget(track);
        let published = self.published.remove(&track)?;
        self.claims.release(track, published.peer);
        Some(published)
    }

    /// Everything of this transport is over.
    pub(crate) fn forget_transport(&mut self, now: Instant, peer: PeerId, transport: TransportId) {
        self.router.forget_lines(now, peer);
        let theirs = |(track, published): (&TrackId, &Published)| (published.transport == transport).then_some(*track);
        let tracks: Vec<_> = self.published.iter().filter_map(theirs).collect();
        for track in tracks {
            self.unpublish(track);
        }
        if let Some(member) = self
            .members
            .get_mut(&peer)
            .filter(|member| member.transport == Some(transport))
        {
            member.transport = None;
        }
    }
}

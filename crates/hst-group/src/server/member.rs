use std::collections::{BTreeMap, BTreeSet};

use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_proto::{Media, Priority, RequestId};

use super::{Permissions, TrackId, group::Height};

/// One user in the group. Plain data: what happens to it is decided in [`Group`](super::Group).
#[derive(Debug)]
pub(super) struct Member {
    pub(super) user: UserId,
    pub(super) permissions: Permissions,
    pub(super) published: BTreeMap<(MediaType, MediaId), Published>,
    /// What he receives, and how much of it he wants.
    pub(super) receives: BTreeMap<MediaRef, Height>,
    /// The tracks that the media plane keeps from him.
    pub(super) held: BTreeSet<TrackId>,
    /// The tracks that do not matter to him as much as most.
    pub(super) priorities: BTreeMap<TrackId, Priority>,
    /// The tracks that his network does not carry.
    pub(super) starved: BTreeSet<TrackId>,
    /// The highest generation of peer connections that was offered.
    pub(super) generation: u32,
    /// The offers that the media plane has not answered yet.
    pub(super) offers: BTreeSet<RequestId>,
}

#[derive(Debug)]
pub(super) struct Published {
    pub(super) track: TrackId,
    pub(super) name: String,
    pub(super) muted: bool,
}

impl Member {
    pub(super) fn new(user: UserId, permissions: Permissions) -> Self {
        Self {
            user,
            permissions,
            published: BTreeMap::new(),
            receives: BTreeMap::new(),
            held: BTreeSet::new(),
            priorities: BTreeMap::new(),
            starved: BTreeSet::new(),
            generation: 0,
            offers: BTreeSet::new(),
        }
    }

    pub(super) fn media(&self) -> impl Iterator<Item = Media> + '_ {
        self.published
            .iter()
            .map(|((media_type, media), published)| published.told(self.key(*media_type, media.clone())))
    }

    pub(super) fn key(&self, media_type: MediaType, media: MediaId) -> MediaRef {
        MediaRef {
            user: self.user.clone(),
            media_type,
            media,
        }
    }
}

impl Published {
    /// The media as others are told of it.
    pub(super) fn told(&self, key: MediaRef) -> Media {
        Media {
            key,
            name: self.name.clone(),
            muted: self.muted,
        }
    }
}

use std::time::Instant;

use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_proto::{ErrorCode, Failure, Priority};
use serde::{Deserialize, Serialize};

use super::{Group, Height, media::take_room};
use crate::server::{
    MediaCommand, MemberId, Permissions, TrackId,
    member::{Member, Published},
};

/// How many tracks a group may have while its home is one and the same: the lower bits of their numbers.
const TRACK_BITS: u32 = 24;

/// What a member has in the group, so that he can take his seat again when the group goes on elsewhere.
///
/// Tracks keep their numbers: what the media plane carries for him goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Who he is.
    pub user: UserId,
    /// What he may do.
    pub permissions: Permissions,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    published: Vec<OwnMedia>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    receives: Vec<Received>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    held: Vec<TrackId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    priorities: Vec<(TrackId, Priority)>,
    /// The boards that he has open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    boards: Vec<MediaId>,
    #[serde(default)]
    generation: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OwnMedia {
    #[serde(rename = "type")]
    media_type: MediaType,
    media: MediaId,
    track: TrackId,
    name: String,
    muted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Received {
    media: MediaRef,
    track: TrackId,
    height: Height,
}

/// What a group as a whole has, so that it can go on elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The number of its last message.
    pub last_message: u64,
    /// Whether newcomers are kept out.
    pub locked: bool,
}

impl Seat {
    /// The seat of somebody who has only just come in.
    pub fn new(user: UserId, permissions: Permissions) -> Self {
        Self {
            user,
            permissions,
            published: Vec::new(),
            receives: Vec::new(),
            held: Vec::new(),
            priorities: Vec::new(),
            boards: Vec::new(),
            generation: 0,
        }
    }

    /// Whether he has ever set up a media transport.
    pub fn has_transport(&self) -> bool {
        self.generation > 0
    }

    /// What he publishes.
    pub fn published(&self) -> impl Iterator<Item = MediaRef> + '_ {
        self.published.iter().map(|own| MediaRef {
            user: self.user.clone(),
            media_type: own.media_type,
            media: own.media.clone(),
        })
    }
}

impl Group {
    /// Numbers its tracks like no group of its name before it did: `generation` is higher each time that it begins anew.
    #[must_use]
    pub fn of_generation(mut self, generation: u64) -> Self {
        self.last_track = generation << TRACK_BITS;
        self.generation = generation;
        self
    }

    /// What the group as a whole has.
    pub fn standing(&self) -> Standing {
        Standing {
            last_message: self.messages.last(),
            locked: self.locked,
        }
    }

    /// The group goes on here: it stands as it did elsewhere.
    pub fn handle_standing(&mut self, standing: Standing) {
        self.messages.skip_to(standing.last_message);
        self.locked |= standing.locked;
    }

    /// What a member has.
    pub fn seat(&self, id: MemberId) -> Option<Seat> {
        let member = self.members.get(&id)?;
        let published = member.published.iter().map(|((media_type, media), it)| OwnMedia {
            media_type: *media_type,
            media: media.clone(),
            track: it.track,
            name: it.name.clone(),
            muted: it.muted,
        });
        let receives = member.receives.iter().filter_map(|(media, &height)| {
            let media = media.clone();
            let track = self.track_of(&media).or_else(|| self.awaited.get(&media).copied())?;
            Some(Received { media, track, height })
        });
        Some(Seat {
            user: member.user.clone(),
            permissions: member.permissions.clone(),
            published: published.collect(),
            receives: receives.collect(),
            held: member.held.iter().copied().collect(),
            priorities: member.priorities.iter().map(|(&track, &it)| (track, it)).collect(),
            boards: self.boards.opened_by(id).collect(),
            generation: member.generation,
        })
    }

    /// A member takes the seat that he had when the group was elsewhere. The others are told nothing: when all have come who
    /// will, [`handle_settled`](Self::handle_settled) tells them how the group is.
    ///
    /// # Errors
    /// Code 1000010: his name is in it again already.
    pub fn handle_return(&mut self, now: Instant, id: MemberId, seat: Seat) -> Result<(), Failure> {
        let user = seat.user;
        if self.roster.contains(&user) {
            return Err(Failure::new(
                ErrorCode::JoinedTwice,
                format!("{user} is in the group again"),
            ));
        }
        self.roster.seat(id, &user);
        let mut member = Member::new(user, seat.permissions);
        member.generation = seat.generation;
        member.held = seat.held.into_iter().collect();
        member.priorities = seat.priorities.into_iter().collect();
        self.members.insert(id, member);
        for own in seat.published {
            self.republish(now, id, own);
        }
        for Received { media, track, height } in seat.receives {
            match self.track_of(&media) {
                Some(_) => _ = self.wanted_changed(now, &media, None, Some(height)),
                None => _ = self.awaited.insert(media.clone(), track),
            }
            if let Some(member) = self.members.get_mut(&id) {
                member.receives.insert(media, height);
            }
        }
        for board in &seat.boards {
            self.boards.open_again(board, id);
        }
        Ok(())
    }

    /// A member of this group comes by another way from now on, and is called so.
    pub fn handle_moved(&mut self, from: MemberId, to: MemberId) {
        let Some(mut member) = self.members.remove(&from) else {
            return;
        };
        // Who has asked for these does not wait any more.
        member.offers.clear();
        self.roster.seat(to, &member.user);
        if self.publishers.remove(&from) {
            self.publishers.insert(to);
        }
        self.views.rename(from, to);
        self.boards.rename(from, to);
        self.members.insert(to, member);
    }

    /// Whether those who go on elsewhere with what [`seat`](Self::seat) says of them would notice nothing, and how many they are:
    /// the group has nothing else, or all of them have a [copy](super::Kept) of that, and all have been told everything.
    pub fn can_go_on_unnoticed(&self, is_copied: bool) -> Option<usize> {
        let has_more = !is_copied && (self.boards.media().next().is_some() || self.messages.keeps_any());
        (!has_more && self.roster.due().is_none()).then_some(self.members.len())
    }

    /// All have come back who were there, and there is nothing to tell them.
    pub fn handle_all_returned(&mut self) {
        self.forget_awaited();
    }

    /// All have come back who will: what the others had is over, and everybody is told how the group is.
    pub fn handle_settled(&mut self) {
        self.forget_awaited();
        let all: Vec<_> = self.members.keys().copied().collect();
        for id in all {
            self.handle_missed(id);
        }
    }

    fn forget_awaited(&mut self) {
        for (media, track) in std::mem::take(&mut self.awaited) {
            let is_published_anew = self.track_of(&media).is_some();
            for member in self.members.values_mut() {
                if !is_published_anew {
                    member.receives.remove(&media);
                }
                member.held.remove(&track);
                member.priorities.remove(&track);
            }
            self.command(MediaCommand::EndTrack(track));
        }
    }

    fn republish(&mut self, now: Instant, id: MemberId, own: OwnMedia) {
        let published = Published {
            track: own.track,
            name: own.name,
            muted: own.muted,
        };
        let (media_type, media, track) = (own.media_type, own.media, own.track);
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let key = member.key(media_type, media.clone());
        // They had room before.
        if take_room(&mut self.media_bytes, &published.told(key.clone())).is_err() {
            return;
        }
        member.published.insert((media_type, media), published);
        self.publishers.insert(id);
        self.awaited.remove(&key);
        self.views.begin(now, id, track, &key);
        let heights: Vec<_> = self
            .members
            .values()
            .filter_map(|other| other.receives.get(&key).copied())
            .collect();
        for height in heights {
            self.wanted_changed(now, &key, None, Some(height));
        }
    }
}

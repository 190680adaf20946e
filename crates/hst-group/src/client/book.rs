use std::collections::{BTreeMap, BTreeSet};

use hst_id::{GroupId, MediaId, MediaRef, MediaType, UserId};
use hst_proto::{Joined, Media, Members};

use super::GroupEvent;

/// What a client knows of its group, and what it does there: all that it takes to tell the application each change
/// once, and to come back after the session was lost.
#[derive(Debug)]
pub(super) struct GroupBook {
    pub(super) group: GroupId,
    own: UserId,
    members: BTreeSet<UserId>,
    media: BTreeMap<MediaRef, Media>,
    /// What is published, with its names.
    pub(super) published: BTreeMap<(MediaType, MediaId), String>,
    pub(super) receives: BTreeSet<MediaRef>,
}

impl GroupBook {
    /// The group as it was at the moment of joining, and how to tell the application.
    pub(super) fn open(group: GroupId, own: UserId, joined: Joined) -> (Self, Vec<GroupEvent>) {
        let mut events = vec![GroupEvent::Members(joined.members.clone())];
        if !joined.is_complete() {
            events.push(GroupEvent::Count(joined.total.saturating_add(1)));
        }
        if joined.locked {
            events.push(GroupEvent::Locked(true));
        }
        events.extend(joined.media.iter().cloned().map(GroupEvent::Published));
        let media = joined.media.into_iter().map(|media| (media.key.clone(), media));
        let book = Self {
            group,
            own,
            members: joined.members.into_iter().collect(),
            media: media.collect(),
            published: BTreeMap::new(),
            receives: BTreeSet::new(),
        };
        (book, events)
    }

    /// The group as it is after something may have been missed: what is different from what was known.
    pub(super) fn adopt(&mut self, joined: Joined) -> Vec<GroupEvent> {
        let mut events = Vec::new();
        let present: BTreeMap<_, _> = joined.media.iter().map(|media| (&media.key, media)).collect();
        let gone = self.media.values().filter(|media| !present.contains_key(&media.key));
        events.extend(gone.cloned().map(GroupEvent::Unpublished));
        if joined.is_complete() {
            let now: BTreeSet<_> = joined.members.iter().cloned().collect();
            events.extend(self.members.difference(&now).cloned().map(GroupEvent::MemberLeft));
            events.extend(now.difference(&self.members).cloned().map(GroupEvent::MemberJoined));
        } else {
            events.push(GroupEvent::Count(joined.total.saturating_add(1)));
        }
        for media in &joined.media {
            match self.media.get(&media.key) {
                None => events.push(GroupEvent::Published(media.clone())),
                Some(known) if known.muted != media.muted => events.push(GroupEvent::Muted(media.clone())),
                Some(_) => {}
            }
        }
        self.members = joined.members.into_iter().collect();
        self.media = joined
            .media
            .into_iter()
            .map(|media| (media.key.clone(), media))
            .collect();
        self.receives.retain(|key| self.media.contains_key(key));
        events
    }

    pub(super) fn member_joined(&mut self, user: UserId) -> Option<GroupEvent> {
        let is_news = user != self.own && self.members.insert(user.clone());
        is_news.then_some(GroupEvent::MemberJoined(user))
    }

    pub(super) fn member_left(&mut self, user: UserId) -> Option<GroupEvent> {
        self.members.remove(&user).then_some(GroupEvent::MemberLeft(user))
    }

    pub(super) fn members_changed(&mut self, change: Members) -> Vec<GroupEvent> {
        let Members {
            joined,
            left,
            total,
            complete,
        } = change;
        let mut events: Vec<_> = left.into_iter().filter_map(|user| self.member_left(user)).collect();
        events.extend(joined.into_iter().filter_map(|user| self.member_joined(user)));
        if !complete {
            events.push(GroupEvent::Count(total));
        }
        events
    }

    pub(super) fn published(&mut self, media: Media) -> GroupEvent {
        self.media.insert(media.key.clone(), media.clone());
        GroupEvent::Published(media)
    }

    pub(super) fn unpublished(&mut self, media: Media) -> GroupEvent {
        self.media.remove(&media.key);
        self.receives.remove(&media.key);
        GroupEvent::Unpublished(media)
    }

    pub(super) fn muted(&mut self, media: Media) -> GroupEvent {
        if let Some(known) = self.media.get_mut(&media.key) {
            known.muted = media.muted;
        }
        GroupEvent::Muted(media)
    }
}

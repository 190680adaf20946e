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
    /// How many there are, oneself included, and whether all the others were named.
    total: u32,
    is_complete: bool,
    media: BTreeMap<MediaRef, Media>,
    locked: bool,
    /// Whether changes fit what is known here; otherwise a snapshot is to come.
    is_trusted: bool,
    /// What is published, with its names.
    pub(super) published: BTreeMap<(MediaType, MediaId), String>,
    pub(super) receives: BTreeSet<MediaRef>,
}

impl GroupBook {
    /// The group as it was at the moment of joining, and how to tell the application.
    pub(super) fn open(group: GroupId, own: UserId, joined: Joined) -> (Self, Vec<GroupEvent>) {
        let mut events = vec![GroupEvent::Members(joined.members.clone())];
        let mut book = Self {
            group,
            own,
            members: joined.members.iter().cloned().collect(),
            total: 0,
            is_complete: true,
            media: BTreeMap::new(),
            locked: false,
            is_trusted: true,
            published: BTreeMap::new(),
            receives: BTreeSet::new(),
        };
        events.extend(book.adopt(joined));
        (book, events)
    }

    /// The group as it is after something may have been missed: what is different from what was known.
    pub(super) fn adopt(&mut self, joined: Joined) -> Vec<GroupEvent> {
        self.is_trusted = true;
        self.total = joined.total.saturating_add(1);
        self.is_complete = joined.is_complete();
        let mut events = Vec::new();
        let present: BTreeMap<_, _> = joined.media.iter().map(|media| (&media.key, media)).collect();
        let is_same = |media: &Media| present.get(&media.key).is_some_and(|now| now.name == media.name);
        for (key, media) in self.media.extract_if(.., |_, media| !is_same(media)) {
            self.receives.remove(&key);
            events.push(GroupEvent::Unpublished(media));
        }
        let now: BTreeSet<_> = joined.members.into_iter().collect();
        if self.is_complete {
            events.extend(self.members.difference(&now).cloned().map(GroupEvent::MemberLeft));
            events.extend(now.difference(&self.members).cloned().map(GroupEvent::MemberJoined));
        }
        self.members = now;
        events.extend(self.count());
        events.extend(self.locked(joined.locked));
        for media in joined.media {
            match self.media.insert(media.key.clone(), media.clone()) {
                None => events.push(GroupEvent::Published(media)),
                Some(known) if known.muted != media.muted => events.push(GroupEvent::Muted(media)),
                Some(_) => {}
            }
        }
        events
    }

    /// Something was missed.
    pub(super) fn distrust(&mut self) {
        self.is_trusted = false;
    }

    /// Whether changes can be told.
    pub(super) fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    pub(super) fn member_joined(&mut self, user: UserId) -> Vec<GroupEvent> {
        let news = self.add(user);
        self.total += u32::from(news.is_some());
        news.into_iter().chain(self.count()).collect()
    }

    pub(super) fn member_left(&mut self, user: UserId) -> Vec<GroupEvent> {
        let news = self.remove(user);
        if news.is_some() || !self.is_complete {
            self.total = self.total.saturating_sub(1);
        }
        news.into_iter().chain(self.count()).collect()
    }

    pub(super) fn members_changed(&mut self, change: Members) -> Vec<GroupEvent> {
        let Members {
            joined,
            left,
            total,
            complete,
        } = change;
        self.total = total;
        self.is_complete &= complete;
        let mut events: Vec<_> = left.into_iter().filter_map(|user| self.remove(user)).collect();
        events.extend(joined.into_iter().filter_map(|user| self.add(user)));
        events.extend(self.count());
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

    pub(super) fn locked(&mut self, locked: bool) -> Option<GroupEvent> {
        let was = std::mem::replace(&mut self.locked, locked);
        (was != locked).then_some(GroupEvent::Locked(locked))
    }

    fn add(&mut self, user: UserId) -> Option<GroupEvent> {
        let is_news = user != self.own && self.members.insert(user.clone());
        is_news.then_some(GroupEvent::MemberJoined(user))
    }

    fn remove(&mut self, user: UserId) -> Option<GroupEvent> {
        self.members.remove(&user).then_some(GroupEvent::MemberLeft(user))
    }

    /// Told beside the names where these are not all.
    fn count(&self) -> Option<GroupEvent> {
        (!self.is_complete).then_some(GroupEvent::Count(self.total))
    }
}

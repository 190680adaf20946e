use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};

use hst_id::{MediaId, MediaRef, MediaType};
use hst_proto::{ErrorCode, Event, Failure, MAX_HEIGHT, Reply};
use serde::{Deserialize, Serialize};

use super::{Group, invalid};
use crate::server::{MediaCommand, MemberId, TrackId};

/// A publisher is told that less is wanted of him when it was so for this long: until then somebody may look again, and
/// many receivers who resize their windows are told as one.
const LOWER_AFTER: Duration = Duration::from_secs(2);
/// He is told that more is wanted at once, but for so long after what he was told before.
const RAISE_AFTER: Duration = Duration::from_millis(500);

/// How much of a picture is wanted, in pixels of its height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::server) struct Height(u32);

/// What is wanted of all pictures of a group, and what their publishers are to be told of it.
///
/// Stating a view costs the logarithm of the number of receivers, whatever their number is.
#[derive(Debug, Default)]
pub(super) struct Views {
    audiences: HashMap<TrackId, Audience>,
    due: BTreeSet<(Instant, TrackId)>,
}

/// Those who receive one picture.
#[derive(Debug)]
struct Audience {
    publisher: MemberId,
    media_type: MediaType,
    media: MediaId,
    /// How many want which height.
    wanted: BTreeMap<Height, usize>,
    /// The encodings that are of use, where the publisher sends several.
    encodings: Option<Vec<String>>,
    told: Height,
    told_at: Instant,
    /// Since when less is wanted than was told.
    less_since: Option<Instant>,
}

impl Height {
    pub(in crate::server) const ALL: Self = Self(u32::MAX);
    const NOTHING: Self = Self(0);

    fn parse(height: Option<u32>) -> Result<Self, Failure> {
        match height {
            None => Ok(Self::ALL),
            Some(height) if height <= MAX_HEIGHT => Ok(Self(height)),
            Some(_) => Err(invalid(format!("no picture is higher than {MAX_HEIGHT} pixels"))),
        }
    }

    pub(super) fn to_wire(self) -> Option<u32> {
        (self != Self::ALL).then_some(self.0)
    }
}

impl Views {
    /// A picture was published; of anything else nothing is noted.
    pub(super) fn begin(&mut self, now: Instant, publisher: MemberId, track: TrackId, key: &MediaRef) {
        if !is_picture(key.media_type) {
            return;
        }
        let audience = Audience {
            publisher,
            media_type: key.media_type,
            media: key.media.clone(),
            wanted: BTreeMap::new(),
            encodings: None,
            told: Height::ALL,
            told_at: now,
            less_since: None,
        };
        self.audiences.insert(track, audience);
        self.change(now, track, None, None);
    }

    /// A picture has ended.
    pub(super) fn end(&mut self, track: TrackId) {
        if let Some(due) = self.audiences.remove(&track).and_then(|audience| audience.due()) {
            self.due.remove(&(due, track));
        }
    }

    /// A publisher is called otherwise.
    pub(super) fn rename(&mut self, from: MemberId, to: MemberId) {
        for audience in self
            .audiences
            .values_mut()
            .filter(|audience| audience.publisher == from)
        {
            audience.publisher = to;
        }
    }

    /// When a publisher is to be told something.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.first().map(|&(due, _)| due)
    }

    /// A receiver wants another height than before; `None` is none at all, before he receives it and afterwards.
    fn change(&mut self, now: Instant, track: TrackId, before: Option<Height>, after: Option<Height>) {
        let Some(audience) = self.audiences.get_mut(&track) else {
            return;
        };
        let was_due = audience.due();
        audience.change(now, before, after);
        let is_due = audience.due();
        self.rearm(track, was_due, is_due);
    }

    /// The next publisher who is to be told what is wanted by now, and the event.
    fn take_due(&mut self, now: Instant) -> Option<(MemberId, Event)> {
        let &(due, track) = self.due.first().filter(|&&(due, _)| due <= now)?;
        let audience = self.audiences.get_mut(&track)?;
        audience.told = audience.largest();
        audience.told_at = now;
        audience.less_since = None;
        let told = (audience.publisher, audience.event());
        self.rearm(track, Some(due), None);
        Some(told)
    }

    fn rearm(&mut self, track: TrackId, before: Option<Instant>, after: Option<Instant>) {
        if let Some(due) = before {
            self.due.remove(&(due, track));
        }
        if let Some(due) = after {
            self.due.insert((due, track));
        }
    }
}

impl Audience {
    fn change(&mut self, now: Instant, before: Option<Height>, after: Option<Height>) {
        if let Some(height) = before
            && let Some(count) = self.wanted.get_mut(&height)
        {
            *count -= 1;
            if *count == 0 {
                self.wanted.remove(&height);
            }
        }
        if let Some(height) = after {
            *self.wanted.entry(height).or_default() += 1;
        }
        self.less_since = match self.largest() < self.told {
            true => self.less_since.or(Some(now)),
            false => None,
        };
    }

    fn largest(&self) -> Height {
        self.wanted
            .last_key_value()
            .map_or(Height::NOTHING, |(&height, _)| height)
    }

    fn due(&self) -> Option<Instant> {
        match self.largest().cmp(&self.told) {
            Ordering::Less => self.less_since.map(|since| since + LOWER_AFTER),
            Ordering::Equal => None,
            Ordering::Greater => Some(self.told_at + RAISE_AFTER),
        }
    }

    fn event(&self) -> Event {
        Event::Wanted {
            media_type: self.media_type,
            media: self.media.clone(),
            height: self.told.to_wire(),
        }
    }

    fn encodings_event(&self) -> Option<Event> {
        Some(Event::Encodings {
            media_type: self.media_type,
            media: self.media.clone(),
            rids: self.encodings.clone()?,
        })
    }
}

impl Group {
    /// The media plane knows which encodings of a picture are of use to anybody.
    pub fn handle_encodings(&mut self, track: TrackId, rids: Vec<String>) {
        let Some(audience) = self.views.audiences.get_mut(&track) else {
            return;
        };
        audience.encodings = Some(rids);
        if let Some(event) = audience.encodings_event() {
            let publisher = audience.publisher;
            self.tell_one(publisher, &event);
        }
    }

    /// The media plane has paused a picture for a receiver whose network does not carry it, or goes on with it.
    pub fn handle_starved(&mut self, id: MemberId, track: TrackId, starved: bool) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        if starved {
            member.starved.insert(track);
        } else {
            member.starved.remove(&track);
        }
        if let Some(key) = self.views.audiences.get(&track).and_then(|it| self.key_of(it)) {
            self.tell_one(id, &Event::Starved { key, starved });
        }
    }

    /// A member says how much of a picture is of use to him.
    pub(super) fn view(
        &mut self,
        now: Instant,
        id: MemberId,
        media: MediaRef,
        height: Option<u32>,
    ) -> Result<Reply, Failure> {
        let height = Height::parse(height)?;
        if !is_picture(media.media_type) {
            return Err(invalid("only a video or a screen share has a height"));
        }
        if !self.member(id)?.receives.contains_key(&media) {
            let message = format!("{media} is not received: receive it first");
            return Err(Failure::new(ErrorCode::OperationFailed, message));
        }
        self.set_view(now, id, &media, Some(height));
        Ok(Reply::Done {})
    }

    /// How much a member receives of a media from now on; `None` is that he does not receive it.
    pub(super) fn set_view(&mut self, now: Instant, id: MemberId, key: &MediaRef, after: Option<Height>) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let before = match after {
            Some(height) => member.receives.insert(key.clone(), height),
            None => member.receives.remove(key),
        };
        let Some(track) = self.wanted_changed(now, key, before, after) else {
            return;
        };
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        // Who receives it no more gets none of it from here on, whether he offers again or not.
        let [was_held, held] = [before, after].map(|height| height.is_none_or(|height| height == Height::NOTHING));
        if after.is_none() {
            member.starved.remove(&track);
        }
        let height = after.unwrap_or(Height::ALL).to_wire();
        let has_changed = match held {
            true => !was_held && member.held.insert(track),
            false => member.held.remove(&track),
        };
        if has_changed {
            self.command(MediaCommand::HoldTrack {
                member: id,
                track,
                held,
            });
        }
        // What is received again is wanted in full again.
        if height != Some(0) && before.unwrap_or(Height::ALL).to_wire() != height {
            self.command(MediaCommand::ViewTrack {
                member: id,
                track,
                height,
            });
        }
    }

    fn key_of(&self, audience: &Audience) -> Option<MediaRef> {
        let publisher = self.members.get(&audience.publisher)?;
        Some(publisher.key(audience.media_type, audience.media.clone()))
    }

    /// Gives the track, if there is one.
    pub(super) fn wanted_changed(
        &mut self,
        now: Instant,
        key: &MediaRef,
        before: Option<Height>,
        after: Option<Height>,
    ) -> Option<TrackId> {
        let track = self.track_of(key)?;
        self.views.change(now, track, before, after);
        Some(track)
    }

    /// Tells publishers what is due.
    pub(super) fn tell_wanted(&mut self, now: Instant) {
        while let Some((publisher, event)) = self.views.take_due(now) {
            self.tell_one(publisher, &event);
        }
    }

    /// A member has missed what he was told: what differs from the beginning is told again.
    pub(super) fn tell_wanted_again(&mut self, id: MemberId) {
        let Some(member) = self.members.get(&id) else { return };
        let mut told = Vec::new();
        for published in member.published.values() {
            let Some(audience) = self.views.audiences.get(&published.track) else {
                continue;
            };
            told.extend((audience.told != Height::ALL).then(|| audience.event()));
            told.extend(audience.encodings_event());
        }
        for track in &member.starved {
            let key = self.views.audiences.get(track).and_then(|it| self.key_of(it));
            told.extend(key.map(|key| Event::Starved { key, starved: true }));
        }
        for event in told {
            self.tell_one(id, &event);
        }
    }
}

pub(super) fn is_picture(media_type: MediaType) -> bool {
    matches!(media_type, MediaType::Video | MediaType::ScreenShare)
}

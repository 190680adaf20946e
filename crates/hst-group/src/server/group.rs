mod board;
mod govern;
mod kept;
mod media;
mod message;
mod passing;
mod priority;
mod roster;
mod seat;
mod view;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Instant,
};

use hst_id::{GroupId, MediaRef, UserId};
use hst_proto::{Class, ErrorCode, Event, Failure, Joined, MAX_MESSAGE, Media, Reply, RequestId, encode_event};

pub(super) use self::view::Height;
use self::{board::Boards, message::Messages, roster::Roster, view::Views};
pub use self::{
    kept::{Filling, Keep, Kept, Stamp},
    seat::{Seat, Standing},
};
use super::{
    GroupOutput, GroupRequest, Happening, MediaCommand, MemberId, Permissions, Recipients, ToMember, TrackId,
    member::Member,
};

/// What an App allows its groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The most members at a time.
    pub max_members: usize,
    /// The most bytes of a message's JSON text.
    pub max_message: usize,
    /// How many messages are kept for who asks for them.
    pub history: usize,
}

impl Default for Rules {
    /// 10,000 members, messages of 8 KiB, and none of them kept.
    fn default() -> Self {
        Self {
            max_members: 10_000,
            max_message: MAX_MESSAGE,
            history: 0,
        }
    }
}

/// One room: who is in it, what they publish and receive, and the order of its messages.
///
/// Call a `handle_*`, then [`poll_output`](Self::poll_output) until it is empty, and
/// [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout). It never waits and asks no clock.
#[derive(Debug)]
pub struct Group {
    id: GroupId,
    rules: Rules,
    members: BTreeMap<MemberId, Member>,
    /// Those of them who publish something: few, also in a large group.
    publishers: BTreeSet<MemberId>,
    roster: Roster,
    messages: Messages,
    boards: Boards,
    /// After which change these two are as they are.
    kept_at: Stamp,
    /// Of its home, among all that a group of its name has had.
    generation: u64,
    views: Views,
    locked: bool,
    /// Until when who was removed may not come back.
    banned: HashMap<UserId, Instant>,
    last_track: u64,
    /// What those receive who have come back, and whose publishers have not yet.
    awaited: BTreeMap<MediaRef, TrackId>,
    /// What all published media take in a snapshot.
    media_bytes: usize,
    /// Drained by the shell after every call, so it holds what one call gives rise to.
    outputs: VecDeque<GroupOutput>,
}

impl Group {
    /// An empty group.
    pub fn new(id: GroupId, rules: Rules) -> Self {
        Self {
            id,
            rules,
            members: BTreeMap::new(),
            publishers: BTreeSet::new(),
            roster: Roster::default(),
            messages: Messages::default(),
            boards: Boards::default(),
            kept_at: Stamp::default(),
            generation: 0,
            views: Views::default(),
            locked: false,
            banned: HashMap::new(),
            last_track: 0,
            awaited: BTreeMap::new(),
            media_bytes: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Which group this is.
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Who is in it, in the order of their names.
    pub fn users(&self) -> impl Iterator<Item = &UserId> {
        self.roster.users()
    }

    /// What is published in it.
    pub fn media(&self) -> impl Iterator<Item = Media> + '_ {
        self.media_of_all_but(None)
    }

    /// Who is in it, by what the media plane calls them.
    pub fn members(&self) -> impl Iterator<Item = (MemberId, &UserId)> {
        self.members.iter().map(|(&id, member)| (id, &member.user))
    }

    /// What is published in it, by what the media plane calls it.
    pub fn tracks(&self) -> impl Iterator<Item = (TrackId, MediaRef)> + '_ {
        self.members.values().flat_map(|member| {
            let published = member.published.iter();
            published.map(|((media_type, media), it)| (it.track, member.key(*media_type, media.clone())))
        })
    }

    /// The track of a published stream, and who publishes it.
    pub fn track(&self, media: &MediaRef) -> Option<(TrackId, MemberId)> {
        Some((self.track_of(media)?, self.roster.member(&media.user)?))
    }

    /// Who has this name in it.
    pub fn member_named(&self, user: &UserId) -> Option<MemberId> {
        self.roster.member(user)
    }

    /// Whether newcomers are kept out.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<GroupOutput> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.roster.due().into_iter().chain(self.views.due()).min()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.roster.due().is_some_and(|due| due <= now) {
            self.tell_changes();
        }
        self.tell_wanted(now);
    }

    /// A session asks to come in. A refused one is told so and is [departed](GroupOutput::Departed).
    pub fn handle_join(&mut self, now: Instant, id: MemberId, re: RequestId, user: UserId, permissions: Permissions) {
        if let Err(failure) = self.check_join(now, &user, &permissions) {
            self.reply(id, re, Err(failure));
            return self.outputs.push_back(GroupOutput::Departed(id));
        }
        self.member_joined(now, id, &user);
        self.members.insert(id, Member::new(user.clone(), permissions));
        let joined = self.snapshot(id);
        self.reply(id, re, Ok(Reply::Joined(joined)));
        self.outputs.push_back(GroupOutput::Happened(Happening::Joined(user)));
    }

    /// A member asks something. What comes of it is one reply, except for offers: see
    /// [`handle_answer`](Self::handle_answer).
    pub fn handle_request(&mut self, now: Instant, id: MemberId, re: RequestId, request: GroupRequest) {
        let result = match request {
            GroupRequest::Leave => {
                self.refuse_offers(id);
                self.reply(id, re, Ok(Reply::Done {}));
                return self.remove(now, id);
            }
            GroupRequest::Roster(page) => self.page(id, &page),
            GroupRequest::Publish {
                media_type,
                media,
                name,
            } => self.publish(now, id, media_type, media, name),
            GroupRequest::Unpublish { media_type, media } => self.unpublish(id, media_type, media),
            GroupRequest::Receive(key) => self.receive(now, id, key),
            GroupRequest::StopReceive(key) => self.stop_receive(now, id, &key),
            GroupRequest::View { media, height } => self.view(now, id, media, height),
            GroupRequest::Prioritize { media, priority } => self.prioritize(id, &media, priority),
            GroupRequest::Offer(offer) => match self.offer(id, re, offer) {
                Ok(()) => return,
                Err(failure) => Err(failure),
            },
            GroupRequest::Message(message) => self.message(id, message),
            GroupRequest::History { before, limit } => self.history(id, before, limit),
            GroupRequest::CreateBoard(new) => self.create_board(id, new),
            GroupRequest::DeleteBoard(board) => self.delete_board(id, &board),
            GroupRequest::OpenBoard { board, after } => self.open_board(id, &board, after),
            GroupRequest::CloseBoard(board) => self.close_board(id, &board),
            GroupRequest::Draw(draw) => self.draw(id, draw),
            GroupRequest::Sketch(sketch) => self.sketch(id, sketch),
            GroupRequest::Govern(act) => self
                .member(id)
                .and_then(|member| member.permissions.check_admin())
                .and_then(|()| self.handle_governance(now, act))
                .map(|()| Reply::Done {}),
        };
        self.reply(id, re, result);
        // A larger picture is asked for at once.
        self.tell_wanted(now);
    }

    /// A member's session has missed frames: he is told how things are.
    pub fn handle_missed(&mut self, id: MemberId) {
        if self.members.contains_key(&id) {
            let snapshot = Event::Snapshot(self.snapshot(id));
            self.tell_one(id, &snapshot);
            self.tell_wanted_again(id);
        }
    }

    /// A member's session has ended without leaving.
    pub fn handle_gone(&mut self, now: Instant, id: MemberId) {
        self.remove(now, id);
    }

    fn check_join(&mut self, now: Instant, user: &UserId, permissions: &Permissions) -> Result<(), Failure> {
        permissions.check_join(&self.id)?;
        self.banned.retain(|_, until| *until > now);
        if self.roster.contains(user) {
            let message = format!("{user} is in group {} already", self.id);
            return Err(Failure::new(ErrorCode::JoinedTwice, message));
        }
        if self.banned.contains_key(user) {
            return Err(Failure::new(ErrorCode::Banned, "removed from this group for some time"));
        }
        if self.locked && !permissions.admin {
            let message = "the group is locked: ask a member to open it";
            return Err(Failure::new(ErrorCode::GroupLocked, message));
        }
        if self.members.len() >= self.rules.max_members {
            let message = format!("the group has its {} members", self.rules.max_members);
            return Err(Failure::new(ErrorCode::GroupFull, message));
        }
        Ok(())
    }

    fn snapshot(&self, id: MemberId) -> Joined {
        let own = self.members.get(&id).map(|member| &member.user);
        let (members, total) = self.roster.first_page(own);
        Joined {
            members,
            total,
            media: self.media_of_all_but(Some(id)).collect(),
            last_message: self.messages.last(),
            locked: self.locked,
        }
    }

    fn media_of_all_but(&self, id: Option<MemberId>) -> impl Iterator<Item = Media> + '_ {
        let publishers = self.publishers.iter().filter(move |&&other| Some(other) != id);
        let members = publishers.filter_map(|publisher| self.members.get(publisher));
        members.flat_map(Member::media).chain(self.boards.media())
    }

    fn remove(&mut self, now: Instant, id: MemberId) {
        let Some(member) = self.members.remove(&id) else { return };
        self.publishers.remove(&id);
        // Before anything else is told to all: what he was told last was his end here.
        self.outputs.push_back(GroupOutput::Departed(id));
        for published in member.published.values() {
            self.end_track(published.track);
        }
        for (key, &height) in &member.receives {
            self.wanted_changed(now, key, Some(height), None);
        }
        self.command(MediaCommand::EndPeer(id));
        for media in member.media() {
            self.tell_unpublished(id, media);
        }
        self.leave_boards(id);
        self.member_left(now, id, &member.user);
        self.outputs
            .push_back(GroupOutput::Happened(Happening::Left(member.user)));
    }

    fn member(&self, id: MemberId) -> Result<&Member, Failure> {
        self.members.get(&id).ok_or_else(not_in_group)
    }

    fn reply(&mut self, member: MemberId, re: RequestId, result: Result<Reply, Failure>) {
        self.outputs.push_back(GroupOutput::To {
            member,
            what: ToMember::Reply { re, result },
        });
    }

    fn command(&mut self, command: MediaCommand) {
        self.outputs.push_back(GroupOutput::Media(command));
    }

    fn tell_one(&mut self, member: MemberId, event: &Event) {
        let what = ToMember::Event(encode_event(event));
        self.outputs.push_back(GroupOutput::To { member, what });
    }

    fn tell(&mut self, to: Recipients, event: &Event) {
        self.outputs.push_back(GroupOutput::Tell {
            to,
            body: encode_event(event),
            class: Class::Reliable,
            is_kept: false,
        });
    }
}

fn not_in_group() -> Failure {
    Failure::new(ErrorCode::NotInGroup, "not in a group: join one first")
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidArgument, message)
}

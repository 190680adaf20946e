use std::collections::{BTreeMap, HashMap, VecDeque};

use hst_id::{GroupId, MediaId, MediaRef, MediaType, UserId};
use hst_proto::{
    ErrorCode, Event, Failure, Joined, MAX_LINES, MAX_MESSAGE, MAX_NAME_TEXT, MAX_SDP, Media, Offer, Payload, Reply,
    RequestId, Role, encode_event,
};

use super::{
    GroupOutput, GroupRequest, MediaCommand, MemberId, Permissions, ToMember, TrackId, TrackLine, TrackRole,
    member::{Member, Published},
};

/// The most media that one member may publish at a time.
const MAX_PUBLISHED: usize = 64;

/// One room: who is in it, what they publish and receive, and the order of its messages.
///
/// Call a `handle_*`, then [`poll_output`](Self::poll_output) until it is empty. It never waits and knows no clock.
#[derive(Debug)]
pub struct Group {
    id: GroupId,
    members: BTreeMap<MemberId, Member>,
    users: HashMap<UserId, MemberId>,
    last_track: u64,
    last_message: u64,
    /// Drained by the shell after every call, so it holds what one call gives rise to.
    outputs: VecDeque<GroupOutput>,
}

impl Group {
    /// An empty group.
    pub fn new(id: GroupId) -> Self {
        Self {
            id,
            members: BTreeMap::new(),
            users: HashMap::new(),
            last_track: 0,
            last_message: 0,
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

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<GroupOutput> {
        self.outputs.pop_front()
    }

    /// A session asks to come in. A refused one is told so and is [departed](GroupOutput::Departed).
    pub fn handle_join(&mut self, id: MemberId, re: RequestId, user: UserId, permissions: Permissions) {
        let joined = permissions
            .check_join(&self.id)
            .and_then(|()| match self.users.get(&user) {
                Some(_) => Err(Failure::new(
                    ErrorCode::JoinedTwice,
                    format!("{user} is in group {} already", self.id),
                )),
                None => Ok(Joined {
                    members: self.members.values().map(|m| m.user.clone()).collect(),
                    media: self.members.values().flat_map(Member::media).collect(),
                }),
            });
        match joined {
            Ok(joined) => {
                self.tell_all_but(id, &Event::MemberJoined { user: user.clone() });
                self.users.insert(user.clone(), id);
                self.members.insert(id, Member::new(user, permissions));
                self.reply(id, re, Ok(Reply::Joined(joined)));
            }
            Err(failure) => {
                self.reply(id, re, Err(failure));
                self.outputs.push_back(GroupOutput::Departed(id));
            }
        }
    }

    /// A member asks something. What comes of it is one reply, except for offers: see
    /// [`handle_answer`](Self::handle_answer).
    pub fn handle_request(&mut self, id: MemberId, re: RequestId, request: GroupRequest) {
        let result = match request {
            GroupRequest::Leave => {
                self.refuse_offers(id);
                self.reply(id, re, Ok(Reply::Done {}));
                return self.remove(id);
            }
            GroupRequest::Publish {
                media_type,
                media,
                name,
            } => self.publish(id, media_type, media, name),
            GroupRequest::Unpublish { media_type, media } => self.unpublish(id, media_type, media),
            GroupRequest::Receive(key) => self.receive(id, key),
            GroupRequest::StopReceive(key) => self.stop_receive(id, &key),
            GroupRequest::Offer(offer) => match self.offer(id, re, offer) {
                Ok(()) => return,
                Err(failure) => Err(failure),
            },
            GroupRequest::Message(body) => self.message(id, body),
        };
        self.reply(id, re, result);
    }

    /// The media plane has answered a member's offer.
    pub fn handle_answer(&mut self, id: MemberId, re: RequestId, answer: Result<String, Failure>) {
        if self
            .members
            .get_mut(&id)
            .is_some_and(|member| member.offers.remove(&re))
        {
            self.reply(id, re, answer.map(|sdp| Reply::Answer { sdp }));
        }
    }

    /// The media plane has lost a member's transport.
    pub fn handle_transport_lost(&mut self, id: MemberId, generation: u32) {
        if self.members.get(&id).is_some_and(|m| m.generation == generation) {
            let body = encode_event(&Event::TransportLost { generation });
            self.outputs.push_back(GroupOutput::To {
                member: id,
                what: ToMember::Event(body),
            });
        }
    }

    /// A member's session has ended without leaving.
    pub fn handle_gone(&mut self, id: MemberId) {
        self.remove(id);
    }

    fn remove(&mut self, id: MemberId) {
        let Some(member) = self.members.remove(&id) else { return };
        self.users.remove(&member.user);
        for published in member.published.values() {
            self.outputs
                .push_back(GroupOutput::Media(MediaCommand::EndTrack(published.track)));
        }
        self.outputs.push_back(GroupOutput::Media(MediaCommand::EndPeer(id)));
        for media in member.media() {
            self.forget_receivers(&media.key);
            self.tell_all_but(id, &Event::Unpublished(media));
        }
        self.tell_all_but(id, &Event::MemberLeft { user: member.user });
        self.outputs.push_back(GroupOutput::Departed(id));
    }

    /// Every request has one reply, and these will have no other.
    fn refuse_offers(&mut self, id: MemberId) {
        let offers = self
            .members
            .get_mut(&id)
            .map(|member| std::mem::take(&mut member.offers));
        for re in offers.unwrap_or_default() {
            let failure = Failure::new(ErrorCode::NotInGroup, "the group was left before the answer");
            self.reply(id, re, Err(failure));
        }
    }

    fn publish(&mut self, id: MemberId, media_type: MediaType, media: MediaId, name: String) -> Result<Reply, Failure> {
        let member = member(&mut self.members, id)?;
        member.permissions.check_publish(media_type)?;
        if name.len() > MAX_NAME_TEXT {
            return Err(invalid(format!("a media's name has at most {MAX_NAME_TEXT} bytes")));
        }
        let key = (media_type, media.clone());
        if member.published.contains_key(&key) {
            return Ok(Reply::Done {});
        }
        if member.published.len() >= MAX_PUBLISHED {
            let message = format!("{MAX_PUBLISHED} media are published: stop one first");
            return Err(Failure::new(ErrorCode::OperationFailed, message));
        }
        self.last_track += 1;
        member.published.insert(
            key,
            Published {
                track: TrackId(self.last_track),
                name: name.clone(),
            },
        );
        let key = MediaRef {
            user: member.user.clone(),
            media_type,
            media,
        };
        self.tell_all_but(id, &Event::Published(Media { key, name }));
        Ok(Reply::Done {})
    }

    fn unpublish(&mut self, id: MemberId, media_type: MediaType, media: MediaId) -> Result<Reply, Failure> {
        let member = member(&mut self.members, id)?;
        let key = (media_type, media);
        if let Some(published) = member.published.remove(&key) {
            let key = MediaRef {
                user: member.user.clone(),
                media_type,
                media: key.1,
            };
            self.outputs
                .push_back(GroupOutput::Media(MediaCommand::EndTrack(published.track)));
            self.forget_receivers(&key);
            self.tell_all_but(
                id,
                &Event::Unpublished(Media {
                    key,
                    name: published.name,
                }),
            );
        }
        Ok(Reply::Done {})
    }

    fn receive(&mut self, id: MemberId, key: MediaRef) -> Result<Reply, Failure> {
        let is_published = self.track_of(&key).is_some();
        let member = member(&mut self.members, id)?;
        member.permissions.check_receive()?;
        if key.user == member.user {
            return Err(invalid(
                "one does not receive one's own media: show the local capture instead",
            ));
        }
        if !is_published {
            let code = match key.media_type {
                MediaType::ScreenShare => ErrorCode::NoScreenShare,
                _ => ErrorCode::OperationFailed,
            };
            return Err(Failure::new(
                code,
                format!("{key} is not published: wait for its announcement"),
            ));
        }
        member.receives.insert(key);
        Ok(Reply::Done {})
    }

    fn stop_receive(&mut self, id: MemberId, key: &MediaRef) -> Result<Reply, Failure> {
        member(&mut self.members, id)?.receives.remove(key);
        Ok(Reply::Done {})
    }

    fn offer(&mut self, id: MemberId, re: RequestId, offer: Offer) -> Result<(), Failure> {
        let Offer { generation, sdp, lines } = offer;
        if sdp.len() > MAX_SDP || lines.len() > MAX_LINES {
            return Err(invalid(format!(
                "an offer has at most {MAX_SDP} bytes and {MAX_LINES} lines"
            )));
        }
        let member = member(&mut self.members, id)?;
        if generation < member.generation {
            return Err(invalid(format!(
                "generation {generation} is over: {} was offered",
                member.generation
            )));
        }
        member.generation = generation;
        member.offers.insert(re);
        let member = &self.members[&id];
        let lines = lines
            .into_iter()
            .filter_map(|line| {
                Some(TrackLine {
                    role: self.track_role(member, &line.role)?,
                    mid: line.mid,
                })
            })
            .collect();
        self.outputs.push_back(GroupOutput::Media(MediaCommand::Offer {
            member: id,
            re,
            generation,
            sdp,
            lines,
        }));
        Ok(())
    }

    /// The track of a line, if it is announced and allowed.
    fn track_role(&self, member: &Member, role: &Role) -> Option<TrackRole> {
        match role {
            Role::Send { media_type, media } if media_type.is_stream() => member
                .published
                .get(&(*media_type, media.clone()))
                .map(|p| TrackRole::Send(p.track)),
            Role::Receive(key) if key.media_type.is_stream() && member.receives.contains(key) => {
                self.track_of(key).map(TrackRole::Receive)
            }
            _ => None,
        }
    }

    fn message(&mut self, id: MemberId, body: Payload) -> Result<Reply, Failure> {
        let member = member(&mut self.members, id)?;
        member.permissions.check_message()?;
        if body.as_json().len() > MAX_MESSAGE {
            return Err(invalid(format!("a message has at most {MAX_MESSAGE} bytes of JSON")));
        }
        self.last_message += 1;
        let seq = self.last_message;
        let from = member.user.clone();
        self.tell_all_but(id, &Event::Message { from, seq, body });
        Ok(Reply::Sent { seq })
    }

    fn track_of(&self, key: &MediaRef) -> Option<TrackId> {
        let publisher = &self.members[self.users.get(&key.user)?];
        Some(publisher.published.get(&(key.media_type, key.media.clone()))?.track)
    }

    fn forget_receivers(&mut self, key: &MediaRef) {
        for member in self.members.values_mut() {
            member.receives.remove(key);
        }
    }

    fn reply(&mut self, member: MemberId, re: RequestId, result: Result<Reply, Failure>) {
        self.outputs.push_back(GroupOutput::To {
            member,
            what: ToMember::Reply { re, result },
        });
    }

    fn tell_all_but(&mut self, id: MemberId, event: &Event) {
        let members: Vec<_> = self.members.keys().copied().filter(|&other| other != id).collect();
        if !members.is_empty() {
            self.outputs.push_back(GroupOutput::Tell {
                members,
                body: encode_event(event),
            });
        }
    }
}

/// A free function, so that other fields of the group stay usable beside the member.
fn member(members: &mut BTreeMap<MemberId, Member>, id: MemberId) -> Result<&mut Member, Failure> {
    members
        .get_mut(&id)
        .ok_or_else(|| Failure::new(ErrorCode::NotInGroup, "not in a group: join one first"))
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidArgument, message)
}

use std::time::Instant;

use hst_id::{MediaId, MediaRef, MediaType};
use hst_proto::{ErrorCode, Event, Failure, MAX_LINES, MAX_NAME_TEXT, MAX_SDP, Media, Offer, Reply, RequestId, Role};

use super::{Group, Height, invalid, not_in_group};
use crate::server::{
    GroupOutput, Happening, MediaCommand, MemberId, Recipients, TrackId, TrackLine, TrackRole,
    member::{Member, Published},
};

/// The most media that one member may publish at a time.
const MAX_PUBLISHED: usize = 64;
/// The most bytes that all media of a group may take in a snapshot, which has to fit in a frame.
const MEDIA_BYTES: usize = 128 * 1024;

impl Group {
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
            self.tell_one(id, &Event::TransportLost { generation });
        }
    }

    /// Every request has one reply, and these will have no other.
    pub(super) fn refuse_offers(&mut self, id: MemberId) {
        let offers = self
            .members
            .get_mut(&id)
            .map(|member| std::mem::take(&mut member.offers));
        for re in offers.unwrap_or_default() {
            let failure = Failure::new(ErrorCode::NotInGroup, "the group was left before the answer");
            self.reply(id, re, Err(failure));
        }
    }

    pub(super) fn publish(
        &mut self,
        now: Instant,
        id: MemberId,
        media_type: MediaType,
        media: MediaId,
        name: String,
    ) -> Result<Reply, Failure> {
        if media_type == MediaType::WhiteBoard {
            return self.publish_board(id, &media);
        }
        let member = self.members.get_mut(&id).ok_or_else(not_in_group)?;
        member.permissions.check_publish(media_type)?;
        if name.len() > MAX_NAME_TEXT {
            return Err(invalid(format!("a media's name has at most {MAX_NAME_TEXT} bytes")));
        }
        if member.published.contains_key(&(media_type, media.clone())) {
            return Ok(Reply::Done {});
        }
        if member.published.len() >= MAX_PUBLISHED {
            let message = format!("{MAX_PUBLISHED} media are published: stop one first");
            return Err(Failure::new(ErrorCode::OperationFailed, message));
        }
        self.last_track += 1;
        let published = Published {
            track: TrackId(self.last_track),
            name,
            muted: false,
        };
        let told = published.told(member.key(media_type, media.clone()));
        take_room(&mut self.media_bytes, &told)?;
        self.views.begin(now, id, published.track, &told.key);
        member.published.insert((media_type, media), published);
        self.publishers.insert(id);
        let happened = Happening::Published(told.key.clone());
        self.outputs.push_back(GroupOutput::Happened(happened));
        self.tell(Recipients::AllBut(id), &Event::Published(told));
        Ok(Reply::Done {})
    }

    pub(super) fn unpublish(&mut self, id: MemberId, media_type: MediaType, media: MediaId) -> Result<Reply, Failure> {
        if media_type == MediaType::WhiteBoard {
            return self.unpublish_board(id, &media);
        }
        let member = self.members.get_mut(&id).ok_or_else(not_in_group)?;
        let key = member.key(media_type, media.clone());
        if let Some(published) = member.published.remove(&(media_type, media)) {
            if member.published.is_empty() {
                self.publishers.remove(&id);
            }
            let track = published.track;
            self.end_track(track);
            self.tell_unpublished(id, published.told(key));
        }
        Ok(Reply::Done {})
    }

    pub(super) fn end_track(&mut self, track: TrackId) {
        self.views.end(track);
        for member in self.members.values_mut() {
            member.held.remove(&track);
            member.priorities.remove(&track);
            member.starved.remove(&track);
        }
        self.command(MediaCommand::EndTrack(track));
    }

    /// A member's media is no more among those that he publishes.
    pub(super) fn tell_unpublished(&mut self, id: MemberId, media: Media) {
        give_room(&mut self.media_bytes, &media);
        for member in self.members.values_mut() {
            member.receives.remove(&media.key);
        }
        let happened = Happening::Unpublished(media.key.clone());
        self.outputs.push_back(GroupOutput::Happened(happened));
        self.tell(Recipients::AllBut(id), &Event::Unpublished(media));
    }

    pub(super) fn receive(&mut self, now: Instant, id: MemberId, key: MediaRef) -> Result<Reply, Failure> {
        let is_published = self.track_of(&key).is_some();
        let member = self.member(id)?;
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
        // Also where he has said otherwise before: a client that begins anew knows nothing of it.
        self.set_view(now, id, &key, Some(Height::ALL));
        self.set_usual_priority(id, &key);
        Ok(Reply::Done {})
    }

    pub(super) fn stop_receive(&mut self, now: Instant, id: MemberId, key: &MediaRef) -> Result<Reply, Failure> {
        self.member(id)?;
        self.set_view(now, id, key, None);
        Ok(Reply::Done {})
    }

    pub(super) fn offer(&mut self, id: MemberId, re: RequestId, offer: Offer) -> Result<(), Failure> {
        let Offer { generation, sdp, lines } = offer;
        if sdp.len() > MAX_SDP || lines.len() > MAX_LINES {
            return Err(invalid(format!(
                "an offer has at most {MAX_SDP} bytes and {MAX_LINES} lines"
            )));
        }
        let member = self.members.get_mut(&id).ok_or_else(not_in_group)?;
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
                    in_step_with: self.in_step_with(&line.role),
                    mid: line.mid,
                })
            })
            .collect();
        self.command(MediaCommand::Offer {
            member: id,
            re,
            generation,
            sdp,
            lines,
        });
        Ok(())
    }

    /// The track of a line, if it is announced and allowed.
    fn track_role(&self, member: &Member, role: &Role) -> Option<TrackRole> {
        match role {
            Role::Send { media_type, media } if media_type.is_stream() => member
                .published
                .get(&(*media_type, media.clone()))
                .map(|p| TrackRole::Send(p.track)),
            Role::Receive(key) if key.media_type.is_stream() && member.receives.contains_key(key) => {
                self.track_of(key).map(TrackRole::Receive)
            }
            _ => None,
        }
    }

    /// Whose sounds and pictures what a line receives goes with.
    fn in_step_with(&self, role: &Role) -> Option<MemberId> {
        match role {
            Role::Receive(key) if key.media_type != MediaType::ScreenShare => self.roster.member(&key.user),
            _ => None,
        }
    }

    pub(super) fn track_of(&self, key: &MediaRef) -> Option<TrackId> {
        let publisher = &self.members[&self.roster.member(&key.user)?];
        Some(publisher.published.get(&(key.media_type, key.media.clone()))?.track)
    }
}

/// Makes room for a media in the snapshots, of which `bytes` are taken.
pub(super) fn take_room(bytes: &mut usize, media: &Media) -> Result<(), Failure> {
    if *bytes + size(media) > MEDIA_BYTES {
        let message = "the group has as many media as it can: wait until others stop some";
        return Err(Failure::new(ErrorCode::OperationFailed, message));
    }
    *bytes += size(media);
    Ok(())
}

/// The media takes no room any more.
pub(super) fn give_room(bytes: &mut usize, media: &Media) {
    *bytes -= size(media);
}

/// A little more than what a media takes in a snapshot. The state of being muted is counted always.
fn size(media: &Media) -> usize {
    const AROUND: usize = r#"{"user":"","type":0,"media":"","name":"","muted":true},"#.len();
    // JSON may write a byte of a name as an escape of six.
    AROUND + media.key.user.as_str().len() + 2 * media.key.media.as_str().len() + 6 * media.name.len()
}

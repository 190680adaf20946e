use std::time::{Duration, Instant};

use hst_id::{MediaRef, UserId};
use hst_proto::{ErrorCode, Event, Failure, encode_event};

use super::Group;
use crate::server::{Governance, GroupOutput, MediaCommand, MemberId, Recipients, ToMember};

/// How many a group keeps out at a time; one more is refused.
const MAX_BANS: usize = 10_000;

impl Group {
    /// Acts on the group in the name of somebody who may.
    ///
    /// # Errors
    /// Code 302 when there is no such member or media, or when too many are banned; nothing has changed then.
    pub fn handle_governance(&mut self, now: Instant, act: Governance) -> Result<(), Failure> {
        match act {
            Governance::Kick { user, ban } => self.kick(now, user, ban),
            Governance::Remove { user, why } => {
                let id = self.roster.member(&user).ok_or_else(|| not_in_group(&user))?;
                self.put_out(now, id, why);
                Ok(())
            }
            Governance::Mute { media, muted } => self.mute(media, muted),
            Governance::Lock { locked } => {
                if std::mem::replace(&mut self.locked, locked) != locked {
                    self.tell(Recipients::All, &Event::Locked { locked });
                }
                Ok(())
            }
            Governance::Close(why) => {
                let all: Vec<_> = self.members.keys().copied().collect();
                for id in all {
                    self.put_out(now, id, why.clone());
                }
                Ok(())
            }
            Governance::Announce(body) => {
                self.tell(Recipients::All, &Event::ServerMessage { body });
                Ok(())
            }
        }
    }

    fn kick(&mut self, now: Instant, user: UserId, ban: Option<Duration>) -> Result<(), Failure> {
        if let Some(time) = ban {
            self.banned.retain(|_, until| *until > now);
            if self.banned.len() >= MAX_BANS && !self.banned.contains_key(&user) {
                let message = format!("{MAX_BANS} users are banned from this group, and no more can be");
                return Err(Failure::new(ErrorCode::OperationFailed, message));
            }
            // A moment that no clock can name never comes.
            if let Some(until) = now.checked_add(time) {
                self.banned.insert(user.clone(), until);
            }
            let user = user.clone();
            self.outputs.push_back(GroupOutput::Ban { user, time });
        }
        let Some(id) = self.roster.member(&user) else {
            return match ban {
                Some(_) => Ok(()),
                None => Err(not_in_group(&user)),
            };
        };
        let why = match ban {
            Some(_) => Failure::new(ErrorCode::Banned, "removed from the group, for some time"),
            None => Failure::new(ErrorCode::KickedOut, "removed from the group"),
        };
        self.put_out(now, id, why);
        Ok(())
    }

    fn put_out(&mut self, now: Instant, id: MemberId, why: Failure) {
        self.refuse_offers(id);
        let what = ToMember::Removed(encode_event(&Event::Removed(why)));
        self.outputs.push_back(GroupOutput::To { member: id, what });
        self.remove(now, id);
    }

    fn mute(&mut self, media: MediaRef, muted: bool) -> Result<(), Failure> {
        let key = (media.media_type, media.media.clone());
        let published = self
            .roster
            .member(&media.user)
            .and_then(|id| self.members.get_mut(&id))
            .and_then(|member| member.published.get_mut(&key));
        let Some(published) = published else {
            return Err(Failure::new(
                ErrorCode::OperationFailed,
                format!("{media} is not published"),
            ));
        };
        if published.muted != muted {
            published.muted = muted;
            let (track, told) = (published.track, published.told(media));
            self.command(MediaCommand::MuteTrack { track, muted });
            self.tell(Recipients::All, &Event::Muted(told));
        }
        Ok(())
    }
}

fn not_in_group(user: &UserId) -> Failure {
    Failure::new(ErrorCode::OperationFailed, format!("{user} is not in the group"))
}

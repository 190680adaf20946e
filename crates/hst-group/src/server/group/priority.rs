use hst_id::{MediaRef, MediaType};
use hst_proto::{ErrorCode, Failure, Priority, Reply};

use super::{Group, invalid, view::is_picture};
use crate::server::{MediaCommand, MemberId};

impl Group {
    /// A member says how much a picture matters to him.
    pub(super) fn prioritize(&mut self, id: MemberId, media: &MediaRef, priority: Priority) -> Result<Reply, Failure> {
        if !is_picture(media.media_type) {
            return Err(invalid(
                "only a video or a screen share has a priority: sound comes first",
            ));
        }
        if !self.member(id)?.receives.contains_key(media) {
            let message = format!("{media} is not received: receive it first");
            return Err(Failure::new(ErrorCode::OperationFailed, message));
        }
        self.set_priority(id, media, priority);
        Ok(Reply::Done {})
    }

    /// A member receives a media, of which he has said nothing yet: a shared screen is what all look at.
    pub(super) fn set_usual_priority(&mut self, id: MemberId, media: &MediaRef) {
        let usual = match media.media_type {
            MediaType::ScreenShare => Priority::High,
            _ => Priority::Normal,
        };
        self.set_priority(id, media, usual);
    }

    fn set_priority(&mut self, id: MemberId, media: &MediaRef, priority: Priority) {
        let track = self.track_of(media);
        let (Some(track), Some(member)) = (track, self.members.get_mut(&id)) else {
            return;
        };
        let before = match priority {
            Priority::Normal => member.priorities.remove(&track),
            Priority::Low | Priority::High => member.priorities.insert(track, priority),
        };
        if before.unwrap_or_default() != priority {
            self.command(MediaCommand::PrioritizeTrack {
                member: id,
                track,
                priority,
            });
        }
    }
}

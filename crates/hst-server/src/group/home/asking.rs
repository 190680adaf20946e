use hst_group::server::{Governance, GroupRequest, MemberId};
use hst_id::{MediaRef, MediaType};
use hst_proto::{Failure, RequestId};

use super::{Home, now};

/// What is asked of a group.
impl Home {
    pub(super) fn ask(&mut self, member: MemberId, re: RequestId, request: GroupRequest) {
        match request {
            GroupRequest::Govern(act) => {
                let muted = muted(&act);
                self.core.handle_request(now(), member, re, GroupRequest::Govern(act));
                self.keep_muted(muted);
            }
            request if self.settles.is_some() && self.is_for_all(&request) => self.deferred.push((member, re, request)),
            request => {
                let changes = changes_seat(&request);
                self.carry_out(member, re, request);
                if changes {
                    self.keep(member);
                }
            }
        }
    }

    pub(super) fn govern(&mut self, act: Governance) -> Result<(), Failure> {
        let muted = muted(&act);
        let done = self.core.handle_governance(now(), act);
        self.keep_muted(muted);
        done
    }

    fn keep_muted(&mut self, media: Option<MediaRef>) {
        if let Some(publisher) = media.and_then(|media| self.core.member_named(&media.user)) {
            self.keep(publisher);
        }
    }

    pub(super) fn carry_out(&mut self, member: MemberId, re: RequestId, request: GroupRequest) {
        if must_be_known(&request) {
            self.to_be_known.insert((member, re));
        }
        self.core.handle_request(now(), member, re, request);
    }

    /// Whether it must wait while some who are in the group may not have come yet: they would miss what comes of it, or have what
    /// it asks for.
    fn is_for_all(&self, request: &GroupRequest) -> bool {
        match request {
            GroupRequest::Publish { .. } | GroupRequest::Unpublish { .. } => {
                // Where all are told how the group is, that is part of it.
                self.told.is_some() || must_be_known(request)
            }
            GroupRequest::History { .. } | GroupRequest::OpenBoard { .. } | GroupRequest::Sketch(_) => true,
            request => must_be_known(request),
        }
    }
}

/// Whether its answer says that what was done does not end with this node.
fn must_be_known(request: &GroupRequest) -> bool {
    match request {
        GroupRequest::Message(_)
        | GroupRequest::CreateBoard(_)
        | GroupRequest::DeleteBoard(_)
        | GroupRequest::Draw(_) => true,
        GroupRequest::Publish { media_type, .. } | GroupRequest::Unpublish { media_type, .. } => {
            *media_type == MediaType::WhiteBoard
        }
        _ => false,
    }
}

/// What is to be kept of a member after this.
fn changes_seat(request: &GroupRequest) -> bool {
    matches!(
        request,
        GroupRequest::Publish { .. }
            | GroupRequest::Unpublish { .. }
            | GroupRequest::Receive(_)
            | GroupRequest::StopReceive(_)
            | GroupRequest::View { .. }
            | GroupRequest::Prioritize { .. }
            | GroupRequest::Offer(_)
            | GroupRequest::OpenBoard { after: None, .. }
            | GroupRequest::CloseBoard(_)
    )
}

fn muted(act: &Governance) -> Option<MediaRef> {
    match act {
        Governance::Mute { media, .. } => Some(media.clone()),
        _ => None,
    }
}

use hst_group::server::{GroupOutput, Happening, MediaCommand, MemberId, Recipients, ToMember};
use hst_id::MediaRef;
use hst_proto::{Class, EventBody};

use super::{Held, Home, now};
use crate::group::{
    branches::{BranchId, Told},
    words::ToBranch,
};

/// What comes of what was decided: for members and rooms, by whichever node.
impl Home {
    pub(super) async fn perform_all(&mut self) {
        while let Some(output) = self.core.poll_output() {
            self.perform(output).await;
        }
        if self.core.is_locked() != self.site.standing.locked {
            self.site.standing = self.core.standing();
            let stuck = self.branches.tell_each(&ToBranch::Stands(self.site.standing));
            self.lose_branches(stuck);
        }
    }

    async fn perform(&mut self, output: GroupOutput) {
        match output {
            GroupOutput::To { member, what } => self.answer(member, what),
            GroupOutput::Tell {
                to,
                body,
                class,
                is_kept,
            } => self.tell_all(&to, &body, class, is_kept),
            GroupOutput::Keep(said) => {
                let stuck = self.branches.keep(said);
                self.lose_branches(stuck);
            }
            GroupOutput::Media(command) => self.command(command).await,
            GroupOutput::Departed(member) => {
                self.depart(member);
                self.site.dismiss(member).await;
                self.end_former(member).await;
            }
            GroupOutput::Ban { user, time } => self.follow.ban(user, time),
            GroupOutput::Happened(happening) => {
                if let Happening::Published(media) = &happening {
                    self.announce(media);
                }
                self.follow.happened(happening).await;
            }
        }
    }

    /// Tells a member something, if it is not that something has been done which must be known everywhere first, and is not yet.
    fn answer(&mut self, member: MemberId, what: ToMember) {
        if let ToMember::Reply { re, result } = &what
            && self.to_be_known.remove(&(member, *re))
            && result.is_ok()
        {
            let until = self.branches.unheard();
            if !until.is_empty() {
                return self.held.push_back(Held { until, member, what });
            }
        }
        self.tell(member, what);
    }

    pub(super) fn tell(&mut self, member: MemberId, what: ToMember) {
        let (branch, local) = BranchId::of(member);
        if branch == BranchId::HOME {
            if let Some(gone) = self.site.tell(member, what) {
                self.core.handle_gone(now(), gone);
            }
        } else {
            let stuck = self.branches.tell(branch, &ToBranch::To { member: local, what });
            self.lose_branches(stuck);
        }
    }

    fn tell_all(&mut self, to: &Recipients, body: &EventBody, class: Class, is_kept: bool) {
        for gone in self.site.tell_all(to, body, class) {
            self.core.handle_gone(now(), gone);
        }
        let told = Told {
            body,
            class,
            last_message: self.core.standing().last_message,
            is_kept,
        };
        let stuck = self.branches.tell_all(to, &told);
        self.lose_branches(stuck);
    }

    pub(super) fn depart(&mut self, member: MemberId) {
        let (branch, local) = BranchId::of(member);
        if branch == BranchId::HOME {
            self.site.forget(member);
        } else {
            let stuck = self.branches.tell(branch, &ToBranch::Departed(local));
            self.lose_branches(stuck);
        }
    }

    /// Lets every node know where a stream is published.
    pub(super) fn announce(&mut self, media: &MediaRef) {
        // A white board is none.
        let Some((track, publisher)) = self.core.track(media) else {
            return;
        };
        let at = self.branches.node_of(BranchId::of(publisher).0).cloned();
        let at = at.unwrap_or_else(|| self.node.owner());
        self.site.publish(track, media.clone(), at.clone());
        let media = media.clone();
        let stuck = self.branches.tell_each(&ToBranch::Published { track, media, at });
        self.lose_branches(stuck);
    }

    /// A member's transport is at the node by which he came, and a track may be in the rooms of all.
    pub(super) async fn command(&mut self, command: MediaCommand) {
        match member_of(&command) {
            None => {
                let stuck = self.branches.tell_each(&ToBranch::Media(command.clone()));
                self.lose_branches(stuck);
                self.site.command(command).await;
            }
            Some(member) => {
                let (branch, local) = BranchId::of(member);
                if branch == BranchId::HOME {
                    self.site.command(command).await;
                } else {
                    let command = with_member(command, local);
                    let stuck = self.branches.tell(branch, &ToBranch::Media(command));
                    self.lose_branches(stuck);
                }
            }
        }
    }
}

fn member_of(command: &MediaCommand) -> Option<MemberId> {
    match command {
        MediaCommand::Offer { member, .. }
        | MediaCommand::HoldTrack { member, .. }
        | MediaCommand::ViewTrack { member, .. }
        | MediaCommand::PrioritizeTrack { member, .. }
        | MediaCommand::EndPeer(member) => Some(*member),
        MediaCommand::MuteTrack { .. } | MediaCommand::EndTrack(_) => None,
    }
}

fn with_member(mut command: MediaCommand, name: MemberId) -> MediaCommand {
    match &mut command {
        MediaCommand::Offer { member, .. }
        | MediaCommand::HoldTrack { member, .. }
        | MediaCommand::ViewTrack { member, .. }
        | MediaCommand::PrioritizeTrack { member, .. }
        | MediaCommand::EndPeer(member) => *member = name,
        MediaCommand::MuteTrack { .. } | MediaCommand::EndTrack(_) => {}
    }
    command
}

use hst_cluster::Owner;
use hst_group::server::{MediaCommand, MemberId, ToMember};
use hst_id::UserId;
use hst_proto::{ErrorCode, Event, Failure, encode_event};

use super::Home;
use crate::group::branches::BranchId;

/// Members who come by another node than before: nobody else notices.
impl Home {
    /// A member comes by that node from now on, which calls him so. Gives whether that is done: it is not when the node has no
    /// branch here, or he is no member any more.
    pub(super) async fn pass(&mut self, from: MemberId, to: &Owner, called: MemberId) -> bool {
        let Some(to) = self.called_at(to, called) else {
            return false;
        };
        // Whether he has a transport at his node is to be known there.
        self.keep(from);
        if !self.core.handle_passed(from, to) {
            return false;
        }
        // Of a node before that one nothing is left to be carried on.
        self.end_former(from).await;
        self.former.insert(to, from);
        self.seat_anew(to);
        true
    }

    /// A member was passed to a node, and his session is with another after all. What he was told there he has missed.
    pub(super) async fn take_over(&mut self, member: MemberId, user: &UserId, from: &Owner) {
        let before = self.core.member_named(user).filter(|&before| {
            let at = self.branches.node_of(BranchId::of(before).0);
            self.is_orphan(before) || at.map_or_else(|| self.node.is(from), |at| at.boot == from.boot)
        });
        if let Some(before) = before
            && self.core.handle_passed(before, member)
        {
            self.end_former(before).await;
            self.depart(before);
            self.seat_anew(member);
            return self.core.handle_missed(member);
        }
        let why = Failure::new(ErrorCode::NotInGroup, "the group has let go of this member");
        self.tell(member, ToMember::Removed(encode_event(&Event::Removed(why))));
        self.depart(member);
    }

    /// A member's transport at the node of before is not to carry anything any more.
    pub(super) async fn end_former(&mut self, member: MemberId) {
        if let Some(former) = self.former.remove(&member) {
            self.command(MediaCommand::EndPeer(former)).await;
        }
    }

    /// His node knows what he has, and all nodes where his media are published.
    fn seat_anew(&mut self, member: MemberId) {
        self.keep(member);
        let published: Vec<_> = self
            .core
            .seat(member)
            .iter()
            .flat_map(|seat| seat.published().collect::<Vec<_>>())
            .collect();
        for media in &published {
            self.announce(media);
        }
    }

    fn called_at(&self, node: &Owner, called: MemberId) -> Option<MemberId> {
        if self.node.is(node) {
            return Some(called);
        }
        let branch = self.branches.of(node).into_iter().next()?;
        Some(branch.member(called))
    }
}

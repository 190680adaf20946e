use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{Home, Message, Turn};
use crate::group::{branches::BranchId, words::ToBranch};

/// How long a home that is to end waits at most until the copies of what the group keeps are whole.
const COPYING: Duration = Duration::from_secs(6);
/// How long the branches may take to have said and heard everything before the group goes on elsewhere.
const FAREWELL: Duration = Duration::from_secs(2);

/// A home that nobody comes by any more, and whose group goes on at one of the nodes by which its members come.
impl Home {
    /// Whether it is to end, nobody comes by it any more, and what the group keeps is where it goes on, or has had its time to
    /// get there.
    pub(super) fn may_end(&mut self) -> bool {
        let is_to_end = self.life.is_leaving() && self.site.is_empty() && !self.branches.is_empty();
        if !is_to_end {
            self.ends = None;
            return false;
        }
        let present = Instant::now();
        let ends = *self.ends.get_or_insert(present + COPYING);
        self.branches.are_filled() || ends <= present
    }

    /// Has the branches say nothing more, does what they have asked by then, and waits until they have heard everything: so
    /// nobody misses anything. Says whether the group goes on elsewhere.
    pub(super) async fn take_leave(&mut self) -> bool {
        self.silent = Some(BTreeSet::new());
        let stuck = self.branches.tell_each(&ToBranch::Closing);
        self.lose_branches(stuck);
        let until = Instant::now() + FAREWELL;
        while self.silent.as_ref().is_some_and(|silent| !self.is_all_said(silent)) {
            match timeout_at(until, self.site.next()).await {
                Ok(Turn::Message(Message::Lost)) => {
                    self.silent = None;
                    return true;
                }
                Ok(Turn::Message(message)) => self.handle(message).await,
                Ok(Turn::Answered(member, re, answer)) => self.core.handle_answer(member, re, answer),
                Ok(Turn::Over) => return !self.branches.is_empty(),
                Err(_) => break,
            }
            self.perform_all().await;
        }
        true
    }

    pub(super) fn is_all_said(&self, silent: &BTreeSet<BranchId>) -> bool {
        let are_silent = self.branches.all().all(|branch| silent.contains(&branch));
        are_silent && self.held.is_empty() && self.orphans.is_empty() && self.branches.unheard().is_empty()
    }

    /// The group's place is free: the branches are to look for the next.
    pub(super) async fn say_over(&mut self, told: Option<usize>) {
        let stuck = self.branches.tell_each(&ToBranch::Over { members: told });
        self.lose_branches(stuck);
        let until = Instant::now() + FAREWELL;
        while !self.branches.unheard().is_empty() {
            match timeout_at(until, self.site.next()).await {
                Ok(Turn::Message(Message::Heard(branch, count))) => self.branches.heard(branch, count),
                Ok(Turn::Message(Message::BranchGone(branch))) => self.branches.go(Some(branch)),
                Ok(Turn::Message(_) | Turn::Answered(..)) => {}
                // Who does not hear it finds its pipe at an end.
                Ok(Turn::Over) | Err(_) => return,
            }
        }
    }
}

use std::collections::VecDeque;

use hst_proto::{Audience, Class, Event, Failure, GroupMessage, MAX_LISTED, MAX_PAGE, Reply, ToGroup, encode_event};

use super::{Group, invalid};
use crate::server::{GroupOutput, MemberId, Recipients};

/// The most bytes of messages in one page of history; one message always fits.
const PAGE_BYTES: usize = 128 * 1024;

/// The order of the group's messages, and those that are kept.
#[derive(Debug, Default)]
pub(super) struct Messages {
    last: u64,
    kept: VecDeque<GroupMessage>,
}

impl Messages {
    /// The number of the last message.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Whether there are any for who asks for them.
    pub(super) fn keeps_any(&self) -> bool {
        !self.kept.is_empty()
    }

    /// The next message has a number behind this one.
    pub(super) fn skip_to(&mut self, last: u64) {
        self.last = self.last.max(last);
    }

    /// What is kept behind this number, as much as goes in one piece.
    pub(super) fn kept_behind(&self, seq: u64) -> Vec<GroupMessage> {
        let from = self.kept.partition_point(|message| message.seq <= seq);
        first_page(self.kept.range(from..))
    }

    /// Keeps a message, in its place among the others; beyond `most` the earliest goes.
    pub(super) fn keep(&mut self, message: GroupMessage, most: usize) {
        let place = self.kept.partition_point(|kept| kept.seq < message.seq);
        if self.kept.get(place).is_none_or(|kept| kept.seq != message.seq) {
            self.kept.insert(place, message);
        }
        self.keep_only(most);
    }

    /// Lets the earliest go beyond `most`.
    pub(super) fn keep_only(&mut self, most: usize) {
        let beyond = self.kept.len().saturating_sub(most);
        self.kept.drain(..beyond);
    }
}

impl Group {
    pub(super) fn message(&mut self, id: MemberId, message: ToGroup) -> Result<Reply, Failure> {
        let member = self.member(id)?;
        member.permissions.check_message()?;
        let ToGroup { body, to, class } = message;
        if body.as_json().len() > self.rules.max_message {
            let max = self.rules.max_message;
            return Err(invalid(format!("a message has at most {max} bytes of JSON")));
        }
        let from = member.user.clone();
        let recipients = self.recipients(id, &to)?;
        self.messages.last += 1;
        let seq = self.messages.last;
        let message = GroupMessage { from, seq, body };
        let is_kept = self.rules.history > 0 && to == Audience::All && class == Class::Reliable;
        if is_kept {
            self.messages.keep(message.clone(), self.rules.history);
            self.kept_changes();
        }
        self.outputs.push_back(GroupOutput::Tell {
            to: recipients,
            body: encode_event(&Event::Message(message)),
            class,
            is_kept,
        });
        Ok(Reply::Sent { seq })
    }

    /// Judged at the moment when the message gets its number: who comes later does not get it.
    fn recipients(&self, sender: MemberId, to: &Audience) -> Result<Recipients, Failure> {
        let listed = match to {
            Audience::All => return Ok(Recipients::AllBut(sender)),
            Audience::Only(listed) | Audience::Except(listed) => listed,
        };
        if listed.len() > MAX_LISTED {
            return Err(invalid(format!("a message names at most {MAX_LISTED} users")));
        }
        let mut named: Vec<_> = listed.iter().filter_map(|user| self.roster.member(user)).collect();
        named.push(sender);
        named.sort_unstable();
        named.dedup();
        let members = match to {
            Audience::Except(_) => {
                let all = self.members.keys().copied();
                all.filter(|member| named.binary_search(member).is_err()).collect()
            }
            _ => named.into_iter().filter(|&member| member != sender).collect(),
        };
        Ok(Recipients::Only(members))
    }

    pub(super) fn history(&self, id: MemberId, before: Option<u64>, limit: u32) -> Result<Reply, Failure> {
        self.member(id)?;
        let earlier = self.messages.kept.iter().rev();
        let earlier = earlier.filter(|message| before.is_none_or(|before| message.seq < before));
        let mut messages = first_page(earlier.take(limit as usize));
        messages.reverse();
        Ok(Reply::History { messages })
    }
}

/// The first of these messages, as many as fit.
fn first_page<'a>(messages: impl Iterator<Item = &'a GroupMessage>) -> Vec<GroupMessage> {
    let mut bytes = 0;
    let fitting = messages.take(MAX_PAGE).take_while(|message| {
        let is_first = bytes == 0;
        bytes += message.body.as_json().len();
        is_first || bytes <= PAGE_BYTES
    });
    fitting.cloned().collect()
}

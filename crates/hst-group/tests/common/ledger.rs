//! Exact accounting of group messages: what was asked, what became of it, and what came where.
//!
//! It keeps its own book of who is in which group, told only who was let in and who is out, and judges from that to whom
//! each message is due. A member owes nothing to a client that has left by itself, that was told of a discontinuity, or
//! whose session was lost before its eyes; anything else that does not come is lost.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use hst_group::{client::Refusal, server::MemberId};
use hst_id::UserId;
use hst_proto::{Class, ErrorCode, GroupMessage, Payload, Reply, ToGroup};

use super::server::SessionId;

/// A client's own number for a message.
pub type MessageId = (usize, u32);

#[derive(Default)]
pub struct Ledger {
    pub counts: Counts,
    numbers: HashMap<usize, u32>,
    /// Those that have their place in the order of a group, in that order.
    messages: Vec<Message>,
    by_id: HashMap<MessageId, usize>,
    epochs: BTreeMap<MemberId, Epoch>,
    /// Who is in a group now, by its incarnation.
    present: BTreeMap<u64, BTreeMap<UserId, MemberId>>,
    by_client: HashMap<usize, Vec<MemberId>>,
    /// What was left out on the way and may come yet, out of order.
    missing: HashSet<(MemberId, usize)>,
}

/// What came of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// What a group has given a number.
    pub sequenced: usize,
    pub acked: usize,
    pub refused: usize,
    pub unknown: usize,
    pub delivered: usize,
    pub lost: usize,
    pub duplicated: usize,
    pub reordered: usize,
    /// Delivered to somebody who was not a member at that moment, or to whom it was not addressed.
    pub leaked: usize,
    /// Refused and yet carried out, acknowledged and yet not, under another name or number, or carried out twice.
    pub forged: usize,
    /// Not delivered to somebody who was told of it or went.
    pub excused: usize,
    pub discontinuities: usize,
    /// How often a session went on with frames missing.
    pub gaps: usize,
}

struct Message {
    id: MessageId,
    from: UserId,
    seq: u64,
    is_reliable: bool,
}

/// One membership of one client in one group.
struct Epoch {
    who: usize,
    session: SessionId,
    room: u64,
    user: UserId,
    /// The messages that are due to it, in their order.
    due: Vec<usize>,
    next: usize,
    /// Up to here some may be missing, and the client is to be told; up to there it was.
    gap: usize,
    told: usize,
    /// Whether the client has heard that it is in.
    is_open: bool,
    /// Whether the client expects nothing more.
    is_over: bool,
}

impl Ledger {
    /// The next message of a client, with so many bytes of no meaning.
    pub fn next_message(&mut self, who: usize, bytes: usize) -> (MessageId, Payload) {
        let number = self.numbers.entry(who).or_default();
        *number += 1;
        let body = format!("[{who},{number},\"{}\"]", "x".repeat(bytes));
        ((who, *number), Payload::from_json(&body).unwrap())
    }

    /// The client was told what came of its message.
    pub fn outcome(&mut self, id: MessageId, result: &Result<Reply, Refusal>) {
        let sequenced = self.by_id.get(&id).map(|&index| self.messages[index].seq);
        match result {
            Ok(Reply::Sent { seq }) => {
                self.counts.acked += 1;
                self.counts.forged += usize::from(sequenced != Some(*seq));
            }
            Ok(_) => self.counts.forged += 1,
            Err(why) if why.server_code.is_some() => {
                self.counts.refused += 1;
                self.counts.forged += usize::from(sequenced.is_some());
            }
            Err(_) => self.counts.unknown += 1,
        }
    }

    /// The server has let a client into a group.
    pub fn joined(&mut self, room: u64, member: MemberId, user: UserId, who: usize, session: SessionId) {
        let epoch = Epoch {
            who,
            session,
            room,
            user: user.clone(),
            due: Vec::new(),
            next: 0,
            gap: 0,
            told: 0,
            is_open: false,
            is_over: false,
        };
        self.epochs.insert(member, epoch);
        self.by_client.entry(who).or_default().push(member);
        let before = self.present.entry(room).or_default().insert(user, member);
        assert_eq!(before, None, "one user has two places in a group");
    }

    /// A member is out, by whatever reason.
    pub fn departed(&mut self, member: MemberId) {
        if let Some(epoch) = self.epochs.get(&member)
            && let Some(present) = self.present.get_mut(&epoch.room)
        {
            present.remove(&epoch.user);
        }
    }

    /// All groups of the server are gone.
    pub fn restarted(&mut self) {
        self.present.clear();
    }

    /// A group has given a message of a member its number.
    pub fn sequenced(&mut self, room: u64, member: MemberId, message: &ToGroup, seq: u64) {
        let Some(id) = message_id(&message.body) else { return };
        self.counts.sequenced += 1;
        let index = self.messages.len();
        let from = self.epochs[&member].user.clone();
        let is_reliable = message.class == Class::Reliable;
        if self.by_id.insert(id, index).is_some() {
            self.counts.forged += 1;
        }
        for (user, other) in &self.present[&room] {
            if *other != member && message.to.reaches(user) {
                self.epochs.get_mut(other).unwrap().due.push(index);
            }
        }
        self.messages.push(Message {
            id,
            from,
            seq,
            is_reliable,
        });
    }

    /// The session goes on, and what is due so far may not come any more.
    pub fn missed(&mut self, session: SessionId) {
        self.counts.gaps += 1;
        for epoch in self.epochs.values_mut().filter(|epoch| epoch.session == session) {
            epoch.gap = epoch.due.len();
        }
    }

    /// The client knows that it is in.
    pub fn client_joined(&mut self, who: usize, session: SessionId) {
        let latest = self.by_client.get(&who).and_then(|members| members.last());
        if let Some(epoch) = latest.and_then(|member| self.epochs.get_mut(member))
            && epoch.session == session
        {
            epoch.is_open = true;
        }
    }

    /// A message has come to a client.
    pub fn delivered(&mut self, who: usize, message: &GroupMessage) {
        let Some(id) = message_id(&message.body) else { return };
        self.counts.delivered += 1;
        let Some(&index) = self.by_id.get(&id) else {
            self.counts.leaked += 1;
            return;
        };
        let known = &self.messages[index];
        self.counts.forged += usize::from(known.from != message.from || known.seq != message.seq);
        let members = self.by_client.get(&who).into_iter().flatten().rev();
        let found = members
            .filter_map(|member| {
                let place = self.epochs[member].due.binary_search(&index).ok()?;
                Some((*member, place))
            })
            .next();
        let Some((member, place)) = found else {
            self.counts.leaked += 1;
            return;
        };
        let epoch = self.epochs.get_mut(&member).unwrap();
        if epoch.is_over {
            self.counts.leaked += 1;
            return;
        }
        if place < epoch.next {
            match self.missing.remove(&(member, index)) {
                true => {
                    self.counts.lost -= 1;
                    self.counts.reordered += 1;
                }
                false => self.counts.duplicated += 1,
            }
            return;
        }
        self.skip(member, place);
        self.epochs.get_mut(&member).unwrap().next = place + 1;
    }

    /// What was due up to this place has not come.
    fn skip(&mut self, member: MemberId, place: usize) {
        let epoch = self.epochs.get_mut(&member).unwrap();
        for at in epoch.next..place {
            let index = epoch.due[at];
            match self.messages[index].is_reliable {
                true if at < epoch.told => self.counts.excused += 1,
                true => {
                    self.counts.lost += 1;
                    self.missing.insert((member, index));
                }
                false => {}
            }
        }
        epoch.next = place;
    }

    /// The client was told that something may be missing, while it is in this session.
    pub fn client_discontinued(&mut self, who: usize, session: Option<SessionId>) {
        self.counts.discontinuities += 1;
        for member in self.by_client.get(&who).cloned().unwrap_or_default() {
            let epoch = self.epochs.get_mut(&member).unwrap();
            match Some(epoch.session) == session {
                true => epoch.told = epoch.gap,
                false => self.close(member),
            }
        }
    }

    /// The client was put out: all that was due before has come before.
    pub fn client_removed(&mut self, who: usize) {
        for member in self.by_client.get(&who).cloned().unwrap_or_default() {
            self.settle(member);
            self.close(member);
        }
    }

    /// The client has left by itself, or was told that its session is over.
    pub fn client_left(&mut self, who: usize) {
        for member in self.by_client.get(&who).cloned().unwrap_or_default() {
            self.close(member);
        }
    }

    /// Nothing is under way any more: what has not come is lost.
    pub fn finish(&mut self) -> Counts {
        for member in self.epochs.keys().copied().collect::<Vec<_>>() {
            self.settle(member);
        }
        self.counts
    }

    fn settle(&mut self, member: MemberId) {
        let epoch = &self.epochs[&member];
        if epoch.is_open && !epoch.is_over {
            self.skip(member, epoch.due.len());
        }
    }

    fn close(&mut self, member: MemberId) {
        let epoch = self.epochs.get_mut(&member).unwrap();
        // One that the client has not heard of yet may still be opened.
        if epoch.is_open && !epoch.is_over {
            epoch.is_over = true;
            self.counts.excused += epoch.due.len() - epoch.next;
        }
    }
}

impl Counts {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.reordered + self.leaked + self.forged == 0
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sequenced,
            acked,
            refused,
            unknown,
            delivered,
            lost,
            duplicated,
            reordered,
            leaked,
            forged,
            excused,
            discontinuities,
            gaps,
        } = self;
        writeln!(
            f,
            "sent: acked {acked}, refused {refused}, unknown {unknown}; sequenced {sequenced}"
        )?;
        writeln!(
            f,
            "delivered {delivered}, excused {excused}, discontinuities {discontinuities}, gaps {gaps}"
        )?;
        write!(
            f,
            "lost {lost}, duplicated {duplicated}, reordered {reordered}, leaked {leaked}, forged {forged}"
        )
    }
}

/// Whether a refusal says that the sender was too fast.
pub fn is_too_fast(why: &Refusal) -> bool {
    why.server_code == Some(ErrorCode::MulticastLimit.number())
}

fn message_id(body: &Payload) -> Option<MessageId> {
    let mut parts = body.as_json().strip_prefix('[')?.splitn(3, ',');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

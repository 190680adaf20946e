use serde::Serialize;

/// What its sender was told about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has its place: every other member gets it.
    Acked,
    /// Nothing has happened.
    Refused,
    /// Nobody knows, until it comes or does not.
    Unknown,
}

/// Who has sent what, and who got it: the book of one run, in which members neither come nor go.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Members in one group: the first so many are in the first, and so on.
    group: usize,
    members: Vec<Member>,
    leaked: u64,
}

#[derive(Debug)]
struct Member {
    /// What became of his own messages, by their number.
    fates: Vec<Option<Fate>>,
    /// How often each message of each in his group came to him, by the sender's place in it.
    got: Vec<Vec<u8>>,
    /// The last number of each sender.
    last: Vec<Option<usize>>,
    /// The last number in the order of the group.
    last_seq: u64,
    reordered: u64,
}

/// How it adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Account {
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) unknown: u64,
    /// Every message that came to somebody, once each.
    pub(super) delivered: u64,
    /// Acknowledged, and yet did not come to somebody.
    pub(super) lost: u64,
    /// Came once more to the same.
    pub(super) duplicated: u64,
    /// Came behind one that was sent after it, or behind one that has a later place in the group.
    pub(super) reordered: u64,
    /// Came to somebody to whom it was not sent, or was refused and came.
    pub(super) leaked: u64,
}

impl Account {
    /// Whether what was promised is what happened.
    pub(super) fn is_kept(&self) -> bool {
        (self.lost, self.duplicated, self.reordered, self.leaked) == (0, 0, 0, 0)
    }
}

impl Ledger {
    /// For so many members in groups of `group`, the last of which may be smaller, and `messages` of each.
    pub(super) fn new(members: usize, group: usize, messages: usize) -> Self {
        let members = (0..members)
            .map(|member| {
                let first = member / group * group;
                let size = group.min(members - first);
                Member {
                    fates: vec![None; messages],
                    got: vec![vec![0; messages]; size],
                    last: vec![None; size],
                    last_seq: 0,
                    reordered: 0,
                }
            })
            .collect();
        Self {
            group,
            members,
            leaked: 0,
        }
    }

    /// A sender was told what became of his message.
    pub(super) fn sent(&mut self, sender: usize, number: usize, fate: Fate) {
        self.members[sender].fates[number] = Some(fate);
    }

    /// A message came to a member: `None` if it is none of this run.
    pub(super) fn received(&mut self, receiver: usize, message: Option<(usize, usize)>, seq: u64) {
        let first = receiver / self.group * self.group;
        let member = &mut self.members[receiver];
        let known = message
            .filter(|&(sender, _)| sender != receiver)
            .and_then(|(sender, number)| {
                let place = sender.checked_sub(first)?;
                Some((place, number, member.got.get_mut(place)?.get_mut(number)?))
            });
        let Some((place, number, times)) = known else {
            self.leaked += 1;
            return;
        };
        *times = times.saturating_add(1);
        if *times > 1 {
            return;
        }
        if member.last[place].is_some_and(|last| last > number) || seq <= member.last_seq {
            member.reordered += 1;
        }
        member.last[place] = Some(number);
        member.last_seq = seq;
    }

    /// Adds up what has come so far; all that is acknowledged and has not come counts as lost.
    pub(super) fn account(&self) -> Account {
        let mut account = Account {
            acked: 0,
            refused: 0,
            unknown: 0,
            delivered: 0,
            lost: 0,
            duplicated: 0,
            reordered: self.members.iter().map(|member| member.reordered).sum(),
            leaked: self.leaked,
        };
        for (sender, member) in self.members.iter().enumerate() {
            let place = sender % self.group;
            let first = sender - place;
            for (number, fate) in member.fates.iter().enumerate() {
                match fate {
                    Some(Fate::Acked) => account.acked += 1,
                    Some(Fate::Refused) => account.refused += 1,
                    Some(Fate::Unknown) => account.unknown += 1,
                    None => {}
                }
                for receiver in (first..first + member.got.len()).filter(|receiver| *receiver != sender) {
                    account.count(*fate, self.members[receiver].got[place][number]);
                }
            }
        }
        account
    }
}

impl Account {
    fn count(&mut self, fate: Option<Fate>, times: u8) {
        match (fate, times) {
            (Some(Fate::Acked), 0) => self.lost += 1,
            (Some(Fate::Refused), 1..) => self.leaked += 1,
            _ => {}
        }
        self.delivered += u64::from(times > 0);
        self.duplicated += u64::from(times.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five members in groups of three and two, two messages each, of which 0 sends one and 3 another.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(5, 3, 2);
        ledger.sent(0, 0, Fate::Acked);
        ledger.sent(3, 0, Fate::Acked);
        for (receiver, sender) in [(1, 0), (2, 0), (4, 3)] {
            ledger.received(receiver, Some((sender, 0)), 1);
        }
        ledger
    }

    #[test]
    fn what_is_acknowledged_comes_once_to_all_others() {
        let account = ledger().account();
        assert!(account.is_kept());
        assert_eq!((account.acked, account.delivered), (2, 3));
    }

    #[test]
    fn every_broken_promise_is_seen() {
        let break_by = |change: fn(&mut Ledger)| {
            let mut ledger = ledger();
            change(&mut ledger);
            let account = ledger.account();
            assert_eq!(
                account.is_kept(),
                account
                    == Account {
                        lost: 0,
                        duplicated: 0,
                        reordered: 0,
                        leaked: 0,
                        ..account
                    }
            );
            (account.lost, account.duplicated, account.reordered, account.leaked)
        };
        assert_eq!(break_by(|l| l.sent(1, 0, Fate::Acked)), (2, 0, 0, 0));
        assert_eq!(break_by(|l| l.received(1, Some((0, 0)), 1)), (0, 1, 0, 0));
        assert_eq!(
            break_by(|l| l.received(3, Some((0, 0)), 2)),
            (0, 0, 0, 1),
            "another group's"
        );
        assert_eq!(break_by(|l| l.received(0, Some((0, 0)), 2)), (0, 0, 0, 1), "his own");
        assert_eq!(break_by(|l| l.received(0, Some((1, 9)), 2)), (0, 0, 0, 1), "never sent");
        assert_eq!(break_by(|l| l.received(0, None, 2)), (0, 0, 0, 1), "nobody's");
        let late = |l: &mut Ledger| {
            l.received(1, Some((2, 1)), 3);
            l.received(1, Some((2, 0)), 4);
        };
        assert_eq!(break_by(late), (0, 0, 1, 0), "behind what its sender sent later");
        assert_eq!(
            break_by(|l| l.received(1, Some((2, 0)), 1)),
            (0, 0, 1, 0),
            "out of the group's order"
        );
        let refused = |l: &mut Ledger| {
            l.sent(1, 0, Fate::Refused);
            l.received(2, Some((1, 0)), 2);
        };
        assert_eq!(break_by(refused), (0, 0, 0, 1), "refused and yet there");
    }

    #[test]
    fn of_what_nobody_knows_either_is_right() {
        let mut ledger = ledger();
        ledger.sent(1, 0, Fate::Unknown);
        ledger.received(2, Some((1, 0)), 2);
        let account = ledger.account();
        assert!(account.is_kept());
        assert_eq!((account.unknown, account.delivered), (1, 4));
    }
}

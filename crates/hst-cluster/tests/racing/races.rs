//! Which races there are.

use hst_cluster::Policy;

/// All races of so many logins for so many places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Races {
    pub(crate) logins: u32,
    pub(crate) places: u8,
    /// How many answers may be lost in one race.
    pub(crate) lost_answers: u8,
    /// Whether a login that has won may log out at any moment after it.
    pub(crate) winners_leave: bool,
}

/// One race.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) places: u8,
    /// One a login; each comes from a node of its own.
    pub(crate) policies: Vec<Policy>,
    /// Who holds the first places before the race; all are of one node.
    pub(crate) earlier: Vec<Earlier>,
    pub(crate) lost_answers: u8,
    pub(crate) winners_leave: bool,
}

/// What may become of the logins that were there before the race.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Earlier {
    /// Each may log out at any moment, or stay.
    Leaves,
    /// Their node may be fenced at any moment, or live.
    Dies,
    /// Their node is fenced already.
    IsDead,
}

impl Races {
    /// Every mix of policies with everything that may have been there before.
    pub(crate) fn cases(self) -> Vec<Case> {
        let mut cases = Vec::new();
        // Which of the logins insist does not matter, as each may come first: their number does.
        for insisting in 0..=self.logins {
            let refusing = (insisting..self.logins).map(|_| Policy::Refuse);
            let policies: Vec<Policy> = refusing.chain((0..insisting).map(|_| Policy::Replace)).collect();
            for earlier in self.earlier() {
                cases.push(Case {
                    places: self.places,
                    policies: policies.clone(),
                    earlier,
                    lost_answers: self.lost_answers,
                    winners_leave: self.winners_leave,
                });
            }
        }
        cases
    }

    /// None, or one or more of each kind.
    fn earlier(self) -> Vec<Vec<Earlier>> {
        let some = (1..=usize::from(self.places))
            .flat_map(|held| [Earlier::Leaves, Earlier::Dies, Earlier::IsDead].map(|kind| vec![kind; held]));
        std::iter::once(Vec::new()).chain(some).collect()
    }
}

use std::{num::NonZeroU8, ops::ControlFlow};

use bytes::Bytes;

use crate::{Entry, Key, Login, Owner, Revision, Unavailable, WriteError, is_dead_by};

/// Rounds before a claim gives up. Each but the first follows a write of somebody else at the same places or a lost
/// answer, so it takes that many logins of one user at the same moment to see the end of them.
const ROUNDS: u8 = 64;

/// What to do when all places are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The earlier logins stay.
    Refuse,
    /// The oldest login gives way.
    Replace,
}

/// What to ask the directory for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// [`Directory::create`](crate::Directory::create).
    Create {
        /// Where.
        key: Key,
        /// What.
        value: Bytes,
    },
    /// [`Directory::update`](crate::Directory::update).
    Update {
        /// Where.
        key: Key,
        /// What.
        value: Bytes,
        /// Over which entry.
        expected: Revision,
    },
    /// [`Directory::get`](crate::Directory::get).
    Get {
        /// Where.
        key: Key,
    },
}

/// What the directory answered to a [`Step`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// To a create or an update.
    Written(Result<Revision, WriteError>),
    /// To a get.
    Read(Result<Option<Entry>, Unavailable>),
}

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// Whether the login has a place.
    pub verdict: Verdict,
    /// Whom this claim has put out, whatever its own verdict; more than one only if answers were lost.
    ///
    /// Each must be told, and the message must name the revision of his entry: a session that holds its place with
    /// another revision by now pays no attention to it.
    pub evicted: Vec<Entry>,
}

/// Whether a login has a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It has this one, until somebody writes over it or it is [released](crate::release).
    Claimed {
        /// Where.
        key: Key,
        /// Of the own entry.
        revision: Revision,
    },
    /// Others have them all.
    Taken {
        /// Their entries, one a place.
        holders: Vec<Entry>,
    },
    /// The directory could not be reached, or too many others claimed at once: try again later, with another session.
    /// An entry of this session may be left behind, so [withdraw](crate::withdraw) it.
    Unavailable,
}

/// The claim of one login to one of its user's places, as a state machine: [`poll`](Self::poll) says what to ask the
/// directory for, [`handle`](Self::handle) takes the answer.
///
/// - A free place is taken, and then that of a dead owner.
/// - If there is none, [`Policy`] decides.
/// - Every write is a compare-and-set, and whoever loses one starts again.
/// - A lost answer is no answer: the place is read, and whose session stands there has it. If it stands there for an
///   earlier life of its node, which is over, it is written anew for the present one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    base: Key,
    places: usize,
    policy: Policy,
    login: Login,
    state: State,
    rounds_left: u8,
    /// Who holds the first places, as far as they were looked at in this round.
    holders: Vec<Holder>,
    evicted: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Holder {
    entry: Entry,
    /// `None` if this version cannot read it.
    login: Option<Login>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum State {
    /// Tries whether the place behind those of the known holders is free.
    Creating,
    /// It is not, or the answer was lost: who holds it?
    Reading,
    /// All are held: is the owner of this one dead?
    Judging {
        at: usize,
        owner: Owner,
    },
    /// This one gives way.
    Overwriting {
        at: usize,
    },
    /// The answer to that was lost: who holds the place now?
    Checking {
        at: usize,
    },
    Over(Verdict),
}

impl Claim {
    /// The places are `base.0`, `base.1` and so on, `places` of them; `base` is usually
    /// [`Key::login`](crate::Key::login).
    pub fn new(base: Key, places: NonZeroU8, policy: Policy, login: Login) -> Self {
        Self {
            base,
            places: usize::from(places.get()),
            policy,
            login,
            state: State::Creating,
            rounds_left: ROUNDS,
            holders: Vec::new(),
            evicted: Vec::new(),
        }
    }

    /// The next step, or how it ended.
    pub fn poll(&self) -> ControlFlow<Outcome, Step> {
        ControlFlow::Continue(match &self.state {
            State::Creating => Step::Create {
                key: self.next_place(),
                value: self.login.to_bytes(),
            },
            State::Reading => Step::Get { key: self.next_place() },
            State::Judging { owner, .. } => Step::Get {
                key: Key::node(&owner.node),
            },
            State::Overwriting { at } => Step::Update {
                key: self.holders[*at].entry.key.clone(),
                value: self.value_over(&self.holders[*at]),
                expected: self.holders[*at].entry.revision,
            },
            State::Checking { at } => Step::Get {
                key: self.holders[*at].entry.key.clone(),
            },
            State::Over(verdict) => {
                return ControlFlow::Break(Outcome {
                    verdict: verdict.clone(),
                    evicted: self.evicted.clone(),
                });
            }
        })
    }

    /// Takes the answer to the step that [`poll`](Self::poll) has said last. One that does not fit it is passed over.
    pub fn handle(&mut self, answer: Answer) {
        use Answer::{Read, Written};
        self.state = match (self.state.clone(), answer) {
            (State::Over(verdict), _) => State::Over(verdict),
            (_, Written(Err(WriteError::Unavailable)) | Read(Err(Unavailable))) => State::Over(Verdict::Unavailable),

            (State::Creating, Written(Ok(revision))) => claimed(self.next_place(), revision),
            (State::Creating, Written(Err(WriteError::Conflict | WriteError::Unknown))) => State::Reading,

            (State::Reading, Read(Ok(Some(entry)))) => self.found(entry),
            // Left since it was tried, or the create whose answer was lost never happened.
            (State::Reading, Read(Ok(None))) => self.start_again(),

            (State::Judging { at, owner }, Read(Ok(node))) => match is_dead_by(node.as_ref(), &owner) {
                true => State::Overwriting { at },
                false => self.judge_from(at + 1),
            },

            (State::Overwriting { at }, Written(Ok(revision))) => self.overwritten(at, revision),
            (State::Overwriting { .. }, Written(Err(WriteError::Conflict))) => self.start_again(),
            (State::Overwriting { at }, Written(Err(WriteError::Unknown))) => State::Checking { at },

            (State::Checking { at }, Read(Ok(now))) => self.checked(at, now),

            (asked, _) => asked,
        };
    }

    fn next_place(&self) -> Key {
        self.base.with(&(self.holders.len() as u64))
    }

    fn found(&mut self, entry: Entry) -> State {
        let holder = Holder::new(entry);
        if holder.has_won(&self.login) {
            return claimed(holder.entry.key, holder.entry.revision);
        }
        let is_own = holder.is_session(&self.login);
        self.holders.push(holder);
        if is_own {
            let at = self.holders.len() - 1;
            return State::Overwriting { at };
        }
        if self.holders.len() < self.places {
            return State::Creating;
        }
        match self.policy {
            // Nothing to choose: the only holder gives way, alive or dead.
            Policy::Replace if self.places == 1 => State::Overwriting { at: 0 },
            _ => self.judge_from(0),
        }
    }

    /// What to write over the entry of `holder`: who writes over his own keeps his seniority.
    fn value_over(&self, holder: &Holder) -> Bytes {
        let mut login = self.login.clone();
        if holder.is_session(&login) {
            login.since = holder.since();
        }
        login.to_bytes()
    }

    /// Looks for a dead owner. Those that this version cannot read pass for alive, and so does the own node.
    fn judge_from(&self, first: usize) -> State {
        let mut rest = self.holders.iter().enumerate().skip(first);
        let unknown = rest.find_map(|(at, holder)| {
            let owner = &holder.login.as_ref()?.owner;
            (*owner != self.login.owner).then(|| State::Judging {
                at,
                owner: owner.clone(),
            })
        });
        unknown.unwrap_or_else(|| self.all_live())
    }

    fn all_live(&self) -> State {
        let oldest = self.holders.iter().enumerate().min_by_key(|(_, holder)| holder.since());
        match (self.policy, oldest) {
            (Policy::Replace, Some((at, _))) => State::Overwriting { at },
            _ => State::Over(Verdict::Taken {
                holders: self.holders.iter().map(|holder| holder.entry.clone()).collect(),
            }),
        }
    }

    fn overwritten(&mut self, at: usize, revision: Revision) -> State {
        let holder = self.holders.swap_remove(at);
        let key = holder.entry.key.clone();
        self.evict(holder);
        claimed(key, revision)
    }

    /// Nobody puts himself out.
    fn evict(&mut self, holder: Holder) {
        if !holder.is_session(&self.login) {
            self.evicted.push(holder.entry);
        }
    }

    fn checked(&mut self, at: usize, now: Option<Entry>) -> State {
        let before = &self.holders[at];
        match now.map(Holder::new) {
            Some(now) if now.has_won(&self.login) => self.overwritten(at, now.entry.revision),
            // He holds it still, perhaps with a newer entry: nothing was written.
            Some(now) if now.entry.revision == before.entry.revision || now.is_same_session(before) => {
                self.start_again()
            }
            // It was written, and is overwritten by now, or it was another who wrote. In either case his entry is gone,
            // and he had better hear of it twice than never.
            _ => {
                self.evict(before.clone());
                self.start_again()
            }
        }
    }

    fn start_again(&mut self) -> State {
        self.holders.clear();
        self.rounds_left -= 1;
        match self.rounds_left {
            0 => State::Over(Verdict::Unavailable),
            _ => State::Creating,
        }
    }
}

impl Holder {
    fn new(entry: Entry) -> Self {
        let login = Login::read(&entry);
        Self { entry, login }
    }

    fn is_session(&self, login: &Login) -> bool {
        self.login.as_ref().is_some_and(|own| own.is_same_session(login))
    }

    /// Whether it is the session of `login`, in the same life of its node or a later one.
    fn has_won(&self, login: &Login) -> bool {
        let own = self.login.as_ref().filter(|own| own.is_same_session(login));
        own.is_some_and(|own| own.owner.epoch >= login.owner.epoch)
    }

    fn is_same_session(&self, other: &Self) -> bool {
        other.login.as_ref().is_some_and(|login| self.is_session(login))
    }

    fn since(&self) -> Revision {
        self.login.as_ref().map_or(self.entry.revision, |login| login.since)
    }
}

fn claimed(key: Key, revision: Revision) -> State {
    State::Over(Verdict::Claimed { key, revision })
}

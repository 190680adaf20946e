//! Invites against a naive model: whatever happens in which order, everybody hears the end of each once.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    time::{Duration, Instant},
};

use hst_group::server::{InviteOutput, Inviter, Invites};
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{Event, EventBody, Invite, InviteAnswer, InviteCancel, ServerFrame, decode_server, frame_event};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IteratorRandom};

const RINGING: Duration = Duration::from_secs(60);

type Name = (AppId, UserId);

/// A session, as its application sees it.
struct Terminal {
    name: Name,
    /// The invitations that it shows.
    ringing: BTreeSet<u64>,
    /// What it waits to hear of: its own number of the invite, and the user.
    waiting: BTreeSet<(u64, UserId)>,
    /// The last invitation before it came, which it does not know.
    since: u64,
}

/// One invitation to one user that has no end yet.
struct Ring {
    id: u64,
    name: Name,
    inviter: u64,
    number: u64,
    ends: Instant,
}

/// How an invitation is to end: what the inviter hears, and what the invited.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Outcome(u64, u64, UserId, String),
    Stop(Name, Option<u64>, u64, String),
}

struct World {
    rng: StdRng,
    now: Instant,
    invites: Invites,
    terminals: BTreeMap<u64, Terminal>,
    last_session: u64,
    last_id: u64,
    rings: Vec<Ring>,
    expected: Vec<End>,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            now: Instant::now(),
            invites: Invites::new(1),
            terminals: BTreeMap::new(),
            last_session: 0,
            last_id: 0,
            rings: Vec::new(),
            expected: Vec::new(),
        }
    }

    fn step(&mut self) {
        let what = self.rng.random_range(0..100);
        match self.session() {
            Some((session, name)) => match what {
                0..15 => self.login(),
                15..22 => self.logout(session, &name),
                22..50 => self.invite(session, name),
                50..75 => self.answer(session, &name),
                75..85 => self.cancel(session),
                _ => self.wait(),
            },
            None => self.login(),
        }
        self.drain();
        self.check();
    }

    /// Any session.
    fn session(&mut self) -> Option<(u64, Name)> {
        let (session, terminal) = self.terminals.iter().choose(&mut self.rng)?;
        Some((*session, terminal.name.clone()))
    }

    fn user(&mut self) -> UserId {
        UserId::parse(["ann", "bob", "cleo", "dave"][self.rng.random_range(0..4)]).unwrap()
    }

    fn is_online(&self, app: &AppId, user: &UserId) -> bool {
        self.terminals.values().any(|t| (&t.name.0, &t.name.1) == (app, user))
    }

    fn login(&mut self) {
        let app = AppId::parse(["a", "b"][self.rng.random_range(0..2)]).unwrap();
        let terminal = Terminal {
            name: (app, self.user()),
            ringing: BTreeSet::new(),
            waiting: BTreeSet::new(),
            since: self.last_id,
        };
        self.last_session += 1;
        self.terminals.insert(self.last_session, terminal);
    }

    fn logout(&mut self, session: u64, name: &Name) {
        self.terminals.remove(&session);
        for ring in self.take(|ring| ring.inviter == session) {
            self.expect_stop(&ring, None, "Cancelled");
        }
        self.invites.handle_session_gone(session);
        if !self.is_online(&name.0, &name.1) {
            for ring in self.take(|ring| ring.name == *name) {
                self.expect_outcome(&ring, "Offline");
            }
            self.invites.handle_user_offline(&name.0, &name.1);
        }
    }

    fn invite(&mut self, session: u64, (app, own): Name) {
        let users: Vec<UserId> = iter::repeat_with(|| self.user()).take(3).collect();
        let number = self.rng.random_range(0..4);
        let invite = Invite {
            invite: number,
            group: GroupId::parse("g").unwrap(),
            users: users.clone(),
            extend_info: None,
        };
        let from = Inviter {
            app: app.clone(),
            user: own.clone(),
            info: String::new(),
            session,
        };
        let (online, offline): (BTreeSet<_>, BTreeSet<_>) =
            users.iter().cloned().partition(|user| self.is_online(&app, user));
        let result = self
            .invites
            .handle_invite(self.now, from, invite, |user| online.contains(user));
        if users.contains(&own) {
            assert_eq!(result.unwrap_err().code, 1);
            return;
        }
        assert_eq!(result.unwrap().offline, Vec::from_iter(offline));

        self.take_back(session, number, Some(&users));
        if !online.is_empty() {
            self.last_id += 1;
        }
        for user in online {
            let inviter = self.terminals.get_mut(&session).unwrap();
            assert!(inviter.waiting.insert((number, user.clone())));
            self.rings.push(Ring {
                id: self.last_id,
                name: (app.clone(), user),
                inviter: session,
                number,
                ends: self.now + RINGING,
            });
        }
    }

    fn answer(&mut self, session: u64, name: &Name) {
        // Mostly what it shows, but also what is over, or another's.
        let shown = self.terminals[&session].ringing.iter().choose(&mut self.rng).copied();
        let id = match shown {
            Some(id) if self.rng.random_bool(0.8) => id,
            _ => self.rng.random_range(0..self.last_id + 2),
        };
        let accept = self.rng.random_bool(0.5);
        self.time_out();
        let answered = self.take(|ring| ring.id == id && ring.name == *name);
        for ring in &answered {
            self.expect_outcome(ring, if accept { "Accepted" } else { "Rejected" });
            self.expect_stop(ring, Some(session), "AnsweredElsewhere");
            // It stops of its own accord, if it rang there at all.
            self.terminals.get_mut(&session).unwrap().ringing.remove(&id);
        }
        let answer = InviteAnswer {
            invite: id,
            accept,
            extend_info: None,
        };
        let result = self.invites.handle_answer(self.now, &name.0, &name.1, session, answer);
        assert_eq!(
            result.map_err(|failure| failure.code),
            if answered.is_empty() { Err(1_000_110) } else { Ok(()) }
        );
    }

    fn cancel(&mut self, session: u64) {
        let invite = self.rng.random_range(0..4);
        let some: Vec<UserId> = iter::repeat_with(|| self.user()).take(3).collect();
        let users = self.rng.random_bool(0.5).then_some(some);
        let is_taken_back = self.take_back(session, invite, users.as_deref());
        let result = self.invites.handle_cancel(session, InviteCancel { invite, users });
        assert_eq!(
            result.map_err(|failure| failure.code),
            if is_taken_back { Ok(()) } else { Err(1_000_110) }
        );
    }

    fn wait(&mut self) {
        self.now += Duration::from_millis(self.rng.random_range(0..30_000));
        // Sometimes the shell is late.
        if self.rng.random_bool(0.7) {
            self.time_out();
            self.invites.handle_timeout(self.now);
        }
    }

    fn time_out(&mut self) {
        let now = self.now;
        for ring in self.take(|ring| ring.ends <= now) {
            self.expect_outcome(&ring, "TimedOut");
            self.expect_stop(&ring, None, "TimedOut");
        }
    }

    fn take_back(&mut self, session: u64, number: u64, users: Option<&[UserId]>) -> bool {
        let is_named = |user: &UserId| users.is_none_or(|users| users.contains(user));
        let waiting = &mut self.terminals.get_mut(&session).unwrap().waiting;
        waiting.retain(|(n, user)| *n != number || !is_named(user));
        let taken = self.take(|ring| ring.inviter == session && ring.number == number && is_named(&ring.name.1));
        for ring in &taken {
            self.expect_stop(ring, None, "Cancelled");
        }
        !taken.is_empty()
    }

    fn take(&mut self, is_over: impl Fn(&Ring) -> bool) -> Vec<Ring> {
        self.rings.extract_if(.., |ring| is_over(ring)).collect()
    }

    fn expect_outcome(&mut self, ring: &Ring, outcome: &str) {
        let user = ring.name.1.clone();
        self.expected
            .push(End::Outcome(ring.inviter, ring.number, user, outcome.to_owned()));
    }

    fn expect_stop(&mut self, ring: &Ring, but: Option<u64>, why: &str) {
        self.expected
            .push(End::Stop(ring.name.clone(), but, ring.id, why.to_owned()));
    }

    /// Hands out what comes, and holds it against what the model expects.
    fn drain(&mut self) {
        let mut ends = Vec::new();
        while let Some(output) = self.invites.poll_output() {
            match output {
                InviteOutput::ToSession { session, body } => match event(&body) {
                    Event::InviteAnswered(result) => {
                        let waiting = &mut self.terminals.get_mut(&session).unwrap().waiting;
                        assert!(
                            waiting.remove(&(result.invite, result.user.clone())),
                            "one outcome each"
                        );
                        let outcome = format!("{:?}", result.outcome);
                        ends.push(End::Outcome(session, result.invite, result.user, outcome));
                    }
                    other => panic!("not an outcome: {other:?}"),
                },
                InviteOutput::ToUser {
                    app,
                    user,
                    except_session,
                    body,
                } => {
                    let name = (app, user);
                    let event = event(&body);
                    for (session, terminal) in &mut self.terminals {
                        if terminal.name == name && Some(*session) != except_session {
                            terminal.handle(&event);
                        }
                    }
                    if let Event::InviteEnded(end) = event {
                        ends.push(End::Stop(name, except_session, end.invite, format!("{:?}", end.why)));
                    }
                }
            }
        }
        ends.sort();
        self.expected.sort();
        assert_eq!(ends, self.expected);
        self.expected.clear();
    }

    fn check(&self) {
        for (session, terminal) in &self.terminals {
            let rings = self
                .rings
                .iter()
                .filter(|ring| ring.name == terminal.name && ring.id > terminal.since);
            assert_eq!(terminal.ringing, rings.map(|ring| ring.id).collect());
            let waits = self.rings.iter().filter(|ring| ring.inviter == *session);
            assert_eq!(
                terminal.waiting,
                waits.map(|ring| (ring.number, ring.name.1.clone())).collect()
            );
        }
        assert_eq!(
            self.invites.poll_timeout(),
            self.rings.iter().map(|ring| ring.ends).min()
        );
        assert_eq!(self.invites.is_empty(), self.rings.is_empty());
    }
}

impl Terminal {
    fn handle(&mut self, event: &Event) {
        match event {
            Event::Invited(invitation) => assert!(self.ringing.insert(invitation.invite), "it rings once"),
            Event::InviteEnded(end) => {
                let is_shown = self.ringing.remove(&end.invite);
                assert_eq!(is_shown, end.invite > self.since, "what rings here stops once");
            }
            other => panic!("not for the invited: {other:?}"),
        }
    }
}

fn event(body: &EventBody) -> Event {
    match decode_server(&frame_event(Some(1), body)).unwrap() {
        ServerFrame::Event { event, .. } => event,
        other => panic!("not an event: {other:?}"),
    }
}

#[test]
fn everybody_hears_the_end_of_each_invitation_once_whatever_happens_in_which_order() {
    for seed in 0..300 {
        // Shown when the test fails.
        println!("seed {seed}");
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
        }
        world.now += RINGING;
        world.time_out();
        world.invites.handle_timeout(world.now);
        world.drain();
        world.check();
        assert!(world.invites.is_empty(), "nothing is left");
    }
}

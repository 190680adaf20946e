//! Groups of more members than anybody can be told one by one.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use common::World;
use hst_group::{
    client::State,
    server::{Group, GroupOutput, GroupRequest, MemberId, Permissions, Recipients, Rules, ToMember},
};
use hst_id::{GroupId, MediaId, MediaType, UserId};
use hst_proto::{Event, Joined, Reply, RosterPage, ServerFrame, decode_server, frame_event};
use rand::{Rng, SeedableRng, rngs::StdRng};

fn user(number: u64) -> UserId {
    UserId::parse(&format!("user{number:05}")).unwrap()
}

/// A group whose words are counted, and read by those who are listened in on.
struct Hall {
    now: Instant,
    group: Group,
    present: BTreeSet<MemberId>,
    listeners: BTreeMap<MemberId, Listener>,
    joined: Option<Joined>,
    last_code: u32,
    /// Events that were made, and frames of them that left.
    events: usize,
    frames: usize,
    batches: Vec<Instant>,
}

/// What one client makes of what it is told.
#[derive(Debug, Default)]
struct Listener {
    own: Option<UserId>,
    known: BTreeSet<UserId>,
    total: u32,
    media: Vec<UserId>,
}

impl Hall {
    fn new() -> Self {
        Self {
            now: Instant::now(),
            group: Group::new(GroupId::parse("hall").unwrap(), Rules::default()),
            present: BTreeSet::new(),
            listeners: BTreeMap::new(),
            joined: None,
            last_code: 0,
            events: 0,
            frames: 0,
            batches: Vec::new(),
        }
    }

    fn join(&mut self, number: u64) -> u32 {
        let member = MemberId(number);
        self.present.insert(member);
        self.group
            .handle_join(self.now, member, 0, user(number), Permissions::ordinary());
        self.drain();
        self.last_code
    }

    /// Lets somebody in and listens in on him.
    fn listen(&mut self, number: u64) {
        assert_eq!(self.join(number), 0);
        let joined = self.joined.take().unwrap();
        let listener = Listener {
            own: Some(user(number)),
            known: joined.members.into_iter().collect(),
            total: joined.total + 1,
            media: Vec::new(),
        };
        self.listeners.insert(MemberId(number), listener);
    }

    fn leave(&mut self, number: u64) {
        self.group
            .handle_request(self.now, MemberId(number), 0, GroupRequest::Leave);
        self.drain();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.group.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.group.handle_timeout(due);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(output) = self.group.poll_output() {
            match output {
                GroupOutput::To {
                    what: ToMember::Reply { result, .. },
                    ..
                } => {
                    self.last_code = result.as_ref().err().map_or(0, |failure| failure.code);
                    if let Ok(Reply::Joined(joined)) = result {
                        self.joined = Some(joined);
                    }
                }
                GroupOutput::Tell { to, body, .. } => {
                    self.events += 1;
                    let but = match to {
                        Recipients::AllBut(one) => Some(one),
                        Recipients::All => None,
                        Recipients::Only(_) => panic!("nobody sends messages here"),
                    };
                    self.frames += self.present.iter().filter(|&&member| Some(member) != but).count();
                    let frame = decode_server(&frame_event(None, &body)).unwrap();
                    let ServerFrame::Event { event, .. } = frame else {
                        panic!("an event")
                    };
                    if matches!(event, Event::Members(_)) {
                        self.batches.push(self.now);
                    }
                    for (member, listener) in &mut self.listeners {
                        if Some(*member) != but {
                            listener.hear(&event);
                        }
                    }
                }
                GroupOutput::Departed(member) => {
                    self.present.remove(&member);
                    self.listeners.remove(&member);
                }
                _ => {}
            }
        }
    }
}

impl Listener {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::MemberJoined { user } => {
                self.known.insert(user.clone());
                self.total += 1;
            }
            Event::MemberLeft { user } => {
                self.known.remove(user);
                self.total -= 1;
            }
            Event::Members(change) => {
                assert!(change.joined.len().max(change.left.len()) <= 64);
                for user in &change.left {
                    self.known.remove(user);
                }
                self.known.extend(
                    change
                        .joined
                        .iter()
                        .filter(|user| Some(*user) != self.own.as_ref())
                        .cloned(),
                );
                self.total = change.total;
            }
            Event::Published(media) => self.media.push(media.key.user.clone()),
            Event::Unpublished(media) => self.media.retain(|user| *user != media.key.user),
            _ => {}
        }
    }
}

#[test]
fn g6_ten_thousand_join_and_leave_in_ten_seconds_each_at_the_price_of_a_few_frames() {
    const MEMBERS: u64 = 10_000;
    let mut hall = Hall::new();
    hall.listen(0);
    for number in 1..MEMBERS {
        assert_eq!(hall.join(number), 0);
        let joined = hall.joined.take().unwrap();
        assert_eq!(joined.members.len(), (number as usize).min(200));
        assert_eq!(joined.total, number as u32);
        hall.pass(Duration::from_millis(1));
        if number % 100 == 0 {
            let publish = GroupRequest::Publish {
                media_type: MediaType::Audio,
                media: MediaId::microphone(),
                name: String::new(),
            };
            hall.group.handle_request(hall.now, MemberId(number), 0, publish);
            hall.drain();
            assert_eq!(
                hall.listeners[&MemberId(0)].media.last(),
                Some(&user(number)),
                "told at once"
            );
        }
    }
    assert_eq!(hall.join(MEMBERS), 1_000_101, "there is no room for more");
    hall.present.remove(&MemberId(MEMBERS));
    hall.pass(Duration::from_secs(1));
    // Beside the publications: one event a join up to 256, and then one a second.
    assert!(hall.events < 99 + 256 + 12, "{}", hall.events);
    assert!(hall.frames < 99 * 10_000 + 256 * 256 + 12 * 10_000, "{}", hall.frames);
    let listener = &hall.listeners[&MemberId(0)];
    assert_eq!((listener.total, listener.media.len()), (10_000, 99));

    // The pages name everybody, once.
    let (mut named, mut after) = (Vec::new(), None);
    loop {
        let page = RosterPage { after, limit: 500 };
        hall.group
            .handle_request(hall.now, MemberId(0), 0, GroupRequest::Roster(page));
        let Some(GroupOutput::To {
            what: ToMember::Reply {
                result: Ok(Reply::Roster(page)),
                ..
            },
            ..
        }) = hall.group.poll_output()
        else {
            panic!("a page")
        };
        named.extend(page.members);
        after = named.last().cloned();
        if !page.more {
            break;
        }
    }
    assert_eq!(named, (1..MEMBERS).map(user).collect::<Vec<_>>());

    (hall.events, hall.frames) = (0, 0);
    for number in 1..MEMBERS {
        hall.leave(number);
        hall.pass(Duration::from_millis(1));
    }
    assert!(hall.events < 99 + 257 + 12, "{}", hall.events);
    // What is held back when the group is small again does not wait.
    hall.batches.pop();
    let gaps = hall.batches.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(
        gaps.min().unwrap() >= Duration::from_secs(1),
        "no more than one a second"
    );
    let listener = &hall.listeners[&MemberId(0)];
    assert_eq!((listener.total, listener.media.len()), (1, 0));
    assert_eq!(hall.group.users().count(), 1);
}

#[test]
fn g6_g9_whoever_comes_between_two_batches_knows_who_is_there_after_the_next() {
    for seed in 0..50 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut hall = Hall::new();
        // Names up to the 200th are named to everybody, so that all of these are.
        (100..360).for_each(|number| assert_eq!(hall.join(number), 0));
        hall.pass(Duration::from_secs(2));
        hall.listen(400);
        for turn in 0..400u64 {
            let number = dice.random_range(0..100);
            match hall.present.contains(&MemberId(number)) {
                true => hall.leave(number),
                false => assert_eq!(hall.join(number), 0),
            }
            if dice.random_bool(0.05) {
                hall.listen(1_000 + turn);
            }
            hall.pass(Duration::from_millis(dice.random_range(0..100)));
        }
        hall.pass(Duration::from_secs(1));
        for listener in hall.listeners.values() {
            let known: Vec<_> = listener
                .known
                .iter()
                .filter(|user| user.as_str() < "user00100")
                .collect();
            let present: Vec<_> = hall.group.users().filter(|user| user.as_str() < "user00100").collect();
            assert_eq!(known, present, "seed {seed}");
            assert_eq!(listener.total as usize, hall.group.users().count(), "seed {seed}");
        }
    }
}

#[test]
fn a_group_that_grows_large_and_small_again_tells_everybody_everything_once() {
    let mut hall = Hall::new();
    hall.listen(0);
    for _ in 0..3 {
        (1..=300).for_each(|number| assert_eq!(hall.join(number), 0));
        (1..=300).rev().for_each(|number| hall.leave(number));
        let listener = &hall.listeners[&MemberId(0)];
        assert_eq!((listener.known.len(), listener.total), (0, 1));
        assert_eq!(hall.group.poll_timeout(), None, "nothing is left to tell");
        hall.pass(Duration::from_millis(100));
    }
}

#[test]
fn an_engine_in_a_large_group_knows_how_many_there_are_and_who_of_those_it_knew_has_left() {
    const CLIENTS: usize = 270;
    let mut world = World::new(1, CLIENTS);
    let name = |who: usize| format!("user{who:03}");
    for who in 0..CLIENTS {
        world.init(who);
        world.login(who, &name(who)).unwrap();
    }
    world.run_for(Duration::from_secs(1));
    for who in 0..CLIENTS {
        world.call(who, |s, now| s.join(now, "hall")).unwrap();
        world.run_for(Duration::from_millis(200));
    }
    world.run_for(Duration::from_secs(2));
    let check = |world: &World, total: usize| {
        let present: BTreeSet<_> = world.server.rooms[&World::group("hall")]
            .core
            .users()
            .cloned()
            .collect();
        assert_eq!(present.len(), total);
        for client in world
            .clients
            .iter()
            .filter(|client| client.session.state() == State::Joined)
        {
            assert!(client.members.is_subset(&present), "nobody is a ghost");
            let count = client.count.unwrap_or(client.members.len() as u32 + 1);
            assert_eq!(count as usize, total, "{} known", client.members.len());
        }
    };
    check(&world, CLIENTS);
    assert!(
        world.clients[269].count.is_some(),
        "who came late was told of the first 200 only"
    );
    // Those who leave were named to some and to others not; the last to do so are told one by one.
    for who in (100..250).step_by(3) {
        world.leave(who).unwrap();
        world.run_for(Duration::from_millis(300));
    }
    world.run_for(Duration::from_secs(2));
    check(&world, CLIENTS - 50);
}

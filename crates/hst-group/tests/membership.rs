//! Who gets what in a group, against a naive model: memberships, audiences, order, and what removing somebody means.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use hst_group::server::{
    Governance, Group, GroupOutput, GroupRequest, MediaCommand, MemberId, Permissions, Recipients, Rules, ToMember,
};
use hst_id::{GroupId, MediaId, MediaRef, MediaType, UserId};
use hst_proto::{
    Audience, Class, Event, EventBody, GroupMessage, Joined, Payload, Reply, ServerFrame, ToGroup, decode_server,
    frame_event,
};
use proptest::prelude::*;

const USERS: usize = 6;

fn user(number: usize) -> UserId {
    UserId::parse(&format!("user{number}")).unwrap()
}

/// One member's end: what he was told, and his own picture of the group.
#[derive(Debug, Default)]
struct Observer {
    user: usize,
    members: BTreeSet<UserId>,
    media: BTreeSet<MediaRef>,
    messages: Vec<GroupMessage>,
    is_out: bool,
}

/// A group and all who were ever in it.
struct House {
    now: Instant,
    group: Group,
    observers: BTreeMap<MemberId, Observer>,
    present: BTreeMap<usize, MemberId>,
    last_member: u64,
    /// What became of the last request, and what the media plane was told, in this order.
    trail: Vec<Trail>,
    /// Messages that were sequenced, and who is to have them.
    expected: Vec<(u64, MemberId, String, BTreeSet<MemberId>)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Trail {
    Replied(MemberId, u32),
    Media(MediaCommand),
    Removed(MemberId),
    Departed(MemberId),
}

#[derive(Debug, Clone)]
enum Act {
    Join(usize),
    Leave(usize),
    Vanish(usize),
    Kick(usize, usize),
    Ban(usize, usize),
    Publish(usize),
    Unpublish(usize),
    Say(usize, Audience, Class),
    Pass(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let who = || 0..USERS;
    let some = || prop::collection::vec((0..USERS + 1).prop_map(user), 0..4);
    let audience = prop_oneof![
        2 => Just(Audience::All),
        2 => some().prop_map(Audience::Only),
        2 => some().prop_map(Audience::Except),
    ];
    let class = prop_oneof![4 => Just(Class::Reliable), 1 => Just(Class::Lossy)];
    let act = prop_oneof![
        6 => who().prop_map(Act::Join),
        2 => who().prop_map(Act::Leave),
        1 => who().prop_map(Act::Vanish),
        1 => (who(), who()).prop_map(|(by, whom)| Act::Kick(by, whom)),
        1 => (who(), who()).prop_map(|(by, whom)| Act::Ban(by, whom)),
        2 => who().prop_map(Act::Publish),
        1 => who().prop_map(Act::Unpublish),
        10 => (who(), audience, class).prop_map(|(by, to, class)| Act::Say(by, to, class)),
        1 => (0u64..20).prop_map(Act::Pass),
    ];
    prop::collection::vec(act, 1..120)
}

impl House {
    fn new(rules: Rules) -> Self {
        Self {
            now: Instant::now(),
            group: Group::new(GroupId::parse("g").unwrap(), rules),
            observers: BTreeMap::new(),
            present: BTreeMap::new(),
            last_member: 0,
            trail: Vec::new(),
            expected: Vec::new(),
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Join(who) => drop(self.join(*who)),
            Act::Leave(who) => drop(self.ask(*who, GroupRequest::Leave)),
            Act::Vanish(who) => {
                if let Some(member) = self.present.remove(who) {
                    self.group.handle_gone(self.now, member);
                    self.drain();
                }
            }
            Act::Kick(by, whom) => drop(self.kick(*by, *whom, None)),
            Act::Ban(by, whom) => drop(self.kick(*by, *whom, Some(Duration::from_secs(10)))),
            Act::Publish(who) => drop(self.ask(*who, publish())),
            Act::Unpublish(who) => drop(self.ask(*who, unpublish())),
            Act::Say(by, to, class) => drop(self.say(*by, to.clone(), *class)),
            Act::Pass(seconds) => self.now += Duration::from_secs(*seconds),
        }
    }

    fn join(&mut self, who: usize) -> Option<u32> {
        if self.present.contains_key(&who) {
            return None;
        }
        self.last_member += 1;
        let member = MemberId(self.last_member);
        let observer = Observer {
            user: who,
            ..Observer::default()
        };
        self.observers.insert(member, observer);
        self.group
            .handle_join(self.now, member, 0, user(who), Permissions::all());
        let code = self.drain_for(member);
        match code {
            0 => drop(self.present.insert(who, member)),
            _ => drop(self.observers.remove(&member)),
        }
        Some(code)
    }

    fn ask(&mut self, who: usize, request: GroupRequest) -> Option<u32> {
        let member = *self.present.get(&who)?;
        self.group.handle_request(self.now, member, 0, request);
        Some(self.drain_for(member))
    }

    fn kick(&mut self, by: usize, whom: usize, ban: Option<Duration>) -> Option<u32> {
        let act = Governance::Kick { user: user(whom), ban };
        self.ask(by, GroupRequest::Govern(act))
    }

    fn say(&mut self, by: usize, to: Audience, class: Class) -> Option<u32> {
        let member = *self.present.get(&by)?;
        let text = format!("{by}: {}", self.expected.len());
        let audience: BTreeSet<_> = self
            .present
            .iter()
            .filter(|&(&who, _)| who != by && to.reaches(&user(who)))
            .map(|(_, &member)| member)
            .collect();
        let seq = self.expected.len() as u64 + 1;
        self.expected.push((seq, member, text.clone(), audience));
        let body = Payload::text(&text);
        self.ask(by, GroupRequest::Message(ToGroup { body, to, class }))
    }

    fn drain_for(&mut self, member: MemberId) -> u32 {
        self.drain();
        let replied = self.trail.iter().filter_map(|step| match step {
            Trail::Replied(of, code) if *of == member => Some(*code),
            _ => None,
        });
        let codes: Vec<_> = replied.collect();
        // Who removes himself hears of that instead.
        let removed = self.trail.contains(&Trail::Removed(member));
        assert_eq!(codes.len(), usize::from(!removed), "one reply a request");
        codes.first().copied().unwrap_or(0)
    }

    fn drain(&mut self) {
        self.trail.clear();
        while let Some(output) = self.group.poll_output() {
            match output {
                GroupOutput::To { member, what } => self.hand(member, what),
                GroupOutput::Tell { to, body, class, .. } => {
                    let members: Vec<_> = match to {
                        Recipients::All => self.in_it().collect(),
                        Recipients::AllBut(one) => self.in_it().filter(|member| *member != one).collect(),
                        Recipients::Only(members) => members,
                    };
                    for member in members {
                        let what = match class {
                            Class::Reliable => ToMember::Event(body.clone()),
                            Class::Lossy => ToMember::Lossy(body.clone()),
                        };
                        self.hand(member, what);
                    }
                }
                GroupOutput::Media(command) => self.trail.push(Trail::Media(command)),
                GroupOutput::Keep(_) => {}
                GroupOutput::Departed(member) => {
                    self.trail.push(Trail::Departed(member));
                    self.present.retain(|_, present| *present != member);
                    if let Some(observer) = self.observers.get_mut(&member) {
                        observer.is_out = true;
                    }
                }
                GroupOutput::Ban { .. } | GroupOutput::Happened(_) => {}
            }
        }
    }

    fn in_it(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.observers
            .iter()
            .filter(|(_, observer)| !observer.is_out)
            .map(|(member, _)| *member)
    }

    fn hand(&mut self, member: MemberId, what: ToMember) {
        let Some(observer) = self.observers.get_mut(&member) else {
            return;
        };
        if observer.is_out {
            return;
        }
        match what {
            ToMember::Reply { result, .. } => {
                if let Ok(Reply::Joined(joined)) = &result {
                    observer.begin(joined);
                }
                let code = result.err().map_or(0, |failure| failure.code);
                self.trail.push(Trail::Replied(member, code));
            }
            ToMember::Removed(_) => {
                observer.is_out = true;
                self.trail.push(Trail::Removed(member));
            }
            ToMember::Event(body) | ToMember::Lossy(body) => observer.hear(&body),
        }
    }

    /// Everybody was told everything that he is to have, in its order, and nothing else.
    fn check(&self) {
        for (member, observer) in &self.observers {
            let heard: Vec<_> = observer
                .messages
                .iter()
                .map(|m| (m.seq, m.body.as_text().unwrap()))
                .collect();
            let due = self.expected.iter().filter(|(.., audience)| audience.contains(member));
            let due: Vec<_> = due.map(|(seq, _, text, _)| (*seq, text.clone())).collect();
            assert_eq!(heard, due, "{observer:?}");
            for message in &observer.messages {
                let (_, sender, ..) = &self.expected[message.seq as usize - 1];
                assert_eq!(
                    message.from,
                    user(self.observers[sender].user),
                    "nobody speaks for another"
                );
            }
            if !observer.is_out {
                let others: BTreeSet<_> = self
                    .present
                    .keys()
                    .filter(|&&who| who != observer.user)
                    .copied()
                    .map(user)
                    .collect();
                assert_eq!(observer.members, others);
                let own = user(observer.user);
                let media: BTreeSet<_> = self
                    .group
                    .media()
                    .map(|media| media.key)
                    .filter(|key| key.user != own)
                    .collect();
                assert_eq!(observer.media, media);
            }
        }
    }
}

impl Observer {
    fn begin(&mut self, joined: &Joined) {
        self.members = joined.members.iter().cloned().collect();
        self.media = joined.media.iter().map(|media| media.key.clone()).collect();
    }

    fn hear(&mut self, body: &EventBody) {
        let ServerFrame::Event { event, .. } = decode_server(&frame_event(None, body)).unwrap() else {
            panic!("an event")
        };
        match event {
            Event::MemberJoined { user } => assert!(self.members.insert(user), "joined twice"),
            Event::MemberLeft { user } => {
                assert!(
                    !self.media.iter().any(|media| media.user == user),
                    "his media have ended before"
                );
                assert!(self.members.remove(&user), "left without being there");
            }
            Event::Published(media) => {
                assert!(self.members.contains(&media.key.user), "published by nobody");
                assert!(self.media.insert(media.key), "published twice");
            }
            Event::Unpublished(media) => assert!(self.media.remove(&media.key), "ended without being there"),
            Event::Message(message) => self.messages.push(message),
            _ => {}
        }
    }
}

fn camera() -> MediaId {
    MediaId::parse("cam").unwrap()
}

fn publish() -> GroupRequest {
    GroupRequest::Publish {
        media_type: MediaType::Video,
        media: camera(),
        name: String::new(),
    }
}

fn unpublish() -> GroupRequest {
    let media_type = MediaType::Video;
    GroupRequest::Unpublish {
        media_type,
        media: camera(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn g1_g2_g3_g5_g9_g14_each_message_reaches_exactly_its_audience_of_that_moment_in_one_order(acts in acts()) {
        let mut house = House::new(Rules::default());
        for act in &acts {
            house.act(act);
            house.check();
        }
    }
}

#[test]
fn g5_after_a_kick_nothing_more_reaches_who_was_kicked_and_his_media_have_stopped_before_the_reply() {
    for ban in [None, Some(Duration::from_secs(10))] {
        let mut house = House::new(Rules::default());
        (0..3).for_each(|who| assert_eq!(house.join(who), Some(0)));
        house.ask(1, publish()).unwrap();
        house.say(0, Audience::All, Class::Reliable).unwrap();
        let kicked = house.present[&1];
        assert_eq!(house.kick(0, 1, ban), Some(0));
        let [removed, departed, end_track, end_peer, replied] = &house.trail[..] else {
            panic!("{:?}", house.trail)
        };
        assert_eq!([removed, departed], [&Trail::Removed(kicked), &Trail::Departed(kicked)]);
        assert!(matches!(end_track, Trail::Media(MediaCommand::EndTrack(_))));
        assert_eq!(end_peer, &Trail::Media(MediaCommand::EndPeer(kicked)));
        assert_eq!(replied, &Trail::Replied(house.present[&0], 0));

        for class in [Class::Reliable, Class::Lossy] {
            house.say(2, Audience::Only(vec![user(1)]), class).unwrap();
            house.say(2, Audience::All, class).unwrap();
        }
        // What he had under way when he was kicked is refused, and tells nobody anything.
        let late = GroupRequest::Message(ToGroup {
            body: Payload::text("late"),
            to: Audience::All,
            class: Class::Reliable,
        });
        for request in [late, publish(), GroupRequest::History { before: None, limit: 9 }] {
            house.group.handle_request(house.now, kicked, 9, request);
            house.drain();
        }
        house.check();
        assert_eq!(house.observers[&kicked].messages.len(), 1);
        let again = house.join(1);
        assert_eq!(again, Some(if ban.is_some() { 1_000_103 } else { 0 }));
        house.now += Duration::from_secs(10);
        assert!(house.join(1).is_none_or(|code| code == 0), "a ban ends");
    }
}

#[test]
fn g11_the_media_plane_hears_of_an_end_before_who_asked_for_it_does() {
    let mut house = House::new(Rules::default());
    (0..2).for_each(|who| assert_eq!(house.join(who), Some(0)));
    house.ask(1, publish()).unwrap();
    let media = house.group.media().next().unwrap().key;
    for muted in [true, false] {
        let act = Governance::Mute {
            media: media.clone(),
            muted,
        };
        house.ask(0, GroupRequest::Govern(act)).unwrap();
        let [
            Trail::Media(MediaCommand::MuteTrack { muted: told, .. }),
            Trail::Replied(..),
        ] = house.trail[..]
        else {
            panic!("{:?}", house.trail)
        };
        assert_eq!(told, muted);
    }
    house.ask(1, unpublish()).unwrap();
    let order = [&house.trail[0], &house.trail[1]];
    assert!(matches!(
        order,
        [Trail::Media(MediaCommand::EndTrack(_)), Trail::Replied(..)]
    ));
    // One who leaves hears that it is done, and that is the last thing.
    house.ask(1, publish()).unwrap();
    house.ask(1, GroupRequest::Leave).unwrap();
    let ends = house
        .trail
        .iter()
        .filter(|step| matches!(step, Trail::Media(_)))
        .count();
    assert_eq!(ends, 2, "his track and his transport");
}

#[test]
fn g12_a_group_that_comes_again_knows_nothing_of_the_one_before() {
    let rules = Rules {
        history: 10,
        ..Rules::default()
    };
    let mut before = House::new(rules);
    before.join(0);
    let old = before.present[&0];
    before.say(0, Audience::All, Class::Reliable);
    before.kick(0, 1, Some(Duration::from_secs(10)));
    before.act(&Act::Leave(0));
    assert!(before.group.is_empty());

    let mut again = House::new(rules);
    again.last_member = before.last_member;
    again.join(2);
    // A word for the earlier one comes late.
    for request in [
        publish(),
        GroupRequest::Leave,
        GroupRequest::History { before: None, limit: 9 },
    ] {
        again.group.handle_request(again.now, old, 1, request);
        again.drain();
    }
    again.group.handle_gone(again.now, old);
    again.group.handle_answer(old, 1, Ok("late".into()));
    again.group.handle_missed(old);
    again.drain();
    assert_eq!((again.group.users().count(), again.group.media().count()), (1, 0));
    again.group.handle_request(
        again.now,
        again.present[&2],
        1,
        GroupRequest::History { before: None, limit: 9 },
    );
    let history = std::iter::from_fn(|| again.group.poll_output()).find_map(|output| match output {
        GroupOutput::To {
            what: ToMember::Reply { result, .. },
            ..
        } => Some(result),
        _ => None,
    });
    assert_eq!(history, Some(Ok(Reply::History { messages: Vec::new() })));
    again.say(2, Audience::All, Class::Reliable);
    again.check();
}

//! How much of a picture its receivers want, and what its publisher and the media plane are told of it.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hst_group::server::{
    Group, GroupOutput, GroupRequest, MediaCommand, MemberId, Permissions, Rules, ToMember, TrackId,
};
use hst_id::{GroupId, MediaId, MediaRef, MediaType, UserId};
use hst_proto::{Event, ServerFrame, decode_server, frame_event};
use proptest::prelude::*;

const PUBLISHER: u64 = 1;
const ALL: Option<u32> = None;
const NOTHING: Option<u32> = Some(0);

/// A group whose member 1 publishes a camera.
struct House {
    now: Instant,
    begin: Instant,
    group: Group,
    /// What the publisher was told, and when in ms.
    told: Vec<(u64, Option<u32>)>,
    /// Which tracks were kept from whom, or no more.
    held: Vec<(u64, bool)>,
    /// Whose picture was said to be paused, or not any more.
    starved: Vec<(u64, bool)>,
}

impl House {
    fn new() -> Self {
        let (now, id) = (Instant::now(), GroupId::parse("g").unwrap());
        let mut house = Self {
            now,
            begin: now,
            group: Group::new(id, Rules::default()),
            told: Vec::new(),
            held: Vec::new(),
            starved: Vec::new(),
        };
        house.join(PUBLISHER);
        house.publish(MediaType::Video);
        house
    }

    /// One with somebody who receives the camera.
    fn watched() -> Self {
        let mut house = Self::new();
        house.join(2);
        assert_eq!(house.receive(2), Ok(()));
        house
    }

    fn join(&mut self, member: u64) {
        let user = UserId::parse(&format!("user{member}")).unwrap();
        self.group
            .handle_join(self.now, MemberId(member), 1, user, Permissions::ordinary());
        self.drain();
    }

    /// Gives the code of the refusal, if it is one.
    fn ask(&mut self, member: u64, request: GroupRequest) -> Result<(), u32> {
        self.group.handle_request(self.now, MemberId(member), 2, request);
        self.drain().expect("every request is answered")
    }

    fn publish(&mut self, media_type: MediaType) {
        let media = camera(media_type).media;
        let name = String::new();
        let request = GroupRequest::Publish {
            media_type,
            media,
            name,
        };
        assert_eq!(self.ask(PUBLISHER, request), Ok(()));
    }

    fn receive(&mut self, member: u64) -> Result<(), u32> {
        self.ask(member, GroupRequest::Receive(camera(MediaType::Video)))
    }

    fn view(&mut self, member: u64, height: Option<u32>) -> Result<(), u32> {
        let media = camera(MediaType::Video);
        self.ask(member, GroupRequest::View { media, height })
    }

    fn stop(&mut self, member: u64) {
        let stop = GroupRequest::StopReceive(camera(MediaType::Video));
        assert_eq!(self.ask(member, stop), Ok(()));
    }

    fn pass(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(due) = self.group.poll_timeout().filter(|&due| due <= end) {
            self.now = self.now.max(due);
            self.group.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) -> Option<Result<(), u32>> {
        let mut replied = None;
        while let Some(output) = self.group.poll_output() {
            match output {
                GroupOutput::To { member, what } => match what {
                    ToMember::Reply { result, .. } => replied = Some(result.map(drop).map_err(|failure| failure.code)),
                    ToMember::Event(body) => {
                        let Ok(ServerFrame::Event { event, .. }) = decode_server(&frame_event(Some(1), &body)) else {
                            panic!("an event")
                        };
                        match event {
                            Event::Wanted { height, .. } => {
                                assert_eq!(member, MemberId(PUBLISHER));
                                self.told.push(((self.now - self.begin).as_millis() as u64, height));
                            }
                            Event::Starved { key, starved } => {
                                assert_eq!(key, camera(MediaType::Video));
                                self.starved.push((member.0, starved));
                            }
                            _ => {}
                        }
                    }
                    _ => {}
                },
                GroupOutput::Media(MediaCommand::HoldTrack {
                    member,
                    track: TrackId(1),
                    held,
                }) => self.held.push((member.0, held)),
                _ => {}
            }
        }
        replied
    }

    fn take_told(&mut self) -> Vec<(u64, Option<u32>)> {
        std::mem::take(&mut self.told)
    }
}

fn camera(media_type: MediaType) -> MediaRef {
    MediaRef {
        user: UserId::parse("user1").unwrap(),
        media_type,
        media: MediaId::parse("cam").unwrap(),
    }
}

#[test]
fn the_publisher_is_told_the_largest_view_more_at_once_and_less_after_two_seconds() {
    let mut house = House::watched();
    house.join(3);
    house.receive(3).unwrap();
    house.view(2, Some(180)).unwrap();
    house.pass(10_000);
    assert_eq!(house.take_told(), [], "the other one wants all");
    house.view(3, Some(360)).unwrap();
    house.pass(10_000);
    assert_eq!(house.take_told(), [(12_000, Some(360))]);
    house.view(2, Some(720)).unwrap();
    assert_eq!(house.take_told(), [(20_000, Some(720))]);
    house.view(3, ALL).unwrap();
    house.view(3, Some(90)).unwrap();
    house.pass(10_000);
    assert_eq!(house.take_told(), [], "it was over before it was due");
}

#[test]
fn when_nobody_receives_nothing_is_wanted_and_whoever_comes_has_all_at_once() {
    let mut house = House::new();
    house.pass(10_000);
    assert_eq!(house.take_told(), [(2_000, NOTHING)]);
    house.join(2);
    house.receive(2).unwrap();
    assert_eq!(house.take_told(), [(10_000, ALL)]);
    house.pass(10_000);
    assert_eq!(house.take_told(), []);
}

#[test]
fn when_a_receiver_leaves_stops_or_is_lost_the_largest_is_found_anew() {
    let stop = |house: &mut House| house.stop(3);
    let leave = |house: &mut House| assert_eq!(house.ask(3, GroupRequest::Leave), Ok(()));
    let vanish = |house: &mut House| {
        house.group.handle_gone(house.now, MemberId(3));
        house.drain();
    };
    for end in [&stop as &dyn Fn(&mut House), &leave, &vanish] {
        let mut house = House::watched();
        house.join(3);
        house.receive(3).unwrap();
        house.view(2, Some(90)).unwrap();
        house.pass(10_000);
        assert_eq!(house.take_told(), []);
        end(&mut house);
        house.pass(10_000);
        assert_eq!(house.take_told(), [(12_000, Some(90))]);
    }
}

#[test]
fn who_wants_nothing_is_sent_nothing_until_he_wants_it_again() {
    let mut house = House::watched();
    for height in [Some(180), NOTHING, NOTHING, Some(1), ALL, NOTHING] {
        house.view(2, height).unwrap();
    }
    assert_eq!(house.held, [(2, true), (2, false), (2, true)]);
    house.receive(2).unwrap();
    assert_eq!(house.held.pop(), Some((2, false)), "who asks anew wants all");
    house.view(2, NOTHING).unwrap();
    house.held.clear();
    house.stop(2);
    assert_eq!(house.held, [], "he gets nothing already");
    house.receive(2).unwrap();
    house.stop(2);
    assert_eq!(house.held, [(2, false), (2, true)], "without another offer");
}

#[test]
fn views_without_sense_are_refused_and_change_nothing() {
    let mut house = House::watched();
    house.publish(MediaType::Audio);
    let sound = camera(MediaType::Audio);
    house.ask(2, GroupRequest::Receive(sound.clone())).unwrap();
    let of = |media: &MediaRef, height| GroupRequest::View {
        media: media.clone(),
        height: Some(height),
    };
    assert_eq!(
        house.ask(2, of(&sound, 0)),
        Err(1),
        "sound is never kept from anybody so"
    );
    let screen = camera(MediaType::ScreenShare);
    assert_eq!(house.ask(2, of(&screen, 0)), Err(302));
    assert_eq!(house.ask(PUBLISHER, of(&camera(MediaType::Video), 0)), Err(302));
    assert_eq!(house.ask(9, of(&camera(MediaType::Video), 0)), Err(31));
    for height in [16_385, u32::MAX] {
        assert_eq!(house.view(2, Some(height)), Err(1));
    }
    assert_eq!(house.view(2, Some(16_384)), Ok(()));
    assert_eq!(house.held, []);
}

#[test]
fn a_publisher_who_missed_events_is_told_again_what_differs_from_the_beginning() {
    let mut house = House::watched();
    house.group.handle_missed(MemberId(PUBLISHER));
    house.drain();
    assert_eq!(house.take_told(), []);
    house.view(2, Some(180)).unwrap();
    house.pass(3_000);
    house.take_told();
    house.group.handle_missed(MemberId(PUBLISHER));
    house.drain();
    assert_eq!(house.take_told(), [(3_000, Some(180))]);
}

#[test]
fn whose_network_carries_no_picture_is_told_so_and_told_again_when_he_missed_it_and_nobody_else_is() {
    let mut house = House::watched();
    house.join(3);
    house.receive(3).unwrap();
    let mut tell = |starved: Option<bool>| {
        match starved {
            Some(starved) => house.group.handle_starved(MemberId(2), TrackId(1), starved),
            None => house.group.handle_missed(MemberId(2)),
        }
        house.drain();
        std::mem::take(&mut house.starved)
    };
    assert_eq!(tell(None), []);
    assert_eq!(tell(Some(true)), [(2, true)]);
    assert_eq!(tell(None), [(2, true)]);
    assert_eq!(tell(Some(false)), [(2, false)]);
    assert_eq!(tell(None), []);
    tell(Some(true));
    house.stop(2);
    house.group.handle_missed(MemberId(2));
    house.drain();
    assert_eq!(house.starved, [], "he receives it no more");
}

#[test]
fn a_picture_that_is_published_again_begins_with_all() {
    let mut house = House::watched();
    house.view(2, NOTHING).unwrap();
    house.pass(3_000);
    house.take_told();
    let (media_type, media) = (MediaType::Video, camera(MediaType::Video).media);
    house
        .ask(PUBLISHER, GroupRequest::Unpublish { media_type, media })
        .unwrap();
    house.pass(10_000);
    assert_eq!(house.take_told(), []);
}

#[derive(Debug, Clone)]
enum Act {
    View(u64, Option<u32>),
    Receive(u64),
    Stop(u64),
    Pass(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let who = || 2..12_u64;
    let height = prop_oneof![Just(ALL), Just(NOTHING), (1..1_000_u32).prop_map(Some)];
    let act = prop_oneof![
        8 => (who(), height).prop_map(|(who, height)| Act::View(who, height)),
        2 => who().prop_map(Act::Receive),
        1 => who().prop_map(Act::Stop),
        4 => (0..900_u64).prop_map(Act::Pass),
    ];
    prop::collection::vec(act, 1..200)
}

proptest! {
    /// The naive model: a list of what everybody wants, and its largest.
    #[test]
    fn a_crowd_that_resizes_tells_the_publisher_rarely_and_right_in_the_end(acts in acts()) {
        let mut house = House::new();
        let mut wanted = BTreeMap::new();
        for member in 2..12 {
            house.join(member);
        }
        for act in acts {
            match act {
                Act::View(who, height) => {
                    prop_assert_eq!(house.view(who, height).is_ok(), wanted.contains_key(&who));
                    wanted.entry(who).and_modify(|wants| *wants = height);
                }
                Act::Receive(who) => {
                    house.receive(who).unwrap();
                    wanted.insert(who, ALL);
                }
                Act::Stop(who) => {
                    house.stop(who);
                    wanted.remove(&who);
                }
                Act::Pass(ms) => house.pass(ms),
            }
        }
        house.pass(2_000);
        let order = |height: &Option<u32>| height.unwrap_or(u32::MAX);
        let largest = wanted.values().copied().max_by_key(order).unwrap_or(NOTHING);
        prop_assert_eq!(house.told.last().map_or(ALL, |&(_, height)| height), largest);
        for pair in house.told.windows(2) {
            let [(before, first), (after, second)] = pair else { unreachable!() };
            let least = if order(second) > order(first) { 500 } else { 2_000 };
            prop_assert!(after - before >= least, "{:?}", pair);
            prop_assert_ne!(first, second);
        }
    }
}

//! A group that goes on elsewhere, with those who come back to it and what they had.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hst_group::server::{
    Governance, Group, GroupOutput, GroupRequest, MediaCommand, MemberId, Permissions, Recipients, Rules, Seat,
    ToMember, TrackId,
};
use hst_id::{GroupId, MediaRef, MediaType, UserId};
use hst_proto::{Audience, Class, Event, Joined, Payload, Reply, ToGroup};

const ANN: MemberId = MemberId(1);
const BOB: MemberId = MemberId(2);
const CAT: MemberId = MemberId(3);

fn name(id: MemberId) -> UserId {
    UserId::parse(&format!("user{}", id.0)).unwrap()
}

fn camera(of: MemberId) -> MediaRef {
    MediaRef {
        user: name(of),
        media_type: MediaType::Video,
        media: "cam".parse().unwrap(),
    }
}

/// A group at one place.
struct House {
    now: Instant,
    group: Group,
    replies: Vec<Result<Reply, u32>>,
    events: Vec<(MemberId, Event)>,
    /// To whom else something was told.
    told: Vec<Recipients>,
    commands: Vec<MediaCommand>,
}

impl House {
    fn new(generation: u64) -> Self {
        let group = Group::new(GroupId::parse("g").unwrap(), Rules::default());
        Self {
            now: Instant::now(),
            group: group.of_generation(generation),
            replies: Vec::new(),
            events: Vec::new(),
            told: Vec::new(),
            commands: Vec::new(),
        }
    }

    fn join(&mut self, id: MemberId) {
        self.group
            .handle_join(self.now, id, 1, name(id), Permissions::ordinary());
        self.drain();
    }

    fn ask(&mut self, id: MemberId, request: GroupRequest) -> Reply {
        self.group.handle_request(self.now, id, 2, request);
        self.drain();
        self.replies.pop().unwrap().unwrap()
    }

    fn publish(&mut self, id: MemberId) {
        let MediaRef { media_type, media, .. } = camera(id);
        let name = "a camera".to_owned();
        self.ask(
            id,
            GroupRequest::Publish {
                media_type,
                media,
                name,
            },
        );
    }

    fn say(&mut self, id: MemberId) -> u64 {
        let message = ToGroup {
            body: Payload::text("x"),
            to: Audience::All,
            class: Class::Reliable,
        };
        match self.ask(id, GroupRequest::Message(message)) {
            Reply::Sent { seq } => seq,
            other => panic!("{other:?}"),
        }
    }

    fn back(&mut self, id: MemberId, seat: Seat) {
        self.group.handle_return(self.now, id, seat).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.group.poll_output() {
            match output {
                GroupOutput::To { member, what } => match what {
                    ToMember::Reply { result, .. } => self.replies.push(result.map_err(|why| why.code)),
                    ToMember::Event(body) | ToMember::Lossy(body) | ToMember::Removed(body) => {
                        self.events.push((member, serde_json_of(body.as_json())));
                    }
                },
                GroupOutput::Tell { to, .. } => self.told.push(to),
                GroupOutput::Media(command) => self.commands.push(command),
                _ => {}
            }
        }
    }

    fn track(&self, of: MemberId) -> TrackId {
        self.group.track(&camera(of)).unwrap().0
    }

    fn snapshots(&mut self) -> BTreeMap<MemberId, Joined> {
        let snapshot = |(member, event)| match event {
            Event::Snapshot(joined) => Some((member, joined)),
            _ => None,
        };
        self.events.drain(..).filter_map(snapshot).collect()
    }
}

fn serde_json_of(json: &str) -> Event {
    let frame = format!("{{\"ev\":{json}}}");
    match hst_proto::decode_server(frame.as_bytes()).unwrap() {
        hst_proto::ServerFrame::Event { event, .. } => event,
        reply @ hst_proto::ServerFrame::Reply { .. } => panic!("{reply:?}"),
    }
}

/// Ann, Bob and Cat, of whom Ann and Cat publish cameras that Bob receives; Ann's is muted, and Bob does not look at Cat's.
fn before() -> House {
    let mut house = House::new(1);
    for id in [ANN, BOB, CAT] {
        house.join(id);
    }
    for publisher in [ANN, CAT] {
        house.publish(publisher);
        house.ask(BOB, GroupRequest::Receive(camera(publisher)));
    }
    let media = camera(CAT);
    let height = Some(0);
    house.ask(BOB, GroupRequest::View { media, height });
    let mute = Governance::Mute {
        media: camera(ANN),
        muted: true,
    };
    house.group.handle_governance(house.now, mute).unwrap();
    house
        .group
        .handle_governance(house.now, Governance::Lock { locked: true })
        .unwrap();
    house.say(ANN);
    house
}

#[test]
fn who_comes_back_has_what_he_had_and_is_told_once_how_the_group_is() {
    let old = before();
    let tracks = [ANN, CAT].map(|publisher| old.track(publisher));
    let mut new = House::new(2);
    new.group.handle_standing(old.group.standing());
    // In whichever order they come.
    for id in [BOB, CAT, ANN] {
        let seat = old.group.seat(id).unwrap();
        new.back(id, seat.clone());
        assert_eq!(new.group.seat(id), Some(seat));
    }
    assert!(new.events.is_empty() && new.commands.is_empty(), "nobody has noticed");
    assert_eq!([ANN, CAT].map(|publisher| new.track(publisher)), tracks);
    new.group.handle_settled();
    new.drain();
    let told = new.snapshots();
    assert_eq!(told.len(), 3);
    let bobs = &told[&BOB];
    assert_eq!(bobs.members, [name(ANN), name(CAT)]);
    let media: Vec<_> = bobs
        .media
        .iter()
        .map(|media| (media.key.clone(), media.muted))
        .collect();
    assert_eq!(media, [(camera(ANN), true), (camera(CAT), false)]);
    assert!(bobs.locked && bobs.last_message == 1);
    assert!(new.commands.is_empty(), "what flows goes on");
    assert_eq!(new.say(CAT), 2, "no number comes twice");
    new.publish(BOB);
    assert!(!tracks.contains(&new.track(BOB)) && new.track(BOB).0 > tracks[1].0);
}

#[test]
fn what_is_wanted_of_a_picture_counts_those_who_are_back() {
    let old = before();
    let mut new = House::new(2);
    for id in [CAT, BOB] {
        let seat = old.group.seat(id).unwrap();
        new.back(id, seat);
    }
    // Nobody looks at Cat's picture, and she is told so when it has been so for some time.
    new.now += Duration::from_secs(2);
    new.group.handle_timeout(new.now);
    new.drain();
    let wanted = |house: &mut House| {
        let heights = house.events.drain(..).filter_map(|(member, event)| match event {
            Event::Wanted { height, .. } => Some((member, height)),
            _ => None,
        });
        heights.collect::<Vec<_>>()
    };
    assert_eq!(wanted(&mut new), [(CAT, Some(0))]);
    // And when he looks again, the media plane is told: it has kept it from him since.
    let (media, height) = (camera(CAT), None);
    new.now += Duration::from_secs(1);
    new.ask(BOB, GroupRequest::View { media, height });
    let track = new.track(CAT);
    let held = MediaCommand::HoldTrack {
        member: BOB,
        track,
        held: false,
    };
    assert!(new.commands.contains(&held), "{:?}", new.commands);
    assert_eq!(wanted(&mut new), [(CAT, None)]);
}

#[test]
fn what_those_had_who_do_not_come_back_is_over() {
    let old = before();
    let ended = MediaCommand::EndTrack(old.track(CAT));
    let mut new = House::new(2);
    for id in [ANN, BOB] {
        let seat = old.group.seat(id).unwrap();
        new.back(id, seat);
    }
    new.group.handle_settled();
    new.drain();
    assert_eq!(new.commands, [ended]);
    let told = new.snapshots();
    assert_eq!(told[&BOB].members, [name(ANN)]);
    assert_eq!(told[&BOB].media.len(), 1);
    // She comes anew, and with her another track.
    new.group
        .handle_governance(new.now, Governance::Lock { locked: false })
        .unwrap();
    new.join(CAT);
    new.publish(CAT);
    assert_ne!(new.track(CAT), old.track(CAT));
}

#[test]
fn nobody_takes_the_seat_of_one_of_the_same_name() {
    let old = before();
    let mut new = House::new(2);
    new.join(ANN);
    let seat = old.group.seat(ANN).unwrap();
    let refused = new.group.handle_return(new.now, MemberId(9), seat).unwrap_err();
    assert_eq!(refused.code, 1_000_010);
    assert_eq!(new.group.users().count(), 1);
}

#[test]
fn who_comes_by_another_node_is_the_same_to_all_others_and_his_media_plane_knows_what_he_had() {
    let mut house = before();
    let moved = MemberId(99);
    let track = house.track(CAT);
    house.events.clear();
    house.told.clear();
    house.commands.clear();
    assert!(house.group.handle_passed(BOB, moved));
    house.drain();
    assert!(
        !house.group.handle_passed(BOB, moved),
        "he is not there under that name any more"
    );
    assert!(
        house.events.is_empty() && house.told.is_empty(),
        "nobody is told anything"
    );
    let held = MediaCommand::HoldTrack {
        member: moved,
        track,
        held: true,
    };
    assert_eq!(house.commands, [held], "he does not look at one of them");
    assert_eq!(house.group.seat(moved).unwrap().user, name(BOB));
    assert_eq!(house.group.seat(BOB), None);
    house.say(moved);
    assert_eq!(
        house.told,
        [Recipients::AllBut(moved)],
        "he speaks to the others as before"
    );
}

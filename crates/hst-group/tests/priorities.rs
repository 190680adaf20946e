//! Which pictures a receiver wants before others, and what the media plane is told of it.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::time::Instant;

use hst_group::server::{
    Group, GroupOutput, GroupRequest, MediaCommand, MemberId, Permissions, Rules, ToMember, TrackId,
};
use hst_id::{GroupId, MediaId, MediaRef, MediaType, UserId};
use hst_proto::Priority;

const PUBLISHER: u64 = 1;
const RECEIVER: u64 = 2;

/// A group whose member 1 publishes a microphone, a camera and a screen, in this order, and whose member 2 receives them.
struct House {
    group: Group,
    /// What the media plane was told: of which track, and how much it matters.
    told: Vec<(u64, Priority)>,
}

impl House {
    fn new() -> Self {
        let mut house = Self {
            group: Group::new(GroupId::parse("g").unwrap(), Rules::default()),
            told: Vec::new(),
        };
        for member in [PUBLISHER, RECEIVER] {
            let user = UserId::parse(&format!("user{member}")).unwrap();
            house
                .group
                .handle_join(Instant::now(), MemberId(member), 1, user, Permissions::ordinary());
            house.drain();
        }
        for media_type in [MediaType::Audio, MediaType::Video, MediaType::ScreenShare] {
            let MediaRef { media, .. } = key(media_type);
            let name = String::new();
            let publish = GroupRequest::Publish {
                media_type,
                media,
                name,
            };
            house.ask(PUBLISHER, publish).unwrap();
            house.receive(media_type);
        }
        house
    }

    /// Gives the code of the refusal, if it is one.
    fn ask(&mut self, member: u64, request: GroupRequest) -> Result<(), u32> {
        self.group.handle_request(Instant::now(), MemberId(member), 2, request);
        self.drain().expect("every request is answered")
    }

    fn receive(&mut self, media_type: MediaType) {
        self.ask(RECEIVER, GroupRequest::Receive(key(media_type))).unwrap();
    }

    fn prioritize(&mut self, member: u64, media_type: MediaType, priority: Priority) -> Result<(), u32> {
        let media = key(media_type);
        self.ask(member, GroupRequest::Prioritize { media, priority })
    }

    fn drain(&mut self) -> Option<Result<(), u32>> {
        let mut replied = None;
        while let Some(output) = self.group.poll_output() {
            match output {
                GroupOutput::To {
                    what: ToMember::Reply { result, .. },
                    ..
                } => replied = Some(result.map(drop).map_err(|failure| failure.code)),
                GroupOutput::Media(MediaCommand::PrioritizeTrack {
                    member,
                    track: TrackId(track),
                    priority,
                }) => {
                    assert_eq!(member, MemberId(RECEIVER));
                    self.told.push((track, priority));
                }
                _ => {}
            }
        }
        replied
    }

    fn take_told(&mut self) -> Vec<(u64, Priority)> {
        std::mem::take(&mut self.told)
    }
}

fn key(media_type: MediaType) -> MediaRef {
    MediaRef {
        user: UserId::parse("user1").unwrap(),
        media_type,
        media: MediaId::parse("own").unwrap(),
    }
}

#[test]
fn a_shared_screen_comes_before_cameras_unless_it_is_said_otherwise() {
    let mut house = House::new();
    assert_eq!(house.take_told(), [(3, Priority::High)]);
    for priority in [Priority::High, Priority::High, Priority::Low, Priority::Normal] {
        house.prioritize(RECEIVER, MediaType::Video, priority).unwrap();
    }
    house
        .prioritize(RECEIVER, MediaType::ScreenShare, Priority::Normal)
        .unwrap();
    let told = [
        (2, Priority::High),
        (2, Priority::Low),
        (2, Priority::Normal),
        (3, Priority::Normal),
    ];
    assert_eq!(house.take_told(), told, "only what has changed");
}

#[test]
fn what_is_received_anew_matters_as_much_as_usual_again() {
    let mut house = House::new();
    house.prioritize(RECEIVER, MediaType::Video, Priority::Low).unwrap();
    house
        .prioritize(RECEIVER, MediaType::ScreenShare, Priority::Low)
        .unwrap();
    house.take_told();
    let stop = GroupRequest::StopReceive(key(MediaType::Video));
    house.ask(RECEIVER, stop).unwrap();
    for media_type in [MediaType::Video, MediaType::ScreenShare] {
        house.receive(media_type);
    }
    assert_eq!(house.take_told(), [(2, Priority::Normal), (3, Priority::High)]);

    // What is published again is another track.
    let MediaRef { media_type, media, .. } = key(MediaType::ScreenShare);
    let unpublish = GroupRequest::Unpublish {
        media_type,
        media: media.clone(),
    };
    house.ask(PUBLISHER, unpublish).unwrap();
    let name = String::new();
    let publish = GroupRequest::Publish {
        media_type,
        media,
        name,
    };
    house.ask(PUBLISHER, publish).unwrap();
    house.receive(media_type);
    assert_eq!(house.take_told(), [(4, Priority::High)]);
}

#[test]
fn priorities_without_sense_are_refused_and_change_nothing() {
    let mut house = House::new();
    house.take_told();
    let high = Priority::High;
    assert_eq!(house.prioritize(RECEIVER, MediaType::Audio, high), Err(1));
    assert_eq!(house.prioritize(PUBLISHER, MediaType::Video, high), Err(302));
    assert_eq!(house.prioritize(9, MediaType::Video, high), Err(31));
    assert_eq!(house.take_told(), []);
}

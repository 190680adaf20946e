//! Nothing flows to who has not asked for it, in whatever order he says what.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{collections::BTreeSet, time::Instant};

use hst_group::server::{
    Group, GroupOutput, GroupRequest, MediaCommand, MemberId, Permissions, Rules, ToMember, TrackId, TrackRole,
};
use hst_id::{GroupId, MediaId, MediaRef, MediaType, UserId};
use hst_proto::{Line, Offer, Role};

const BOB: MemberId = MemberId(1);
const MALLORY: MemberId = MemberId(2);
/// What one of them may do next.
const ACTS: [&str; 9] = [
    "join",
    "leave",
    "publish",
    "unpublish",
    "receive",
    "stop_receive",
    "offer",
    "bob publishes",
    "bob unpublishes",
];
/// How many of these, one after the other.
const DEPTH: u32 = 5;

fn cam() -> MediaId {
    MediaId::parse("cam").unwrap()
}

fn camera_of(user: &str) -> MediaRef {
    MediaRef {
        user: UserId::parse(user).unwrap(),
        media_type: MediaType::Video,
        media: cam(),
    }
}

fn publish() -> GroupRequest {
    GroupRequest::Publish {
        media_type: MediaType::Video,
        media: cam(),
        name: String::new(),
    }
}

fn unpublish() -> GroupRequest {
    GroupRequest::Unpublish {
        media_type: MediaType::Video,
        media: cam(),
    }
}

/// Both lines, whether she may have them or not.
fn offer() -> GroupRequest {
    let send = Role::Send {
        media_type: MediaType::Video,
        media: cam(),
    };
    let lines = [("0", send), ("1", Role::Receive(camera_of("bob")))];
    let lines = lines.map(|(mid, role)| Line {
        mid: mid.to_owned(),
        role,
    });
    GroupRequest::Offer(Offer {
        generation: 1,
        sdp: "v=0".to_owned(),
        lines: lines.into(),
    })
}

/// A group, what the media plane was told of it, and what the two have said.
struct House {
    group: Group,
    now: Instant,
    /// The tracks that the media plane brings to Mallory, and takes from her.
    carried: BTreeSet<TrackId>,
    taken: BTreeSet<TrackId>,
    held: BTreeSet<TrackId>,
    is_in: bool,
    publishes: bool,
    receives: bool,
    bob_publishes: bool,
}

impl House {
    fn new() -> Self {
        let mut house = Self {
            group: Group::new(GroupId::parse("g").unwrap(), Rules::default()),
            now: Instant::now(),
            carried: BTreeSet::new(),
            taken: BTreeSet::new(),
            held: BTreeSet::new(),
            is_in: false,
            publishes: false,
            receives: false,
            bob_publishes: false,
        };
        house.join(BOB, "bob");
        house
    }

    fn join(&mut self, member: MemberId, user: &str) -> bool {
        let user = UserId::parse(user).unwrap();
        self.group
            .handle_join(self.now, member, 1, user, Permissions::ordinary());
        self.drain()
    }

    /// Whether it was granted.
    fn ask(&mut self, member: MemberId, request: GroupRequest) -> bool {
        self.group.handle_request(self.now, member, 1, request);
        self.drain()
    }

    fn act(&mut self, act: &str) {
        match act {
            "join" => self.is_in |= self.join(MALLORY, "mallory"),
            "leave" => {
                self.ask(MALLORY, GroupRequest::Leave);
                (self.is_in, self.publishes, self.receives) = (false, false, false);
            }
            "publish" => self.publishes |= self.ask(MALLORY, publish()),
            "unpublish" => {
                self.ask(MALLORY, unpublish());
                self.publishes = false;
            }
            "receive" => self.receives |= self.ask(MALLORY, GroupRequest::Receive(camera_of("bob"))),
            "stop_receive" => {
                self.ask(MALLORY, GroupRequest::StopReceive(camera_of("bob")));
                self.receives = false;
            }
            "offer" => {
                self.ask(MALLORY, offer());
            }
            "bob publishes" => self.bob_publishes |= self.ask(BOB, publish()),
            _ => {
                self.ask(BOB, unpublish());
                (self.bob_publishes, self.receives) = (false, false);
            }
        }
    }

    fn drain(&mut self) -> bool {
        let mut granted = false;
        while let Some(output) = self.group.poll_output() {
            match output {
                GroupOutput::To {
                    what: ToMember::Reply { result, .. },
                    ..
                } => granted |= result.is_ok(),
                GroupOutput::Media(command) => self.command(command),
                _ => {}
            }
        }
        granted
    }

    /// As the media plane does it.
    fn command(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Offer { member, lines, .. } => {
                assert_eq!(member, MALLORY);
                (self.carried, self.taken) = Default::default();
                for line in lines {
                    match line.role {
                        TrackRole::Send(track) => self.taken.insert(track),
                        TrackRole::Receive(track) => self.carried.insert(track),
                    };
                }
            }
            MediaCommand::HoldTrack { track, held: true, .. } => drop(self.held.insert(track)),
            MediaCommand::HoldTrack { track, .. } => drop(self.held.remove(&track)),
            MediaCommand::EndTrack(track) => {
                for tracks in [&mut self.carried, &mut self.taken, &mut self.held] {
                    tracks.remove(&track);
                }
            }
            MediaCommand::EndPeer(MALLORY) => (self.carried, self.taken, self.held) = Default::default(),
            _ => {}
        }
    }

    fn check(&self, said: &[&str]) {
        let flows = self.carried.difference(&self.held).count() > 0;
        let may_flow = self.is_in && self.receives && self.bob_publishes;
        assert!(!flows || may_flow, "bob's picture flows after {said:?}");
        let is_taken = !self.taken.is_empty();
        assert!(
            !is_taken || (self.is_in && self.publishes),
            "hers is taken after {said:?}"
        );
    }
}

#[test]
fn s7_whatever_is_said_in_whatever_order_media_flow_only_to_who_is_in_and_receives_them() {
    let mut flowed = 0;
    for number in 0..ACTS.len().pow(DEPTH) {
        let said: Vec<_> = (0..DEPTH)
            .map(|place| ACTS[number / ACTS.len().pow(place) % ACTS.len()])
            .collect();
        let mut house = House::new();
        // Else nothing could flow after so few.
        house.act("bob publishes");
        for (done, act) in said.iter().enumerate() {
            house.act(act);
            house.check(&said[..=done]);
        }
        flowed += usize::from(!house.carried.is_empty());
    }
    assert!(flowed > 100, "it flows when all is said: {flowed}");
}

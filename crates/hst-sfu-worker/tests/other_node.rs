//! A room with a branch at another node: two planes, and a relay between them.

mod house;

use std::{thread, time::Duration};

use house::{CAMERA, DELTA, House, KEY, MICROPHONE, Want, number_of, plain, vp8};
use hst_sfu_worker::{MediaPlane, RELAY_VERSIONS, Relay, RelayOut, Room};
use str0m::media::MediaKind;
use tokio::runtime::Builder;

/// Joins the rooms of two planes, over a wire that loses nothing.
struct Cable {
    relays: [Relay; 2],
    rooms: [Room; 2],
}

impl Cable {
    fn lay(one: (&MediaPlane, &Room), other: (&MediaPlane, &Room)) -> Self {
        let rooms = [one.1.clone(), other.1.clone()];
        let ((to_other, from_one), (to_one, from_other)) = (one.0.relay(), other.0.relay());
        carry(from_one, to_one.clone(), rooms[1].clone());
        carry(from_other, to_other.clone(), rooms[0].clone());
        let relays = [to_other, to_one];
        Self { relays, rooms }
    }

    async fn meet(&self) {
        for (relay, room) in self.relays.iter().zip(&self.rooms) {
            relay.meet(room).await;
        }
    }
}

/// On a thread of its own, until the plane that speaks has ended.
fn carry(mut out: RelayOut, relay: Relay, room: Room) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    thread::spawn(move || {
        runtime.block_on(async {
            while let Some(batch) = out.next().await {
                let written: Vec<Vec<u8>> = batch
                    .map(|outgoing| {
                        let mut bytes = Vec::new();
                        outgoing.write(*RELAY_VERSIONS.end(), &mut bytes);
                        bytes
                    })
                    .collect();
                let written = written.iter().map(Vec::as_slice);
                relay.deliver(&room, written).await.expect("well written");
            }
        });
    });
}

/// A publisher at one node, receivers at the other.
struct Call {
    here: House,
    there: House,
    cable: Cable,
    sent: Vec<str0m::media::Mid>,
}

const PUBLISHER: usize = 0;

fn picture(kind: u8, number: u64) -> Vec<u8> {
    vp8(kind, number as u32)
}

fn call(receivers: usize) -> Call {
    let (mut here, mut there) = (House::new(), House::new());
    let cable = Cable::lay((&here.plane, &here.room), (&there.plane, &there.room));
    here.runtime.block_on(cable.meet());
    here.client(plain);
    let sent = here.join(
        PUBLISHER,
        &[
            Want::Send(MediaKind::Video, CAMERA),
            Want::Send(MediaKind::Audio, MICROPHONE),
        ],
    );
    for _ in 0..receivers {
        let receiver = there.client(plain);
        there.join(
            receiver,
            &[
                Want::Receive(MediaKind::Video, CAMERA),
                Want::Receive(MediaKind::Audio, MICROPHONE),
            ],
        );
    }
    Call {
        here,
        there,
        cable,
        sent,
    }
}

impl Call {
    /// Lets both nodes live until something is true at the one with the receivers.
    fn drive(&mut self, what: &str, mut until: impl FnMut(&mut House) -> bool) {
        let here = &mut self.here;
        self.there.drive(what, |there| {
            here.drive("a moment", |_| true);
            until(there)
        });
    }

    /// Has the publisher send keyframes until each receiver has one; gives the number after the last.
    fn begin(&mut self) -> u64 {
        let mut number = 0;
        let (here, video) = (&mut self.here, self.sent[0]);
        self.there
            .drive_for(Duration::from_secs(20), "the first picture", |there| {
                here.drive("a moment", |_| true);
                number += 1;
                here.video(PUBLISHER, video, number, picture(KEY, number));
                there.clients.iter().all(|client| !client.received.is_empty())
            });
        number + 1
    }
}

#[test]
fn media_reach_every_receiver_at_the_other_node_and_cross_once() {
    let mut call = call(3);
    let first = call.begin();
    for number in first..first + 50 {
        call.here.video(PUBLISHER, call.sent[0], number, picture(DELTA, number));
    }
    let last = first as u32 + 49;
    call.drive("the last picture", |there| {
        let has_all = |client: &house::Client| client.received.last().is_some_and(|it| number_of(&it.payload) == last);
        there.clients.iter().all(has_all)
    });
    for client in &call.there.clients {
        let numbers: Vec<u64> = client.received.iter().map(|packet| *packet.seq_no).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    }
    let stats = call.here.runtime.block_on(call.here.room.stats());
    assert_eq!(stats.forwarded_packets, 0, "nobody receives at the publisher's node");
    let stats = call.there.runtime.block_on(call.there.room.stats());
    assert_eq!(
        (stats.tracks.len(), stats.lines.len()),
        (0, 6),
        "published at the other node"
    );
}

#[test]
fn a_keyframe_that_somebody_needs_at_one_node_is_asked_of_the_publisher_at_the_other() {
    let mut call = call(1);
    call.begin();
    let before = call.here.clients[PUBLISHER].keyframe_requests;
    let mid = call.there.clients[0].lines[0].0;
    let mut api = call.there.clients[0].rtc.direct_api();
    let stream = api.stream_rx_by_mid(mid, None).expect("it receives");
    stream.request_keyframe(str0m::media::KeyframeRequestKind::Pli);
    let (here, there) = (&mut call.here, &mut call.there);
    here.drive("a request", |here| {
        there.drive("a moment", |_| true);
        here.clients[PUBLISHER].keyframe_requests > before
    });
}

#[test]
fn who_parts_from_the_other_node_hears_nothing_more_of_it_and_all_again_when_they_meet() {
    let mut call = call(1);
    let first = call.begin();
    let video = call.sent[0];
    let Call { here, there, cable, .. } = &mut call;
    here.runtime.block_on(async {
        for (relay, room) in cable.relays.iter().zip(&cable.rooms) {
            relay.part(room).await;
        }
        // What was asked last has been done when this is answered.
        cable.rooms[0].stats().await;
        cable.rooms[1].stats().await;
    });
    here.video(PUBLISHER, video, first, picture(KEY, first));
    here.drive("its way", |here| {
        let stats = here.runtime.block_on(here.room.stats());
        stats
            .tracks
            .iter()
            .any(|track| track.track == CAMERA && track.packets >= first)
    });
    here.runtime.block_on(cable.meet());
    let mut number = first;
    there.drive("it goes on", |there| {
        here.drive("a moment", |_| true);
        number += 1;
        here.video(PUBLISHER, video, number, picture(KEY, number));
        there
            .numbers(0)
            .last()
            .is_some_and(|&(_, number)| number > first as u32)
    });
    let came = there.numbers(0);
    assert!(came.iter().all(|&(_, number)| number != first as u32), "{came:?}");
    assert!(came.iter().map(|&(seq, _)| seq).eq(1..=came.len() as u64), "one stream");
}

#[test]
fn what_one_says_before_the_other_has_met_it_is_said_again() {
    let (mut here, mut there) = (House::new(), House::new());
    let cable = Cable::lay((&here.plane, &here.room), (&there.plane, &there.room));
    here.client(plain);
    let sent = here.join(PUBLISHER, &[Want::Send(MediaKind::Video, CAMERA)]);
    there.runtime.block_on(cable.relays[1].meet(&cable.rooms[1]));
    let receiver = there.client(plain);
    there.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    here.runtime.block_on(cable.relays[0].meet(&cable.rooms[0]));
    let mut call = Call {
        here,
        there,
        cable,
        sent,
    };
    call.begin();
}

#[test]
fn what_another_node_garbles_is_refused_and_upsets_nothing() {
    let mut call = call(1);
    let first = call.begin();
    let Call { here, cable, .. } = &call;
    let garbled = [&[][..], &[255; 40], &[16, 0, 0]];
    here.runtime.block_on(async {
        for bytes in garbled {
            assert!(cable.relays[1].deliver(&cable.rooms[1], [bytes]).await.is_err());
        }
    });
    call.here.video(PUBLISHER, call.sent[0], first, picture(DELTA, first));
    call.drive("the next picture", |there| {
        number_of(&there.clients[0].received.last().unwrap().payload) == first as u32
    });
}

//! Who gets what, and when a keyframe is asked for.

use std::time::{Duration, Instant};

use hst_sfu::{Codec, Format, Formats, Forward, KEYFRAME_INTERVAL, LineId, Output, Packet, PeerId, Router, TrackId};

mod row;

use row::{CAMERA, DELTA, KEY, line, video};

const SCREEN: TrackId = TrackId(2);

fn format(number: u8) -> Format {
    Format::new(number).expect("a small number")
}

fn sound(seq: u16) -> Packet<'static> {
    Packet {
        ssrc: 2,
        timestamp: u32::from(seq) * 960,
        codec: Codec::Opus,
        format: format(0),
        ..video(seq, &[])
    }
}

/// A router, its clock, and what it said.
struct House {
    router: Router,
    now: Instant,
}

impl House {
    fn new() -> Self {
        let mut router = Router::new();
        router.publish(CAMERA);
        router.publish(SCREEN);
        Self {
            router,
            now: Instant::now(),
        }
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.router.poll_output()).collect()
    }

    fn subscribe(&mut self, peer: u64, track: TrackId) -> Vec<Output> {
        self.router.subscribe(self.now, line(peer), track, Formats::ALL);
        self.outputs()
    }

    fn packet(&mut self, track: TrackId, packet: Packet<'_>) -> Vec<Output> {
        self.router.handle_packet(self.now, track, &packet);
        self.outputs()
    }

    /// The packet's receivers with their numbers; fails on any other output.
    fn forwarded(&mut self, track: TrackId, packet: Packet<'_>) -> Vec<(LineId, u64)> {
        let forward = |output| match output {
            Output::Forward(Forward { line, seq, .. }) => (line, seq),
            other => panic!("{other:?}"),
        };
        self.packet(track, packet).into_iter().map(forward).collect()
    }

    fn advance(&mut self, by: Duration) -> Vec<Output> {
        self.now += by;
        self.router.handle_timeout(self.now);
        self.outputs()
    }
}

#[test]
fn sound_goes_to_every_subscriber_from_the_next_packet_on() {
    let mut house = House::new();
    assert_eq!(house.forwarded(CAMERA, sound(1)), []);
    assert_eq!(house.subscribe(10, CAMERA), []);
    assert_eq!(house.forwarded(CAMERA, sound(2)), [(line(10), 1)]);
    house.subscribe(11, CAMERA);
    assert_eq!(house.forwarded(CAMERA, sound(3)), [(line(10), 2), (line(11), 1)]);
    assert_eq!(house.forwarded(SCREEN, sound(1)), [], "nobody asked for the screen");
}

#[test]
fn video_starts_at_a_keyframe_which_is_asked_for_at_once() {
    let mut house = House::new();
    house.packet(CAMERA, video(1, KEY));
    assert_eq!(
        house.subscribe(10, CAMERA),
        [Output::RequestKeyframe {
            track: CAMERA,
            encoding: 0
        }]
    );
    assert_eq!(house.forwarded(CAMERA, video(2, DELTA)), []);
    assert_eq!(house.forwarded(CAMERA, video(3, KEY)), [(line(10), 1)]);
    assert_eq!(house.forwarded(CAMERA, video(4, DELTA)), [(line(10), 2)]);
}

#[test]
fn a_track_that_has_not_sent_yet_is_asked_with_its_first_packet() {
    let mut house = House::new();
    assert_eq!(house.subscribe(10, CAMERA), []);
    assert_eq!(house.router.poll_timeout(), None);
    assert_eq!(
        house.packet(CAMERA, video(1, DELTA)),
        [Output::RequestKeyframe {
            track: CAMERA,
            encoding: 0
        }]
    );
    assert_eq!(house.forwarded(CAMERA, video(2, KEY)), [(line(10), 1)]);
}

#[test]
fn a_request_is_repeated_until_a_keyframe_comes_and_never_sooner_than_the_interval() {
    let mut house = House::new();
    house.packet(CAMERA, video(1, DELTA));
    assert_eq!(
        house.subscribe(10, CAMERA),
        [Output::RequestKeyframe {
            track: CAMERA,
            encoding: 0
        }]
    );
    for _ in 0..100 {
        house.router.handle_keyframe_request(house.now, line(10));
    }
    assert_eq!(house.subscribe(11, CAMERA), [], "one request serves all who wait");
    for _ in 0..3 {
        assert_eq!(house.router.poll_timeout(), Some(house.now + KEYFRAME_INTERVAL));
        assert_eq!(house.advance(KEYFRAME_INTERVAL - Duration::from_millis(1)), []);
        assert_eq!(
            house.advance(Duration::from_millis(1)),
            [Output::RequestKeyframe {
                track: CAMERA,
                encoding: 0
            }]
        );
    }
    assert_eq!(house.forwarded(CAMERA, video(2, KEY)).len(), 2);
    assert_eq!(house.router.poll_timeout(), None);
    assert_eq!(house.advance(KEYFRAME_INTERVAL), []);
}

#[test]
fn a_receiver_that_lost_the_picture_gets_its_request_through() {
    let mut house = House::new();
    house.subscribe(10, CAMERA);
    house.packet(CAMERA, video(1, KEY));
    house.router.handle_keyframe_request(house.now, line(10));
    assert_eq!(
        house.outputs(),
        [Output::RequestKeyframe {
            track: CAMERA,
            encoding: 0
        }]
    );
    // It goes on receiving meanwhile, and the keyframe settles the matter.
    assert_eq!(house.forwarded(CAMERA, video(2, DELTA)), [(line(10), 2)]);
    assert_eq!(house.forwarded(CAMERA, video(3, KEY)), [(line(10), 3)]);
    assert_eq!(house.advance(KEYFRAME_INTERVAL), []);
}

#[test]
fn nobody_is_asked_for_those_who_left() {
    let mut house = House::new();
    house.packet(CAMERA, video(1, DELTA));
    house.subscribe(10, CAMERA);
    house.router.pause(house.now, line(10));
    assert_eq!(house.router.poll_timeout(), None);
    house.router.handle_keyframe_request(house.now, line(10));
    assert_eq!(house.advance(KEYFRAME_INTERVAL), []);
}

#[test]
fn a_switched_line_goes_on_in_numbers_time_and_picture_ids() {
    let mut house = House::new();
    let picture = |id: u8, tl0: u8, key: bool| [0x90, 0xe0, 0x80, id, tl0, 0x20, u8::from(!key)];
    house.subscribe(10, CAMERA);
    let first = house.packet(CAMERA, video(7, &picture(100, 200, true)));
    let expected = Forward {
        line: line(10),
        packet: 0,
        seq: 1,
        timestamp: 21_000,
        ends_picture: false,
        vp8: None,
        descriptor: None,
    };
    assert_eq!(first, [Output::Forward(expected)], "the first source keeps its own ids");

    house.now += Duration::from_millis(100);
    house.subscribe(10, SCREEN);
    let keyframe = picture(5, 6, true);
    let other = Packet {
        ssrc: 9,
        timestamp: 77,
        ..video(1000, &keyframe)
    };
    let [Output::Forward(switched)] = house.packet(SCREEN, other)[..] else {
        panic!()
    };
    assert_eq!((switched.seq, switched.timestamp), (2, 21_000 + 9000));
    let ids = switched.vp8.unwrap();
    assert_eq!((ids.picture_id, ids.tl0_pic_idx), (Some(101), Some(201)));

    assert_eq!(
        house.forwarded(CAMERA, video(8, DELTA)),
        [],
        "the camera is off this line"
    );
    let delta = picture(6, 7, false);
    let [Output::Forward(next)] = house.packet(
        SCREEN,
        Packet {
            ssrc: 9,
            timestamp: 3077,
            ..video(1001, &delta)
        },
    )[..] else {
        panic!()
    };
    assert_eq!((next.seq, next.timestamp), (3, 33_000));
    let ids = next.vp8.unwrap();
    assert_eq!((ids.picture_id, ids.tl0_pic_idx), (Some(102), Some(202)));
}

#[test]
fn what_is_late_from_before_the_start_is_dropped_and_what_is_late_after_it_finds_its_place() {
    let mut house = House::new();
    house.subscribe(10, CAMERA);
    house.packet(CAMERA, video(10, DELTA));
    assert_eq!(house.forwarded(CAMERA, video(12, KEY)), [(line(10), 1)]);
    assert_eq!(house.forwarded(CAMERA, video(11, DELTA)), []);
    assert_eq!(house.forwarded(CAMERA, video(15, DELTA)), [(line(10), 4)]);
    assert_eq!(house.forwarded(CAMERA, video(13, DELTA)), [(line(10), 2)]);
    assert_eq!(house.forwarded(CAMERA, video(13, DELTA)), [], "a duplicate");
}

#[test]
fn a_format_the_receiver_lacks_is_reported_once_and_not_waited_for() {
    let mut house = House::new();
    let only_vp8 = Formats::from_iter([format(1)]);
    house.router.subscribe(house.now, line(10), CAMERA, only_vp8);
    let h264 = |seq| Packet {
        codec: Codec::H264,
        format: format(2),
        ..video(seq, &[0x65])
    };
    let report = Output::Unsupported {
        line: line(10),
        track: CAMERA,
        format: format(2),
    };
    assert_eq!(house.packet(CAMERA, h264(1)), [report]);
    assert_eq!(house.packet(CAMERA, h264(2)), []);
    assert_eq!(house.router.poll_timeout(), None);
    // The publisher changes his mind: the line starts, and its numbers know nothing of what was not sent.
    assert_eq!(
        house.packet(CAMERA, video(3, DELTA)),
        [Output::RequestKeyframe {
            track: CAMERA,
            encoding: 0
        }]
    );
    assert_eq!(house.forwarded(CAMERA, video(4, KEY)), [(line(10), 1)]);
    assert_eq!(house.packet(CAMERA, h264(5)), [report]);
}

#[test]
fn a_publisher_that_comes_back_goes_on_on_the_same_line() {
    let mut house = House::new();
    house.subscribe(10, CAMERA);
    assert_eq!(house.forwarded(CAMERA, video(500, KEY)), [(line(10), 1)]);
    house.router.unpublish(CAMERA);
    assert_eq!(house.forwarded(CAMERA, video(501, DELTA)), []);
    house.router.publish(CAMERA);
    let again = |seq, payload| Packet {
        ssrc: 77,
        ..video(seq, payload)
    };
    assert_eq!(
        house.packet(CAMERA, again(9, DELTA)),
        [Output::RequestKeyframe {
            track: CAMERA,
            encoding: 0
        }]
    );
    assert_eq!(house.forwarded(CAMERA, again(10, KEY)), [(line(10), 2)]);
}

#[test]
fn a_new_ssrc_is_a_new_start_and_stragglers_of_the_old_one_are_not() {
    let mut house = House::new();
    house.subscribe(10, CAMERA);
    house.packet(CAMERA, video(500, KEY));
    let new = |seq, payload| Packet {
        ssrc: 77,
        ..video(seq, payload)
    };
    assert_eq!(
        house.packet(CAMERA, new(3, DELTA)),
        [Output::RequestKeyframe {
            track: CAMERA,
            encoding: 0
        }]
    );
    assert_eq!(house.forwarded(CAMERA, new(4, KEY)), [(line(10), 2)]);
    assert_eq!(house.forwarded(CAMERA, video(501, KEY)), []);
    assert_eq!(house.forwarded(CAMERA, new(5, DELTA)), [(line(10), 3)]);
    // Once the new one has been silent for long, the old one may really be back.
    house.now += Duration::from_secs(1);
    assert_eq!(house.forwarded(CAMERA, video(502, KEY)), [(line(10), 4)]);
}

#[test]
fn a_forgotten_line_starts_from_one_again() {
    let mut house = House::new();
    house.subscribe(10, CAMERA);
    house.subscribe(11, CAMERA);
    house.forwarded(CAMERA, sound(1));
    house.router.forget_peer(house.now, PeerId(10));
    assert_eq!(house.forwarded(CAMERA, sound(2)), [(line(11), 2)]);
    house.subscribe(10, CAMERA);
    assert_eq!(house.forwarded(CAMERA, sound(3)), [(line(11), 3), (line(10), 1)]);
}

#[test]
fn a_paused_line_goes_on_where_it_was() {
    let mut house = House::new();
    house.subscribe(10, CAMERA);
    house.forwarded(CAMERA, sound(1));
    house.router.pause(house.now, line(10));
    assert_eq!(house.forwarded(CAMERA, sound(2)), []);
    house.subscribe(10, CAMERA);
    assert_eq!(house.forwarded(CAMERA, sound(3)), [(line(10), 2)]);
}

#[test]
fn a_muted_track_forwards_nothing_and_goes_on_without_a_gap() {
    let mut house = House::new();
    house.subscribe(10, CAMERA);
    assert_eq!(house.forwarded(CAMERA, video(1, KEY)), [(line(10), 1)]);
    house.router.mute(CAMERA);
    assert_eq!(house.packet(CAMERA, video(2, KEY)), []);
    assert_eq!(house.packet(CAMERA, video(3, DELTA)), []);
    house.router.unmute(house.now, CAMERA);
    assert_eq!(
        house.outputs(),
        [Output::RequestKeyframe {
            track: CAMERA,
            encoding: 0
        }]
    );
    assert_eq!(house.forwarded(CAMERA, video(4, DELTA)), []);
    assert_eq!(house.forwarded(CAMERA, video(5, KEY)), [(line(10), 2)]);
    assert_eq!(
        house.forwarded(CAMERA, video(3, DELTA)),
        [],
        "what comes late from the mute stays unheard"
    );
    assert_eq!(house.forwarded(CAMERA, video(6, DELTA)), [(line(10), 3)]);
}

#[test]
fn unmuted_sound_goes_on_with_its_next_packet() {
    let mut house = House::new();
    house.subscribe(10, CAMERA);
    house.forwarded(CAMERA, sound(1));
    house.router.mute(CAMERA);
    assert_eq!(house.packet(CAMERA, sound(2)), []);
    house.router.unmute(house.now, CAMERA);
    assert_eq!(house.outputs(), [], "sound needs no keyframe");
    assert_eq!(house.forwarded(CAMERA, sound(3)), [(line(10), 2)]);
}

#[test]
fn nobody_asks_the_publisher_of_a_muted_track_for_a_keyframe() {
    let mut house = House::new();
    house.packet(CAMERA, video(1, DELTA));
    house.subscribe(10, CAMERA);
    house.router.mute(CAMERA);
    assert_eq!(house.router.poll_timeout(), None, "the request before is withdrawn");
    house.router.handle_keyframe_request(house.now, line(10));
    assert_eq!(house.subscribe(11, CAMERA), []);
    assert_eq!(house.packet(CAMERA, video(2, DELTA)), []);
    assert_eq!(house.advance(KEYFRAME_INTERVAL), []);
    house.router.unmute(house.now, CAMERA);
    assert_eq!(
        house.outputs(),
        [Output::RequestKeyframe {
            track: CAMERA,
            encoding: 0
        }]
    );
    assert_eq!(house.forwarded(CAMERA, video(3, KEY)).len(), 2);
}

#[test]
fn a_mute_comes_before_its_track_and_outlives_its_publisher() {
    let mut house = House::new();
    let track = TrackId(7);
    house.router.mute(track);
    house.router.publish(track);
    house.subscribe(10, track);
    assert_eq!(house.packet(track, video(1, KEY)), []);
    house.router.unpublish(track);
    house.router.pause(house.now, line(10));
    house.router.publish(track);
    house.subscribe(10, track);
    assert_eq!(house.packet(track, video(2, KEY)), []);
    house.router.unmute(house.now, track);
    assert_eq!(house.outputs(), [Output::RequestKeyframe { track, encoding: 0 }]);
    assert_eq!(house.forwarded(track, video(3, KEY)), [(line(10), 1)]);
}

#[test]
fn unmuting_what_is_not_muted_changes_nothing() {
    let mut house = House::new();
    house.subscribe(10, CAMERA);
    house.forwarded(CAMERA, video(1, KEY));
    house.router.unmute(house.now, CAMERA);
    assert_eq!(house.outputs(), []);
    assert_eq!(house.forwarded(CAMERA, video(2, DELTA)), [(line(10), 2)]);
}

#[test]
fn in_a_room_of_many_sounds_a_receiver_gets_the_loudest_and_no_gaps() {
    const QUIET: Option<u8> = Some(90);
    const LOUD: Option<u8> = Some(20);
    let mut house = House::new();
    let voices: Vec<_> = (100..130).map(TrackId).collect();
    for (slot, &voice) in voices.iter().enumerate() {
        house.router.publish(voice);
        let id = LineId {
            slot: slot as u16,
            ..line(1)
        };
        house.router.subscribe(house.now, id, voice, Formats::ALL);
    }
    let mut seqs = vec![Vec::new(); voices.len()];
    for round in 0..500_u16 {
        house.now += Duration::from_millis(20);
        // Each has the word for a second in turn.
        let talker = usize::from(round / 50);
        let mut heard = 0;
        for (at, &voice) in voices.iter().enumerate() {
            let level = if at == talker { LOUD } else { QUIET };
            let packet = Packet { level, ..sound(round) };
            let got = house.forwarded(voice, packet);
            heard += got.len();
            assert!(at != talker || !got.is_empty(), "no packet of who talks is missing");
            seqs[at].extend(got.into_iter().map(|(_, seq)| seq));
        }
        assert!(round == 0 || heard <= 6, "{heard}");
    }
    for seqs in &seqs {
        assert!(seqs.iter().zip(1..).all(|(&seq, number)| seq == number), "{seqs:?}");
    }
}

//! A room with several routers, its branches: everybody gets what he would get of one.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    time::Duration,
};

use hst_sfu::{BranchId, Encodings, Formats, Packet, PeerId, Router, TrackId, Word};
use proptest::prelude::*;

mod row;

use row::{CAMERA, DELTA, KEY, Row, encodings, line, video};

#[test]
fn a_packet_goes_to_each_neighbour_once_however_many_are_behind_him_and_no_further_than_it_is_wanted() {
    let mut row = Row::new(4);
    row.publish(0, CAMERA, 1);
    for peer in 10..13 {
        row.subscribe(1, peer, CAMERA);
        row.subscribe(2, peer + 10, CAMERA);
    }
    row.packet(0, CAMERA, video(1, KEY));
    assert_eq!(row.receivers(), [10, 11, 12, 20, 21, 22]);
    assert_eq!(row.relayed, HashMap::from([((0, 1), 1), ((1, 2), 1)]));
}

#[test]
fn who_comes_first_waits_for_the_publisher_wherever_he_comes() {
    let mut row = Row::new(3);
    row.subscribe(2, 20, CAMERA);
    row.packet(0, CAMERA, video(1, KEY));
    assert_eq!(row.got, []);
    row.publish(0, CAMERA, 1);
    row.packet(0, CAMERA, video(2, KEY));
    assert_eq!(row.got, [(line(20), CAMERA, 2, 1)]);
}

#[test]
fn what_nobody_wants_any_more_is_passed_on_no_more() {
    let mut row = Row::new(3);
    row.publish(0, CAMERA, 1);
    row.subscribe(1, 10, CAMERA);
    row.subscribe(2, 20, CAMERA);
    row.packet(0, CAMERA, video(1, KEY));
    row.pause(2, 20);
    row.packet(0, CAMERA, video(2, DELTA));
    assert_eq!(row.relayed, HashMap::from([((0, 1), 2), ((1, 2), 1)]));
    row.pause(1, 10);
    row.packet(0, CAMERA, video(3, DELTA));
    assert_eq!(row.relayed[&(0, 1)], 2);
    assert_eq!(row.routers[1].branch_of(CAMERA), None);

    // Taken up again, it goes on without a gap in the numbers.
    row.subscribe(2, 20, CAMERA);
    row.packet(0, CAMERA, video(4, KEY));
    assert_eq!(row.got.last(), Some(&(line(20), CAMERA, 4, 2)));
}

#[test]
fn neighbours_with_an_encoding_are_those_to_whom_it_goes_on() {
    let mut row = Row::new(3);
    let with = |row: &Row, at: usize, encoding: u8| -> Vec<u64> {
        let neighbours = row.routers[at].neighbours_with(CAMERA, encoding);
        neighbours.map(|branch| branch.0).collect()
    };
    row.subscribe(2, 20, CAMERA);
    row.publish(1, CAMERA, 1);
    row.packet(1, CAMERA, video(1, KEY));
    assert_eq!([1, 2].map(|at| with(&row, at, 0)), [vec![2], vec![]]);
    row.subscribe(0, 10, CAMERA);
    let mut both = with(&row, 1, 0);
    both.sort_unstable();
    assert_eq!(both, [0, 2]);
    row.pause(2, 20);
    row.pause(0, 10);
    assert_eq!(with(&row, 1, 0), []);
}

#[test]
fn a_wish_for_a_keyframe_reaches_the_publisher_once_from_wherever_it_comes() {
    let mut row = Row::new(3);
    row.publish(0, CAMERA, 1);
    row.subscribe(1, 10, CAMERA);
    row.packet(0, CAMERA, video(1, KEY));
    row.pass(Duration::from_secs(1));
    row.asked.clear();

    row.subscribe(2, 20, CAMERA);
    assert_eq!(row.asked, [(0, CAMERA, 0)], "who begins needs one");
    row.packet(0, CAMERA, video(2, DELTA));
    row.subscribe(2, 21, CAMERA);
    assert_eq!(row.asked.len(), 1, "one is on its way");
    row.packet(0, CAMERA, video(3, KEY));
    assert_eq!(row.receivers(), [10, 10, 10, 20, 21]);

    row.pass(Duration::from_secs(1));
    row.routers[2].handle_keyframe_request(row.now, line(21));
    row.settle();
    assert_eq!(row.asked, [(0, CAMERA, 0); 2], "who cannot decode, too");
}

#[test]
fn when_the_publisher_goes_his_lines_fall_silent_everywhere_and_start_again_with_the_next() {
    let mut row = Row::new(3);
    row.publish(0, CAMERA, 1);
    row.subscribe(2, 20, CAMERA);
    row.packet(0, CAMERA, video(1, KEY));
    row.routers[0].unpublish(CAMERA);
    row.settle();
    assert_eq!(row.routers[2].branch_of(CAMERA), None);

    // He comes back on another branch.
    row.publish(2, CAMERA, 1);
    row.subscribe(0, 1, CAMERA);
    row.packet(
        2,
        CAMERA,
        Packet {
            ssrc: 9,
            ..video(500, KEY)
        },
    );
    assert_eq!(row.got[1..], [(line(20), CAMERA, 500, 2), (line(1), CAMERA, 500, 1)]);
}

#[test]
fn a_muted_track_is_not_passed_on() {
    let mut row = Row::new(2);
    row.publish(0, CAMERA, 1);
    row.subscribe(1, 10, CAMERA);
    row.packet(0, CAMERA, video(1, KEY));
    row.routers.iter_mut().for_each(|router| router.mute(CAMERA));
    row.packet(0, CAMERA, video(2, DELTA));
    let now = row.now;
    row.pass(Duration::from_secs(1));
    row.asked.clear();
    row.routers[0].unmute(now, CAMERA);
    row.settle();
    assert_eq!(
        row.asked,
        [(0, CAMERA, 0)],
        "whoever waits behind a neighbour needs one"
    );
    row.routers[1].unmute(now, CAMERA);
    row.packet(0, CAMERA, video(3, KEY));
    assert_eq!(row.relayed[&(0, 1)], 2);
    assert_eq!(row.got, [(line(10), CAMERA, 1, 1), (line(10), CAMERA, 3, 2)]);
}

#[test]
fn only_encodings_that_somebody_behind_him_wants_go_to_a_neighbour() {
    let mut row = Row::new(2);
    row.publish(0, CAMERA, 3);
    row.subscribe(0, 1, CAMERA);
    row.subscribe(1, 10, CAMERA);
    row.routers[1].set_view(row.now, PeerId(10), CAMERA, Some(180));
    let mut seq = 0;
    let mut run = |row: &mut Row, time: u64| {
        for _ in 0..time / 50 {
            seq += 1;
            for encoding in 0..3 {
                for at in 0..2 {
                    let size = (320 << encoding, 180 << encoding);
                    row.routers[at].set_sizes(CAMERA, encoding, [size].into_iter());
                }
                let payload = if seq % 10 == 1 { KEY } else { DELTA };
                // So that the larger one costs more.
                for part in 0..=u16::from(encoding) * 2 {
                    let packet = Packet {
                        encoding,
                        ssrc: u32::from(encoding) + 1,
                        seq: seq * (1 + u16::from(encoding) * 2) + part,
                        timestamp: u32::from(seq) * 3000,
                        payload: if part == 0 { payload } else { &[0, 0] },
                        ..video(seq, payload)
                    };
                    row.packet(0, CAMERA, packet);
                }
            }
            row.pass(Duration::from_millis(50));
        }
    };
    run(&mut row, 3000);
    row.relayed.clear();
    run(&mut row, 1000);
    assert_eq!(row.relayed[&(0, 1)], 20, "the smallest alone");
    assert_eq!(row.wanted.last(), Some(&(0, CAMERA, encodings(&[0, 2]))));

    // Its publisher hears what is wanted anywhere.
    row.pause(0, 1);
    run(&mut row, 5000);
    assert_eq!(row.wanted.last(), Some(&(0, CAMERA, encodings(&[0]))));
    row.routers[1].set_view(row.now, PeerId(10), CAMERA, Some(360));
    row.settle();
    run(&mut row, 500);
    assert_eq!(row.wanted.last(), Some(&(0, CAMERA, encodings(&[0, 1]))));
}

#[test]
fn a_branch_that_comes_later_or_again_hears_everything() {
    let mut row = Row::new(1);
    row.routers.push(Router::new());
    row.publish(0, CAMERA, 1);
    row.subscribe(1, 10, CAMERA);
    row.packet(0, CAMERA, video(1, KEY));
    assert_eq!(row.got, []);
    row.meet(0, 1);
    row.packet(0, CAMERA, video(2, KEY));
    assert_eq!(row.got, [(line(10), CAMERA, 2, 1)]);

    row.routers[1] = Router::new();
    row.routers[1].subscribe(row.now, line(11), CAMERA, Formats::ALL);
    row.routers[1].meet(row.now, BranchId(0));
    row.settle();
    row.packet(0, CAMERA, video(3, KEY));
    assert_eq!(row.got.last(), Some(&(line(11), CAMERA, 3, 1)));
}

#[test]
fn of_a_branch_that_has_gone_nothing_is_left() {
    let mut row = Row::new(3);
    row.publish(0, CAMERA, 1);
    row.subscribe(2, 20, CAMERA);
    row.packet(0, CAMERA, video(1, KEY));
    row.routers[1].part(row.now, BranchId(0));
    row.routers[0].part(row.now, BranchId(1));
    row.settle();
    row.packet(0, CAMERA, video(2, DELTA));
    assert_eq!(row.relayed, HashMap::from([((0, 1), 1), ((1, 2), 1)]));
    assert_eq!(row.routers[2].branch_of(CAMERA), None);
}

#[test]
fn what_a_stranger_says_does_not_count() {
    let mut row = Row::new(1);
    row.routers.push(Router::new());
    row.publish(0, CAMERA, 1);
    let stranger = BranchId(1);
    let want = Word::Want {
        track: CAMERA,
        encodings: Encodings::ALL,
        spatial: u8::MAX,
    };
    for word in [
        want,
        Word::Gone { track: CAMERA },
        Word::Here {
            track: TrackId(2),
            encodings: 255,
        },
        Word::Keyframe {
            track: CAMERA,
            encoding: 255,
        },
    ] {
        row.routers[0].hear(row.now, stranger, word);
    }
    row.packet(0, CAMERA, video(1, KEY));
    assert_eq!(row.relayed, HashMap::new());
    // Nor does a neighbour upset anything with what cannot be.
    row.routers[0].hear(row.now, stranger, Word::Hello);
    row.routers[0].hear(
        row.now,
        stranger,
        Word::Here {
            track: CAMERA,
            encodings: 255,
        },
    );
    row.routers[0].hear(row.now, stranger, Word::Gone { track: CAMERA });
    row.routers[0].hear(
        row.now,
        stranger,
        Word::Keyframe {
            track: CAMERA,
            encoding: 255,
        },
    );
    assert_eq!(row.routers[0].branch_of(CAMERA), None);
    row.subscribe(0, 1, CAMERA);
    row.packet(0, CAMERA, video(2, KEY));
    assert_eq!(row.receivers(), [1]);
}

#[derive(Debug, Clone)]
enum Step {
    Publish { track: u64, at: usize },
    Unpublish { track: u64 },
    Subscribe { peer: u64, track: u64 },
    Pause { peer: u64 },
    Packets { track: u64, key: bool },
}

const LENGTH: usize = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let track = || 0..3_u64;
    let peer = || 0..8_u64;
    let step = prop_oneof![
        (track(), 0..LENGTH).prop_map(|(track, at)| Step::Publish { track, at }),
        track().prop_map(|track| Step::Unpublish { track }),
        (peer(), track()).prop_map(|(peer, track)| Step::Subscribe { peer, track }),
        peer().prop_map(|peer| Step::Pause { peer }),
        (track(), any::<bool>()).prop_map(|(track, key)| Step::Packets { track, key }),
        (track(), any::<bool>()).prop_map(|(track, key)| Step::Packets { track, key }),
    ];
    prop::collection::vec(step, 1..80)
}

/// Who gets what in a room with so many branches.
fn played(length: usize, steps: &[Step]) -> (BTreeSet<(u64, u64, u16, u64)>, Row) {
    let mut row = Row::new(length);
    let mut published: HashMap<u64, usize> = HashMap::new();
    let mut seq = 0;
    for step in steps {
        match *step {
            Step::Publish { track, at } => {
                if let Entry::Vacant(place) = published.entry(track) {
                    place.insert(at % length);
                    row.publish(at % length, TrackId(track), 1);
                }
            }
            Step::Unpublish { track } => {
                if let Some(at) = published.remove(&track) {
                    row.routers[at].unpublish(TrackId(track));
                    row.settle();
                }
            }
            Step::Subscribe { peer, track } => row.subscribe(peer as usize % length, peer, TrackId(track)),
            Step::Pause { peer } => row.pause(peer as usize % length, peer),
            Step::Packets { track, key } => {
                seq += 1;
                let payload = if key { KEY } else { DELTA };
                let packet = Packet {
                    ssrc: track as u32,
                    ..video(seq, payload)
                };
                if let Some(&at) = published.get(&track) {
                    row.packet(at, TrackId(track), packet);
                }
            }
        }
    }
    let got = row
        .got
        .iter()
        .map(|&(line, track, seq, number)| (line.peer.0, track.0, seq, number));
    (got.collect(), row)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn everybody_gets_what_he_would_get_of_one_router(steps in steps()) {
        let (whole, _) = played(1, &steps);
        let (spread, row) = played(LENGTH, &steps);
        // A packet is missed only by who had nothing yet, where the track's way to him was not open when it started.
        let firsts = |got: &BTreeSet<(u64, u64, u16, u64)>| got.iter().map(|it| (it.0, it.1, it.2)).collect::<BTreeSet<_>>();
        prop_assert_eq!(firsts(&whole), firsts(&spread));
        let packets: usize = steps.iter().filter(|step| matches!(step, Step::Packets { .. })).count();
        prop_assert!(row.relayed.values().all(|&count| count <= packets), "{:?}", row.relayed);
    }
}

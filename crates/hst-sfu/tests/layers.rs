//! Which of a track's layers a receiver gets, and what his stream is like while that changes.

use std::{collections::HashSet, time::Duration};

use hst_sfu::{Encodings, FlowLayer, FlowLimit};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

mod camera;

use camera::{CAMERA, Camera, Got, line, peer};

/// A publisher is asked for a keyframe of an encoding no more often than this.
const THROTTLE: Duration = Duration::from_millis(500);

/// Fails unless a decoder can show everything that a receiver got.
fn assert_decodable(got: &[Got]) {
    let mut pictures: HashSet<_> = got.first().map(|it| it.picture).into_iter().collect();
    for (before, it) in got.iter().zip(&got[1..]) {
        assert_eq!(it.seq, before.seq + 1, "no gap: {before:?} {it:?}");
        let is_same = it.encoding == before.encoding && it.picture == before.picture;
        let later = it.timestamp.wrapping_sub(before.timestamp) as i32;
        assert!(
            if is_same { later == 0 } else { later > 0 },
            "time goes on: {before:?} {it:?}"
        );
        let id_step = it.picture_id.wrapping_sub(before.picture_id) & 0x7fff;
        assert_eq!(id_step, u16::from(!is_same), "picture ids go on: {before:?} {it:?}");
        let is_base = it.temporal == 0 && !is_same;
        assert_eq!(it.tl0.wrapping_sub(before.tl0), u8::from(is_base), "{before:?} {it:?}");
        if it.encoding != before.encoding {
            assert!(
                it.is_key && it.begins,
                "another encoding begins with a keyframe: {it:?}"
            );
            pictures.clear();
        }
        if it.is_key {
            pictures.clear();
        } else if it.begins {
            let needed = if it.temporal == 0 { 4 } else { it.place as u32 };
            assert!(
                pictures.contains(&(it.picture - needed)),
                "its lowest layer is there: {it:?}"
            );
            // The last picture of the pattern needs the one before it.
            assert!(it.place != 3 || pictures.contains(&(it.picture - 1)), "{it:?}");
        }
        pictures.insert(it.picture);
    }
}

fn encodings(got: &[Got]) -> Vec<u8> {
    let mut encodings: Vec<_> = got.iter().map(|it| it.encoding).collect();
    encodings.dedup();
    encodings
}

#[test]
fn a_receiver_gets_the_best_that_his_network_carries() {
    let mut camera = Camera::new();
    camera.follows_wishes = false;
    camera.run(Duration::from_secs(2));
    camera.subscribe(1);
    for (kbps, encoding) in [(3000, 2), (1000, 1), (250, 0), (1000, 1), (3000, 2)] {
        camera.budget(1, kbps);
        camera.run(Duration::from_secs(1));
        let last = camera.run(Duration::from_secs(1));
        assert_eq!(encodings(last), [encoding], "{kbps} kbit/s");
        assert!(last.iter().any(|it| it.temporal == 2), "at the full frame rate");
    }
    assert_decodable(&camera.got);
    assert_eq!(camera.starved, []);
}

#[test]
fn before_the_picture_goes_it_loses_its_smoothness() {
    let mut camera = Camera::new();
    camera.subscribe(1);
    camera.run(Duration::from_secs(3));
    camera.budget(1, 60);
    camera.run(Duration::from_secs(1));
    let last = camera.run(Duration::from_secs(1));
    assert!(last.iter().all(|it| it.encoding == 0 && it.temporal == 0) && last.len() > 5);
    assert_eq!(camera.starved, []);
    assert_decodable(&camera.got);
}

#[test]
fn a_picture_that_cannot_fit_is_paused_and_its_receiver_told() {
    let mut camera = Camera::new();
    camera.subscribe(1);
    camera.run(Duration::from_secs(3));
    camera.budget(1, 10);
    camera.run(Duration::from_secs(1));
    assert_eq!(camera.starved, [], "it may be for a moment only");
    camera.run(Duration::from_secs(2));
    assert_eq!(camera.starved, [(line(1), true)]);
    assert!(camera.run(Duration::from_secs(2)).is_empty());
    camera.budget(1, 2000);
    let back = camera.run(Duration::from_secs(1)).to_vec();
    assert_eq!(camera.starved, [(line(1), true), (line(1), false)]);
    assert!(back[0].is_key && !back.is_empty());
    assert_decodable(&camera.got);
}

#[test]
fn a_picture_without_layers_is_paused_and_comes_back_too() {
    let mut camera = Camera::new();
    (camera.is_on, camera.pattern) = ([true, false, false], 1);
    camera.subscribe(1);
    camera.budget(1, 3000);
    camera.run(Duration::from_secs(2));
    camera.budget(1, 10);
    camera.run(Duration::from_secs(3));
    assert!(camera.run(Duration::from_secs(1)).is_empty());
    camera.budget(1, 300);
    assert!(!camera.run(Duration::from_secs(1)).is_empty());
    assert_eq!(camera.starved, [(line(1), true), (line(1), false)]);
}

#[test]
fn a_small_view_gets_a_small_picture_and_a_large_one_a_large_one() {
    let mut camera = Camera::new();
    camera.run(Duration::from_secs(2));
    for encoding in 0..3 {
        camera
            .router
            .set_sizes(CAMERA, encoding, [(320 << encoding, 180 << encoding)].into_iter());
    }
    camera.subscribe(1);
    for (height, encoding) in [
        (Some(150), 0),
        (Some(200), 0),
        (Some(300), 1),
        (Some(2000), 2),
        (None, 2),
    ] {
        camera.view(1, height);
        camera.run(Duration::from_secs(1));
        let last = camera.run(Duration::from_secs(1));
        assert_eq!(encodings(last), [encoding], "{height:?}");
    }
    assert_decodable(&camera.got);
}

#[test]
fn whoever_asks_is_told_what_flows_and_why_it_is_no_more() {
    let mut camera = Camera::new();
    camera.follows_wishes = false;
    camera.subscribe(1);
    camera.run(Duration::from_secs(2));
    camera.tell_heights();
    camera.run(Duration::from_secs(1));
    let all = camera.router.inflow(camera.now, CAMERA).unwrap();
    assert!((1_900_000..2_200_000).contains(&all.rate), "three encodings: {all:?}");
    assert_eq!((all.size, all.limit), (Some((1280, 720)), FlowLimit::None));

    let rows = [
        (9000, None, 2, FlowLimit::None),
        (1000, None, 1, FlowLimit::Bandwidth),
        (9000, Some(360), 1, FlowLimit::View),
        (250, Some(360), 0, FlowLimit::Bandwidth),
        (9000, None, 2, FlowLimit::None),
    ];
    for (kbps, height, encoding, limit) in rows {
        camera.budget(1, kbps);
        camera.view(1, height);
        camera.run(Duration::from_secs(2));
        let came = camera.run(Duration::from_secs(1)).len();
        let flow = camera.router.outflow(camera.now, line(1)).unwrap();
        let rate = (came * camera::PACKET * 8) as u64;
        assert!(flow.rate.abs_diff(rate) < rate / 10, "{rate} came: {flow:?}");
        assert!((flow.frame_rate - 30.3).abs() < 2.0, "{flow:?}");
        assert_eq!(
            (flow.size, flow.limit),
            (Some((320 << encoding, 180 << encoding)), limit)
        );
        let layer = FlowLayer {
            encoding,
            spatial: 0,
            temporal: 2,
        };
        assert_eq!(flow.layer, Some(layer));
        assert_eq!(flow.wanted_height, height.unwrap_or(720));
        assert_eq!(camera.router.budget(peer(1)), Some(kbps * 1000));
    }

    camera.budget(1, 10);
    camera.run(Duration::from_secs(4));
    let flow = |camera: &Camera| camera.router.outflow(camera.now, line(1)).unwrap();
    assert_eq!((flow(&camera).rate, flow(&camera).limit), (0, FlowLimit::Bandwidth));
    camera.router.mute(CAMERA);
    assert_eq!((flow(&camera).rate, flow(&camera).limit), (0, FlowLimit::Muted));
    camera.router.unmute(camera.now, CAMERA);
    camera.now += Duration::from_secs(5);
    assert_eq!((flow(&camera).rate, flow(&camera).limit), (0, FlowLimit::Paused));
    assert_eq!(
        camera.router.inflow(camera.now, CAMERA).unwrap().limit,
        FlowLimit::Paused
    );
    assert_eq!(camera.router.outflow(camera.now, line(2)), None);
}

#[test]
fn encodings_that_nobody_gets_are_paused_at_the_publisher_until_somebody_does() {
    let mut camera = Camera::new();
    camera.subscribe(1);
    camera.run(Duration::from_secs(2));
    camera.budget(1, 5000);
    camera.run(Duration::from_secs(5));
    assert_eq!(camera.wanted(), [2]);
    let rates = camera.rates.unwrap();
    assert!(rates.desired > 1_300_000, "{rates:?}");

    // Another one with a poor network needs the smallest, which has to be sent again first.
    camera.subscribe(2);
    camera.budget(2, 200);
    assert_eq!(camera.wanted(), [0, 2]);
    let got = camera.run(Duration::from_millis(500));
    let second: Vec<_> = got.iter().filter(|it| it.line == line(2)).copied().collect();
    assert_eq!(encodings(&second), [0]);
    assert_decodable(&second);
}

#[test]
fn a_publisher_need_not_send_small_ones_before_somebody_wants_them() {
    let mut camera = Camera::new();
    camera.router.set_encodings(CAMERA, 3);
    camera.wanted = Some(Encodings::from_iter([2]));
    camera.subscribe(1);
    let first = camera.run(Duration::from_secs(2)).to_vec();
    assert_eq!(encodings(&first), [2]);
    assert_eq!(camera.wanted(), [2], "nothing else is sent for one who gets everything");

    camera.subscribe(2);
    camera.budget(2, 300);
    assert_eq!(camera.wanted(), [0, 2], "of a third of a third, as it seems");
    camera.run(Duration::from_secs(1));
    let got = camera.run(Duration::from_secs(1)).to_vec();
    let (second, first): (Vec<_>, Vec<_>) = got.iter().partition(|it| it.line == line(2));
    assert_eq!((encodings(&first), encodings(&second)), (vec![2], vec![0]));
}

#[test]
fn an_encoding_that_does_not_come_is_not_waited_for() {
    let mut camera = Camera::new();
    camera.run(Duration::from_secs(2));
    camera.subscribe(1);
    camera.run(Duration::from_secs(2));
    // The publisher's uplink is poor by now.
    camera.is_on[2] = false;
    camera.run(Duration::from_secs(3));
    let last = camera.run(Duration::from_secs(1));
    assert_eq!(encodings(last), [1]);
    // And good again: the picture grows again.
    camera.is_on[2] = true;
    camera.run(Duration::from_secs(5));
    assert_eq!(encodings(camera.run(Duration::from_secs(1))), [2]);
    assert_decodable(&camera.got);
}

#[test]
fn an_encoding_that_stops_while_a_smaller_one_goes_on_is_left_within_a_second() {
    let mut camera = Camera::new();
    camera.run(Duration::from_secs(2));
    camera.subscribe(1);
    camera.subscribe(2);
    camera.budget(2, 200);
    camera.run(Duration::from_secs(5));
    assert_eq!(camera.wanted(), [0, 2]);
    camera.is_on[2] = false;
    camera.run(Duration::from_secs(1));
    let got = camera.run(Duration::from_millis(500)).to_vec();
    let first: Vec<_> = got.iter().filter(|it| it.line == line(1)).copied().collect();
    assert_eq!(encodings(&first), [1], "the next one has been woken");
    let all: Vec<_> = camera.got.iter().filter(|it| it.line == line(1)).copied().collect();
    assert_decodable(&all);
}

#[test]
fn when_all_but_the_smallest_stop_at_once_that_one_is_shown_within_a_second() {
    let mut camera = Camera::new();
    camera.follows_wishes = false;
    camera.run(Duration::from_secs(2));
    camera.subscribe(1);
    camera.budget(1, 3000);
    camera.run(Duration::from_secs(5));
    camera.is_on = [true, false, false];
    camera.run(Duration::from_secs(1));
    let got = camera.run(Duration::from_millis(500)).to_vec();
    assert_eq!(encodings(&got), [0], "though the next one might still be woken");
    assert!(got.len() > 12, "without a break: {}", got.len());
    assert_decodable(&camera.got);
}

#[test]
fn when_only_the_smallest_still_comes_that_one_is_shown() {
    let mut camera = Camera::new();
    camera.run(Duration::from_secs(2));
    camera.subscribe(1);
    camera.budget(1, 3000);
    camera.run(Duration::from_secs(2));
    camera.is_on = [true, false, false];
    camera.run(Duration::from_secs(6));
    let last = camera.run(Duration::from_secs(3)).to_vec();
    assert_eq!(encodings(&last), [0]);
    assert!(last.len() > 80, "without a break: {}", last.len());
    assert_decodable(&camera.got);
}

#[test]
fn an_encoding_that_has_rested_costs_as_much_as_before() {
    let mut camera = Camera::new();
    camera.run(Duration::from_secs(2));
    camera.subscribe(1);
    camera.budget(1, 200);
    camera.run(Duration::from_secs(60));
    assert_eq!(camera.wanted(), [0]);
    camera.subscribe(2);
    let got = camera.run(Duration::from_secs(5)).to_vec();
    let (first, second): (Vec<_>, Vec<_>) = got.iter().partition(|it| it.line == line(1));
    assert_eq!(encodings(&first), [0], "the poor one is not drawn into it");
    assert_eq!(encodings(&second).last(), Some(&2));
}

#[test]
fn what_is_not_carried_any_more_is_not_paused_any_more() {
    let mut camera = Camera::new();
    camera.subscribe(1);
    camera.run(Duration::from_secs(2));
    camera.budget(1, 1);
    camera.run(Duration::from_secs(3));
    assert_eq!(camera.starved, [(line(1), true)]);
    camera.router.forget_lines(camera.now, peer(1));
    camera.drain(None);
    assert_eq!(camera.starved, [(line(1), true), (line(1), false)]);
}

#[test]
fn one_who_comes_while_the_best_is_paused_sees_a_smaller_one_at_once() {
    let mut camera = Camera::new();
    camera.run(Duration::from_secs(2));
    camera.subscribe(1);
    camera.budget(1, 600);
    camera.run(Duration::from_secs(6));
    assert_eq!(camera.wanted(), [1]);
    // The publisher takes his time.
    camera.follows_wishes = true;
    let before = camera.wanted;
    camera.subscribe(2);
    camera.wanted = before;
    let got = camera.run(Duration::from_millis(100)).to_vec();
    assert!(got.iter().any(|it| it.line == line(2) && it.encoding == 1));
}

/// What is wanted changes when what was asked for has come.
#[test]
fn another_encoding_costs_one_keyframe() {
    let mut camera = Camera::new();
    camera.follows_wishes = false;
    camera.run(Duration::from_secs(1));
    camera.tell_heights();
    camera.subscribe(1);
    camera.run(Duration::from_secs(1));
    for size in [0, 1, 2, 1, 0, 2].repeat(5) {
        let (requests, keyframes) = (camera.requests, camera.keyframes);
        camera.view(1, Some(180 << size));
        camera.run(Duration::from_secs(1));
        let last = camera.run(Duration::from_secs(1));
        assert_eq!(encodings(last), [size]);
        assert_eq!(
            (camera.requests - requests, camera.keyframes - keyframes),
            (1, 1),
            "{size}"
        );
    }
    assert_decodable(&camera.got);
}

/// Fails if keyframes are asked for, or sent, more often than may be.
fn assert_few_keyframes(camera: &Camera, length: Duration) {
    for encoding in 0..3 {
        let asked: Vec<_> = camera
            .asked
            .iter()
            .filter(|it| it.1 == encoding)
            .map(|it| it.0)
            .collect();
        assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= THROTTLE), "{asked:?}");
        let most = 1 + (length.as_millis() / THROTTLE.as_millis()) as usize;
        assert!(asked.len() <= most, "{} requests for {encoding}", asked.len());
    }
    // Each encoding begins with one.
    let most = 3 + camera.requests + camera.stops;
    assert!(
        camera.keyframes <= most,
        "{} keyframes for {} requests",
        camera.keyframes,
        camera.requests
    );
}

/// Layers change at random 100 times a second for 60 s.
#[test]
fn r17_numbers_and_times_go_on_however_layers_change() {
    for seed in 0..8 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut camera = Camera::new();
        camera.follows_wishes = seed % 2 == 0;
        camera.run(Duration::from_secs(1));
        camera.tell_heights();
        camera.subscribe(1);
        camera.subscribe(2);
        let begun = camera.now;
        let mut view = 0;
        for at in 0..6000 {
            view = (view + rng.random_range(1..3)) % 3;
            camera.view(1, Some(180 << view));
            // With each third one changes what the network carries, too, which is poor from time to time.
            if at % 3 == 0 {
                let poor = [20, 60, 100, 160, 400, 700][rng.random_range(0..6)];
                camera.budget(1, if view == 0 { poor } else { 3000 });
            }
            camera.run(Duration::from_millis(10));
        }
        assert_eq!(camera.now - begun, Duration::from_secs(60), "100 changes a second");
        assert_few_keyframes(&camera, Duration::from_secs(61));
        let (first, second): (Vec<_>, Vec<_>) = camera.got.iter().partition(|it| it.line == line(1));
        assert_decodable(&first);
        assert_decodable(&second);
        let switches = encodings(&first).len() - 1;
        println!(
            "seed {seed}: {switches} switches, {} requests, {} keyframes",
            camera.requests, camera.keyframes
        );
        assert!(
            first.len() > 500 && switches > 50,
            "seed {seed}: {} packets, {switches} switches",
            first.len()
        );
        // Who begins may begin with a smaller one.
        let alone = encodings(&second);
        assert!(
            alone.ends_with(&[2]) && alone.len() <= 2,
            "nobody else notices: {alone:?}"
        );

        // And when it is over, there is everything again.
        camera.view(1, None);
        camera.budget(1, 9000);
        camera.run(Duration::from_secs(3));
        let last: Vec<_> = camera
            .run(Duration::from_secs(1))
            .iter()
            .copied()
            .filter(|it| it.line == line(1))
            .collect();
        assert!(
            encodings(&last) == [2] && last.len() > 290,
            "seed {seed}: {}",
            last.len()
        );
    }
}

//! What a stream of several sizes and frame rates is like for a receiver whose layers change all the time.

use std::time::Duration;

use hst_sfu::Codec;
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

mod stream;

use stream::{Got, Stream, assert_decodable, line, pictures, size};

/// Layers change 100 times a second.
const CHANGE: Duration = Duration::from_millis(10);
const CHANGES: u32 = 6000;
const LENGTH: Duration = Duration::from_secs(60);
/// A publisher is asked for a keyframe no more often than this.
const THROTTLE: Duration = Duration::from_millis(500);
const HEIGHT: u32 = 180;

fn of(got: &[Got], number: u64) -> Vec<Got> {
    got.iter().filter(|it| it.line == line(number)).cloned().collect()
}

fn temporal(picture: &[Got]) -> u8 {
    picture[0].frame.temporal
}

/// Views of another size each time, and what the network carries, which is poor from time to time, with each third of them.
fn storm(codec: Codec, mut rng: SmallRng) {
    let mut camera = Stream::new(codec);
    camera.subscribe(1);
    camera.subscribe(2);
    camera.run(Duration::from_secs(2));
    let before = camera.requests.len();
    let begun = camera.now;
    let mut view = 2;
    for at in 0..CHANGES {
        view = (view + rng.random_range(1..3)) % 3;
        camera.view(1, HEIGHT << view);
        if at % 3 == 0 {
            camera.budget(1, [20, 60, 100, 160, 700, 3000, 3000, 3000][rng.random_range(0..8)]);
        }
        camera.run(CHANGE);
    }
    assert_eq!(camera.now - begun, LENGTH, "100 changes a second");

    let requests = &camera.requests[before..];
    let most = 1 + (LENGTH.as_millis() / THROTTLE.as_millis()) as usize;
    assert!(requests.len() <= most, "{} requests", requests.len());
    assert!(
        requests.windows(2).all(|pair| pair[1] - pair[0] >= THROTTLE),
        "{requests:?}"
    );
    assert!(
        camera.keyframes <= 1 + camera.requests.len(),
        "{} keyframes",
        camera.keyframes
    );

    let first = of(&camera.got, 1);
    assert_decodable(&first);
    let all: Vec<_> = pictures(&first).collect();
    let changed = all.windows(2).filter(|pair| size(pair[0]) != size(pair[1])).count();
    let rates = all
        .windows(2)
        .filter(|pair| temporal(pair[0]) != temporal(pair[1]))
        .count();
    assert!(changed > 30 && rates > 100, "{changed} sizes, {rates} frame rates");
    // Whoever gets everything notices nothing of it.
    let second = of(&camera.got, 2);
    assert_decodable(&second);
    assert_eq!(pictures(&second).count(), camera.pictures as usize);
    assert!(pictures(&second).all(|picture| size(picture) == 2));

    // And when it is over, there is everything again.
    camera.view(1, HEIGHT << 2);
    camera.budget(1, 3000);
    camera.run(Duration::from_secs(2));
    let pictures_before = camera.pictures;
    let last = camera.run(Duration::from_secs(2)).to_vec();
    let last = of(&last, 1);
    assert!(pictures(&last).all(|picture| size(picture) == 2), "the largest size");
    assert_eq!(
        pictures(&last).count(),
        (camera.pictures - pictures_before) as usize,
        "and every picture"
    );
}

/// Sizes that are taken up one after the other, when what was asked for has come.
fn calm(codec: Codec) {
    let mut camera = Stream::new(codec);
    camera.subscribe(1);
    camera.run(Duration::from_secs(2));
    for views in [[2, 0], [0, 1], [1, 2], [2, 1], [1, 0], [0, 2]].repeat(5) {
        let [from, to] = views;
        camera.view(1, HEIGHT << from);
        camera.run(Duration::from_secs(1));
        let keyframes = camera.keyframes;
        camera.view(1, HEIGHT << to);
        camera.run(Duration::from_secs(1));
        let got = camera.run(Duration::from_secs(1)).to_vec();
        assert!(
            pictures(&got).all(|picture| u32::from(size(picture)) == to),
            "{views:?}"
        );
        assert_eq!(camera.keyframes - keyframes, usize::from(to > from), "{views:?}");
    }
    assert_eq!(camera.keyframes, 1 + camera.requests.len());
    assert_decodable(&camera.got);
}

/// What the network carries becomes little and much again, and no size changes.
fn smoothness(codec: Codec) {
    let mut camera = Stream::new(codec);
    camera.subscribe(1);
    camera.view(1, HEIGHT);
    camera.run(Duration::from_secs(3));
    let keyframes = camera.keyframes;
    for (kbps, highest) in [(60, 0), (1000, 2), (95, 1), (1000, 2), (60, 0), (95, 1), (1000, 2)] {
        camera.budget(1, kbps);
        camera.run(Duration::from_secs(1));
        let got = camera.run(Duration::from_secs(1)).to_vec();
        let rates: Vec<_> = pictures(&got).map(temporal).collect();
        assert_eq!(
            rates.iter().max(),
            Some(&highest),
            "{codec:?}, {kbps} kbit/s: {rates:?}"
        );
    }
    assert_eq!(camera.keyframes, keyframes, "for that none is needed");
    assert_decodable(&camera.got);
}

#[test]
fn a_larger_size_costs_one_keyframe_and_a_smaller_one_none() {
    [Codec::Vp9, Codec::Av1].into_iter().for_each(calm);
}

#[test]
fn a_picture_that_has_lost_its_smoothness_has_it_again_without_a_keyframe() {
    [Codec::Vp9, Codec::Av1].into_iter().for_each(smoothness);
}

/// Layers change at random 100 times a second for 60 s.
#[test]
fn r17_numbers_and_times_go_on_however_the_layers_of_one_stream_change() {
    for seed in 0..4 {
        for codec in [Codec::Vp9, Codec::Av1] {
            println!("seed {seed}, {codec:?}");
            storm(codec, SmallRng::seed_from_u64(seed));
        }
    }
}

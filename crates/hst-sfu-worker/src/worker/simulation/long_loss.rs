//! Networks that lose nearly half of everything, for as long as a talk lasts.

use super::{
    loss::{CAMERA_RATES, video_bound},
    *,
};

/// How many sounds before it each packet repeats.
const REPEATS: usize = 2;

/// What a receiver made of a call.
#[derive(Debug)]
struct Figures {
    /// The share of packets of video that never came.
    video: f64,
    /// The longest time without a new picture, and the one in the end.
    freeze: Duration,
    last: Duration,
    /// The share of sounds that never came, and how many of them one after the other at most.
    sound: f64,
    gap: usize,
}

/// A call of two in which packets are lost on the way to the receiver, and his on their way to the server.
fn call(seed: u64, loss: Loss, length: Duration) -> Figures {
    let mut world = World::new(seed);
    let publisher = world.join(Role::Publish(CAMERA_RATES.to_vec(), Some(REPEATS)), with_red);
    let receiver = world.join(Role::Receive, with_red);
    world.run(START);
    for link in world.clients[receiver].links() {
        link.loss = loss;
    }
    let (from, first_sound) = (world.now, world.sounds(publisher));
    let first = world.clients[receiver].screen.seqs.last().map_or(0, |last| last + 1);
    world.run(length);
    let Client { screen, ear, .. } = &world.clients[receiver];
    // What has just been sent is still on its way.
    let (sound, gap) = ear.missing(first_sound..world.sounds(publisher) - SOUNDS);
    let last = screen.shown.last().map_or(from, |(at, ..)| *at);
    Figures {
        video: screen.missing(first),
        freeze: screen.longest_freeze(from, world.now),
        last: world.now - last,
        sound,
        gap,
    }
}

/// What two packets repeat is lost with all three of them; and so many points for chance.
fn sound_bound(share: f64, points: f64) -> f64 {
    share.powi(1 + REPEATS as i32) + points / 100.0
}

#[test]
fn ten_minutes_in_which_two_of_five_packets_are_lost() {
    let figures = call(1, Loss::Random(0.4), Duration::from_secs(600));
    println!("{figures:?}");
    assert!(
        figures.last < Duration::from_secs(3),
        "a picture to the end: {figures:?}"
    );
    assert!(figures.freeze < Duration::from_secs(10), "{figures:?}");
    assert!(figures.video < video_bound(0.4), "{figures:?}");
    // Of 30,000 sounds.
    assert!(figures.sound < sound_bound(0.4, 0.5), "{figures:?}");
    assert!(figures.gap < 20, "{figures:?}");
}

#[test]
fn half_of_the_sounds_and_two_of_five_of_all_else_are_lost() {
    let loss = Loss::Apart { sound: 0.5, rest: 0.4 };
    for seed in 1..=3 {
        let figures = call(seed, loss, Duration::from_secs(60));
        println!("seed {seed}: {figures:?}");
        assert!(figures.last < Duration::from_secs(3), "seed {seed}: {figures:?}");
        assert!(figures.freeze < Duration::from_secs(10), "seed {seed}: {figures:?}");
        assert!(figures.video < video_bound(0.4), "seed {seed}: {figures:?}");
        // Of 3,000 sounds; and more of them are missing than where only two of five are lost.
        assert!(figures.sound < sound_bound(0.5, 2.0), "seed {seed}: {figures:?}");
        assert!(figures.sound > 0.04, "seed {seed}: {figures:?}");
        assert!(figures.gap < 30, "seed {seed}: {figures:?}");
    }
}

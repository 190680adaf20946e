//! Networks that change the order of packets, alone and together with loss.

use super::*;

/// A camera in three encodings, in bits in a second.
const CAMERA_RATES: [u32; 3] = [150_000, 500_000, 1_300_000];
const LENGTH: Duration = Duration::from_secs(20);
/// All packets of a large picture are under way at once: so nearly each of them is overtaken.
const JITTER: Duration = Duration::from_millis(20);

/// What became of a call.
#[derive(Debug)]
struct Figures {
    /// How many bytes went to the server and to the receiver.
    carried: [usize; 2],
    /// Pictures by their size.
    shown: [usize; 3],
    freeze: Duration,
    /// The share of packets of video that never came, and of sounds.
    missing: [f64; 2],
}

/// Two of whom one receives the other, who goes on with all that he sends.
fn two(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed);
    let publisher = world.join(Role::Publish(CAMERA_RATES.to_vec(), Some(2)), steady);
    let receiver = world.join(Role::Receive, with_red);
    world.clients[receiver].asker.wait(JITTER);
    world.run(START);
    (world, publisher, receiver)
}

/// A call in which both networks are made worse when everything is well.
fn call(seed: u64, worsen: impl Fn(&mut Link)) -> Figures {
    let (mut world, publisher, receiver) = two(seed);
    for at in [publisher, receiver] {
        world.clients[at].links().into_iter().for_each(&worsen);
    }
    look(&mut world, LENGTH)
}

/// Lets time pass, and tells what became of it.
fn look(world: &mut World, length: Duration) -> Figures {
    let carried = |world: &World| [world.clients[0].up.carried, world.clients[1].down.carried];
    let (from, before, first_sound) = (world.now, carried(world), world.sounds(0));
    let first = world.clients[1].screen.seqs.last().map_or(0, |last| last + 1);
    world.run(length);
    let after = carried(world);
    let Client { screen, ear, .. } = &world.clients[1];
    Figures {
        carried: [after[0] - before[0], after[1] - before[1]],
        shown: world.shown(1, from),
        freeze: screen.longest_freeze(from, world.now),
        missing: [
            screen.missing(first),
            ear.missing(first_sound..world.sounds(0) - SOUNDS).0,
        ],
    }
}

#[test]
fn what_is_overtaken_costs_no_picture_and_little_of_it_is_sent_twice() {
    for seed in 1..=3 {
        let plain = call(seed, |_| {});
        let jumbled = call(seed, |link| link.jitter = JITTER);
        println!("seed {seed}: {plain:?}\n    {jumbled:?}");
        assert_eq!(jumbled.missing, [0.0, 0.0], "seed {seed}: {jumbled:?}");
        let more = [0, 1].map(|way| jumbled.carried[way] as f64 / plain.carried[way] as f64 - 1.0);
        // Without waiting for what was overtaken that would be one packet of three on the way to the server.
        assert!(more[0] < 0.06 && more[1] < 0.12, "seed {seed}: {more:?} more is sent");
        assert!(
            jumbled.shown[2] > 490,
            "seed {seed}: the large picture stays: {jumbled:?}"
        );
        assert!(jumbled.freeze < Duration::from_millis(200), "seed {seed}: {jumbled:?}");
    }
}

#[test]
fn with_loss_beside_it_nothing_freezes_and_what_is_lost_is_sent_again() {
    for seed in 1..=3 {
        let figures = call(seed, |link| {
            link.jitter = JITTER;
            link.loss = Loss::Random(0.05);
        });
        println!("seed {seed}: {figures:?}");
        assert!(
            figures.missing[0] < 0.01 && figures.missing[1] < 0.005,
            "seed {seed}: {figures:?}"
        );
        assert!(figures.freeze < Duration::from_secs(2), "seed {seed}: {figures:?}");
        assert!(figures.shown.iter().sum::<usize>() > 450, "seed {seed}: {figures:?}");
    }
}

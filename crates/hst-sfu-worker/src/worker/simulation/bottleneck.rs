//! A receiver's network that becomes narrow, and wide again.

use super::*;

/// A camera in three encodings, in bits in a second.
const CAMERA_RATES: [u32; 3] = [150_000, 500_000, 1_300_000];
const WIDE: u64 = 3_000_000;
const NARROW: u64 = 400_000;

impl World {
    /// How many pictures of each encoding a client has shown since then.
    pub(super) fn shown(&self, at: usize, since: Instant) -> [usize; 3] {
        let shown = &self.clients[at].screen.shown;
        let count = |number| {
            shown
                .iter()
                .filter(|(when, _, encoding)| *when >= since && *encoding == number)
                .count()
        };
        [0, 1, 2].map(count)
    }
}

#[test]
fn who_has_a_narrow_network_for_a_while_sees_less_hears_everything_and_has_it_all_again_within_5_s() {
    let mut world = World::new(1);
    let publisher = world.join(Role::Publish(CAMERA_RATES.to_vec(), Some(1)), steady);
    let [narrow, other] = [(); 2].map(|()| world.join(Role::Receive, with_red));
    for at in [narrow, other] {
        world.clients[at].down.rate = Some(WIDE);
    }
    world.run(START);
    let (begun, first_sound) = (world.now, world.sounds(publisher));
    world.run(Duration::from_secs(5));
    for at in [narrow, other] {
        assert_eq!(world.shown(at, begun), [0, 0, 125], "all that there is goes through");
    }

    world.clients[narrow].down.rate = Some(NARROW);
    world.run(Duration::from_secs(5));
    let settled = world.now;
    world.run(Duration::from_secs(15));
    let [small, _, large] = world.shown(narrow, settled);
    assert!(small > 300 && large == 0, "{small} small pictures, {large} large ones");

    world.clients[narrow].down.rate = Some(WIDE);
    world.run(Duration::from_secs(5));
    let lifted = world.now;
    world.run(Duration::from_secs(10));
    let [small, middle, large] = world.shown(narrow, lifted);
    assert!(
        large >= 225,
        "and it stays so: {small} small pictures, {middle} middle ones, {large} large ones"
    );

    let sounds = first_sound..world.sounds(publisher) - SOUNDS;
    let (missing, gap) = world.clients[narrow].ear.missing(sounds.clone());
    // Until it is noticed that the network has become narrow, sound is lost with the pictures.
    assert!(missing < 0.015 && gap <= 6, "{missing} of the sounds, {gap} in a row");
    assert_eq!(world.clients[other].ear.missing(sounds), (0.0, 0));
    assert_eq!(world.shown(other, begun)[..2], [0, 0]);
    let freeze = world.clients[other].screen.longest_freeze(begun, world.now);
    assert!(freeze < Duration::from_millis(200), "nobody else notices: {freeze:?}");
}

#[test]
fn what_is_asked_for_again_does_not_fill_a_publishers_narrow_network() {
    let calls = [(); CALLS].map(|()| narrowed());
    let gap = median(calls.map(|(_, gap, _)| gap), usize::cmp);
    let missing = median(calls.map(|(missing, ..)| missing), f64::total_cmp);
    assert!(missing < 0.01 && gap <= 3, "{missing} of the sounds, {gap} in a row");
    let freeze = median(calls.map(|(.., freeze)| freeze), Duration::cmp);
    assert!(freeze < Duration::from_millis(4500), "{freeze:?}");
}

/// A publisher whose network becomes narrow: the share of sounds that never come, how many in a row, and the longest freeze.
fn narrowed() -> (f64, usize, Duration) {
    let mut world = World::new(1);
    let publisher = world.join(Role::Publish(CAMERA_RATES.to_vec(), Some(2)), with_red);
    let receiver = world.join(Role::Receive, with_red);
    world.run(START);
    let (begun, first_sound) = (world.now, world.sounds(publisher));
    world.clients[publisher].up.rate = Some(1_000_000);
    world.run(Duration::from_secs(20));
    let sounds = first_sound..world.sounds(publisher) - SOUNDS;
    let Client { screen, ear, .. } = &world.clients[receiver];
    let (missing, gap) = ear.missing(sounds);
    (missing, gap, screen.longest_freeze(begun, world.now))
}

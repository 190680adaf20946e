//! A receiver whose network carries sound, but not even the smallest picture.

use super::*;

/// A camera in three encodings, in bits in a second.
const CAMERA_RATES: [u32; 3] = [150_000, 500_000, 1_300_000];
const WIDE: u64 = 3_000_000;
/// Half of the smallest picture would not fit beside the sound.
const TINY: u64 = 80_000;
const LENGTH: Duration = Duration::from_secs(20);
/// By then it is noticed how little there is, and that it stays so.
const NOTICED: Duration = Duration::from_secs(8);
const BACK: Duration = Duration::from_secs(5);

#[test]
fn a_picture_that_fits_no_more_is_paused_with_a_word_sound_goes_on_and_both_are_back_within_5_s() {
    for seed in 1..=5 {
        let mut world = World::new(seed);
        let publisher = world.join(Role::Publish(CAMERA_RATES.to_vec(), None), steady);
        let [narrow, other] = [(); 2].map(|()| world.join(Role::Receive, without_red));
        world.clients[narrow].down.rate = Some(WIDE);
        world.run(START);
        let begun = world.now;
        world.clients[narrow].down.rate = Some(TINY);
        world.run(NOTICED);
        let (settled, first_sound) = (world.now, world.sounds(publisher));
        world.run(LENGTH - NOTICED);
        let told: Vec<_> = world.starved.iter().map(|(_, peer, is)| (*peer, *is)).collect();
        let peer = PeerId(1 + narrow as u64);
        assert_eq!(told, [(peer, true)], "seed {seed}: once, and nobody else");
        let after = world.starved[0].0 - begun;
        assert!(after < NOTICED, "seed {seed}: {after:?}");
        assert_eq!(world.shown(narrow, settled), [0, 0, 0], "seed {seed}: it is not shown");
        let sounds = first_sound..world.sounds(publisher) - SOUNDS;
        let (missing, gap) = world.clients[narrow].ear.missing(sounds);
        println!("seed {seed}: after {after:?}; {missing} of the sounds, {gap} in a row");
        assert!(
            missing < 0.02 && gap <= 3,
            "seed {seed}: {missing} of the sounds, {gap} in a row"
        );

        let lifted = world.now;
        world.clients[narrow].down.rate = Some(WIDE);
        world.run(BACK);
        let told: Vec<_> = world.starved[1..]
            .iter()
            .map(|(at, peer, is)| (*at - lifted, *peer, *is))
            .collect();
        println!("seed {seed}: {told:?}, {:?}", world.shown(narrow, lifted));
        assert!(
            matches!(told[..], [(_, who, false)] if who == peer),
            "seed {seed}: {told:?}"
        );
        let pictures: usize = world.shown(narrow, lifted).iter().sum();
        assert!(pictures > 0, "seed {seed}: there is a picture again");
        let back = world.now;
        world.run(Duration::from_secs(5));
        let pictures: usize = world.shown(narrow, back).iter().sum();
        assert!(pictures > 100, "seed {seed}: and it stays: {pictures}");
        let freeze = world.clients[other].screen.longest_freeze(begun, world.now);
        assert!(freeze < Duration::from_millis(200), "nobody else notices: {freeze:?}");
    }
}

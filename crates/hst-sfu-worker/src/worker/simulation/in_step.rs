//! Whether a receiver is told right when what he gets was taken, so that he plays sound and picture in step.

use str0m::rtp::RtpPacket;

use super::{
    client::{PICTURES, TICKS},
    media::{Piece, sound_number},
    *,
};

/// So far apart nobody notices.
const NEAR: Duration = Duration::from_millis(5);
/// So much longer the way becomes with each second.
const LONGER: Duration = Duration::from_millis(7);

/// When the last picture and the last sound were taken that have come, in seconds: as the receiver is told, and truly.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    picture: Option<(f64, f64)>,
    sound: Option<(f64, f64)>,
}

impl Clocks {
    pub(super) fn see(&mut self, packet: &RtpPacket) {
        let truly = f64::from(Piece::parse(&packet.payload).frame) / f64::from(PICTURES);
        self.picture = told(packet, 90_000).map(|told| (told, truly));
    }

    pub(super) fn hear(&mut self, packet: &RtpPacket) {
        let truly = f64::from(sound_number(&packet.payload)) / f64::from(SOUNDS);
        self.sound = told(packet, TICKS * SOUNDS).map(|told| (told, truly));
    }

    /// How much later than a sound of the same time a picture is told to be, in seconds.
    fn apart(&self) -> f64 {
        let told = [self.picture, self.sound].map(|it| it.expect("both have come, and are told of"));
        let [picture, sound] = told.map(|(told, truly)| told - truly);
        picture - sound
    }
}

/// When the sender says that it was taken.
fn told(packet: &RtpPacket, clock_rate: u32) -> Option<f64> {
    let info = packet.last_sender_info?;
    let since = info
        .ntp_time
        .duration_since(std::time::UNIX_EPOCH)
        .expect("it is later");
    let ticks = packet.header.timestamp.wrapping_sub(info.rtp_time.numer() as u32) as i32;
    Some(since.as_secs_f64() + f64::from(ticks) / f64::from(clock_rate))
}

/// How far from the truth it is what a receiver is told of the distance of picture and sound, in seconds, each second of a call:
/// pictures leave so much later than they are taken, some packets are lost before they come to the server, and the way there becomes
/// longer and longer.
fn call(mut world: World, late: Duration, lost: f64) -> Vec<f64> {
    let from = world.join(Role::Publish(vec![300_000], None), steady);
    let at = world.join(Role::Receive, without_red);
    if let Some(camera) = &mut world.clients[from].camera {
        camera.late = late;
    }
    world.run(START);
    let second = |_| {
        world.clients[from].up.loss = Loss::Random(lost);
        world.clients[from].up.delay += LONGER;
        world.run(Duration::from_secs(1));
        // The picture that leaves with a sound was taken so much before it.
        world.clients[at].clocks.apart() + late.as_secs_f64()
    };
    (0..30).map(second).collect()
}

fn assert_near(errors: &[f64]) {
    let is_near = |error: &f64| error.abs() < NEAR.as_secs_f64();
    assert!(errors.iter().all(is_near), "{errors:?}");
}

#[test]
fn pictures_that_are_long_under_way_are_told_to_be_of_the_time_at_which_they_were_taken() {
    for late in [0, 30, 400] {
        assert_near(&call(World::new(1), Duration::from_millis(late), 0.0));
    }
}

#[test]
fn packets_that_were_sent_again_do_not_tell_another_time() {
    assert_near(&call(World::new(1), Duration::ZERO, 0.1));
}

#[test]
fn so_they_are_on_another_thread_and_at_another_node() {
    for version in [None, Some(3)] {
        let mut world = World::new(1);
        world.spread(version);
        assert_near(&call(world, Duration::from_millis(400), 0.1));
    }
}

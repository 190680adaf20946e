//! How often a receiver's pictures stood still, by when they were forwarded.

use std::time::Duration;

use hst_sfu::Freezes;

mod camera;

use camera::{CAMERA, Camera, FRAME, line};

/// A receiver who has seen the camera for a while.
fn watched() -> Camera {
    let mut camera = Camera::new();
    camera.subscribe(1);
    camera.run(Duration::from_secs(3));
    assert_eq!(camera.router.freezes(line(1)), Freezes::default());
    camera
}

/// The network or the camera brings nothing for so long.
fn stall(camera: &mut Camera, time: Duration) {
    camera.is_on = [false; 3];
    camera.run(time);
    camera.is_on = [true; 3];
    camera.run(Duration::from_secs(2));
}

#[test]
fn a_picture_that_stands_still_is_a_freeze_and_one_that_is_only_late_is_none() {
    let mut camera = watched();
    stall(&mut camera, 4 * FRAME);
    assert_eq!(camera.router.freezes(line(1)).count, 0, "165 ms, and usual are 33");
    stall(&mut camera, 12 * FRAME);
    let time = 13 * FRAME;
    assert_eq!(camera.router.freezes(line(1)), Freezes { count: 1, time });
    stall(&mut camera, 30 * FRAME);
    let time = time + 31 * FRAME;
    assert_eq!(camera.router.freezes(line(1)), Freezes { count: 2, time });
    stall(&mut camera, Duration::from_secs(5));
    assert_eq!(camera.router.freezes(line(1)).count, 2, "it has paused");
}

#[test]
fn fewer_pictures_in_a_second_are_no_freezes() {
    let mut camera = watched();
    // Nothing fits but the smallest at the lowest frame rate.
    camera.budget(1, 60);
    camera.run(Duration::from_secs(10));
    let last = camera.run(Duration::from_secs(1));
    assert!(last.iter().all(|it| it.temporal == 0) && !last.is_empty(), "{last:?}");
    // Long between pictures of the full frame rate, and usual between these.
    stall(&mut camera, 5 * FRAME);
    assert_eq!(camera.router.freezes(line(1)), Freezes::default());
}

#[test]
fn what_is_hidden_muted_or_does_not_fit_has_not_frozen() {
    let mut camera = watched();
    camera.router.pause(camera.now, line(1));
    camera.drain(None);
    camera.run(Duration::from_secs(2));
    camera.subscribe(1);
    camera.run(Duration::from_secs(2));

    camera.router.mute(CAMERA);
    camera.run(Duration::from_secs(2));
    camera.router.unmute(camera.now, CAMERA);
    camera.run(Duration::from_secs(2));

    camera.budget(1, 1);
    camera.run(Duration::from_secs(4));
    camera.budget(1, 3_000);
    camera.run(Duration::from_secs(2));
    assert_eq!(camera.starved, [(line(1), true), (line(1), false)]);

    assert!(camera.run(Duration::from_secs(1)).len() > 100, "it flows");
    assert_eq!(camera.router.freezes(line(1)), Freezes::default());
    stall(&mut camera, 12 * FRAME);
    assert_eq!(camera.router.freezes(line(1)).count, 1, "it counts again");
}

#[test]
fn each_receiver_has_his_own() {
    let mut camera = watched();
    stall(&mut camera, 12 * FRAME);
    camera.subscribe(2);
    camera.run(Duration::from_secs(2));
    stall(&mut camera, 12 * FRAME);
    assert_eq!(camera.router.freezes(line(1)).count, 2);
    assert_eq!(camera.router.freezes(line(2)).count, 1);
}

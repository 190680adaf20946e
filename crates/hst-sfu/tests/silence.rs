//! Encodings of which nothing comes any more while smaller ones go on.

mod camera;

use camera::{Camera, FRAME, Got};

/// A camera whose best is received, and which sends all of its encodings in any case.
fn camera() -> Camera {
    let mut camera = Camera::new();
    camera.follows_wishes = false;
    camera.run(60 * FRAME);
    camera.subscribe(1);
    camera.run(60 * FRAME);
    assert_eq!(encodings(camera.run(30 * FRAME)), [2]);
    camera
}

fn encodings(got: &[Got]) -> Vec<u8> {
    let mut encodings: Vec<_> = got.iter().map(|got| got.encoding).collect();
    encodings.dedup();
    encodings
}

/// Of the largest encoding some pictures are lost, and what is asked for in that time.
fn lose(camera: &mut Camera, pictures: u32) -> usize {
    let before = camera.requests;
    camera.is_on[2] = false;
    camera.run(pictures * FRAME);
    camera.is_on[2] = true;
    camera.is_keyframe_due = [false; 3];
    camera.requests - before
}

#[test]
fn who_has_an_encoding_that_rests_has_the_next_one_after_some_pictures() {
    let mut camera = camera();
    camera.is_on[2] = false;
    let requests = camera.requests;
    assert_eq!(camera.run(2 * FRAME).len(), 0);
    assert_eq!(encodings(camera.run(FRAME)), [1]);
    assert_eq!(camera.requests, requests + 1);
    assert_eq!(encodings(camera.run(60 * FRAME)), [1]);
}

#[test]
fn when_all_but_the_smallest_rest_who_has_one_of_them_has_that_one() {
    let mut camera = camera();
    camera.is_on = [true, false, false];
    camera.run(3 * FRAME);
    assert_eq!(encodings(camera.run(FRAME)), [0]);
    assert_eq!(encodings(camera.run(60 * FRAME)), [0]);
}

#[test]
fn what_was_only_lost_goes_on_and_is_waited_for_as_long_the_next_time() {
    let mut camera = camera();
    camera.is_on[1] = false;
    let requests = camera.requests;
    lose(&mut camera, 1);
    camera.run(60 * FRAME);
    assert_eq!(camera.requests, requests);
    assert_eq!(lose(&mut camera, 3), 1, "the smaller one might be needed");
    let keyframes = camera.keyframes;
    assert_eq!(encodings(camera.run(5 * FRAME)), [2]);
    assert_eq!(camera.keyframes, keyframes, "without a new beginning");
    // Its keyframe comes when nobody needs it any more.
    camera.is_keyframe_due[0] = true;
    assert_eq!(encodings(camera.run(60 * FRAME)), [2]);
    let requests = camera.requests;
    lose(&mut camera, 3);
    camera.run(60 * FRAME);
    assert_eq!(camera.requests, requests);
    assert_eq!(lose(&mut camera, 5), 1, "it was never so long");
}

#[test]
fn pictures_that_come_at_once_tell_of_no_silence() {
    let mut camera = camera();
    camera.is_on[2] = false;
    let requests = camera.requests;
    (0..5).for_each(|_| camera.take_picture());
    assert_eq!(camera.requests, requests, "they were late together");
    camera.run(3 * FRAME);
    assert_eq!(camera.requests, requests + 1);
}

#[test]
fn nobody_misses_what_he_does_not_have() {
    let mut camera = camera();
    camera.budget(1, 200);
    camera.run(60 * FRAME);
    assert_eq!(encodings(camera.run(30 * FRAME)), [0]);
    assert_eq!(lose(&mut camera, 10), 0);
}

#[test]
fn in_place_of_what_rests_nobody_gets_more_than_he_should() {
    let mut camera = camera();
    camera.is_on[2] = false;
    camera.budget(1, 200);
    // The keyframe that he needs is late, and another begins that he has not asked for.
    camera.is_keyframe_due = [false; 3];
    camera.run(3 * FRAME);
    camera.is_keyframe_due = [false, true, false];
    assert_eq!(camera.run(3 * FRAME).len(), 0);
    camera.is_keyframe_due[0] = true;
    assert_eq!(encodings(camera.run(3 * FRAME)), [0]);
}

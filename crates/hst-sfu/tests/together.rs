//! Packets that came together are handled together.

mod row;

use std::time::Instant;

use hst_sfu::{Formats, Forward, Output, Packet, Router};
use row::{CAMERA, DELTA, KEY, line, video};

fn router(now: Instant) -> Router {
    let mut router = Router::new();
    router.publish(CAMERA);
    for peer in [10, 11] {
        router.subscribe(now, line(peer), CAMERA, Formats::ALL);
    }
    assert_eq!(router.poll_output(), None);
    router
}

/// The first one begins a keyframe.
fn packet(seq: u16) -> Packet<'static> {
    video(seq, if seq == 1 { KEY } else { DELTA })
}

fn forwarded(router: &mut Router) -> Vec<Forward> {
    let outputs = std::iter::from_fn(|| router.poll_output());
    let forwards = outputs.filter_map(|output| match output {
        Output::Forward(forward) => Some(forward),
        _ => None,
    });
    forwards.collect()
}

#[test]
fn they_go_to_each_line_together_and_as_they_would_one_by_one() {
    let now = Instant::now();
    let (mut apart, mut together) = (router(now), router(now));
    let mut expected = Vec::new();
    for (number, seq) in [1, 2, 2, 3].into_iter().enumerate() {
        apart.handle_packet(now, CAMERA, &packet(seq));
        expected.extend(forwarded(&mut apart).into_iter().map(|forward| Forward {
            packet: number,
            ..forward
        }));
        together.handle_packet(now, CAMERA, &packet(seq));
    }
    expected.sort_by_key(|forward| (forward.line.peer.0, forward.packet));
    assert_eq!(expected.len(), 6, "one came twice");
    assert_eq!(forwarded(&mut together), expected);
    together.handle_packet(now, CAMERA, &packet(4));
    let next: Vec<_> = forwarded(&mut together).iter().map(|forward| forward.packet).collect();
    assert_eq!(next, [0, 0], "they are counted anew");
}

#[test]
fn what_came_before_a_mute_goes_on_and_nothing_after_it() {
    let now = Instant::now();
    let mut router = router(now);
    router.handle_packet(now, CAMERA, &packet(1));
    router.mute(CAMERA);
    router.handle_packet(now, CAMERA, &packet(2));
    let packets: Vec<_> = forwarded(&mut router).iter().map(|forward| forward.packet).collect();
    assert_eq!(packets, [0, 0]);
}

//! Whose pictures come first where a receiver's network does not carry all of them.

use std::time::{Duration, Instant};

use hst_sfu::{Codec, Format, Formats, LineId, Output, Packet, PeerId, Priority, Router, TrackId};

const RECEIVER: PeerId = PeerId(1);
const FRAME: Duration = Duration::from_millis(33);
/// Bytes of each picture: some 240 kbit/s.
const PICTURE: [u8; 1000] = [0x10; 1000];

/// Cameras that each send one picture after the other, and one who receives all of them.
struct Cameras {
    now: Instant,
    router: Router,
    pictures: u16,
    /// How many pictures of each have come since it was last looked.
    came: [usize; CAMERAS as usize],
}

const CAMERAS: u64 = 3;

impl Cameras {
    fn new() -> Self {
        let mut cameras = Self {
            now: Instant::now(),
            router: Router::new(),
            pictures: 0,
            came: [0; CAMERAS as usize],
        };
        for track in 0..CAMERAS {
            let line = LineId {
                peer: RECEIVER,
                slot: track as u16,
            };
            cameras.router.publish(TrackId(track));
            cameras
                .router
                .subscribe(cameras.now, line, TrackId(track), Formats::ALL);
        }
        cameras
    }

    fn prioritize(&mut self, track: u64, priority: Priority) {
        self.router.set_priority(self.now, RECEIVER, TrackId(track), priority);
    }

    fn budget(&mut self, kbps: u64) {
        self.router.set_budget(self.now, RECEIVER, Some(kbps * 1000));
    }

    /// Lets 5 s go by, and gives whose pictures came in the last of them.
    fn settle(&mut self) -> Vec<usize> {
        for second in 0..5 {
            self.came = [0; CAMERAS as usize];
            let end = self.now + Duration::from_secs(1);
            while self.now < end {
                self.take_pictures();
            }
            assert!(second < 4 || self.came.iter().all(|&came| came == 0 || came > 25));
        }
        (0..self.came.len()).filter(|&track| self.came[track] > 0).collect()
    }

    fn take_pictures(&mut self) {
        self.pictures = self.pictures.wrapping_add(1);
        for track in 0..CAMERAS {
            let mut payload = PICTURE;
            // A keyframe each time, so that nobody waits for one.
            payload[1..3].fill(0);
            let packet = Packet {
                encoding: 0,
                ssrc: 1,
                seq: self.pictures,
                timestamp: u32::from(self.pictures) * 2970,
                codec: Codec::Vp8,
                format: Format::new(1).expect("a small number"),
                dependency: None,
                level: None,
                payload: &payload,
            };
            self.router.handle_packet(self.now, TrackId(track), &packet);
            self.drain(track);
        }
        self.now += FRAME;
        self.router.handle_timeout(self.now);
        self.drain(CAMERAS);
    }

    fn drain(&mut self, track: u64) {
        while let Some(output) = self.router.poll_output() {
            if matches!(output, Output::Forward(_)) {
                self.came[track as usize] += 1;
            }
        }
    }
}

#[test]
fn where_not_all_fits_the_pictures_that_matter_most_are_there() {
    let mut cameras = Cameras::new();
    cameras.settle();
    for (priorities, kbps, there) in [
        ([Priority::Normal; 3], 10_000, vec![0, 1, 2]),
        ([Priority::Low, Priority::Normal, Priority::High], 800, vec![0, 1, 2]),
        ([Priority::Low, Priority::Normal, Priority::High], 600, vec![1, 2]),
        ([Priority::Low, Priority::Normal, Priority::High], 350, vec![2]),
        ([Priority::Normal, Priority::High, Priority::Normal], 350, vec![1]),
        ([Priority::Normal, Priority::Low, Priority::Low], 350, vec![0]),
        ([Priority::Normal; 3], 10_000, vec![0, 1, 2]),
    ] {
        for (track, priority) in (0..).zip(priorities) {
            cameras.prioritize(track, priority);
        }
        cameras.budget(kbps);
        assert_eq!(cameras.settle(), there, "{priorities:?} with {kbps} kbit/s");
    }
}

#[test]
fn a_new_connection_keeps_what_matters_and_another_track_knows_nothing_of_it() {
    let mut cameras = Cameras::new();
    cameras.settle();
    cameras.prioritize(2, Priority::High);
    cameras.router.forget_lines(cameras.now, RECEIVER);
    for track in 0..CAMERAS {
        let slot = track as u16;
        let line = LineId { peer: RECEIVER, slot };
        cameras
            .router
            .subscribe(cameras.now, line, TrackId(track), Formats::ALL);
    }
    cameras.budget(350);
    assert_eq!(cameras.settle(), [2]);
    cameras.router.forget_wishes(TrackId(2));
    cameras.budget(10_000);
    cameras.settle();
    cameras.budget(350);
    assert_eq!(cameras.settle(), [0], "the first one again");
}

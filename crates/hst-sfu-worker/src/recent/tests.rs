use std::time::Duration;

use hst_sfu::Codec;

use super::*;

const SSRC: u32 = 7;

struct Room {
    now: Instant,
    recents: Recents,
}

impl Room {
    fn new() -> Self {
        Self {
            now: Instant::now(),
            recents: Recents::default(),
        }
    }

    /// A packet comes, whose payload is this number.
    fn keep(&mut self, (codec, ssrc): (Codec, u32), seq: u16, payload: u32) -> Option<Kept> {
        let media = Media {
            codec,
            ssrc,
            ..Media::picture(self.now, seq, 0, &payload.to_be_bytes())
        };
        self.recents.keep(self.now, &Arc::new(media))
    }

    fn video(&mut self, ssrc: u32, seq: u16, payload: u32) -> Kept {
        self.keep((Codec::Vp8, ssrc), seq, payload).expect("pictures are kept")
    }

    fn get(&self, kept: &Kept) -> Option<u32> {
        let media = kept.recent.get(self.now, kept.index)?;
        Some(u32::from_be_bytes(media.payload.first_chunk().copied().unwrap()))
    }
}

#[test]
fn what_comes_is_found_for_a_second_also_what_comes_late_and_sounds_are_not() {
    let mut room = Room::new();
    let kept = [65_534, 65_535, 1, 0].map(|seq| room.video(SSRC, seq, seq.into()));
    assert!(kept.iter().all(|it| Rc::ptr_eq(&it.recent, &kept[0].recent)));
    assert_eq!(
        [0, 1, 2, 3].map(|at| room.get(&kept[at])),
        [65_534, 65_535, 1, 0].map(Some)
    );
    room.now += Duration::from_secs(1);
    assert_eq!(room.get(&kept[0]), None);
    assert!(room.keep((Codec::Opus, SSRC), 1, 1).is_none());
}

#[test]
fn a_source_that_numbers_anew_never_gives_one_packet_for_another() {
    // Another source; one that goes on far back; one of which other packets have the same numbers.
    for (ssrc, seq) in [(SSRC + 1, 1000), (SSRC, 65_000 - 4_000), (SSRC, 64_999)] {
        let mut room = Room::new();
        let before = [64_998, 64_999, 65_000].map(|at| room.video(SSRC, at, at.into()));
        let after = [seq, seq + 1].map(|at| room.video(ssrc, at, 1_000_000 + u32::from(at)));
        assert!(!Rc::ptr_eq(&after[0].recent, &before[0].recent), "{ssrc} {seq}");
        assert!(Rc::ptr_eq(&after[0].recent, &after[1].recent));
        assert_eq!(room.get(&after[1]), Some(1_000_000 + u32::from(seq + 1)));
        assert_eq!(room.get(&before[1]), Some(64_999));
    }
}

#[test]
fn a_packet_that_comes_twice_is_the_same_one_and_a_track_that_is_over_is_not_kept() {
    let mut room = Room::new();
    let kept = [room.video(SSRC, 5, 5), room.video(SSRC, 5, 5)];
    assert!(Rc::ptr_eq(&kept[0].recent, &kept[1].recent));
    room.recents.forget(TrackId(2));
    assert_eq!(Rc::strong_count(&kept[0].recent), 3);
    room.recents.forget(TrackId(1));
    assert_eq!(Rc::strong_count(&kept[0].recent), 2);
}

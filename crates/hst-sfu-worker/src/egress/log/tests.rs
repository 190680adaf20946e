use hst_sfu::TrackId;

use super::*;
use crate::recent::Recents;

struct Receiver {
    now: Instant,
    recents: Recents,
    log: Log,
}

impl Receiver {
    fn new() -> Self {
        Self {
            now: Instant::now(),
            recents: Recents::default(),
            log: Log::default(),
        }
    }

    /// A packet of an encoding, whose payload is its number there, comes and is sent under another one, with a timestamp that is
    /// 1000 later for each encoding.
    fn send(&mut self, encoding: u8, from: u16, to: u64, changes: Changes) {
        let media = Arc::new(Media {
            encoding,
            ssrc: encoding.into(),
            ..Media::picture(self.now, from, from.into(), &from.to_be_bytes())
        });
        let kept = self.recents.keep(self.now, &media).expect("it is a picture");
        let sent = Sent {
            seq: to,
            timestamp: media.timestamp + 1000 * u32::from(encoding),
            marker: from.is_multiple_of(2),
            changes,
        };
        self.log.push(&kept, &media, &sent);
    }

    /// The encoding and the number there of what was sent under a number.
    fn find(&self, seq: u64) -> Option<(u8, u16)> {
        let (media, sent, _) = self.log.get(self.now, seq)?;
        assert_eq!((sent.seq, sent.marker), (seq, media.seq.is_multiple_of(2)));
        assert_eq!(sent.timestamp, media.timestamp + 1000 * u32::from(media.encoding));
        assert_eq!(*media.payload, media.seq.to_be_bytes());
        Some((media.encoding, media.seq))
    }
}

const NOTHING: Changes = Changes {
    vp8: None,
    descriptor: None,
};

#[test]
fn what_was_sent_is_found_over_gaps_what_comes_late_and_other_encodings() {
    let mut to = Receiver::new();
    // The publisher's 65,535 is left out, and what would be number 4 comes late.
    for (from, seq) in [(65_533, 1), (65_534, 2), (0, 3), (2, 5), (1, 4)] {
        to.send(0, from, seq, NOTHING);
    }
    for (from, seq) in [(500, 6), (502, 8), (501, 7)] {
        to.send(2, from, seq, NOTHING);
    }
    to.send(0, 9, 9, NOTHING);
    to.send(0, 11, 11, NOTHING);
    let found = (0..13).map(|seq| to.find(seq));
    let expected = [
        None,
        Some((0, 65_533)),
        Some((0, 65_534)),
        Some((0, 0)),
        Some((0, 1)),
        Some((0, 2)),
        Some((2, 500)),
        Some((2, 501)),
        Some((2, 502)),
        Some((0, 9)),
        None,
        Some((0, 11)),
        None,
    ];
    assert!(found.eq(expected));
    assert_eq!(to.log.highest(), 11);
}

#[test]
fn what_comes_late_from_before_another_encoding_began_is_not_taken_for_one_of_that() {
    let mut to = Receiver::new();
    to.send(0, 1, 1, NOTHING);
    to.send(2, 500, 3, NOTHING);
    to.send(0, 2, 2, NOTHING);
    assert_eq!([1, 2, 3].map(|seq| to.find(seq)), [Some((0, 1)), None, Some((2, 500))]);
}

#[test]
fn changes_are_those_of_their_packet() {
    let mut to = Receiver::new();
    let of = |id: u16| Changes {
        vp8: Some(Vp8Ids {
            picture_id: Some(id),
            tl0_pic_idx: None,
        }),
        descriptor: None,
    };
    for seq in [1, 3, 2, 5] {
        to.send(0, seq, seq.into(), if seq == 3 { NOTHING } else { of(seq) });
    }
    for seq in [1, 2, 3, 5] {
        let expected = if seq == 3 { NOTHING } else { of(seq) };
        let (_, sent, _) = to.log.get(to.now, seq.into()).expect("it was sent");
        assert_eq!(sent.changes, expected, "{seq}");
    }
}

#[test]
fn it_remembers_how_old_a_packet_was_when_it_was_sent_again() {
    let mut to = Receiver::new();
    to.send(0, 1, 1, NOTHING);
    let again_at = |to: &Receiver| to.log.get(to.now, 1).expect("it was sent").2;
    assert_eq!(again_at(&to), None);
    let age = Duration::from_millis(300);
    to.log.set_again(1, age);
    to.log.set_again(2, age);
    assert_eq!(again_at(&to), Some(age));
}

#[test]
fn it_takes_no_more_room_than_for_what_it_remembers() {
    let mut to = Receiver::new();
    for seq in 1..=5_000 {
        to.send((seq / 100 % 3) as u8, seq as u16, seq, NOTHING);
    }
    // A jump, too.
    to.send(0, 9_000, 1_000_000, NOTHING);
    to.send(0, 9_001, 1_000_001, NOTHING);
    assert_eq!(
        [1_000_000, 1_000_001].map(|seq| to.find(seq)),
        [Some((0, 9_000)), Some((0, 9_001))]
    );
    assert!(to.log.traces.capacity() <= REMEMBERED && to.log.former.is_empty());
    assert_eq!(size_of::<Option<Trace>>(), 4);
}

#[test]
fn it_tells_under_which_numbers_packets_of_the_present_source_were_sent() {
    let mut to = Receiver::new();
    for (from, seq) in [(65_533, 1), (65_534, 2), (0, 3), (2, 5), (1, 4)] {
        to.send(0, from, seq, NOTHING);
    }
    let sent = |to: &Receiver, encoding: u8, kept: &[u16]| {
        let recent = to.recents.of(TrackId(1), encoding, encoding.into()).expect("some came");
        to.log.numbers_of(&recent, &kept.iter().copied().collect())
    };
    assert_eq!(sent(&to, 0, &[65_534, 65_535, 0, 1]), [2, 3, 4]);
    assert_eq!(sent(&to, 0, &[2, 3]), [5]);
    assert!(sent(&to, 0, &[3]).is_empty());
    to.send(2, 1, 6, NOTHING);
    assert_eq!(sent(&to, 2, &[0, 1]), [6]);
    assert!(sent(&to, 0, &[65_534, 2]).is_empty(), "another one is shown now");
    assert!(to.recents.of(TrackId(1), 0, 7).is_none(), "that is another source");
}

//! The sounds of a room with several branches: those that are heard cross, and everybody hears whom he would hear in one.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use hst_sfu::{Codec, Format, Formats, LineId, Packet, PeerId, TrackId};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

mod row;

use row::Row;

const PACKET: Duration = Duration::from_millis(20);
const SECOND: usize = 50;
const SPEECH: u8 = 30;
const SILENCE: u8 = 127;
/// How many are heard of many, as the README says.
const LOUDEST: usize = 5;
/// Bytes of a packet of sound.
const PAYLOAD: [u8; 80] = [0; 80];

/// A room in which each branch has some who speak, and one who listens to all.
struct Hall {
    row: Row,
    /// At which branch each sound is, and how many packets it has sent.
    sounds: Vec<(usize, u16)>,
}

impl Hall {
    fn new(sizes: &[usize]) -> Self {
        let mut hall = Self {
            row: Row::new(sizes.len()),
            sounds: Vec::new(),
        };
        for (at, &size) in sizes.iter().enumerate() {
            (0..size).for_each(|_| hall.sounds.push((at, 0)));
        }
        for track in 0..hall.sounds.len() {
            hall.row.publish(hall.sounds[track].0, TrackId(track as u64), 1);
        }
        for at in 0..sizes.len() {
            (0..hall.sounds.len()).for_each(|track| hall.listen(at, track));
        }
        hall
    }

    fn listen(&mut self, at: usize, track: usize) {
        let line = LineId {
            peer: PeerId(at as u64),
            slot: track as u16,
        };
        let (row, track) = (&mut self.row, TrackId(track as u64));
        row.routers[at].subscribe(row.now, line, track, Formats::ALL);
        row.settle();
    }

    /// Each sends a packet, those who talk a loud one; who is heard at each branch.
    fn round(&mut self, talking: &BTreeSet<usize>) -> Vec<BTreeSet<usize>> {
        self.row.now += PACKET;
        let before = self.row.got.len();
        for track in 0..self.sounds.len() {
            let level = if talking.contains(&track) { SPEECH } else { SILENCE };
            self.say(track, level);
        }
        let mut heard = vec![BTreeSet::new(); self.row.routers.len()];
        for (line, track, ..) in &self.row.got[before..] {
            heard[line.peer.0 as usize].insert(track.0 as usize);
        }
        heard
    }

    fn say(&mut self, track: usize, level: u8) {
        let (at, seq) = &mut self.sounds[track];
        *seq = seq.wrapping_add(1);
        let packet = Packet {
            encoding: 0,
            ssrc: track as u32 + 1,
            seq: *seq,
            timestamp: u32::from(*seq) * 960,
            codec: Codec::Opus,
            format: Format::new(2).expect("a small number"),
            dependency: None,
            level: Some(level),
            payload: &PAYLOAD,
        };
        self.row.packet(*at, TrackId(track as u64), packet);
    }

    fn pass(&mut self, rounds: usize, talking: &BTreeSet<usize>) -> Vec<BTreeSet<usize>> {
        (0..rounds).fold(Vec::new(), |_, _| self.round(talking))
    }

    /// Fails unless nobody takes for lost what was left out.
    fn assert_without_gaps(&self) {
        let mut last = HashMap::new();
        for &(line, .., number) in &self.row.got {
            let before = last.insert(line, number).unwrap_or(0);
            assert_eq!(number, before + 1, "{line:?}");
        }
    }
}

fn those(tracks: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    tracks.into_iter().collect()
}

#[test]
fn of_many_sounds_only_those_that_are_heard_cross_with_a_sign_of_life_of_the_others() {
    let mut hall = Hall::new(&[20, 0, 0]);
    hall.pass(2 * SECOND, &those(0..5));
    hall.row.relayed.clear();
    hall.row.relayed_bytes.clear();
    hall.pass(10 * SECOND, &those(0..5));
    let all = 20 * 10 * SECOND;
    for (way, &crossed) in &hall.row.relayed {
        let expected = LOUDEST * 10 * SECOND + 15 * 10;
        assert!(crossed <= expected + 15, "{crossed} packets of {all} cross at {way:?}");
    }
    println!("of {} bytes cross {:?}", all * PAYLOAD.len(), hall.row.relayed_bytes);
    hall.assert_without_gaps();
}

#[test]
fn in_a_small_room_every_sound_crosses() {
    let mut hall = Hall::new(&[4, 4]);
    let everybody = those(0..8);
    for _ in 0..SECOND {
        assert_eq!(hall.round(&BTreeSet::new()), [everybody.clone(), everybody.clone()]);
    }
}

#[test]
fn a_room_is_large_for_every_branch_when_it_is_large_for_all_together() {
    let mut hall = Hall::new(&[20, 3]);
    let talking = those([1, 2]);
    for _ in 0..10 * SECOND {
        hall.row.now += PACKET;
        // The last one is silent at first: when he comes, those who are gone do not count any more.
        for track in 0..22 {
            hall.say(track, if talking.contains(&track) { SPEECH } else { SILENCE });
        }
    }
    let talking = those([1, 2, 22]);
    hall.pass(SECOND, &talking);
    for heard in hall.round(&talking) {
        assert_eq!(heard.len(), LOUDEST, "{heard:?}");
        assert!(heard.is_superset(&talking), "{heard:?}");
    }
}

#[test]
fn whoever_receives_a_sound_that_is_not_heard_soon_sees_that_it_is_there() {
    let mut hall = Hall::new(&[20, 0, 0]);
    let talking = those(0..5);
    hall.pass(5 * SECOND, &talking);
    let late = LineId {
        peer: PeerId(2),
        slot: 99,
    };
    let row = &mut hall.row;
    row.routers[2].subscribe(row.now, late, TrackId(12), Formats::ALL);
    row.settle();
    hall.pass(3 * SECOND, &talking);
    let got = hall.row.got.iter().filter(|(line, ..)| *line == late);
    assert_eq!(got.count(), 1, "one packet, and silence");
}

/// Up to five who talk at a time, in turns that nobody has agreed on.
#[test]
fn nobody_who_talks_loses_a_word_wherever_he_is_heard() {
    for seed in 0..40 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let sizes: Vec<usize> = (0..rng.random_range(2..5)).map(|_| rng.random_range(0..9)).collect();
        let mut hall = Hall::new(&sizes);
        let count = hall.sounds.len();
        hall.pass(SECOND, &BTreeSet::new());
        for _ in 0..15 {
            let talking: BTreeSet<_> = (0..rng.random_range(0..=LOUDEST))
                .filter(|_| count > 0)
                .map(|_| rng.random_range(0..count))
                .collect();
            // Whoever talked a moment ago keeps his place for as long as a pause in a sentence: the others have what is left.
            hall.pass(6 * SECOND, &BTreeSet::new());
            for _ in 0..rng.random_range(1..SECOND) {
                for (at, heard) in hall.round(&talking).into_iter().enumerate() {
                    assert!(
                        heard.is_superset(&talking),
                        "seed {seed}, branch {at} of {sizes:?}: {heard:?} of {talking:?}"
                    );
                }
            }
        }
        hall.assert_without_gaps();
    }
}

/// Any number who talk, as loud as they like.
#[test]
fn everybody_hears_as_many_and_as_loud_ones_as_in_one_room() {
    let (mut alone, mut spread) = (0, 0);
    for seed in 0..20 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let sizes: Vec<usize> = (0..4).map(|_| rng.random_range(1..9)).collect();
        let count = sizes.iter().sum();
        let mut halls = [Hall::new(&[count]), Hall::new(&sizes)];
        let mut levels = vec![SILENCE; count];
        for round in 0..20 * SECOND {
            for level in &mut levels {
                if rng.random_ratio(1, 100) {
                    *level = [SILENCE, SILENCE, 60, 45, 40, 30, 20][rng.random_range(0..7)];
                }
            }
            let heard = halls.each_mut().map(|hall| {
                hall.row.now += PACKET;
                let before = hall.row.got.len();
                (0..count).for_each(|track| hall.say(track, levels[track]));
                let loudness = hall.row.got[before..]
                    .iter()
                    .map(|(_, track, ..)| 127 - usize::from(levels[track.0 as usize]));
                (hall.row.got.len() - before, loudness.sum::<usize>())
            });
            if round > 2 * SECOND {
                alone += heard[0].1 * sizes.len();
                spread += heard[1].1;
                if count > 8 {
                    assert!(heard[1].0 <= (LOUDEST + 2) * sizes.len(), "seed {seed}: {heard:?}");
                }
            }
        }
        halls.iter().for_each(Hall::assert_without_gaps);
    }
    let share = spread as f64 / alone as f64;
    println!("of the loudness of one room each branch has {share:.4}");
    assert!((0.99..1.01).contains(&share), "{share}");
}

use super::*;

const ROUND_TRIP: Duration = Duration::from_millis(50);

/// A receiver, and a clock.
struct Receiver {
    missing: Missing,
    budget: Budget,
    begin: Instant,
}

impl Receiver {
    fn new(patience: Patience) -> Self {
        let begin = Instant::now();
        Self {
            missing: Missing::new(patience),
            budget: Budget::default(),
            begin,
        }
    }

    fn with_budget(patience: Patience, budget: Budget) -> Self {
        Self {
            budget,
            ..Self::new(patience)
        }
    }

    fn take(&mut self, ms: u64, numbers: impl IntoIterator<Item = u64>) -> Vec<Arrival> {
        let now = self.begin + Duration::from_millis(ms);
        let take = |number| {
            self.budget.handle_packet();
            self.missing.handle_packet(now, number)
        };
        numbers.into_iter().map(take).collect()
    }

    fn ask(&mut self, ms: u64) -> Vec<u16> {
        self.ask_over(ms, ROUND_TRIP)
    }

    fn ask_over(&mut self, ms: u64, round_trip: Duration) -> Vec<u16> {
        let mut seqs = Vec::new();
        let now = self.begin + Duration::from_millis(ms);
        self.missing.ask(now, round_trip, &mut self.budget, &mut seqs);
        seqs
    }

    /// When it is to be asked next.
    fn due(&self) -> Option<u64> {
        let due = self.missing.poll_timeout()?;
        Some(due.duration_since(self.begin).as_millis() as u64)
    }
}

#[test]
fn what_is_a_little_out_of_order_is_not_asked_for() {
    let mut receiver = Receiver::new(Patience::default());
    receiver.take(0, [1, 3, 4]);
    assert_eq!(receiver.ask(4), []);
    assert_eq!(receiver.take(4, [2]), [Arrival::Late]);
    assert_eq!(receiver.ask(5), []);
    assert_eq!(receiver.due(), None);
    assert_eq!(receiver.missing.tally(), Tally::default());
}

#[test]
fn it_is_asked_after_some_packets_or_after_some_time() {
    let mut receiver = Receiver::new(Patience::default());
    receiver.take(0, [1, 3, 4]);
    assert_eq!(receiver.due(), Some(5));
    receiver.take(1, [5]);
    assert_eq!(receiver.due(), Some(1));
    assert_eq!(receiver.ask(1), [2]);
    receiver.take(2, [7]);
    assert_eq!(receiver.ask(6), []);
    assert_eq!(receiver.ask(7), [6]);
    // A gap shows at once that all but the last of it are late.
    receiver.take(8, [12]);
    assert_eq!(receiver.ask(8), [8, 9]);
    assert_eq!(receiver.ask(13), [10, 11]);
}

/// Lets a packet be overtaken by four others, and come so late, again and again.
fn overtake(receiver: &mut Receiver, from: u64, times: u64, late: u64) -> usize {
    let mut asked = 0;
    for round in from..from + times {
        let (first, at) = (round * 10, round * 100);
        receiver.take(at, [first]);
        receiver.take(at + 10, first + 2..first + 6);
        for ms in at + 10..at + 10 + late {
            asked += receiver.ask(ms).len();
        }
        receiver.take(at + 10 + late, [first + 1]);
        receiver.take(at + 40, first + 6..first + 10);
    }
    asked
}

#[test]
fn where_packets_are_overtaken_they_are_waited_for_as_long_as_they_use_to_be_late() {
    let mut receiver = Receiver::new(Patience::default());
    let asked = overtake(&mut receiver, 0, 50, 20);
    assert!((1..8).contains(&asked), "{asked} of 50 in vain");
    // One that is lost is asked for a little later.
    receiver.take(5_000, [500]);
    receiver.take(5_001, 502..506);
    assert_eq!(receiver.ask(5_020), []);
    assert_eq!(receiver.ask(5_027), [501]);
}

#[test]
fn where_more_is_lost_than_overtaken_nothing_is_waited_for() {
    let mut receiver = Receiver::new(Patience::default());
    overtake(&mut receiver, 0, 50, 20);
    for round in 50..130 {
        let (first, at) = (round * 10, round * 100);
        receiver.take(at, [first]);
        receiver.take(at + 10, first + 2..first + 10);
        receiver.ask(at + 40);
        let again = receiver.begin + Duration::from_millis(at + 60);
        assert_eq!(receiver.missing.handle_again(again, first + 1), Arrival::Late);
    }
    receiver.take(13_000, [1_300]);
    receiver.take(13_010, 1_302..1_306);
    assert_eq!(receiver.ask(13_011), [1_301]);
}

#[test]
fn nothing_is_waited_for_longer_than_may_be() {
    let mut receiver = Receiver::new(Patience::default());
    overtake(&mut receiver, 0, 20, 80);
    receiver.take(2_000, [200]);
    receiver.take(2_001, 202..206);
    assert_eq!(receiver.ask(2_050), []);
    assert_eq!(receiver.ask(2_051), [201]);
}

#[test]
fn it_is_asked_again_each_round_trip_until_it_is_too_often() {
    let mut receiver = Receiver::new(Patience::default());
    receiver.take(0, [65_534, 65_537]);
    let mut asked = Vec::new();
    while let Some(due) = receiver.due() {
        let seqs = receiver.ask(due);
        if !seqs.is_empty() {
            assert_eq!(seqs, [65_535, 0]);
            asked.push(due);
        }
    }
    let expected: Vec<_> = (0..10).map(|attempt| 5 + attempt * 55).collect();
    assert_eq!(asked, expected);
    let tally = receiver.missing.tally();
    assert_eq!((tally.asked, tally.given_up), (20, 2));
    assert_eq!(receiver.take(700, [65_535]), [Arrival::Late], "better than never");
}

#[test]
fn it_is_not_asked_for_what_is_too_old() {
    let patience = Patience {
        attempts: u8::MAX,
        ..Patience::default()
    };
    let mut receiver = Receiver::new(patience);
    receiver.take(0, [1, 3]);
    let mut last = 0;
    while let Some(due) = receiver.due() {
        if !receiver.ask(due).is_empty() {
            last = due;
        }
    }
    assert!((900..1_000).contains(&last), "{last}");
}

#[test]
fn a_short_way_is_not_asked_all_the_time() {
    let mut receiver = Receiver::new(Patience::default());
    receiver.take(0, [1, 3]);
    let seqs = receiver.ask_over(5, Duration::ZERO);
    assert_eq!((seqs, receiver.due()), (vec![2], Some(15)));
}

#[test]
fn late_and_duplicate_packets_are_told_apart() {
    let mut receiver = Receiver::new(Patience::default());
    let arrivals = receiver.take(0, [10, 12, 11, 11, 12, 9, 10]);
    use Arrival::*;
    assert_eq!(arrivals, [New, New, Late, Duplicate, Duplicate, Forgotten, Duplicate]);
    let mut numbers = (13..3_000).chain([500, 951, 952]);
    assert!(
        receiver
            .take(1, numbers.by_ref().take(2_987))
            .iter()
            .all(|arrival| *arrival == New)
    );
    assert_eq!(receiver.take(1, numbers), [Forgotten, Duplicate, Duplicate]);
}

#[test]
fn a_jump_drops_everything() {
    let mut receiver = Receiver::new(Patience::default());
    receiver.take(0, [1, 3]);
    assert_eq!(
        receiver.take(1, [1_004, 2_005, 4_000]),
        [Arrival::New, Arrival::New, Arrival::Jump]
    );
    assert_eq!(receiver.missing.tally().given_up, 1 + 1_000 + 1_000);
    assert_eq!(receiver.ask(100), []);
    assert_eq!(receiver.take(1, [3_999]), [Arrival::Forgotten]);
}

#[test]
fn no_more_is_asked_for_than_may_be() {
    let mut receiver = Receiver::with_budget(Patience::default(), Budget::new(10, 50));
    receiver.take(0, [0, 101]);
    assert_eq!(receiver.ask(0), (1..=10).collect::<Vec<_>>());
    assert!(receiver.due() > Some(0), "the others wait");
    assert_eq!(receiver.ask(9), []);
    assert_eq!(receiver.ask(10), [], "all of it is used up");
    // Twenty packets are good for ten, and no more are saved.
    receiver.take(15, 102..200);
    assert_eq!(receiver.ask(20), (11..=20).collect::<Vec<_>>());
}

#[test]
fn what_is_given_up_is_not_asked_for_any_more() {
    let mut receiver = Receiver::with_budget(Patience::default(), Budget::new(1, 0));
    receiver.take(0, [0, 3]);
    assert_eq!(receiver.ask(5), [1]);
    assert_eq!(receiver.ask(2_000), []);
    receiver.take(2_000, [4, 5, 6]);
    assert_eq!(receiver.due(), None);
    assert_eq!(receiver.missing.tally().given_up, 2);
}

#[test]
fn of_a_large_gap_the_newest_are_asked_for_and_the_others_are_given_up() {
    let budget = Budget::new(1_000, 0);
    let mut receiver = Receiver::with_budget(Patience::default(), budget);
    receiver.take(0, [0, 501]);
    let asked = receiver.ask(5);
    assert_eq!((asked.len(), asked[0]), (MOST, 245));
    assert_eq!(receiver.missing.tally().given_up, 244);
    assert_eq!(
        receiver.take(6, [244, 245, 0]),
        [Arrival::Forgotten, Arrival::Late, Arrival::Forgotten]
    );
    // Those that are missing further on take the place of the oldest.
    receiver.take(7, [503, 505]);
    assert_eq!(receiver.missing.lost.len(), MOST);
    assert_eq!(receiver.take(8, [246, 247]), [Arrival::Forgotten, Arrival::Late]);
}

#[test]
fn nothing_is_remembered_for_ever() {
    let mut receiver = Receiver::new(Patience::default());
    for round in 0..100 {
        receiver.take(round, [round * 900]);
        assert!(receiver.missing.lost.len() <= MOST);
    }
    assert_eq!(receiver.missing.lost.len(), MOST);
}

#[test]
fn the_newest_that_was_given_up_is_told_once() {
    let patience = Patience {
        attempts: 1,
        ..Patience::default()
    };
    let mut receiver = Receiver::new(patience);
    receiver.take(0, [1, 3, 5, 9]);
    assert_eq!(receiver.ask(50), [2, 4, 6, 7, 8]);
    receiver.take(60, [6]);
    assert_eq!(receiver.missing.take_given_up(), None, "they may still come");
    receiver.ask(500);
    assert_eq!(receiver.missing.take_given_up(), Some(8));
    assert_eq!(receiver.missing.take_given_up(), None);
    // What is too much to be asked for is given up at once.
    receiver.take(600, [9 + 2 + MOST as u64]);
    assert_eq!(receiver.missing.take_given_up(), Some(10));
}

use crate::{Priority, ladder::Rung};

/// What would raise a receiver above what he gets must fit with this much to spare, in percent: estimates waver, and
/// nobody likes a picture that goes up and down with them.
const SPARE: u64 = 15;

/// A picture that a receiver wants: what he may get of it, and what he gets.
#[derive(Debug)]
pub(crate) struct Wish {
    /// How much it matters beside the others.
    pub(crate) priority: Priority,
    /// The cheapest first.
    pub(crate) ladder: Vec<Rung>,
    /// Whether half of its smallest layer is enough to keep that.
    pub(crate) may_stutter: bool,
    /// Which of them he got so far, `None` for nothing.
    pub(crate) before: Option<usize>,
    /// Which he is to get.
    pub(crate) chosen: Option<usize>,
}

/// Shares out what a receiver's network can carry, in bits in a second, among the pictures that he wants, those that
/// matter most first: each gets its smallest layer if that fits; then those of the highest priority grow in turn until
/// they have all that fits, and then those of the next.
pub(crate) fn allocate(budget: Option<u64>, wishes: &mut [Wish]) {
    debug_assert!(
        wishes.is_sorted_by(|one, next| one.priority >= next.priority),
        "the router sorts them"
    );
    let Some(mut left) = budget else {
        wishes
            .iter_mut()
            .for_each(|wish| wish.chosen = wish.ladder.len().checked_sub(1));
        return;
    };
    for wish in wishes.iter_mut() {
        wish.chosen = None;
        wish.grow(&mut left);
    }
    for equals in wishes.chunk_by_mut(|one, next| one.priority == next.priority) {
        let mut has_grown = true;
        while std::mem::take(&mut has_grown) {
            for wish in equals.iter_mut() {
                has_grown |= wish.grow(&mut left);
            }
        }
    }
}

impl Wish {
    /// Takes the next step if it fits. Of the smallest picture that he has, half must fit: better one that stutters than
    /// none because an estimate was wrong for a moment.
    fn grow(&mut self, left: &mut u64) -> bool {
        let next = self.chosen.map_or(0, |chosen| chosen + 1);
        let Some(rung) = self.ladder.get(next) else {
            return false;
        };
        let step = rung.rate.saturating_sub(self.rate());
        let is_new = self.before.is_none_or(|before| next > before);
        let needed = match next {
            0 if !is_new && self.may_stutter => step / 2,
            _ if !is_new => step,
            _ => step + rung.rate * SPARE / 100,
        };
        if needed > *left {
            return false;
        }
        *left = left.saturating_sub(step);
        self.chosen = Some(next);
        true
    }

    /// What the choice costs.
    pub(crate) fn rate(&self) -> u64 {
        self.chosen.map_or(0, |chosen| self.ladder[chosen].rate)
    }

    /// What the next step would cost.
    pub(crate) fn next_rate(&self) -> u64 {
        let next = self.chosen.map_or(0, |chosen| chosen + 1);
        self.ladder.get(next).or(self.ladder.last()).map_or(0, |rung| rung.rate)
    }

    /// What the best would cost.
    pub(crate) fn best_rate(&self) -> u64 {
        self.ladder.last().map_or(0, |rung| rung.rate)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::layer::Layer;

    const LADDER: [u64; 3] = [150, 500, 1500];

    fn wish(priority: Priority, ladder: &[u64], before: Option<usize>) -> Wish {
        let rung = |(encoding, &kbps): (usize, &u64)| Rung {
            layer: Layer::all_of(encoding as u8),
            rate: kbps * 1000,
            height: Some(180 << encoding),
        };
        Wish {
            priority,
            ladder: ladder.iter().enumerate().map(rung).collect(),
            may_stutter: true,
            before,
            chosen: None,
        }
    }

    /// A camera in three encodings.
    fn camera(before: Option<usize>) -> Wish {
        wish(Priority::Normal, &LADDER, before)
    }

    /// What new pictures of these priorities get.
    fn rank(kbps: u64, priorities: &[Priority]) -> Vec<Option<usize>> {
        let mut wishes: Vec<_> = priorities
            .iter()
            .map(|&priority| wish(priority, &LADDER, None))
            .collect();
        allocate(Some(kbps * 1000), &mut wishes);
        wishes.into_iter().map(|wish| wish.chosen).collect()
    }

    fn share(budget: Option<u64>, before: &[Option<usize>]) -> Vec<Option<usize>> {
        let mut wishes: Vec<_> = before.iter().copied().map(camera).collect();
        allocate(budget.map(|kbps| kbps * 1000), &mut wishes);
        let total: u64 = wishes.iter().map(Wish::rate).sum();
        let is_kept = before.iter().any(Option::is_some);
        assert!(is_kept || budget.is_none_or(|kbps| total <= kbps * 1000));
        wishes.into_iter().map(|wish| wish.chosen).collect()
    }

    #[test]
    fn without_a_budget_everybody_gets_the_best() {
        assert_eq!(share(None, &[None, None]), [Some(2), Some(2)]);
    }

    #[test]
    fn everybody_gets_something_before_anybody_gets_more() {
        assert_eq!(share(Some(100), &[None]), [None]);
        assert_eq!(share(Some(400), &[None; 3]), [Some(0), Some(0), None]);
        assert_eq!(share(Some(1000), &[None; 3]), [Some(1), Some(0), Some(0)]);
        assert_eq!(share(Some(3300), &[None; 3]), [Some(2), Some(1), Some(1)]);
        assert_eq!(share(Some(10_000), &[None; 3]), [Some(2); 3]);
    }

    #[test]
    fn what_one_has_needs_nothing_to_spare() {
        assert_eq!(share(Some(510), &[None]), [Some(0)]);
        assert_eq!(share(Some(510), &[Some(1)]), [Some(1)]);
        assert_eq!(share(Some(600), &[None]), [Some(1)]);
        assert_eq!(share(Some(490), &[Some(1)]), [Some(0)]);
        assert_eq!(
            share(Some(80), &[Some(1)]),
            [Some(0)],
            "the smallest stays as long as half of it fits"
        );
        assert_eq!(share(Some(70), &[Some(1)]), [None]);
    }

    #[test]
    fn what_matters_most_grows_first_and_goes_last() {
        use Priority::{High, Low, Normal};
        let all = [High, Normal, Normal, Low];
        for (kbps, expected) in [
            (160, [None; 4]),
            (180, [Some(0), None, None, None]),
            (500, [Some(0), Some(0), Some(0), None]),
            (650, [Some(0); 4]),
            (1100, [Some(1), Some(0), Some(0), Some(0)]),
            (2300, [Some(2), Some(0), Some(0), Some(0)]),
            (2800, [Some(2), Some(1), Some(1), Some(0)]),
            (3400, [Some(2), Some(1), Some(1), Some(1)]),
            (10_000, [Some(2); 4]),
        ] {
            assert_eq!(rank(kbps, &all), expected, "{kbps} kbit/s");
        }
    }

    prop_compose! {
        /// New pictures with ladders of any kind, in order.
        fn new_wishes()(
            mut wishes in prop::collection::vec((0..3_u8, prop::collection::btree_set(1..3000_u64, 1..5)), 1..9),
        ) -> Vec<Wish> {
            let priority = |number| [Priority::High, Priority::Normal, Priority::Low][usize::from(number)];
            wishes.sort_by_key(|&(number, _)| number);
            let new = |(number, rates): (u8, std::collections::BTreeSet<_>)| {
                wish(priority(number), &rates.into_iter().collect::<Vec<_>>(), None)
            };
            wishes.into_iter().map(new).collect()
        }
    }

    proptest! {
        #[test]
        fn nothing_is_starved_for_what_matters_less(mut wishes in new_wishes(), kbps in 0..10_000_u64) {
            allocate(Some(kbps * 1000), &mut wishes);
            prop_assert!(wishes.iter().map(Wish::rate).sum::<u64>() <= kbps * 1000);
            for (at, starved) in wishes.iter().enumerate().filter(|(_, wish)| wish.chosen.is_none()) {
                for later in wishes[at..].iter().filter(|wish| wish.chosen.is_some()) {
                    // It fits where the other one did not.
                    prop_assert!(later.ladder[0].rate < starved.ladder[0].rate);
                }
            }
        }

        #[test]
        fn what_matters_less_takes_no_more_than_its_smallest_layer_from_what_matters_more(
            mut wishes in new_wishes(), kbps in 0..10_000_u64,
        ) {
            allocate(Some(kbps * 1000), &mut wishes);
            let mut smallest = wishes;
            let before: Vec<_> = smallest.iter().map(|wish| wish.chosen).collect();
            let highest = smallest[0].priority;
            for wish in smallest.iter_mut().filter(|wish| wish.priority < highest) {
                wish.ladder.truncate(1);
            }
            allocate(Some(kbps * 1000), &mut smallest);
            for (wish, before) in smallest.iter().zip(before).filter(|(wish, _)| wish.priority == highest) {
                prop_assert_eq!(wish.chosen, before);
            }
        }

        #[test]
        fn of_pictures_alike_the_one_that_matters_more_gets_no_less(
            mut priorities in prop::collection::vec(
                prop::sample::select(vec![Priority::Low, Priority::Normal, Priority::High]), 1..9,
            ),
            kbps in 0..10_000_u64,
        ) {
            priorities.sort_by(|one, other| other.cmp(one));
            let got = rank(kbps, &priorities);
            prop_assert!(got.is_sorted_by(|more, less| more >= less), "{:?} {:?}", priorities, got);
        }
    }

    #[test]
    fn a_receiver_without_wishes_is_no_trouble() {
        allocate(Some(0), &mut []);
        let mut empty = [wish(Priority::Normal, &[], None)];
        allocate(Some(1_000_000), &mut empty);
        allocate(None, &mut empty);
        assert_eq!(
            (empty[0].chosen, empty[0].next_rate(), empty[0].best_rate()),
            (None, 0, 0)
        );
    }
}

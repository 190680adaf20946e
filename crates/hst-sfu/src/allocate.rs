use crate::ladder::Rung;

/// What would raise a receiver above what he gets must fit with this much to spare, in percent: estimates waver, and
/// nobody likes a picture that goes up and down with them.
const SPARE: u64 = 15;

/// A picture that a receiver wants: what he may get of it, and what he gets.
#[derive(Debug)]
pub(crate) struct Wish {
    /// The cheapest first.
    pub(crate) ladder: Vec<Rung>,
    /// Which of them he got so far, `None` for nothing.
    pub(crate) before: Option<usize>,
    /// Which he is to get.
    pub(crate) chosen: Option<usize>,
}

/// Shares out what a receiver's network can carry, in bits in a second, among the pictures that he wants, the most
/// important one first: each gets its smallest layer if that fits, and then all grow in turn.
pub(crate) fn allocate(budget: Option<u64>, wishes: &mut [Wish]) {
    let Some(mut left) = budget else {
        wishes
            .iter_mut()
            .for_each(|wish| wish.chosen = wish.ladder.len().checked_sub(1));
        return;
    };
    wishes.iter_mut().for_each(|wish| wish.chosen = None);
    let mut has_grown = true;
    while std::mem::take(&mut has_grown) {
        for wish in wishes.iter_mut() {
            has_grown |= wish.grow(&mut left);
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
            0 if !is_new => step / 2,
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
    use super::*;
    use crate::layer::Layer;

    /// A camera in three encodings.
    fn camera(before: Option<usize>) -> Wish {
        let rung = |(encoding, kbps): (u8, u64)| Rung {
            layer: Layer::all_of(encoding),
            rate: kbps * 1000,
            height: Some(180 << encoding),
        };
        Wish {
            ladder: [(0, 150), (1, 500), (2, 1500)].map(rung).to_vec(),
            before,
            chosen: None,
        }
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
    fn a_receiver_without_wishes_is_no_trouble() {
        allocate(Some(0), &mut []);
        let mut empty = [Wish {
            ladder: Vec::new(),
            before: None,
            chosen: None,
        }];
        allocate(Some(1_000_000), &mut empty);
        allocate(None, &mut empty);
        assert_eq!(
            (empty[0].chosen, empty[0].next_rate(), empty[0].best_rate()),
            (None, 0, 0)
        );
    }
}

/// What a request takes of the credit: a share is in hundredths.
const REQUEST: u32 = 100;

/// How much may be asked for again of one sender, whichever of his sources it is of: what he sends again goes over a network that
/// loses packets as it is.
#[derive(Debug)]
pub struct Budget {
    /// For each packet that comes, so much more.
    share: u32,
    /// At most what may be asked for in one go.
    credit: u32,
    full: u32,
}

impl Budget {
    /// At most `at_once` packets are asked for in one go, and for 100 packets that come `share` more, once those of the beginning are
    /// used up, which are `at_once`.
    pub fn new(at_once: u16, share: u32) -> Self {
        let full = u32::from(at_once) * REQUEST;
        Self {
            share,
            credit: full,
            full,
        }
    }

    /// From now on it is as if it had been [`new`](Self::new) with these; what is saved up beyond `at_once` is lost.
    pub fn set(&mut self, at_once: u16, share: u32) {
        self.share = share;
        self.full = u32::from(at_once) * REQUEST;
        self.credit = self.credit.min(self.full);
    }

    /// A packet has come, of whatever source, also one that was sent again.
    pub fn handle_packet(&mut self) {
        self.credit = self.credit.saturating_add(self.share).min(self.full);
    }

    /// Says whether one more may be asked for, and takes it off.
    pub(super) fn spend(&mut self) -> bool {
        let left = self.credit.checked_sub(REQUEST);
        self.credit = left.unwrap_or(self.credit);
        left.is_some()
    }
}

impl Default for Budget {
    /// With 40 % lost on both ways, 111 packets are asked for while 100 come; and a large keyframe may be lost whole.
    fn default() -> Self {
        Self::new(128, 200)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(budget: &mut Budget) -> usize {
        (0..1000).take_while(|_| budget.spend()).count()
    }

    #[test]
    fn what_is_asked_for_is_a_share_of_what_comes_and_no_more_is_saved_up_than_goes_at_once() {
        let mut budget = Budget::new(10, 50);
        assert_eq!(spent(&mut budget), 10, "in the beginning");
        (0..7).for_each(|_| budget.handle_packet());
        assert_eq!(spent(&mut budget), 3);
        budget.handle_packet();
        assert_eq!(spent(&mut budget), 1, "what was left of the seventh counts");
        (0..1000).for_each(|_| budget.handle_packet());
        budget.set(5, 100);
        assert_eq!(spent(&mut budget), 5, "the rest is lost");
        (0..3).for_each(|_| budget.handle_packet());
        assert_eq!(spent(&mut budget), 3);
    }
}

use std::hint::black_box;

/// So many bytes may be sent again before anything was sent.
const FIRST: i64 = 20_000;
/// The most that is saved up: what a receiver who has lost nothing for long may ask for at once.
const MOST: i64 = 200_000;

/// How much may be sent again: a share of what is sent, so that nobody who asks again and again has us flood his network.
#[derive(Debug)]
pub(super) struct Allowance {
    /// For each byte that is sent, so many more.
    rate: f32,
    left: i64,
}

impl Allowance {
    /// `share` of everything that is sent, from 0 to below 1.
    pub(super) fn new(share: f32) -> Self {
        let mut allowance = Self { rate: 0.0, left: FIRST };
        allowance.set_share(share);
        allowance
    }

    pub(super) fn set_share(&mut self, share: f32) {
        let share = share.clamp(0.0, 0.9);
        self.rate = share / (1.0 - share);
    }

    pub(super) fn foresee(&self) {
        black_box(self.left);
    }

    /// So many bytes were sent.
    pub(super) fn earn(&mut self, bytes: usize) {
        self.left = (self.left + (bytes as f32 * self.rate) as i64).min(MOST);
    }

    /// Says whether so many bytes may be sent again, and takes them off.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        let may = self.left >= bytes as i64;
        if may {
            self.left -= bytes as i64;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_again_is_a_share_of_all_that_is_sent() {
        let mut allowance = Allowance::new(0.5);
        while allowance.spend(1000) {}
        let mut again = 0;
        for _ in 0..1000 {
            allowance.earn(1000);
            again += (0..5).filter(|_| allowance.spend(1000)).count();
        }
        assert!((995..=1000).contains(&again), "{again}");
    }

    #[test]
    fn what_is_saved_up_has_an_end() {
        let mut allowance = Allowance::new(0.5);
        (0..1000).for_each(|_| allowance.earn(1000));
        let again = (0..1000).filter(|_| allowance.spend(1000)).count();
        assert_eq!(again as i64, MOST / 1000);
    }
}

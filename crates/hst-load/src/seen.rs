/// Which numbers have come, of those from the first on.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    first: Option<u64>,
    bits: Vec<u64>,
    count: u64,
    last: u64,
}

/// Numbers further behind the first one than this are no numbers of a measurement.
const MOST: u64 = 1 << 26;

impl Seen {
    /// Takes a number; says whether it is new. Those before the first one that came do not count.
    pub(crate) fn take(&mut self, number: u64) -> bool {
        let first = *self.first.get_or_insert(number);
        let Some(at) = number.checked_sub(first).filter(|at| *at < MOST) else {
            return false;
        };
        let (word, bit) = ((at / 64) as usize, 1 << (at % 64));
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.count += u64::from(is_new);
        self.last = self.last.max(at);
        is_new
    }

    /// How many between the first and the last have not.
    pub(crate) fn missing(&self) -> u64 {
        match self.first {
            Some(_) => self.last + 1 - self.count,
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_counted_until_it_comes() {
        let mut seen = Seen::default();
        assert_eq!(seen.missing(), 0);
        assert!(seen.take(100) && seen.take(103) && !seen.take(103) && !seen.take(99));
        assert_eq!((seen.count, seen.missing()), (2, 2));
        assert!(seen.take(101) && seen.take(300));
        assert_eq!((seen.count, seen.missing()), (4, 197));
        assert!(!seen.take(u64::MAX));
    }
}

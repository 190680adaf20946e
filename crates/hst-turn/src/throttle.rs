use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
};

/// Over how many places the addresses are spread. Two that meet in one share it.
const PLACES: usize = 4096;
/// How many answers a place may be given in a second.
const PER_SECOND: u16 = 20;

/// Limits what is answered to clients whose address may be forged, in a memory that does not grow.
#[derive(Debug)]
pub(crate) struct Throttle {
    hasher: RandomState,
    /// The second that each place was last used in, and how often.
    places: Vec<(u64, u16)>,
}

impl Throttle {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            places: vec![(0, 0); PLACES],
        }
    }

    /// Whether one more answer may go there. `now` is in seconds.
    pub(crate) fn permits(&mut self, now: u64, ip: IpAddr) -> bool {
        // A victim may have a whole network.
        let network = match ip {
            IpAddr::V4(ip) => u128::from(ip.to_bits() >> 8),
            IpAddr::V6(ip) => ip.to_bits() >> 64,
        };
        let place = &mut self.places[self.hasher.hash_one(network) as usize % PLACES];
        if place.0 != now {
            *place = (now, 0);
        }
        place.1 = place.1.saturating_add(1);
        place.1 <= PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_answered_so_often_in_a_second() {
        let mut throttle = Throttle::new();
        let mut answered = |now| {
            let each = |at: u32| throttle.permits(now, IpAddr::from([192, 0, 2, at as u8]));
            (0..1_000).map(each).filter(|&is| is).count()
        };
        assert_eq!((answered(7), answered(7), answered(8)), (20, 0, 20));
    }
}

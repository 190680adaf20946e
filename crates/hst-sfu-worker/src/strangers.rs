use std::{collections::HashMap, net::IpAddr};

/// How many connections of a thread may be unproved at a time: the next ones are closed at once.
const MAX_STRANGERS: usize = 512;
/// How many of these may be of one client address.
const MAX_STRANGERS_PER_ADDRESS: usize = 16;

/// Counts the connections that have not proved yet whose they are.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    total: usize,
    per_address: HashMap<IpAddr, usize>,
}

impl Strangers {
    /// Whether there is a place for one more from this address, which it then has until it leaves.
    pub(crate) fn enter(&mut self, ip: IpAddr) -> bool {
        let here = self.per_address.get(&host(ip)).copied().unwrap_or(0);
        if self.total >= MAX_STRANGERS || here >= MAX_STRANGERS_PER_ADDRESS {
            return false;
        }
        self.total += 1;
        self.per_address.insert(host(ip), here + 1);
        true
    }

    /// One from this address, which had entered, is no stranger any more, or gone.
    pub(crate) fn leave(&mut self, ip: IpAddr) {
        self.total -= 1;
        let here = self.per_address.get_mut(&host(ip)).expect("it has entered");
        *here -= 1;
        if *here == 0 {
            self.per_address.remove(&host(ip));
        }
    }
}

/// What one client has of addresses: of IPv6 all that begin alike.
fn host(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_has_few_places_and_gets_back_what_it_leaves() {
        let mut strangers = Strangers::default();
        for last in 0..MAX_STRANGERS_PER_ADDRESS {
            assert!(strangers.enter(ip(&format!("2001:db8::{last:x}"))));
        }
        assert!(
            !strangers.enter(ip("2001:db8::ffff")),
            "one network of IPv6 is one client"
        );
        assert!(strangers.enter(ip("2001:db8:0:1::1")) && strangers.enter(ip("192.0.2.1")));
        strangers.leave(ip("2001:db8::1"));
        assert!(strangers.enter(ip("2001:db8::ffff")));
    }

    #[test]
    fn there_are_so_many_places_in_all() {
        let mut strangers = Strangers::default();
        let address = |at: usize| IpAddr::from([192, 0, (at >> 8) as u8, at as u8]);
        assert!((0..MAX_STRANGERS).all(|at| strangers.enter(address(at))));
        assert!(!strangers.enter(address(MAX_STRANGERS)));
        (0..MAX_STRANGERS).for_each(|at| strangers.leave(address(at)));
        assert_eq!((strangers.total, strangers.per_address.len()), (0, 0));
    }
}

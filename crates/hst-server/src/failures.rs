use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::{Duration, Instant};

use crate::Subnet;

/// Wrong credentials that one address may show in a [`WINDOW`].
const BUDGET: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are remembered. When there are more, the one whose window began first is forgotten: whoever has so
/// many addresses needs none of them twice.
const MAX_ADDRESSES: usize = 4096;

/// Who has shown wrong credentials how often, so that nobody can try them out.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    /// A lock, because requests come on all threads; held for one look-up, or to forget what is over.
    book: Mutex<HashMap<Subnet, Failed>>,
}

#[derive(Debug)]
struct Failed {
    since: Instant,
    times: u32,
}

impl Failures {
    /// Counts a failure of somebody at this address, if he may try at all.
    ///
    /// # Errors
    /// In how long he may try again.
    pub(crate) fn count(&self, address: IpAddr) -> Result<(), Duration> {
        let (now, address) = (Instant::now(), subscriber(address));
        let mut book = self.lock();
        if let Some(failed) = book.get_mut(&address).filter(|failed| now < failed.since + WINDOW) {
            if failed.times >= BUDGET {
                return Err(failed.since + WINDOW - now);
            }
            failed.times += 1;
            return Ok(());
        }
        if book.len() >= MAX_ADDRESSES {
            book.retain(|_, failed| now < failed.since + WINDOW);
        }
        if book.len() >= MAX_ADDRESSES {
            let first = book.iter().min_by_key(|(_, failed)| failed.since);
            let first = first.map(|(address, _)| *address);
            first.map(|first| book.remove(&first));
        }
        book.insert(address, Failed { since: now, times: 1 });
        Ok(())
    }

    /// What was counted was no failure.
    pub(crate) fn take_back(&self, address: IpAddr) {
        if let Some(failed) = self.lock().get_mut(&subscriber(address)) {
            failed.times = failed.times.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Subnet, Failed>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of an IPv6 address, one subscriber has the last 64 bits to himself.
fn subscriber(address: IpAddr) -> Subnet {
    Subnet::around(address, 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn h10_an_address_fails_ten_times_a_minute_and_others_are_not_affected() {
        let failures = Failures::default();
        for _ in 0..100 {
            assert_eq!(failures.count(ip("192.0.2.1")), Ok(()));
            failures.take_back(ip("192.0.2.1"));
        }
        for _ in 0..10 {
            assert_eq!(failures.count(ip("192.0.2.1")), Ok(()));
        }
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(failures.count(ip("192.0.2.1")), Err(Duration::from_secs(40)));
        assert_eq!(failures.count(ip("::ffff:192.0.2.1")), Err(Duration::from_secs(40)));
        assert_eq!(failures.count(ip("192.0.2.2")), Ok(()));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(failures.count(ip("192.0.2.1")), Ok(()), "a new minute");
    }

    #[tokio::test(start_paused = true)]
    async fn h10_a_subscriber_does_not_become_another_by_his_last_64_bits() {
        let failures = Failures::default();
        for host in 0..10 {
            failures.count(ip(&format!("2001:db8::{host}"))).unwrap();
        }
        assert!(failures.count(ip("2001:db8::ffff")).is_err());
        assert!(failures.count(ip("2001:db8:0:1::1")).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn h9_what_is_remembered_is_bounded() {
        let failures = Failures::default();
        for n in 0..2 * MAX_ADDRESSES as u32 {
            failures.count(std::net::Ipv4Addr::from_bits(n).into()).unwrap();
        }
        assert_eq!(failures.lock().len(), MAX_ADDRESSES);
    }
}

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::{Duration, Instant};

use crate::Subnet;

const WINDOW: Duration = Duration::from_secs(60);

/// How many are remembered. When there are more, the one whose window began first is forgotten: whoever has so many
/// addresses needs none of them twice.
const MAX_KNOWN: usize = 4096;

/// Who has shown wrong credentials how often, so that nobody can try them out.
#[derive(Debug)]
pub(crate) struct Failures<Who = Source> {
    /// How many one may show in a [`WINDOW`].
    budget: u32,
    /// A lock, because requests come on all threads; held for one look-up, or to forget what is over.
    book: Mutex<HashMap<Who, Failed>>,
}

/// From where somebody comes, as far as failures count together: of an IPv6 address, one subscriber has the last 64 bits
/// to himself. `None` is this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Source(Option<Subnet>);

#[derive(Debug)]
struct Failed {
    since: Instant,
    times: u32,
}

impl<Who: Clone + Eq + Hash> Failures<Who> {
    pub(crate) fn new(budget: u32) -> Self {
        Self {
            budget,
            book: Mutex::default(),
        }
    }

    /// Counts a failure of somebody, if he may try at all.
    ///
    /// # Errors
    /// In how long he may try again.
    pub(crate) fn count(&self, who: &Who) -> Result<(), Duration> {
        let now = Instant::now();
        let mut book = self.lock();
        if let Some(failed) = book.get_mut(who).filter(|failed| now < failed.since + WINDOW) {
            if failed.times >= self.budget {
                return Err(failed.since + WINDOW - now);
            }
            failed.times += 1;
            return Ok(());
        }
        if book.len() >= MAX_KNOWN {
            book.retain(|_, failed| now < failed.since + WINDOW);
        }
        if book.len() >= MAX_KNOWN {
            let first = book.iter().min_by_key(|(_, failed)| failed.since);
            let first = first.map(|(who, _)| who.clone());
            first.map(|first| book.remove(&first));
        }
        book.insert(who.clone(), Failed { since: now, times: 1 });
        Ok(())
    }

    /// What was counted was no failure.
    pub(crate) fn take_back(&self, who: &Who) {
        let mut book = self.lock();
        if let Some(failed) = book.get_mut(who) {
            failed.times = failed.times.saturating_sub(1);
            if failed.times == 0 {
                book.remove(who);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Failed>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Option<IpAddr>> for Source {
    fn from(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| Subnet::around(address, 64)))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(subnet) => subnet.fmt(f),
            None => f.write_str("this process"),
        }
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Some(address).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures() -> Failures {
        Failures::new(10)
    }

    fn ip(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[tokio::test(start_paused = true)]
    async fn h10_an_address_fails_ten_times_a_minute_and_others_are_not_affected() {
        let failures = failures();
        for _ in 0..100 {
            assert_eq!(failures.count(&ip("192.0.2.1")), Ok(()));
            failures.take_back(&ip("192.0.2.1"));
        }
        for _ in 0..10 {
            assert_eq!(failures.count(&ip("192.0.2.1")), Ok(()));
        }
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(failures.count(&ip("192.0.2.1")), Err(Duration::from_secs(40)));
        assert_eq!(failures.count(&ip("::ffff:192.0.2.1")), Err(Duration::from_secs(40)));
        assert_eq!(failures.count(&ip("192.0.2.2")), Ok(()));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(failures.count(&ip("192.0.2.1")), Ok(()), "a new minute");
    }

    #[tokio::test(start_paused = true)]
    async fn h10_a_subscriber_does_not_become_another_by_his_last_64_bits() {
        let failures = failures();
        for host in 0..10 {
            failures.count(&ip(&format!("2001:db8::{host}"))).unwrap();
        }
        assert!(failures.count(&ip("2001:db8::ffff")).is_err());
        assert!(failures.count(&ip("2001:db8:0:1::1")).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn h9_what_is_remembered_is_bounded() {
        let failures = failures();
        for n in 0..2 * MAX_KNOWN as u32 {
            let address = IpAddr::from(std::net::Ipv4Addr::from_bits(n));
            failures.count(&address.into()).unwrap();
        }
        assert_eq!(failures.lock().len(), MAX_KNOWN);
    }
}

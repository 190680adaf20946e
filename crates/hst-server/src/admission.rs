use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{Connections, Subnet, failures::Source};

/// The largest frame of whoever has not logged in yet, in bytes. A login has its place in it.
pub(crate) const FRAME_BEFORE_LOGIN: usize = 8 * 1024;

/// Of an IPv6 address one subscriber has the bits behind these for himself, so that they tell nobody apart.
const PREFIX_V6: u32 = 64;

/// Who may have one more connection.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) limits: Connections,
    book: Mutex<Book>,
}

/// A lock around it, because every connection is entered and struck off here; held for one entry.
#[derive(Debug, Default)]
struct Book {
    all: usize,
    /// Only those who have a connection: no more entries than connections.
    by_address: HashMap<Subnet, Count>,
    is_full: bool,
}

#[derive(Debug, Default)]
struct Count {
    all: usize,
    strangers: usize,
}

/// The right to one connection, as long as it is held.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    source: Source,
    whose: Option<Subnet>,
    is_stranger: AtomicBool,
    stays: AtomicBool,
}

impl Admission {
    pub(crate) fn new(limits: Connections) -> Arc<Self> {
        Arc::new(Self {
            limits,
            book: Mutex::default(),
        })
    }

    /// A place for one more connection of this client, who is a stranger at first; `None` if there is none left.
    ///
    /// A proxy's own connections are not counted by address: whom they are for is only said later.
    pub(crate) fn admit(self: &Arc<Self>, client: Option<IpAddr>) -> Option<Arc<Place>> {
        let limits = &self.limits;
        let is_counted = |address: &IpAddr| {
            let mut others = limits.uncounted.iter().chain(&limits.trusted_proxies);
            !others.any(|subnet| subnet.contains(*address))
        };
        let whose = client.filter(is_counted).map(|address| {
            let prefix = if address.to_canonical().is_ipv4() {
                32
            } else {
                PREFIX_V6
            };
            Subnet::around(address, prefix)
        });
        let mut book = self.lock();
        if book.all >= limits.most {
            if !std::mem::replace(&mut book.is_full, true) {
                tracing::warn!(most = limits.most, "no place for another connection");
            }
            return None;
        }
        if let Some(whose) = whose {
            let count = book.by_address.entry(whose).or_default();
            if count.all >= limits.per_address || count.strangers >= limits.strangers_per_address {
                tracing::debug!(%whose, "no place for another connection of this address");
                // A limit of 0 must not leave an entry behind.
                book.strike_if_none(whose);
                return None;
            }
            count.all += 1;
            count.strangers += 1;
        }
        book.all += 1;
        book.is_full = false;
        Some(Arc::new(Place {
            admission: self.clone(),
            source: client.into(),
            whose,
            is_stranger: AtomicBool::new(true),
            stays: AtomicBool::new(false),
        }))
    }

    /// How many connections there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn strike_if_none(&mut self, whose: Subnet) {
        if self.by_address.get(&whose).is_some_and(|count| count.all == 0) {
            self.by_address.remove(&whose);
        }
    }
}

impl Place {
    /// From where the client comes.
    pub(crate) fn source(&self) -> Source {
        self.source
    }

    /// Who has it is bound to this process: his session cannot go on at another node.
    pub(crate) fn stay(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stays(&self) -> bool {
        self.stays.load(Ordering::Relaxed)
    }

    /// Who has it has logged in.
    pub(crate) fn settle(&self) {
        if self.is_stranger.swap(false, Ordering::Relaxed)
            && let Some(whose) = &self.whose
            && let Some(count) = self.admission.lock().by_address.get_mut(whose)
        {
            count.strangers -= 1;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.settle();
        let mut book = self.admission.lock();
        book.all -= 1;
        if let Some(whose) = self.whose
            && let Some(count) = book.by_address.get_mut(&whose)
        {
            count.all -= 1;
            book.strike_if_none(whose);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(most: usize, per_address: usize, strangers_per_address: usize) -> Arc<Admission> {
        Admission::new(Connections {
            most,
            per_address,
            strangers_per_address,
            trusted_proxies: vec!["192.0.2.0/24".parse().unwrap()],
            ..Connections::default()
        })
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn one_address_has_few_places_for_strangers_and_more_for_those_who_log_in() {
        let admission = admission(100, 3, 2);
        let ann = ip("203.0.113.1");
        let first = admission.admit(ann).unwrap();
        let _second = admission.admit(ann).unwrap();
        assert!(admission.admit(ann).is_none(), "two strangers are enough");
        assert!(admission.admit(ip("203.0.113.2")).is_some(), "others have their own");

        first.settle();
        first.settle();
        let third = admission.admit(ann).unwrap();
        third.settle();
        assert!(admission.admit(ann).is_none(), "three in all are enough");
        drop(first);
        assert!(admission.admit(ann).is_some());
    }

    #[test]
    fn all_together_have_an_end_and_places_come_back() {
        let admission = admission(2, 10, 10);
        let places = [admission.admit(ip("127.0.0.1")), admission.admit(None)];
        assert!(places.iter().all(Option::is_some));
        assert!(admission.admit(None).is_none());
        drop(places);
        let one = admission.admit(ip("203.0.113.1"));
        assert!(one.is_some());
        drop(one);
        let book = admission.lock();
        assert_eq!((book.all, book.by_address.len()), (0, 0), "nothing is left behind");
    }

    #[test]
    fn this_machine_and_proxies_are_counted_among_all_only() {
        let admission = admission(100, 0, 0);
        for uncounted in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "192.0.2.77"] {
            assert!(admission.admit(ip(uncounted)).is_some(), "{uncounted}");
        }
        assert!(admission.admit(ip("203.0.113.1")).is_none());
        assert!(admission.lock().by_address.is_empty());
    }

    #[test]
    fn addresses_of_one_subscriber_are_one() {
        let admission = admission(100, 1, 1);
        let _place = admission.admit(ip("2001:db8::1")).unwrap();
        assert!(admission.admit(ip("2001:db8::ffff:0:0:2")).is_none());
        assert!(admission.admit(ip("2001:db8:0:1::1")).is_some());
        let _place = admission.admit(ip("203.0.113.1")).unwrap();
        assert!(
            admission.admit(ip("::ffff:203.0.113.1")).is_none(),
            "the same, written otherwise"
        );
    }
}

//! Connecting before the answer: to each place where the other side may be, until it has spoken from one of them.

use std::{net::SocketAddr, slice};

/// How many datagrams of DTLS wait for the answer: the other side's first flight has fewer.
const MAX_HELD: usize = 16;

/// Where the other side is, while that is known only to be one of several places.
///
/// For str0m it is at the first of them. What goes there goes to all, and what comes from any comes from there.
#[derive(Debug)]
pub(crate) struct Early {
    places: Vec<SocketAddr>,
    found: Option<SocketAddr>,
    is_answered: bool,
    /// What came before the answer. It says whom to trust, and only then a handshake may go on.
    held: Vec<(SocketAddr, Vec<u8>)>,
}

impl Early {
    /// `None` without any place.
    pub(crate) fn new(places: Vec<SocketAddr>) -> Option<Self> {
        (!places.is_empty()).then_some(Self {
            places,
            found: None,
            is_answered: false,
            held: Vec::new(),
        })
    }

    /// Where it is for str0m.
    pub(crate) fn place(&self) -> SocketAddr {
        self.places[0]
    }

    /// Where a datagram has to go.
    pub(crate) fn destinations<'a>(&'a self, to: &'a SocketAddr) -> &'a [SocketAddr] {
        match &self.found {
            _ if *to != self.place() => slice::from_ref(to),
            Some(found) => slice::from_ref(found),
            None => &self.places,
        }
    }

    /// Where a datagram comes from for str0m, or `None` if it was kept for later.
    pub(crate) fn source(&mut self, from: SocketAddr, bytes: &[u8]) -> Option<SocketAddr> {
        if self.found.is_none() && self.places.contains(&from) {
            self.found = Some(from);
        }
        let source = if self.found == Some(from) { self.place() } else { from };
        // The first byte tells the protocols apart (RFC 9443): from 20 to 63 it is DTLS.
        if !self.is_answered && bytes.first().is_some_and(|first| (20..64).contains(first)) {
            if self.held.len() < MAX_HELD {
                self.held.push((from, bytes.to_vec()));
            }
            return None;
        }
        Some(source)
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// The answer says that it is at one of these: gives what waited for that.
    pub(crate) fn answered(&mut self, at: &[SocketAddr]) -> Vec<(SocketAddr, Vec<u8>)> {
        self.is_answered = true;
        if self.found.is_none() {
            self.found = at.first().copied();
        }
        std::mem::take(&mut self.held)
    }
}

/// An answer without the places that it names: they are known.
pub(crate) fn without_candidates(answer: &str) -> String {
    let lines = answer.lines().filter(|line| !line.starts_with("a=candidate:"));
    lines.flat_map(|line| [line, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKED: [u8; 2] = [1, 1];
    const HANDSHAKE: [u8; 2] = [22, 0];

    fn places() -> [SocketAddr; 3] {
        [7882, 7883, 7884].map(|port| ([192, 0, 2, 1], port).into())
    }

    #[test]
    fn everything_goes_to_all_places_until_one_has_spoken() {
        let [one, other, third] = places();
        let elsewhere = ([192, 0, 2, 9], 1).into();
        let mut early = Early::new(places().to_vec()).unwrap();
        assert_eq!(early.destinations(&one), places());
        assert_eq!(early.destinations(&elsewhere), [elsewhere]);
        assert_eq!(early.source(elsewhere, &CHECKED), Some(elsewhere));
        assert_eq!(early.destinations(&one), places(), "that was none of them");
        assert_eq!(early.source(other, &CHECKED), Some(one));
        assert_eq!(early.destinations(&one), [other]);
        assert_eq!(early.source(third, &CHECKED), Some(third), "it is found");
    }

    #[test]
    fn a_handshake_waits_for_the_answer_and_only_so_much_of_it() {
        let [_, other, _] = places();
        let mut early = Early::new(places().to_vec()).unwrap();
        for _ in 0..=MAX_HELD {
            assert_eq!(early.source(other, &HANDSHAKE), None);
        }
        assert_eq!(early.answered(&[other]).len(), MAX_HELD);
        assert_eq!(early.source(other, &HANDSHAKE), Some(early.place()));
    }

    #[test]
    fn where_nothing_has_come_before_it_the_answer_says_where() {
        let [one, _, third] = places();
        let mut early = Early::new(places().to_vec()).unwrap();
        assert!(early.answered(&[third]).is_empty());
        assert_eq!(early.destinations(&one), [third]);
    }

    #[test]
    fn an_answer_loses_its_candidates_and_nothing_else() {
        let answer = "v=0\r\na=candidate:1 1 udp 1 192.0.2.1 7882 typ host\r\na=ice-lite\r\n";
        assert_eq!(without_candidates(answer), "v=0\r\na=ice-lite\r\n");
    }
}

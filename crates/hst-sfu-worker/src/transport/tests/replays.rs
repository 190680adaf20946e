//! Checks of the client's that somebody has heard and sends again from elsewhere.

use super::*;

/// An address that is not the client's.
fn elsewhere() -> Remote {
    Remote::udp(addr("203.0.113.66:6666"))
}

fn home() -> Remote {
    Remote::udp(addr(CLIENT))
}

impl Pair {
    /// What the server sends to an address within so long, while the client publishes.
    fn sent_to(&mut self, to: Remote, from: u64) -> usize {
        let sent = std::rc::Rc::new(std::cell::Cell::new(0));
        for seq in from..from + 50 {
            self.video(seq, 500);
            self.now += Duration::from_millis(20);
            self.transport.tick(self.now, &mut self.outbox, &mut self.happenings);
            let to_there = self.outbox.take().into_iter().filter(|(there, _)| *there == to);
            sent.set(sent.get() + to_there.count());
        }
        sent.get()
    }
}

#[test]
fn n2_a_check_that_is_sent_again_from_elsewhere_leads_nothing_there() {
    let mut pair = Pair::connected();
    let heard: Vec<_> = (0..100).map(|_| pair.check(true, true)).collect();
    for check in &heard {
        assert_eq!(pair.receive_from(home(), check), [home()]);
    }
    // Those that are just over, and those of long ago.
    for check in heard.iter().rev() {
        assert_eq!(pair.receive_from(elsewhere(), check), [], "not even an answer");
        assert_eq!(pair.transport.paths.taken(), Some(home()));
    }
    assert_eq!(pair.sent_to(elsewhere(), 1), 0);
    assert!(pair.transport.paths.addresses().all(|address| address == home()));
    pair.happenings.clear();
    pair.goes_on_at(51);
}

#[test]
fn n2_a_check_that_is_sent_again_from_an_address_that_the_client_has_left_leads_nothing_there() {
    let mut pair = Pair::connected();
    let there = pair.check(true, true);
    assert_eq!(pair.receive_from(elsewhere(), &there), [elsewhere()], "it moves");
    let back = pair.check(true, true);
    assert_eq!(pair.receive_from(home(), &back), [home()], "and back");
    // Somebody else has got the address meanwhile. At once it would be taken for the check itself, which a copy has overtaken.
    pair.now += Duration::from_secs(3);
    assert_eq!(pair.receive_from(elsewhere(), &back), []);
    assert_eq!(pair.transport.paths.taken(), Some(home()));
    assert_eq!(pair.sent_to(elsewhere(), 1), 0);
}

#[test]
fn n2_a_check_is_answered_again_where_it_came_from_and_a_fresh_one_anywhere() {
    let mut pair = Pair::connected();
    let first = pair.check(true, true);
    for _ in 0..7 {
        assert_eq!(
            pair.receive_from(home(), &first),
            [home()],
            "the answer may have been lost"
        );
    }
    // Its network gives it another port between a check and the same check again.
    assert_eq!(pair.receive_from(elsewhere(), &first), []);
    let next = pair.check(true, true);
    assert_eq!(pair.receive_from(elsewhere(), &next), [elsewhere()]);
    assert_eq!(pair.transport.paths.taken(), Some(elsewhere()));
}

#[test]
fn n2_a_copy_that_overtakes_a_check_is_believed_until_the_check_itself_comes() {
    let mut pair = Pair::connected();
    for _ in 0..3 {
        let check = pair.check(true, true);
        pair.receive_from(elsewhere(), &check);
        assert_eq!(pair.receive_from(home(), &check), [home()]);
        assert_eq!(pair.transport.paths.taken(), Some(home()));
        assert_eq!(pair.receive_from(elsewhere(), &check), [], "the copy is known as one");
        assert_eq!(pair.transport.paths.taken(), Some(home()));
    }
    pair.goes_on_at(1);
}

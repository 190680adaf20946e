//! Members give each other their keys in letters that a server carries, and it reads and changes nothing of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, VecDeque};

use hst_e2ee::{Codec, Errand, FrameCryptor, KeyExchange, Letter, OpenError, Session};

const PACKET: &[u8] = b"\xfca packet of Opus";

struct Member {
    exchange: KeyExchange,
    cryptor: FrameCryptor,
    safety: String,
}

/// A group on a server that carries letters, and may do something to them.
#[derive(Default)]
struct Room {
    members: BTreeMap<String, Member>,
    under_way: VecDeque<(String, String, Letter)>,
    /// Put into every letter to ben, in the place of its sender's key.
    impostor: Option<String>,
}

impl Room {
    fn join(&mut self, user: &str) {
        let mut exchange = KeyExchange::new("g", user);
        let mut cryptor = FrameCryptor::new("g", user, Session::random());
        let (id, key) = exchange.key();
        cryptor.set_key(id, key);
        exchange.handle_members(self.members.keys().cloned());
        self.members
            .values_mut()
            .for_each(|member| member.exchange.handle_joined(user));
        let member = Member {
            exchange,
            cryptor,
            safety: String::new(),
        };
        self.members.insert(user.to_owned(), member);
    }

    fn leave(&mut self, user: &str) -> Member {
        let left = self.members.remove(user).unwrap();
        self.members
            .values_mut()
            .for_each(|member| member.exchange.handle_left(user));
        left
    }

    /// Until nobody writes to anybody any more.
    fn settle(&mut self) {
        loop {
            for (user, member) in &mut self.members {
                while let Some(errand) = member.exchange.poll_errand() {
                    match errand {
                        Errand::Send(to, letter) => {
                            let letters = to.into_iter().map(|to| (user.clone(), to, letter.clone()));
                            self.under_way.extend(letters);
                        }
                        Errand::SetKey(id, key) => member.cryptor.set_key(id, key),
                        Errand::SetKeyOf(of, id, key) => member.cryptor.set_key_of(&of, id, key),
                        Errand::Forget(of) => member.cryptor.forget(&of),
                        Errand::Tell(safety) => member.safety = safety,
                    }
                }
            }
            let Some((from, to, mut letter)) = self.under_way.pop_front() else {
                return;
            };
            if let Some(impostor) = self.impostor.as_ref().filter(|_| to == "ben") {
                letter.public = impostor.clone();
            }
            if let Some(member) = self.members.get_mut(&to) {
                member.exchange.handle_letter(&from, &letter);
            }
        }
    }

    /// Everybody reads everybody, and they see one number.
    fn check(&mut self) {
        let users: Vec<_> = self.members.keys().cloned().collect();
        for from in &users {
            let sealed = self.seal(from);
            for to in users.iter().filter(|to| *to != from) {
                let to = self.members.get_mut(to).unwrap();
                assert_eq!(to.cryptor.open(from, Codec::Opus, &sealed).unwrap(), PACKET);
            }
            assert_eq!(self.members[from].safety, self.members[&users[0]].safety);
        }
        assert_eq!(self.members[&users[0]].safety.len(), 12 * 5 + 11);
    }

    fn seal(&mut self, user: &str) -> Vec<u8> {
        let member = self.members.get_mut(user).unwrap();
        member.cryptor.seal(Codec::Opus, PACKET).unwrap()
    }
}

#[test]
fn everybody_reads_everybody_whoever_comes_and_goes_and_nobody_reads_what_was_before_or_is_after_him() {
    let mut room = Room::default();
    for user in ["ann", "ben", "cas"] {
        room.join(user);
        room.settle();
        room.check();
    }
    let before = room.seal("ann");
    room.join("dan");
    room.settle();
    room.check();
    let dan = room.members.get_mut("dan").unwrap();
    assert!(dan.cryptor.open("ann", Codec::Opus, &before).is_err());

    let mut left = room.leave("ben");
    room.settle();
    room.check();
    let after = room.seal("ann");
    let read = left.cryptor.open("ann", Codec::Opus, &after);
    assert!(matches!(read, Err(OpenError::UnknownKey(_))), "{read:?}");
    room.join("ben");
    room.settle();
    room.check();
}

#[test]
fn several_who_come_at_one_time_find_each_other() {
    let mut room = Room::default();
    ["ann", "ben", "cas", "dan"]
        .into_iter()
        .for_each(|user| room.join(user));
    room.settle();
    room.check();
}

#[test]
fn who_lost_sight_of_the_group_gets_what_he_missed() {
    let mut room = Room::default();
    ["ann", "ben"].into_iter().for_each(|user| room.join(user));
    room.settle();
    let ben = room.members.get_mut("ben").unwrap();
    ben.cryptor.forget("ann");
    ben.exchange.introduce();
    room.settle();
    room.check();
}

#[test]
fn who_stands_between_two_members_is_given_away_by_their_numbers() {
    let mut room = Room::default();
    let mut eve = KeyExchange::new("g", "eve");
    eve.handle_members(["ann".to_owned()]);
    let Some(Errand::Send(_, Letter { public, .. })) = eve.poll_errand() else {
        panic!("she introduces herself")
    };
    room.impostor = Some(public);
    ["ann", "ben"].into_iter().for_each(|user| room.join(user));
    room.settle();
    assert_ne!(room.members["ann"].safety, room.members["ben"].safety);
}

#[test]
fn a_letter_that_is_none_does_nothing() {
    let mut ann = KeyExchange::new("g", "ann");
    let mut eve = KeyExchange::new("g", "eve");
    eve.handle_members(["ann".to_owned()]);
    let Some(Errand::Send(_, hello)) = eve.poll_errand() else {
        panic!("she introduces herself")
    };
    let with = |id, key: &str| Letter {
        id,
        keys: BTreeMap::from([("ann".to_owned(), key.to_owned())]),
        ..hello.clone()
    };
    let public = |public: &str| Letter {
        public: public.to_owned(),
        ..Letter::default()
    };
    let long = "A".repeat(80);
    for letter in [
        public(""),
        public("%"),
        public("AAAA"),
        with(Some(0), "%"),
        with(Some(0), &long),
        with(None, &long),
    ] {
        ann.handle_letter("eve", &letter);
        assert_eq!(ann.poll_errand(), None, "{letter:?}");
    }
    ann.handle_letter("eve", &hello);
    assert!(matches!(ann.poll_errand(), Some(Errand::Send(..))));
}

//! Members give each other their keys in letters that a server carries, and it reads and changes nothing of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, VecDeque};

use hst_e2ee::{Codec, Errand, FrameCryptor, GroupKey, KeyExchange, Letter, OpenError, Session};

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
    /// All that the server saw.
    seen: Vec<(String, String, Letter)>,
    /// Put into every letter to ben, in the place of its sender's key.
    impostor: Option<String>,
}

impl Room {
    fn join(&mut self, user: &str) {
        let mut exchange = KeyExchange::new("g", user);
        let mut cryptor = FrameCryptor::in_exchange("g", user, Session::random());
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
            self.seen.push((from.clone(), to.clone(), letter.clone()));
            if let Some(impostor) = self.impostor.as_ref().filter(|_| to == "ben") {
                letter.public = impostor.clone();
            }
            if let Some(member) = self.members.get_mut(&to) {
                member.exchange.handle_letter(&from, &letter);
            }
        }
    }

    /// The last letter from one to another, with a key or without.
    fn last(&self, from: &str, to: &str, with_key: bool) -> Letter {
        let mut seen = self.seen.iter().rev();
        let found = seen.find(|(of, at, letter)| of == from && at == to && letter.id.is_some() == with_key);
        found.unwrap().2.clone()
    }

    fn deliver(&mut self, from: &str, to: &str, letter: &Letter) {
        self.get(to).exchange.handle_letter(from, letter);
        self.settle();
    }

    fn get(&mut self, user: &str) -> &mut Member {
        self.members.get_mut(user).unwrap()
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
    room.join("cas");
    // What was written to ben, and to cas by him, is lost.
    while let Some(errand) = room.get("ben").exchange.poll_errand() {
        assert!(matches!(errand, Errand::Send(..) | Errand::Tell(_)), "{errand:?}");
    }
    room.get("ben").exchange.lose_sight();
    room.get("ben").exchange.introduce();
    room.settle();
    room.check();
}

#[test]
fn who_comes_again_while_another_is_away_is_known_by_his_new_key() {
    let mut room = Room::default();
    ["ann", "ben"].into_iter().for_each(|user| room.join(user));
    room.settle();
    // Nobody tells ben that ann left and came again, and what she wrote to him is lost.
    let mut ben = room.members.remove("ben").unwrap();
    room.leave("ann");
    room.join("ann");
    room.settle();
    room.get("ann").exchange.handle_joined("ben");
    ben.exchange.lose_sight();
    ben.exchange.introduce();
    room.members.insert("ben".to_owned(), ben);
    room.settle();
    room.check();
}

#[test]
fn whose_session_was_replaced_begins_anew_whoever_writes_first() {
    for replaced in ["ann", "ben"] {
        for writes_first in [true, false] {
            let mut room = Room::default();
            ["ann", "ben", "cas"].into_iter().for_each(|user| room.join(user));
            room.settle();
            let back = room.leave(replaced);
            room.settle();
            room.members.values_mut().for_each(|member| {
                member.exchange.handle_joined(replaced);
                if !writes_first {
                    member.exchange.introduce();
                }
            });
            room.members.insert(replaced.to_owned(), back);
            room.get(replaced).exchange.begin_anew();
            if !writes_first {
                room.settle();
            }
            room.get(replaced).exchange.introduce();
            room.settle();
            room.check();
        }
    }
}

#[test]
fn a_letter_of_who_is_no_other_member_counts_when_he_is_one_and_not_before() {
    let mut room = Room::default();
    ["ann", "ben"].into_iter().for_each(|user| room.join(user));
    room.settle();
    let hello = hello_of("eve", "ann");
    for from in ["ghost", "ann"] {
        room.get("ann").exchange.handle_letter(from, &hello);
        assert_eq!(room.get("ann").exchange.poll_errand(), None, "{from}");
        room.check();
    }
    for user in ["ann", "ghost"] {
        room.get("ann").exchange.handle_joined(user);
    }
    let Some(Errand::Send(to, _)) = room.get("ann").exchange.poll_errand() else {
        panic!("his letter was only early")
    };
    assert_eq!(to, ["ben", "ghost"]);
}

#[test]
fn the_public_key_of_a_member_stays_and_one_that_is_gone_never_comes_again() {
    let mut room = Room::default();
    ["ann", "ben"].into_iter().for_each(|user| room.join(user));
    room.settle();
    let genuine = room.last("ben", "ann", false);
    let key = room.last("ben", "ann", true);
    let number = room.get("ann").safety.clone();
    let impostor = hello_of("ben", "ann");
    let with = |wrapped: &str| Letter {
        id: Some(0),
        keys: BTreeMap::from([("ann".to_owned(), wrapped.to_owned())]),
        ..impostor.clone()
    };
    for letter in [&impostor, &with("AAAA")] {
        room.get("ann").exchange.handle_letter("ben", letter);
        assert_eq!(room.get("ann").exchange.poll_errand(), None);
    }
    room.check();

    // The server says that he left and came again: that is told, and his own key does not come back by a repetition.
    let ann = &mut room.get("ann").exchange;
    ann.handle_left("ben");
    ann.handle_joined("ben");
    room.under_way.clear();
    room.deliver("ben", "ann", &impostor);
    let other = room.get("ann").safety.clone();
    assert_ne!(other, number);
    for letter in [&genuine, &key] {
        room.deliver("ben", "ann", letter);
        assert_eq!(room.get("ann").safety, other);
    }
    let ann = &mut room.get("ann").exchange;
    ann.lose_sight();
    ann.handle_letter("ben", &genuine);
    assert_eq!(ann.poll_errand(), None);
}

#[test]
fn a_letter_that_comes_again_opens_no_frame_again_and_brings_no_older_key_back() {
    let mut room = Room::default();
    ["ann", "ben"].into_iter().for_each(|user| room.join(user));
    room.settle();
    let (older, before) = (room.last("ben", "ann", true), room.seal("ben"));
    room.join("cas");
    room.settle();
    let (newer, after) = (room.last("ben", "ann", true), room.seal("ben"));
    let ann = &mut room.get("ann").cryptor;
    assert_eq!(ann.open("ben", Codec::Opus, &after).unwrap(), PACKET);
    assert_eq!(ann.open("ben", Codec::Opus, &before).unwrap(), PACKET, "it is late");
    let claims_more = Letter {
        id: newer.id.map(|id| id + 1),
        ..older.clone()
    };
    for letter in [&newer, &older, &claims_more] {
        room.get("ann").exchange.handle_letter("ben", letter);
        assert_eq!(room.get("ann").exchange.poll_errand(), None);
    }
    let ann = &mut room.get("ann").cryptor;
    for frame in [&after, &before] {
        assert!(matches!(ann.open("ben", Codec::Opus, frame), Err(OpenError::Replayed)));
    }
}

#[test]
fn who_has_no_keys_of_his_own_is_not_read_under_those_of_another() {
    let key = GroupKey::from_bytes(&[1; 16]).unwrap();
    let mut ann = FrameCryptor::in_exchange("g", "ann", Session::random());
    ann.set_key(0, key.clone());
    let mut forger = FrameCryptor::new("g", "ben", Session::random());
    forger.set_key(0, key.clone());
    for _ in 0..2 {
        let forged = forger.seal(Codec::Opus, PACKET).unwrap();
        let read = ann.open("ben", Codec::Opus, &forged);
        assert!(matches!(read, Err(OpenError::UnknownKey(0))), "{read:?}");
        ann.set_key_of("ben", 0, GroupKey::from_bytes(&[2; 16]).unwrap());
        ann.forget("ben");
    }
    // The same key, set again, has seen what it saw.
    ann.set_key_of("ben", 0, key.clone());
    let frame = forger.seal(Codec::Opus, PACKET).unwrap();
    assert_eq!(ann.open("ben", Codec::Opus, &frame).unwrap(), PACKET);
    ann.set_key_of("ben", 0, key);
    assert!(matches!(ann.open("ben", Codec::Opus, &frame), Err(OpenError::Replayed)));
}

#[test]
fn who_stands_between_two_members_is_given_away_by_their_numbers() {
    let mut room = Room::default();
    let Letter { public, .. } = hello_of("eve", "ann");
    room.impostor = Some(public);
    ["ann", "ben"].into_iter().for_each(|user| room.join(user));
    room.settle();
    assert_ne!(room.members["ann"].safety, room.members["ben"].safety);
}

#[test]
fn a_letter_that_is_none_does_nothing() {
    let mut ann = KeyExchange::new("g", "ann");
    ann.handle_joined("eve");
    let hello = hello_of("eve", "ann");
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

/// What somebody else writes first who says that he is `user`.
fn hello_of(user: &str, to: &str) -> Letter {
    let mut exchange = KeyExchange::new("g", user);
    exchange.handle_members([to.to_owned()]);
    match exchange.poll_errand() {
        Some(Errand::Send(_, hello)) => hello,
        other => panic!("he introduces himself, and does not {other:?}"),
    }
}

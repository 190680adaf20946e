//! Connectivity checks of every kind, and what is none, from the client's address.

use str0m::ice::{StunMessage, TransId};

use super::*;

/// Attributes of a check (RFC 8489 section 18.3, RFC 8445 section 16.1).
const NAME: u16 = 0x0006;
const INTEGRITY: u16 = 0x0008;
const PRIORITY: u16 = 0x0024;
const FINGERPRINT: u16 = 0x8028;

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    crypto::from_feature_flags().sha1_hmac_provider.sha1_hmac(key, parts)
}

impl Pair {
    fn username(&mut self) -> String {
        let theirs = self.client.direct_api().local_ice_credentials().ufrag;
        format!("{}:{theirs}", self.transport.paths.sessions.current().ice().ufrag)
    }

    /// A check that knows the secret, by a client in this role.
    pub(super) fn check(&mut self, is_controlling: bool, nominates: bool) -> Vec<u8> {
        let (username, mut bytes) = (self.username(), vec![0; 256]);
        let check = StunMessage::binding_request(&username, TransId::new(), is_controlling, 7, 1_000, nominates);
        let password = self.transport.paths.sessions.current().ice().pass.clone();
        let len = check
            .to_bytes(Some(password.as_bytes()), &mut bytes, hmac)
            .expect("room");
        bytes.truncate(len);
        bytes
    }

    /// A check that knows the secret and has one more attribute, whatever that is.
    fn check_with(&mut self, kind: u16, value: &[u8]) -> Vec<u8> {
        self.check_of(&[(kind, value), (NAME, &[]), (PRIORITY, &[0x7f; 4]), (INTEGRITY, &[])])
    }

    /// A check of these attributes in this order, each with what belongs into it where nothing is given.
    fn check_of(&mut self, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let (name, ice) = (self.username(), self.transport.paths.sessions.current().ice().clone());
        let mut message = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[9; 12]].concat();
        for (kind, value) in attributes {
            // What it has up to there, with this attribute, is what a signature and a sum are of.
            let len = |value: usize, so_far: usize| ((so_far - 20 + 4 + value) as u16).to_be_bytes();
            let value = match *kind {
                NAME if value.is_empty() => name.clone().into_bytes(),
                INTEGRITY if value.is_empty() => {
                    let len = len(20, message.len());
                    message[2..4].copy_from_slice(&len);
                    hmac(ice.pass.as_bytes(), &[&message]).to_vec()
                }
                FINGERPRINT if value.is_empty() => {
                    let len = len(4, message.len());
                    message[2..4].copy_from_slice(&len);
                    (crc32(&message) ^ 0x5354_554e).to_be_bytes().to_vec()
                }
                _ => value.to_vec(),
            };
            message.extend(kind.to_be_bytes());
            message.extend((value.len() as u16).to_be_bytes());
            message.extend(value);
            message.resize(message.len().next_multiple_of(4), 0xff);
        }
        let len = (message.len() as u16 - 20).to_be_bytes();
        message[2..4].copy_from_slice(&len);
        message
    }

    /// Takes a check from the client's address; says whether it is answered, in a form that is whole.
    fn answers(&mut self, check: &[u8]) -> bool {
        self.receive(check);
        let sent = self.outbox.take().into_iter().filter(|(_, bytes)| is_stun(bytes));
        let answers: Vec<_> = sent.map(|(_, bytes)| bytes).collect();
        answers.iter().for_each(|answer| is_whole(answer));
        !answers.is_empty()
    }

    /// Where it is answered to.
    pub(super) fn receive_from(&mut self, from: Remote, bytes: &[u8]) -> Vec<Remote> {
        self.receive_at(from, bytes);
        let sent = self.outbox.take().into_iter();
        sent.filter(|(_, bytes)| is_stun(bytes)).map(|(to, _)| to).collect()
    }

    /// It goes on as if nothing had been.
    fn is_unharmed(&mut self) {
        self.goes_on_at(1);
    }

    /// The same, with the camera's next packet under this number.
    pub(super) fn goes_on_at(&mut self, seq: u64) {
        self.outbox.take();
        self.run(Duration::from_secs(30));
        assert_eq!(self.lost(), None);
        self.happenings.clear();
        self.video(seq, 500);
        assert_eq!(self.media(), 1);
    }
}

/// What there is in this message is what it says: words, and zeros where an attribute fills none (RFC 8489 section 14).
fn is_whole(message: &[u8]) {
    let len = |at: usize| usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
    assert_eq!((message.len(), message.len() % 4), (20 + len(2), 0));
    let mut at = 20;
    while at < message.len() {
        let end = at + 4 + len(at + 2);
        at = end.next_multiple_of(4);
        assert!(message[end..at].iter().all(|byte| *byte == 0), "{message:x?}");
    }
    assert_eq!(at, message.len());
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

fn port(port: u16) -> Remote {
    Remote::udp(SocketAddr::new(addr(CLIENT).ip(), port))
}

#[test]
fn n1_a_check_with_any_attribute_of_any_length_harms_nothing() {
    let mut pair = Pair::connected();
    for kind in 0..=u16::MAX {
        // Of those that mean something each length, and of the others one.
        let is_known = matches!(kind, 0..0x60 | 0x8000..0x8060 | 0xc057 | 0xffff);
        let lens = if is_known { 0..=24 } else { kind % 25..=kind % 25 };
        for len in lens {
            let check = pair.check_with(kind, &vec![0xff; usize::from(len)]);
            pair.answers(&check);
        }
    }
    pair.is_unharmed();
}

#[test]
fn n1_sums_and_signatures_in_any_order_and_number_harm_nothing() {
    let mut pair = Pair::connected();
    let head = [(NAME, &[][..]), (PRIORITY, &[0x7f; 4])];
    let ends = [
        (INTEGRITY, &[][..]),
        (FINGERPRINT, &[]),
        (FINGERPRINT, &[0; 4]),
        (INTEGRITY, &[0; 20]),
    ];
    let good = pair.check_of(&[head[0], head[1], ends[0], ends[1]]);
    assert!(pair.answers(&good));
    let picks = 0..ends.len() + 1;
    for first in picks.clone() {
        for second in picks.clone() {
            for third in picks.clone() {
                let tail = [first, second, third].map(|pick| ends.get(pick).copied());
                let tail: Vec<_> = tail.into_iter().flatten().collect();
                for place in 0..=head.len() {
                    // Behind what they are of, between that, and before it.
                    let mut all = head.to_vec();
                    all.splice(place..place, tail.iter().copied());
                    let check = pair.check_of(&all);
                    let is_answered = pair.answers(&check);
                    let is_signed = tail.iter().any(|it| *it == ends[0]);
                    assert!(is_signed || !is_answered, "{all:x?}");
                }
            }
        }
    }
    pair.is_unharmed();
}

#[test]
fn n1_a_check_that_says_another_length_than_it_has_is_not_answered() {
    let mut pair = Pair::connected();
    let check = pair.check(true, true);
    for len in 0..=check.len() + 8 {
        for size in [check.len(), 20 + len] {
            let mut other = check.clone();
            other.resize(size, 0);
            other[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            // The sum at the end may be left out, and something may stand behind it.
            let may_be = size == 20 + len && len % 4 == 0;
            assert!(!pair.answers(&other) || may_be, "{len} of {size}");
        }
    }
    pair.is_unharmed();
}

#[test]
fn n1_every_answer_is_filled_up_with_zeros() {
    let mut pair = Pair::connected();
    for leads in [true, false] {
        let check = pair.check(leads, false);
        assert!(pair.answers(&check), "with an address, or with a code and a reason");
    }
    pair.is_unharmed();
}

#[test]
fn n3_what_a_stranger_is_answered_is_nothing() {
    let mut pair = Pair::connected();
    let mut forged = pair.check(true, true);
    let end = forged.len() - 9;
    forged[end] ^= 1;
    assert_eq!(
        pair.receive_from(port(1), &forged),
        [],
        "nothing at all, so nothing that is longer"
    );
    pair.is_unharmed();
}

#[test]
fn n6_a_client_in_the_wrong_role_is_answered_and_may_go_on_in_the_right_one() {
    let mut pair = Pair::connected();
    for _ in 0..1_000 {
        let conflicting = pair.check(false, false);
        assert_eq!(pair.receive_from(Remote::udp(addr(CLIENT)), &conflicting).len(), 1);
    }
    pair.is_unharmed();
}

#[test]
fn n6_a_client_may_choose_among_its_paths_a_hundred_times_a_second() {
    let mut pair = Pair::connected();
    let over_tcp = Remote::tcp(addr(CLIENT));
    let paths = [Remote::udp(addr(CLIENT)), port(40_001), over_tcp, port(40_002)];
    let (mut taken, mut sent) = (paths[0], 0);
    // It checks nothing else meanwhile.
    pair.passes = |bytes| !is_stun(bytes);
    for at in 0..400 {
        let check = pair.check(true, true);
        let path = paths[at % paths.len()];
        assert_eq!(pair.receive_from(path, &check), [path], "answered where it came from");
        // It does not leave UDP as long as that works.
        taken = if path == over_tcp { taken } else { path };
        pair.video(1 + at as u64, 500);
        pair.now += Duration::from_millis(10);
        pair.transport.tick(pair.now, &mut pair.outbox, &mut pair.happenings);
        for (to, bytes) in pair.outbox.take() {
            assert!(is_stun(&bytes) || to == taken, "{to:?} in place of {taken:?}");
            sent += usize::from(!is_stun(&bytes));
        }
    }
    assert!(sent > 20, "it is told what has come: {sent}");
    pair.passes = |_| true;
    let check = pair.check(true, true);
    pair.receive_from(paths[0], &check);
    pair.happenings.clear();
    pair.goes_on_at(401);
}

#[test]
fn n8_every_method_and_class_from_the_clients_address_harms_nothing() {
    let mut pair = Pair::connected();
    let mut message = pair.check(true, false);
    for kind in 0..=0x3fff_u16 {
        message[..2].copy_from_slice(&kind.to_be_bytes());
        pair.receive(&message);
        pair.receive(&[&kind.to_be_bytes()[..], &[0, 0], &message[4..20]].concat());
        pair.outbox.take();
    }
    pair.is_unharmed();
}

#[test]
fn n9_ten_thousand_ports_of_one_client_are_eight_at_a_time_and_few_in_all() {
    let mut pair = Pair::connected();
    let now = pair.now;
    let proved = (1..=10_000).filter(|&at| {
        let check = pair.check(true, false);
        pair.transport.proves(now, port(at), &check).is_some()
    });
    // The address that it has connected from is one of them.
    assert_eq!(proved.count(), MAX_MOVES - 1);
    assert_eq!(pair.transport.paths.addresses().len(), MAX_PATHS);
    pair.is_unharmed();
}

#[test]
fn n10_any_first_byte_of_any_short_length_from_the_clients_address_harms_nothing() {
    let mut pair = Pair::connected();
    for first in 0..=255 {
        for len in 0..=64 {
            let mut bytes = vec![0x5a; len];
            bytes.iter_mut().take(1).for_each(|byte| *byte = first);
            pair.receive(&bytes);
        }
    }
    pair.is_unharmed();
}

//! Connectivity checks of every kind, and what is none, from the client's address.

use str0m::ice::{StunMessage, TransId};

use super::*;

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    crypto::from_feature_flags().sha1_hmac_provider.sha1_hmac(key, parts)
}

impl Pair {
    fn username(&mut self) -> String {
        let theirs = self.client.direct_api().local_ice_credentials().ufrag;
        format!("{}:{theirs}", self.transport.paths.sessions.current().ice().ufrag)
    }

    /// A check that knows the secret, by a client in this role.
    fn check(&mut self, is_controlling: bool, nominates: bool) -> Vec<u8> {
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
        let mut attributes = Vec::new();
        let mut attribute = |kind: u16, value: &[u8]| {
            attributes.extend(kind.to_be_bytes());
            attributes.extend((value.len() as u16).to_be_bytes());
            attributes.extend(value);
            attributes.resize(attributes.len().next_multiple_of(4), 0xff);
        };
        attribute(kind, value);
        attribute(0x0006, self.username().as_bytes());
        attribute(0x0024, &[0x7f; 4]);
        let mut message = vec![0, 1];
        message.extend((attributes.len() as u16 + 24).to_be_bytes());
        message.extend([0x21, 0x12, 0xa4, 0x42]);
        message.extend([9; 12]);
        message.extend(attributes);
        let password = self.transport.paths.sessions.current().ice().pass.clone();
        let sum = hmac(password.as_bytes(), &[&message]);
        message.extend([0, 8, 0, 20]);
        message.extend(sum);
        message
    }

    fn receive_from(&mut self, from: Remote, bytes: &[u8]) -> Vec<Remote> {
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

fn port(port: u16) -> Remote {
    Remote::udp(SocketAddr::new(addr(CLIENT).ip(), port))
}

#[test]
fn n1_a_check_with_any_attribute_of_any_length_harms_nothing() {
    let mut pair = Pair::connected();
    for kind in (0..0x60).chain(0x8000..0x8060).chain([0xc057, 0xffff]) {
        for len in 0..=24 {
            let check = pair.check_with(kind, &vec![0xff; len]);
            pair.receive(&check);
            for (_, bytes) in pair.outbox.take() {
                assert_eq!(bytes.len() % 4, 0);
            }
        }
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
    let paths = [Remote::udp(addr(CLIENT)), port(40_001), Remote::tcp(addr(CLIENT))];
    for at in 0..1_000 {
        let check = pair.check(true, true);
        let path = paths[at % 3];
        assert_eq!(pair.receive_from(path, &check), [path], "answered where it came from");
        pair.now += Duration::from_millis(10);
    }
    let check = pair.check(true, true);
    pair.receive_from(paths[0], &check);
    pair.is_unharmed();
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
    let check = pair.check(true, false);
    let now = pair.now;
    let proved = (1..=10_000).filter(|&at| pair.transport.proves(now, port(at), &check).is_some());
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

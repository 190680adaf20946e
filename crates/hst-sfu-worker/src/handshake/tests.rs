//! Handshakes with another implementation, as the client: with a key of RSA, and with several ciphers to choose from.

use std::{net::SocketAddr, sync::LazyLock};

use proptest::{collection::vec, prelude::*};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rtc_dtls::{
    config::{ConfigBuilder, ExtendedMasterSecretType},
    crypto::{Certificate, CryptoPrivateKey},
    crypto_provider::default_provider,
    endpoint::Endpoint,
    extension::extension_use_srtp::SrtpProtectionProfile::{
        self, Srtp_Aead_Aes_128_Gcm, Srtp_Aead_Aes_256_Gcm, Srtp_Aes128_Cm_Hmac_Sha1_80,
    },
};

use super::{hello::Piece, *};

const RECORD: usize = 13;
const MESSAGE: usize = 12;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_REQUEST: u8 = 13;

static KEY: LazyLock<KeyPair> = LazyLock::new(|| key(RsaKeySize::_2048));

fn key(size: RsaKeySize) -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).expect("a key")
}

/// A certificate of the one key, and the other for whom to shake hands with it.
fn certificate(of: &KeyPair, with: &KeyPair) -> Certificate {
    certificate_for(vec!["peer".to_owned()], of, with)
}

fn certificate_for(names: Vec<String>, of: &KeyPair, with: &KeyPair) -> Certificate {
    let params = CertificateParams::new(names).expect("names");
    let made = params.self_signed(of).expect("a certificate");
    let provider = default_provider().expect("there is one");
    Certificate {
        certificate: vec![made.der().clone()],
        private_key: CryptoPrivateKey::from_key_pair(with, provider.crypto()).expect("it knows RSA"),
    }
}

struct Pair {
    now: Instant,
    server: Handshake,
    client: Endpoint,
    contexts: Option<Contexts>,
}

impl Pair {
    /// A client with this certificate, and a server who expects the one that has this fingerprint.
    fn new(certificate: Option<Certificate>, expected: Fingerprint) -> Self {
        Self::offering(&[Srtp_Aes128_Cm_Hmac_Sha1_80], certificate, expected)
    }

    fn offering(profiles: &[SrtpProtectionProfile], certificate: Option<Certificate>, expected: Fingerprint) -> Self {
        let now = Instant::now();
        let provider = crypto::from_feature_flags().dtls_provider;
        let own = provider.generate_certificate().expect("a certificate");
        let server = Handshake::new(now, &own, false, expected).expect("it begins");
        let config = ConfigBuilder::default()
            .with_crypto_provider(default_provider().expect("there is one"))
            .with_certificates(certificate.into_iter().collect())
            .with_srtp_protection_profiles(profiles.to_vec())
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_insecure_skip_verify(true)
            .build(true, Some(server_address()))
            .expect("it fits");
        let mut client = Endpoint::new(client_address(), Default::default(), None);
        let begun = client.connect(now, server_address(), Arc::new(config), None);
        begun.expect("it begins");
        Self {
            now,
            server,
            client,
            contexts: None,
        }
    }

    /// A client who shows this certificate, which is the one that is expected.
    fn showing(certificate: Certificate) -> Self {
        let expected = Fingerprint::of(&certificate.certificate[0]);
        Self::new(Some(certificate), expected)
    }

    /// Lets both speak until they are silent or the server has had enough; what the client says is changed on the way.
    fn run(&mut self, mut meddle: impl FnMut(&mut Vec<u8>)) -> Result<(), HandshakeError> {
        while let Some(out) = self.client.poll_transmit() {
            let (mut datagram, mut answers) = (out.message.to_vec(), Vec::new());
            meddle(&mut datagram);
            let answer = |answer: &[u8]| answers.push(answer.to_vec());
            let progress = self.server.receive(self.now, &datagram, answer)?;
            self.contexts = self.contexts.take().or(progress.connected);
            for answer in answers {
                // One who was told nonsense gives up.
                let _ = self.client.read(self.now, server_address(), None, answer[..].into());
            }
        }
        Ok(())
    }

    /// Which cipher both have agreed upon, if they understand each other.
    fn agreed(&mut self) -> Option<SrtpProtectionProfile> {
        let (mut ours, mut theirs) = (self.contexts.take()?, self.of_client()?);
        let is_one =
            is_understood(&ours.sender, &mut theirs.receiver) && is_understood(&theirs.sender, &mut ours.receiver);
        let state = self.client.get_connection_state(server_address())?;
        is_one.then(|| state.srtp_protection_profile())
    }

    /// The client's, if it is connected.
    fn of_client(&self) -> Option<Contexts> {
        let state = self.client.get_connection_state(server_address())?;
        let profile = match state.srtp_protection_profile() {
            Srtp_Aead_Aes_128_Gcm => Profile::AeadAes128Gcm,
            Srtp_Aead_Aes_256_Gcm => Profile::AeadAes256Gcm,
            _ => Profile::Aes128CmSha1_80,
        };
        let exported = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], profile.exported_len());
        Contexts::new(profile, exported.ok()?.as_ref(), Side::Client)
    }
}

fn server_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 7881))
}

fn client_address() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], 40000))
}

/// Whether what the one encrypts is what the other decrypts.
fn is_understood(sender: &hst_srtp::Sender, receiver: &mut hst_srtp::Receiver) -> bool {
    let plain = [&[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7][..], b"sound"].concat();
    let mut packet = plain.clone();
    sender.protect(1, &mut packet, 0, 12);
    let opened = receiver.unprotect(&mut packet);
    opened.is_ok_and(|opened| packet[..opened.len] == plain)
}

#[test]
fn a_client_with_a_key_of_rsa_connects() {
    for key in [&*KEY, &key(RsaKeySize::_4096)] {
        let mut pair = Pair::showing(certificate(key, key));
        pair.run(|_| ()).expect("nothing is wrong");
        assert_eq!(pair.agreed(), Some(Srtp_Aes128_Cm_Hmac_Sha1_80));
    }
}

/// One that has the names of so many hosts, with some 50 bytes each.
fn large(hosts: usize) -> Certificate {
    let names = (0..hosts).map(|host| format!("host-{host:04}.with-a-long-name.peers.example.org"));
    certificate_for(names.collect(), &KEY, &KEY)
}

#[test]
fn a_client_whose_certificate_is_large_connects() {
    for hosts in [30, 150] {
        let mut pair = Pair::showing(large(hosts));
        pair.run(|_| ()).expect("nothing is wrong");
        assert_eq!(pair.agreed(), Some(Srtp_Aes128_Cm_Hmac_Sha1_80), "with {hosts} names");
    }
}

#[test]
fn d9_a_certificate_that_has_no_room_is_refused() {
    let mut pair = Pair::showing(large(400));
    let refused = pair.run(|_| ());
    assert!(matches!(refused, Err(HandshakeError::Dtls(_))), "{refused:?}");
    assert!(pair.contexts.is_none());
}

#[test]
fn d9_a_certificate_in_a_datagram_that_nobody_sends_is_left_unread() {
    for hosts in [200, 300] {
        let certificate = large(hosts);
        let shown = certificate.certificate[0].to_vec();
        let length = |len: usize| (len as u32).to_be_bytes()[1..].to_vec();
        let body = [length(shown.len() + 3), length(shown.len()), shown].concat();
        let (mut pair, mut count) = (Pair::showing(certificate), 0);
        let in_one = |datagram: &mut Vec<u8>| {
            if datagram[0] == HANDSHAKE && datagram[RECORD] == CERTIFICATE {
                let seq = u16::from_be_bytes([datagram[RECORD + 4], datagram[RECORD + 5]]);
                let mut whole = record(HANDSHAKE, 0, &message(CERTIFICATE, seq, &body));
                // Its number.
                whole[3..11].copy_from_slice(&datagram[3..11]);
                *datagram = whole;
                count += 1;
            }
        };
        pair.run(in_one).expect("it is left unread");
        assert!(count > 0 && pair.contexts.is_none());
    }
}

#[test]
fn d7_a_certificate_of_rsa_that_the_offer_does_not_name_opens_nothing() {
    let mut pair = Pair::new(Some(certificate(&KEY, &KEY)), Fingerprint([0; 32]));
    let refused = pair.run(|_| ());
    assert!(matches!(refused, Err(HandshakeError::OtherCertificate)), "{refused:?}");
    assert!(pair.contexts.is_none());
}

#[test]
fn d8_a_certificate_without_its_key_and_no_certificate_open_nothing() {
    let mut without_key = Pair::showing(certificate(&KEY, &key(RsaKeySize::_2048)));
    let mut without_all = Pair::new(None, Fingerprint([0; 32]));
    for pair in [&mut without_key, &mut without_all] {
        let refused = pair.run(|_| ());
        assert!(matches!(refused, Err(HandshakeError::Dtls(_))), "{refused:?}");
        assert!(pair.contexts.is_none());
    }
}

#[test]
fn aes_of_128_bits_is_taken_where_it_is_offered() {
    let all = [
        Srtp_Aead_Aes_256_Gcm,
        Srtp_Aead_Aes_128_Gcm,
        Srtp_Aes128_Cm_Hmac_Sha1_80,
    ];
    let [long, short, old] = all;
    let certificate = certificate(&KEY, &KEY);
    let expected = Fingerprint::of(&certificate.certificate[0]);
    for (offered, agreed) in [
        (&all[..], short),
        (&[old, short, long], short),
        (&[old, long], long),
        (&[long], long),
        (&[old], old),
    ] {
        let mut pair = Pair::offering(offered, Some(certificate.clone()), expected);
        pair.run(|_| ()).expect("nothing is wrong");
        assert_eq!(pair.agreed(), Some(agreed), "of {offered:?}");
    }
    // Browsers cut their hello in pieces, and these come in any order.
    for place in [1, 50, 100] {
        let mut pair = Pair::offering(&all, Some(certificate.clone()), expected);
        let cut = |datagram: &mut Vec<u8>| {
            if datagram[0] == HANDSHAKE && datagram[RECORD] == CLIENT_HELLO {
                let [first, second] = pieces(&datagram[RECORD..], place).map(|it| record(HANDSHAKE, 0, &it));
                *datagram = [second.clone(), second, first].concat();
            }
        };
        pair.run(cut).expect("nothing is wrong");
        assert_eq!(pair.agreed(), Some(short), "cut at {place}");
    }
}

/// The two pieces of a message whose body is cut there.
fn pieces(message: &[u8], place: usize) -> [Vec<u8>; 2] {
    let (header, body) = message.split_at(MESSAGE);
    [0..place, place..body.len()].map(|range| {
        let [start, len] = [range.start, range.len()].map(|it| (it as u32).to_be_bytes());
        [&header[..6], &start[1..], &len[1..], &body[range]].concat()
    })
}

#[test]
fn d4_pieces_of_a_hello_are_kept_until_it_is_whole_and_no_more_than_4_kibibytes_of_it() {
    let whole = message(CLIENT_HELLO, 0, &[7; 100]);
    let [first, second] = pieces(&whole, 60);
    let mut hello = Hello::default();
    assert_eq!(hello.take(&whole), Piece::None, "it is in no pieces");
    assert_eq!(hello.take(&first), Piece::Kept);
    // Of another one, which takes its place.
    assert_eq!(
        hello.take(&pieces(&message(CLIENT_HELLO, 1, &[8; 100]), 50)[1]),
        Piece::Kept
    );
    assert_eq!(hello.take(&second), Piece::Kept);
    assert_eq!(hello.take(&first), Piece::Last(whole.clone()));
    assert_eq!(hello.take(&first), Piece::None, "there was a whole one");

    let mut hello = Hello::default();
    let [large, _] = pieces(&message(CLIENT_HELLO, 0, &[7; 5000]), 60);
    let mut endless = first.clone();
    // It goes beyond the end of the message.
    endless[8] = 60;
    let other = message(CERTIFICATE_REQUEST, 0, &[7; 100]);
    for none in [
        &large,
        &endless,
        &pieces(&other, 60)[0],
        &first[..70].to_vec(),
        &first[..5].to_vec(),
    ] {
        assert_eq!(hello.take(none), Piece::None);
    }
}

/// Where the bodies of messages in the clear are in a datagram.
fn bodies(datagram: &[u8]) -> Vec<usize> {
    let (mut at, mut bodies) = (0, Vec::new());
    while at < datagram.len() {
        let end = at + RECORD + usize::from(u16::from_be_bytes([datagram[at + 11], datagram[at + 12]]));
        if datagram[at] == HANDSHAKE && datagram[at + 3..at + 5] == [0, 0] {
            bodies.extend(at + RECORD + MESSAGE..end);
        }
        at = end;
    }
    bodies
}

#[test]
fn d6_a_handshake_by_rsa_in_which_any_byte_was_changed_opens_nothing() {
    let certificate = certificate(&KEY, &KEY);
    let mut said = Vec::new();
    let mut whole = Pair::showing(certificate.clone());
    whole.run(|datagram| said.push(datagram.clone())).expect("connected");
    let mut tried = 0;
    for (number, datagram) in said.iter().enumerate() {
        for place in bodies(datagram).into_iter().step_by(3) {
            let mut pair = Pair::showing(certificate.clone());
            let mut count = 0;
            let _ = pair.run(|datagram| {
                if count == number {
                    datagram[place] ^= 0x41;
                }
                count += 1;
            });
            assert!(count > number && pair.contexts.is_none(), "{number} {place}");
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}

fn message(kind: u8, seq: u16, body: &[u8]) -> Vec<u8> {
    let len = &(body.len() as u32).to_be_bytes()[1..];
    [&[kind], len, &seq.to_be_bytes(), &[0; 3], len, body].concat()
}

fn record(kind: u8, epoch: u16, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u16).to_be_bytes();
    [&[kind, 0xfe, 0xfd], &epoch.to_be_bytes()[..], &[0; 6], &len, body].concat()
}

#[test]
fn a_request_for_certificates_of_ecdsa_asks_for_those_of_rsa_too() {
    // By which kind of key, signed how, and no names of who has signed it.
    let asked = message(CERTIFICATE_REQUEST, 4, &[1, 64, 0, 4, 4, 3, 5, 3, 0, 0]);
    let asking = message(CERTIFICATE_REQUEST, 4, &[2, 64, 1, 0, 6, 4, 3, 5, 3, 4, 1, 0, 0]);
    let (before, behind) = (record(HANDSHAKE, 0, b"before"), record(HANDSHAKE, 0, b"behind"));
    let around = |request: &[u8]| [&before, &record(HANDSHAKE, 0, request), &behind[..]].concat();
    let datagram = around(&asked);
    assert_eq!(beneath::outward(&datagram), around(&asking));
    assert_eq!(beneath::outward(&datagram).len(), datagram.len() + rsa::MORE);
    // What is encrypted, and what is none.
    for other in [record(HANDSHAKE, 1, &asked), record(23, 0, &asked)] {
        assert_eq!(beneath::outward(&other), other);
    }
}

proptest! {
    #[test]
    fn whatever_is_hashed_is_what_leaves(
        messages in vec((prop_oneof![Just(CERTIFICATE_REQUEST), any::<u8>()], vec(any::<u8>(), 0..20)), 0..6),
        noise in vec(any::<u8>(), 0..12),
    ) {
        let messages: Vec<_> = messages.iter().map(|(kind, body)| message(*kind, 0, body)).collect();
        let datagram: Vec<u8> = messages.iter().flat_map(|it| record(HANDSHAKE, 0, it)).collect();
        let completed = beneath::outward(&datagram);
        let (mut at, mut left) = (0, Vec::new());
        while at < completed.len() {
            let end = at + RECORD + usize::from(completed[at + 12]);
            left.extend(&completed[at + RECORD..end]);
            at = end;
        }
        prop_assert_eq!(at, completed.len());
        prop_assert_eq!(&beneath::said(&messages.concat()), &left);
        // What is no whole message stays as it is.
        prop_assert_eq!(beneath::said(&[&messages.concat(), &noise[..]].concat()), [left, noise.clone()].concat());
        let end = [completed, noise.clone()].concat();
        prop_assert_eq!(beneath::outward(&[datagram, noise].concat()), end);
    }

    #[test]
    fn whatever_is_hashed_is_what_has_come(
        offered in vec(any::<[u8; 2]>().prop_filter("nobody offers it", |it| *it != [0xff, 8]), 0..5),
        extensions in vec((any::<u16>(), vec(any::<u8>(), 0..5)), 0..4),
        place in 0..4_usize,
        noise in vec(any::<u8>(), 0..3),
    ) {
        let offered = [&[[0, 8], [0, 7]], &offered[..]].concat().concat();
        let mut extensions = extensions;
        let use_srtp = [&(offered.len() as u16).to_be_bytes()[..], &offered, &[0]].concat();
        extensions.insert(place.min(extensions.len()), (14, use_srtp));
        let field = |body: &[u8]| [&(body.len() as u16).to_be_bytes(), body].concat();
        let extensions = extensions.iter().map(|(kind, body)| [&kind.to_be_bytes()[..], &field(body)].concat());
        let before = [&[0xfe, 0xfd][..], &[7; 32], &[0, 0], &field(&[0xc0, 0x2b]), &[1, 0]].concat();
        let hello = message(CLIENT_HELLO, 0, &[before, field(&extensions.collect::<Vec<_>>().concat())].concat());
        let datagram = [record(HANDSHAKE, 0, &hello), noise].concat();
        let read = beneath::inward(&datagram, &mut Hello::default());
        prop_assert_eq!(read.len(), datagram.len());
        prop_assert_ne!(&read, &datagram);
        prop_assert_eq!(beneath::said(&read[RECORD..RECORD + hello.len()]), hello.clone());
        // And any part of it does no harm.
        for end in 0..hello.len() {
            let part = record(HANDSHAKE, 0, &hello[..end]);
            prop_assert_eq!(beneath::said(&beneath::inward(&part, &mut Hello::default())[RECORD..]), &hello[..end]);
        }
    }
}

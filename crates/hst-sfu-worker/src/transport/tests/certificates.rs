//! Certificates that are not those of the offer, and such as no library makes.

use std::{cell::RefCell, rc::Rc};

use str0m::{config::Fingerprint, crypto::dtls::DtlsCert};

use super::{
    effort::Effort,
    handshake::{
        ALERT, CERTIFICATE, CERTIFICATE_VERIFY, HANDSHAKE, fragment, is_dtls, is_message, record, records, watchdog,
    },
    *,
};

const FINGERPRINT: &str = "a=fingerprint:sha-256 ";

/// How an offer writes the fingerprint of this certificate.
fn fingerprint(certificate: &[u8]) -> String {
    let provider = crypto::from_feature_flags();
    let of = Fingerprint {
        hash_func: "sha-256".to_owned(),
        bytes: provider.sha256_provider.sha256(certificate).to_vec(),
    };
    of.to_string()
}

/// The offer with another line for each fingerprint.
fn with(sdp: &str, instead: &str) -> String {
    let line = |line| match line {
        line if str::starts_with(line, FINGERPRINT) => instead.to_owned(),
        line => format!("{line}\r\n"),
    };
    sdp.lines().map(line).collect()
}

fn certificate() -> DtlsCert {
    let provider = crypto::from_feature_flags().dtls_provider;
    provider.generate_certificate().expect("a certificate")
}

#[test]
fn d7_a_certificate_that_the_offer_does_not_name_opens_nothing() {
    let other = fingerprint(&certificate().certificate);
    let zeros = ["00"; 32].join(":");
    for instead in [
        format!("a=fingerprint:{other}\r\n"),
        format!("{FINGERPRINT}{zeros}\r\n"),
        format!("{FINGERPRINT}00\r\n"),
        "a=fingerprint:sha-256 \r\n".to_owned(),
        format!("a=fingerprint:sha-512 {zeros}\r\n"),
        format!("a=fingerprint:md5 {zeros}\r\n"),
        String::new(),
        format!("a=fingerprint:{other}\r\n").repeat(2),
    ] {
        let offered = Pair::refusable(|config| config, |sdp| with(&sdp, &instead));
        let Ok(mut pair) = offered else { continue };
        pair.run(Duration::from_secs(60));
        assert!(!pair.transport.is_connected(), "{instead}");
        let lost = pair.lost();
        assert!(
            matches!(lost, Some(LostReason::Failed | LostReason::NeverConnected)),
            "{instead} {lost:?}"
        );
        pair.video(1, 500);
        assert_eq!(pair.media(), 0, "{instead}");
        // The next one is served.
        Pair::connected();
    }
}

#[test]
fn d7_a_client_whose_certificate_is_refused_is_told_so_once() {
    let other = format!("a=fingerprint:{}\r\n", fingerprint(&certificate().certificate));
    let mut pair = Pair::offering(|config| config, |sdp| with(&sdp, &other));
    let told = Rc::new(RefCell::new(Vec::new()));
    let copy = told.clone();
    pair.meddle = Box::new(move |way, bytes| {
        if way == Way::ToClient && is_dtls(&bytes) {
            let alerts = records(&bytes).into_iter().filter(|record| record[0] == ALERT);
            copy.borrow_mut().extend(alerts);
        }
        vec![bytes]
    });
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.lost(), Some(LostReason::Failed));
    // Fatal, and readable without any key.
    assert_eq!(*told.borrow(), [record(ALERT, 0, 0xffff_ffff_ffff, &[2, 40])]);
}

#[test]
fn d7_a_fingerprint_is_the_same_in_small_letters() {
    let mut pair = Pair::offering(
        |config| config,
        |sdp| {
            let line = |line: &str| match line.strip_prefix(FINGERPRINT) {
                Some(hash) => format!("{FINGERPRINT}{}\r\n", hash.to_lowercase()),
                None => format!("{line}\r\n"),
            };
            sdp.lines().map(line).collect()
        },
    );
    pair.run(Duration::from_secs(1));
    assert!(pair.transport.is_connected());
}

#[test]
fn d9_a_certificate_with_any_byte_changed_is_refused_though_the_offer_names_it() {
    let certificate = certificate();
    let whole = certificate.certificate.clone();
    for at in (0..whole.len()).step_by(2) {
        let mut changed = whole.clone();
        changed[at] ^= if at % 4 == 0 { 0xff } else { 0x01 };
        let named = format!("a=fingerprint:{}\r\n", fingerprint(&changed));
        let own = certificate.clone();
        let mut pair = Pair::offering(|config| config.set_dtls_cert(own), |sdp| with(&sdp, &named));
        let replaced = Rc::new(RefCell::new(false));
        let (copy, whole) = (replaced.clone(), whole.clone());
        pair.meddle = Box::new(move |way, mut bytes| {
            if way == Way::ToServer && is_dtls(&bytes) {
                let place = bytes.windows(whole.len()).position(|it| it == whole);
                if let Some(place) = place {
                    bytes[place..place + whole.len()].copy_from_slice(&changed);
                    *copy.borrow_mut() = true;
                }
            }
            vec![bytes]
        });
        let effort = Effort::begin();
        pair.run(Duration::from_millis(500));
        assert!(effort.so_far() < watchdog(0), "{:?}", effort.so_far());
        assert!(*replaced.borrow(), "it is sent in one piece");
        assert!(!pair.transport.is_connected(), "byte {at}");
        assert!(
            matches!(pair.lost(), None | Some(LostReason::Failed)),
            "byte {at}: {:?}",
            pair.lost()
        );
    }
}

/// A value in DER (X.690, section 10.1).
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let len = (value.len() as u32).to_be_bytes();
    let len = match value.len() {
        0..0x80 => len[3..].to_vec(),
        0x80..0x1_0000 => [&[0x82][..], &len[2..]].concat(),
        _ => [&[0x84][..], &len].concat(),
    };
    [vec![tag], len, value].concat()
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 2;
const BITS: u8 = 3;
const BYTES: u8 = 4;
const OID: u8 = 6;
/// Algorithms and curves, within what begins their names (RFC 3279 section 2.3, RFC 5480 section 2.1.1).
const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
const ECC: [u8; 5] = [0x2a, 0x86, 0x48, 0xce, 0x3d];
/// How a proof says that it was made: with SHA-256 by RSA or by ECDSA (RFC 5246 section 7.4.1.4.1).
const BY_RSA: [u8; 2] = [4, 1];
const BY_ECDSA: [u8; 2] = [4, 3];

fn oid(parts: &[&[u8]]) -> Vec<u8> {
    der(OID, parts)
}

/// A certificate with this key, signed by nobody.
fn of_key(algorithm: &[u8], key: &[u8], signed_by: &[u8], signature: usize) -> Vec<u8> {
    let key = der(SEQUENCE, &[algorithm, &der(BITS, &[&[0], key])]);
    let time = |text: &[u8]| der(0x17, &[text]);
    let validity = der(SEQUENCE, &[&time(b"250101000000Z"), &time(b"490101000000Z")]);
    let name = der(SEQUENCE, &[]);
    let version = der(0xa0, &[&der(INTEGER, &[&[2]])]);
    let serial = der(INTEGER, &[&[1]]);
    let to_sign = der(SEQUENCE, &[&version, &serial, signed_by, &name, &validity, &name, &key]);
    der(
        SEQUENCE,
        &[&to_sign, signed_by, &der(BITS, &[&[0], &vec![0x5a; signature]])],
    )
}

/// One with a key of RSA of so many bytes.
fn rsa(bytes: usize) -> Vec<u8> {
    let algorithm = |last: u8| der(SEQUENCE, &[&oid(&[&RSA, &[last]]), &der(5, &[])]);
    let modulus = der(INTEGER, &[&[0], &vec![0xa5; bytes]]);
    let key = der(SEQUENCE, &[&modulus, &der(INTEGER, &[&[1, 0, 1]])]);
    of_key(&algorithm(1), &key, &algorithm(11), bytes)
}

/// One with this point on this curve.
fn elliptic(curve: &[u8], point: &[u8]) -> Vec<u8> {
    let algorithm = der(SEQUENCE, &[&oid(&[&ECC, &[2, 1]]), curve]);
    let signed_by = der(SEQUENCE, &[&oid(&[&ECC, &[4, 3, 2]])]);
    of_key(&algorithm, point, &signed_by, 70)
}

/// A curve that the certificate itself describes (RFC 3279 section 2.3.5).
fn explicit(prime: &[u8], base: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| der(INTEGER, &[&[0], bytes]);
    let field = der(SEQUENCE, &[&oid(&[&ECC, &[1, 1]]), &number(prime)]);
    let small = der(BYTES, &[&vec![1; prime.len()]]);
    let curve = der(SEQUENCE, &[&small, &small]);
    let parts = [
        number(&[1]),
        field,
        curve,
        der(BYTES, &[base]),
        number(prime),
        number(&[1]),
    ];
    der(SEQUENCE, &parts.each_ref().map(Vec::as_slice))
}

/// Keys on curves that no browser has, and such as are none.
fn odd() -> Vec<Vec<u8>> {
    let point = |bytes: usize| [vec![4], vec![0x5a; 2 * bytes]].concat();
    let p256 = oid(&[&ECC, &[3, 1, 7]]);
    // Of two primes, and with a base of which a root is to be drawn: for some that has no end.
    let (composite, compressed) = ([0x02, 0xb9], [0x02, 0x00, 0x17]);
    let curves = [
        (explicit(&composite, &compressed), compressed.to_vec()),
        (explicit(&[0xff; 32], &point(32)), point(32)),
        (
            explicit(&vec![0xf1; 4096], &[vec![2], vec![0x77; 4096]].concat()),
            point(4096),
        ),
        (explicit(&[0], &[]), point(32)),
        // secp224r1, secp256k1, sect163k1, brainpoolP256r1.
        (oid(&[&[0x2b, 0x81, 4, 0, 0x21]]), point(28)),
        (oid(&[&[0x2b, 0x81, 4, 0, 0x0a]]), point(32)),
        (oid(&[&[0x2b, 0x81, 4, 0, 1]]), point(21)),
        (oid(&[&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7]]), point(32)),
        // Whatever is meant elsewhere, and nothing.
        (der(5, &[]), point(32)),
        (Vec::new(), point(32)),
        // What is no point of a curve that browsers have, is compressed, at infinity, and missing.
        (p256.clone(), point(32)),
        (p256.clone(), [vec![2], vec![0x5a; 32]].concat()),
        (p256.clone(), vec![0]),
        (p256, Vec::new()),
    ];
    curves.iter().map(|(curve, point)| elliptic(curve, point)).collect()
}

/// The body of a message that shows this certificate, so often in one chain.
fn chain(certificate: &[u8], times: usize) -> Vec<u8> {
    let length = |len: usize| (len as u32).to_be_bytes()[1..].to_vec();
    let chain = [length(certificate.len()), certificate.to_vec()].concat().repeat(times);
    [length(chain.len()), chain].concat()
}

/// The message that is to prove that a key is the client's, instead of this record with his own: this scheme, and so many bytes.
fn unproven(own: &[u8], (scheme, bytes): ([u8; 2], usize)) -> Vec<u8> {
    let proof = [&scheme[..], &(bytes as u16).to_be_bytes(), &vec![0x5a; bytes]].concat();
    let seq = u16::from_be_bytes([own[17], own[18]]);
    let message = fragment(CERTIFICATE_VERIFY, proof.len() as u32, seq, 0, &proof);
    record(HANDSHAKE, 0, u64::from(own[10]), &message)
}

#[test]
fn d9_certificates_of_rsa_without_a_proof_and_chains_of_megabytes_are_refused_at_no_cost() {
    for bytes in [256, 1024, 16 * 1024] {
        shown_is_refused(&rsa(bytes), 1, Some((BY_RSA, bytes)));
    }
    let (own, small) = (certificate().certificate, rsa(256));
    for (leaf, times) in [(&own, 10), (&own, 5_000), (&own, 25_000), (&small, 1), (&small, 10_000)] {
        shown_is_refused(leaf, times, None);
    }
}

#[test]
fn d9_certificates_of_curves_that_are_explicit_odd_or_none_are_refused_at_no_cost() {
    for leaf in odd() {
        for proof in [Some((BY_ECDSA, 70)), Some((BY_RSA, 256)), None] {
            shown_is_refused(&leaf, 1, proof);
        }
    }
}

/// Whoever shows this certificate, so often in one chain, though the offer names it, is not connected and costs little.
fn shown_is_refused(leaf: &[u8], times: usize, proof: Option<([u8; 2], usize)>) {
    let (named, body) = (format!("a=fingerprint:{}\r\n", fingerprint(leaf)), chain(leaf, times));
    let body_datagrams = body.len().div_ceil(1_100);
    let mut pair = Pair::offering(|config| config, |sdp| with(&sdp, &named));
    let shown = Rc::new(RefCell::new(0));
    let copy = shown.clone();
    pair.meddle = Box::new(move |way, bytes| {
        let is_it = |record: &Vec<u8>| is_message(record, CERTIFICATE);
        if way == Way::ToClient || !is_dtls(&bytes) || !records(&bytes).iter().any(is_it) {
            return vec![bytes];
        }
        *copy.borrow_mut() += 1;
        let mut instead = Vec::new();
        let (of_it, mut others): (Vec<_>, Vec<_>) = records(&bytes).into_iter().partition(is_it);
        for record in others.iter_mut().filter(|it| is_message(it, CERTIFICATE_VERIFY)) {
            proof.into_iter().for_each(|proof| *record = unproven(record, proof));
        }
        let seq = u16::from_be_bytes([of_it[0][17], of_it[0][18]]);
        for (number, piece) in body.chunks(1_100).enumerate() {
            let piece = fragment(CERTIFICATE, body.len() as u32, seq, number as u32 * 1_100, piece);
            // Numbers of records that the client itself does not come to.
            instead.push(record(HANDSHAKE, 0, 1_000 + number as u64, &piece));
        }
        instead.push(others.concat());
        instead
    });
    let effort = Effort::begin();
    pair.run(Duration::from_millis(500));
    let took = effort.so_far();
    assert!(
        took < watchdog(body_datagrams),
        "{} bytes: {took:?}",
        leaf.len() * times
    );
    assert!(*shown.borrow() > 0);
    assert!(!pair.transport.is_connected(), "{times} of {} bytes", leaf.len());
    let lost = pair.lost();
    assert_eq!(lost, Some(LostReason::Failed), "{} bytes {times} times", leaf.len());
    Pair::connected();
}

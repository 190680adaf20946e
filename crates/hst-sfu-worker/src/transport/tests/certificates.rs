//! Certificates that are not those of the offer, and such as no library makes.

use std::cell::RefCell;

use str0m::{config::Fingerprint, crypto::dtls::DtlsCert};

use super::{handshake::is_dtls, *};

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
        let replaced = std::rc::Rc::new(RefCell::new(false));
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
        let start = Instant::now();
        pair.run(Duration::from_millis(500));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert!(*replaced.borrow(), "it is sent in one piece");
        assert!(!pair.transport.is_connected(), "byte {at}");
        assert!(
            matches!(pair.lost(), None | Some(LostReason::Failed)),
            "byte {at}: {:?}",
            pair.lost()
        );
    }
}

//! Another implementation reads what this one writes, and this one what that writes.

mod common;

use common::{PROFILES, SSRC, connection, exported, rtcp, rtp};
use hst_srtp::{Profile, Side, contexts};
use rtc_srtp::{
    config::Config,
    context::Context,
    crypto::{RTCCryptoProvider as _, providers::AwsLcRsProvider},
    protection_profile::ProtectionProfile,
};

/// The other implementation as a client: what it sends with, and what it receives with.
fn other(profile: Profile) -> (Context, Context) {
    let theirs = match profile {
        Profile::Aes128CmSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    };
    let mut config = Config {
        profile: theirs,
        ..Config::default()
    };
    config
        .set_session_keys_from_keying_material(&exported(profile), true)
        .expect("enough of it");
    let provider = AwsLcRsProvider::new();
    let context = |key: &[u8], salt: &[u8]| {
        Context::new(key, salt, theirs, None, None, provider.crypto()).expect("the profile's lengths")
    };
    let keys = &config.keys;
    (
        context(&keys.local_master_key, &keys.local_master_salt),
        context(&keys.remote_master_key, &keys.remote_master_salt),
    )
}

/// An RTP packet with two contributing sources and an extension, and the length of its header.
fn with_everything(index: u64) -> (Vec<u8>, usize) {
    let mut packet = rtp(SSRC, index, &[1, 1, 1, 1, 2, 2, 2, 2, 0xbe, 0xde, 0, 1, 0x10, 5, 0, 0]);
    packet[0] = 0x92;
    let header_len = packet.len();
    packet.extend(b"and its payload");
    (packet, header_len)
}

/// Packets around two roll-overs.
fn indices() -> impl Iterator<Item = u64> {
    (60_000..140_000).step_by(1_777)
}

#[test]
fn the_other_implementation_reads_what_is_sent_here() {
    for profile in PROFILES {
        let (mut sender, _) = connection(profile);
        let (_, mut other) = other(profile);
        for index in indices() {
            let (plain, header_len) = with_everything(index);
            let mut packet = plain.clone();
            sender.protect(index, &mut packet, 0, header_len);
            assert_eq!(other.decrypt_rtp(&packet).unwrap(), plain, "{profile:?}");
        }
        for _ in 0..3 {
            let mut packet = rtcp(SSRC);
            sender.protect_rtcp(&mut packet, 0).unwrap();
            assert_eq!(other.decrypt_rtcp(&packet).unwrap(), rtcp(SSRC), "{profile:?}");
        }
    }
}

#[test]
fn what_the_other_implementation_sends_is_read_here() {
    for profile in PROFILES {
        let (_, mut receiver) = contexts(profile, &exported(profile), Side::Server).unwrap();
        let (mut other, _) = other(profile);
        for index in indices() {
            let (plain, header_len) = with_everything(index);
            let mut packet = other.encrypt_rtp(&plain).unwrap();
            let opened = receiver.unprotect(&mut packet).unwrap();
            assert_eq!((opened.index, opened.header_len), (index, header_len), "{profile:?}");
            assert_eq!(packet[..opened.len], plain, "{profile:?}");
        }
        for _ in 0..3 {
            let mut packet = other.encrypt_rtcp(&rtcp(SSRC)).unwrap();
            let len = receiver.unprotect_rtcp(&mut packet).unwrap();
            assert_eq!(packet[..len], rtcp(SSRC), "{profile:?}");
        }
    }
}

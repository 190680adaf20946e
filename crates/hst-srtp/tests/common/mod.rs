//! Two ends of a connection, and packets for them.

#![allow(dead_code, reason = "each test uses a part of it")]

use hst_srtp::{Profile, Receiver, Sender, Side, contexts};

pub(crate) const PROFILES: [Profile; 3] = [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm];
pub(crate) const SSRC: u32 = 0xcafe_babe;

/// Keying material as a handshake exports it: no two bytes of it are alike.
pub(crate) fn exported(profile: Profile) -> Vec<u8> {
    (1..=profile.exported_len() as u8).collect()
}

/// A server that sends, and a client that receives.
pub(crate) fn connection(profile: Profile) -> (Sender, Receiver) {
    let (sender, _) = contexts(profile, &exported(profile), Side::Server).expect("enough of it");
    let (_, receiver) = contexts(profile, &exported(profile), Side::Client).expect("enough of it");
    (sender, receiver)
}

/// A plain RTP packet.
pub(crate) fn rtp(ssrc: u32, index: u64, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend((index as u16).to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// An encrypted RTP packet, whose payload tells its index.
pub(crate) fn sealed(sender: &Sender, ssrc: u32, index: u64) -> Vec<u8> {
    let mut packet = rtp(ssrc, index, &index.to_be_bytes());
    sender.protect(index, &mut packet, 0, 12);
    packet
}

/// A plain RTCP packet: a receiver report about nobody.
pub(crate) fn rtcp(ssrc: u32) -> Vec<u8> {
    [&[0x80, 201, 0, 1][..], &ssrc.to_be_bytes(), b"and what follows"].concat()
}

/// An encrypted one.
pub(crate) fn sealed_rtcp(sender: &mut Sender, ssrc: u32) -> Vec<u8> {
    let mut packet = rtcp(ssrc);
    sender.protect_rtcp(&mut packet, 0).expect("not so many");
    packet
}

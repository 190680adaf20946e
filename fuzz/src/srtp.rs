use hst_srtp::{Profile, Side, contexts};

/// A packet of anybody's, who has no keys, and the same as the other side's, who has: it may be anything behind its tag.
pub fn sealed_packet(data: &[u8]) {
    let Some((kind, packet)) = data.split_first() else {
        return;
    };
    let profiles = [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm];
    let profile = profiles[usize::from(*kind) % profiles.len()];
    let exported = vec![7; profile.exported_len()];
    let (mut sender, _) = contexts(profile, &exported, Side::Client).expect("enough of it");
    let (_, mut receiver) = contexts(profile, &exported, Side::Server).expect("enough of it");
    let untouched = format!("{receiver:?}");
    receiver
        .unprotect(&mut packet.to_vec())
        .expect_err("nobody makes a tag without the keys");
    receiver
        .unprotect_rtcp(&mut packet.to_vec())
        .expect_err("nobody makes a tag without the keys");
    assert_eq!(format!("{receiver:?}"), untouched);

    if packet.len() >= 12 {
        let index = u64::from(u16::from_be_bytes([packet[2], packet[3]]));
        let mut sent = packet.to_vec();
        sender.protect(index, &mut sent, 0, 12);
        if let Ok(opened) = receiver.unprotect(&mut sent) {
            assert_eq!((opened.index, opened.len), (index, packet.len()));
            // Of a header that claims more than its sender left clear, the rest is what he made of it.
            assert!(opened.header_len > 12 || sent[..opened.len] == *packet);
        }
    }
    if packet.len() >= 8 {
        let mut sent = packet.to_vec();
        sender.protect_rtcp(&mut sent, 0).expect("it is the first one");
        if let Ok(len) = receiver.unprotect_rtcp(&mut sent) {
            assert_eq!(sent[..len], *packet);
        }
    }
}

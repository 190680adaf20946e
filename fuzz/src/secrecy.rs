use hst_e2ee::{Codec, FrameCryptor, GroupKey, Header, KeyExchange, Letter, Session};

/// An encrypted frame of anybody's: nobody makes one without the key.
pub fn sealed_frame(data: &[u8]) {
    let Some((kind, sealed)) = data.split_first() else {
        return;
    };
    let codecs = [Codec::Opus, Codec::Vp8];
    let codec = codecs[usize::from(*kind) % codecs.len()];
    let _ = Header::decode(sealed);
    let key = GroupKey::from_bytes(&[7; 32]).expect("a key of 32 bytes");
    let mut cryptor = FrameCryptor::new("group", "receiver", Session::fixed(1));
    cryptor.set_key(0, key);
    let _ = cryptor.open("sender", codec, sealed);
    if let Ok(sent) = cryptor.seal(codec, sealed) {
        let mut other = FrameCryptor::new("group", "other", Session::fixed(2));
        other.set_key(0, GroupKey::from_bytes(&[7; 32]).expect("a key of 32 bytes"));
        assert_eq!(other.open("receiver", codec, &sent).as_deref(), Ok(sealed));
    }
}

/// A letter of the key exchange, from a member and from somebody who is none.
pub fn letter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(letter) = Letter::in_message(text) else { return };
    let mut exchange = KeyExchange::new("group", "ann");
    exchange.handle_members(["bob".to_owned()]);
    for from in ["bob", "mallory", "ann"] {
        exchange.handle_letter(from, &letter);
        while exchange.poll_errand().is_some() {}
    }
}

use aws_lc_rs::{
    cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};

use crate::{Profile, Receiver, Sender, Side, WrongLength, cipher::Cipher, counter::Counter, gcm::Gcm, salt::Salt};

/// The longest key or salt that is derived.
const LONGEST: usize = 32;

/// Which packets a set of session keys is for, by the label of its first key (RFC 3711, section 4.3.2). The labels of the
/// key of its authentication and of its salt follow.
const RTP: u8 = 0;
const RTCP: u8 = 3;

/// Makes both directions of a connection from what its DTLS handshake exported: the key of the client, that of the server,
/// and their salts in the same order (RFC 5764, section 4.2).
///
/// The keys are derived and scheduled here, once; they are wiped when the two are dropped. What derives them leaves traces
/// on the stack.
///
/// # Errors
///
/// When there are not exactly [`Profile::exported_len`] bytes.
pub fn contexts(profile: Profile, exported: &[u8], side: Side) -> Result<(Sender, Receiver), WrongLength> {
    let (needed, given) = (profile.exported_len(), exported.len());
    if given != needed {
        return Err(WrongLength { needed, given });
    }
    let (keys, salts) = exported.split_at(2 * profile.key_len());
    let (client_key, server_key) = keys.split_at(profile.key_len());
    let (client_salt, server_salt) = salts.split_at(profile.salt_len());
    let client = Master::new(client_key, client_salt);
    let server = Master::new(server_key, server_salt);
    let (ours, theirs) = match side {
        Side::Client => (client, server),
        Side::Server => (server, client),
    };
    let sender = Sender::new(profile, ours.cipher(profile, RTP), ours.cipher(profile, RTCP));
    let receiver = Receiver::new(profile, theirs.cipher(profile, RTP), theirs.cipher(profile, RTCP));
    Ok((sender, receiver))
}

/// The key and the salt of one side, from which those of its packets are derived.
struct Master {
    key: EncryptingKey,
    salt: Salt,
}

impl Master {
    fn new(key: &[u8], salt: &[u8]) -> Self {
        // RFC 6188, section 3, for long keys; RFC 7714, section 11, for short salts.
        let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
        let key = UnboundCipherKey::new(algorithm, key).and_then(EncryptingKey::ctr);
        let mut padded = [0; Counter::SALT_LEN];
        padded[..salt.len()].copy_from_slice(salt);
        Self {
            key: key.expect("a profile's key is as long as its cipher's"),
            salt: Salt::new(&padded),
        }
    }

    fn cipher(&self, profile: Profile, first: u8) -> Cipher {
        let [mut key, mut authentication, mut salt] = [[0; LONGEST]; 3];
        let key = &mut key[..profile.key_len()];
        let salt = &mut salt[..profile.salt_len()];
        self.derive(first, key);
        self.derive(first + 2, salt);
        match profile {
            Profile::Aes128CmSha1_80 => {
                let authentication = &mut authentication[..Counter::AUTHENTICATION_KEY_LEN];
                self.derive(first + 1, authentication);
                Cipher::Counter(Box::new(Counter::new(key, authentication, salt)))
            }
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => Cipher::Gcm(Gcm::new(key, salt)),
        }
    }

    /// Fills zeros with a session's key or salt (RFC 3711, section 4.3.3; the derivation rate is 0, as with DTLS).
    fn derive(&self, label: u8, zeros: &mut [u8]) {
        // The label is where the source is in the nonce of a packet.
        let block = (self.salt.mix(label.into(), 0) << 16).to_be_bytes();
        let context = EncryptionContext::Iv128(FixedLength::from(block));
        let done = self.key.less_safe_encrypt(zeros, context);
        done.expect("counter mode takes every length");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::bytes;

    #[test]
    fn session_keys_are_those_of_rfc_3711_appendix_b_3() {
        let master = Master::new(
            &bytes("e1f97a0d3e018be0d64fa32c06de4139"),
            &bytes("0ec675ad498afeebb6960b3aabe6"),
        );
        let derived = |label, len| {
            let mut key = vec![0; len];
            master.derive(label, &mut key);
            key
        };
        assert_eq!(derived(0, 16), bytes("c61e7a93744f39ee10734afe3ff7a087"));
        assert_eq!(derived(2, 14), bytes("30cbbc08863d8c85d49db34a9ae1"));
        let authentication = concat!(
            "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce",
            "e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25",
            "6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2dc68",
        );
        assert_eq!(derived(1, 94), bytes(authentication)[..94]);
    }

    #[test]
    fn keying_material_of_another_length_is_refused() {
        for profile in [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm] {
            let needed = profile.exported_len();
            for given in [0, needed - 1, needed + 1] {
                let made = contexts(profile, &vec![7; given], Side::Client);
                assert_eq!(made.unwrap_err(), WrongLength { needed, given });
            }
            assert!(contexts(profile, &vec![7; needed], Side::Client).is_ok());
        }
    }
}

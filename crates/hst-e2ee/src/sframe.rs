use std::fmt;

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};

use crate::OpenError;

/// AES_128_GCM_SHA256_128, by its number (RFC 9605 section 8.1).
const CIPHER_SUITE: u16 = 4;
/// The bytes of its key.
pub(crate) const KEY_LEN: usize = 16;

/// The header of an encrypted frame (RFC 9605 section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Which key.
    pub kid: u64,
    /// Which frame under that key.
    pub ctr: u64,
}

impl Header {
    /// Its bytes, as few as there can be: 1 to 17.
    pub fn encode(self) -> Vec<u8> {
        let (kid, ctr) = (Field::of(self.kid), Field::of(self.ctr));
        let mut bytes = vec![kid.bits << 4 | ctr.bits];
        bytes.extend_from_slice(kid.bytes());
        bytes.extend_from_slice(ctr.bytes());
        bytes
    }

    /// The header that a frame begins with, and what follows it.
    ///
    /// # Errors
    /// [`OpenError::Malformed`]: it is cut short.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), OpenError> {
        let (&config, rest) = bytes.split_first().ok_or(OpenError::Malformed)?;
        let (kid, rest) = number(config >> 4, rest)?;
        let (ctr, rest) = number(config & 0x0f, rest)?;
        Ok((Self { kid, ctr }, rest))
    }
}

/// One number of a header: itself in three bits, or how many bytes of it follow.
struct Field {
    bits: u8,
    big_endian: [u8; 8],
    len: usize,
}

impl Field {
    fn of(value: u64) -> Self {
        let len = if value < 8 {
            0
        } else {
            (u64::BITS - value.leading_zeros()).div_ceil(8) as usize
        };
        Self {
            bits: if len == 0 { value as u8 } else { 8 | (len - 1) as u8 },
            big_endian: value.to_be_bytes(),
            len,
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.big_endian[8 - self.len..]
    }
}

fn number(bits: u8, rest: &[u8]) -> Result<(u64, &[u8]), OpenError> {
    let value = u64::from(bits & 7);
    if bits & 8 == 0 {
        return Ok((value, rest));
    }
    let (bytes, rest) = rest.split_at_checked(value as usize + 1).ok_or(OpenError::Malformed)?;
    Ok((
        bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)),
        rest,
    ))
}

/// A key of SFrame with the salt of its nonces. It encrypts each counter once: whoever calls sees to that.
pub struct SframeKey {
    kid: u64,
    key: LessSafeKey,
    salt: [u8; NONCE_LEN],
}

impl fmt::Debug for SframeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SframeKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl SframeKey {
    /// Derives both of a base key (RFC 9605 section 4.4.2).
    pub fn derive(kid: u64, base_key: &[u8]) -> Self {
        let label = |of: &str| [of.as_bytes(), &kid.to_be_bytes(), &CIPHER_SUITE.to_be_bytes()].concat();
        let key: [u8; KEY_LEN] = hkdf(base_key, &label("SFrame 1.0 Secret key "));
        let key = UnboundKey::new(&AES_128_GCM, &key).expect("the key has the length of the cipher's");
        Self {
            kid,
            key: LessSafeKey::new(key),
            salt: hkdf(base_key, &label("SFrame 1.0 Secret salt ")),
        }
    }

    /// Encrypts, with the metadata under the same seal; `None` if it is longer than the cipher's limit. The header comes
    /// first, the tag last.
    pub fn seal(&self, ctr: u64, metadata: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = Header { kid: self.kid, ctr }.encode();
        let aad = Aad::from([&sealed, metadata].concat());
        let mut body = plain.to_vec();
        self.key
            .seal_in_place_append_tag(self.nonce(ctr), aad, &mut body)
            .ok()?;
        sealed.append(&mut body);
        Some(sealed)
    }

    /// Decrypts what follows a header of this key.
    ///
    /// # Errors
    /// [`OpenError::Forged`]: of header, metadata and body one is not as it was sealed, or the key is another one.
    pub fn open(&self, ctr: u64, metadata: &[u8], body: &[u8]) -> Result<Vec<u8>, OpenError> {
        let header = Header { kid: self.kid, ctr }.encode();
        let aad = Aad::from([&header, metadata].concat());
        let mut body = body.to_vec();
        let opened = self.key.open_in_place(self.nonce(ctr), aad, &mut body);
        let len = opened.map_err(|_| OpenError::Forged)?.len();
        body.truncate(len);
        Ok(body)
    }

    fn nonce(&self, ctr: u64) -> Nonce {
        let mut nonce = self.salt;
        for (byte, counter) in nonce[NONCE_LEN - 8..].iter_mut().zip(ctr.to_be_bytes()) {
            *byte ^= counter;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// HKDF-SHA256 (RFC 5869) without a salt.
pub(crate) fn hkdf<const LEN: usize>(secret: &[u8], info: &[u8]) -> [u8; LEN] {
    let mut out = [0; LEN];
    let info = [info];
    let key = Salt::none(HKDF_SHA256).extract(secret);
    let okm = key
        .expand(&info, Bytes(LEN))
        .expect("a few bytes are within the limit of HKDF");
    okm.fill(&mut out).expect("it has the length that was asked for");
    out
}

/// So many bytes.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

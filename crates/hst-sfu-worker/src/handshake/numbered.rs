//! Nonces that are the numbers of their records (RFC 5288 section 3), so that none comes twice: dimpl draws each at random. A record
//! is sealed with its number here, and [says so](told) on the way out.

use std::sync::LazyLock;

use dimpl::{
    CryptoError, HashAlgorithm,
    crypto::{
        Aad, Buf, Cipher, Dtls12CipherSuite, Nonce, SupportedDtls12CipherSuite, TmpBuf, aws_lc_rs::default_provider,
    },
};

use super::beneath::RECORD;

/// The part of a nonce that its record says; the rest comes of the handshake.
const EXPLICIT: usize = 8;

/// dimpl's ciphers that have such nonces, of which every browser has one (RFC 8827 section 6.5). Those that count by themselves have
/// nothing to say in their records, which could not be told from the others.
pub(super) fn suites() -> &'static [&'static dyn SupportedDtls12CipherSuite] {
    static SUITES: LazyLock<Vec<Numbered>> = LazyLock::new(|| {
        let all = default_provider().cipher_suites.iter();
        all.filter(|suite| suite.explicit_nonce_len() == EXPLICIT && !suite.suite().is_psk())
            .map(|suite| Numbered(*suite))
            .collect()
    });
    static SHARED: LazyLock<Vec<&'static dyn SupportedDtls12CipherSuite>> =
        LazyLock::new(|| SUITES.iter().map(|suite| suite as _).collect());
    &SHARED
}

/// Writes into each record that is sealed what its nonce was.
pub(super) fn told(datagram: &mut [u8]) {
    let mut rest = datagram;
    while let Some((header, after)) = rest.split_first_chunk_mut::<RECORD>() {
        let len = u16::from_be_bytes([header[11], header[12]]);
        let Some((body, next)) = after.split_at_mut_checked(len.into()) else {
            break;
        };
        let is_sealed = header[3..5] != [0, 0];
        if let Some(nonce) = body.first_chunk_mut::<EXPLICIT>().filter(|_| is_sealed) {
            nonce.copy_from_slice(&header[3..11]);
        }
        rest = next;
    }
}

#[derive(Debug)]
struct Numbered(&'static dyn SupportedDtls12CipherSuite);

#[derive(Debug)]
struct NumberedCipher(Box<dyn Cipher>);

impl SupportedDtls12CipherSuite for Numbered {
    fn suite(&self) -> Dtls12CipherSuite {
        self.0.suite()
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        self.0.hash_algorithm()
    }

    fn key_lengths(&self) -> (usize, usize, usize) {
        self.0.key_lengths()
    }

    fn explicit_nonce_len(&self) -> usize {
        self.0.explicit_nonce_len()
    }

    fn tag_len(&self) -> usize {
        self.0.tag_len()
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        Ok(Box::new(NumberedCipher(self.0.create_cipher(key)?)))
    }
}

impl Cipher for NumberedCipher {
    /// What is authenticated begins with the record's number.
    fn encrypt(&mut self, plaintext: &mut Buf, aad: Aad, mut nonce: Nonce) -> Result<(), CryptoError> {
        let number = aad.0.first_chunk::<EXPLICIT>().ok_or(CryptoError::InvalidNonce)?;
        *nonce.0.last_chunk_mut().ok_or(CryptoError::InvalidNonce)? = *number;
        self.0.encrypt(plaintext, aad, nonce)
    }

    fn decrypt(&mut self, ciphertext: &mut TmpBuf, aad: Aad, nonce: Nonce) -> Result<(), CryptoError> {
        self.0.decrypt(ciphertext, aad, nonce)
    }
}

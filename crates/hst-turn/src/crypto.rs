//! The two sums that STUN needs, by the one cryptography of the house.

use std::sync::{Arc, LazyLock};

use rtc_stun::crypto::{HashAlgorithm, HmacAlgorithm, RTCCrypto, RTCCryptoProvider, default_provider};

static PROVIDER: LazyLock<Arc<dyn RTCCryptoProvider>> =
    LazyLock::new(|| default_provider().expect("aws-lc-rs is built in"));

pub(crate) fn crypto() -> &'static dyn RTCCrypto {
    PROVIDER.crypto()
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    PROVIDER.random().fill(&mut bytes).expect("the system has randomness");
    bytes
}

pub(crate) fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut sum = [0; 20];
    let mac = crypto().new_hmac(HmacAlgorithm::Sha1, key);
    mac.and_then(|mut mac| mac.sign(parts, &mut sum))
        .expect("HMAC-SHA1 takes any key and has 20 bytes");
    sum
}

pub(crate) fn md5(text: &[u8]) -> Vec<u8> {
    crypto().hash(HashAlgorithm::Md5, text).expect("MD5 is built in")
}

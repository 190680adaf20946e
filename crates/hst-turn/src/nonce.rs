use std::net::IpAddr;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::crypto::{hmac_sha1, random};

/// How long a nonce is good, in seconds (RFC 8656 section 5 recommends at least an hour).
const LIFETIME: u64 = 60 * 60;
/// The time it was made, and a sum over that and the client's address.
const TIME: usize = 4;
const SUM: usize = 8;

/// Makes and knows nonces, and keeps none of them.
#[derive(Debug)]
pub(crate) struct Nonces {
    key: [u8; 20],
}

impl Nonces {
    pub(crate) fn new() -> Self {
        Self { key: random() }
    }

    /// One for this client; 16 characters. `now` is in seconds.
    pub(crate) fn make(&self, now: u64, ip: IpAddr) -> String {
        let time = (now as u32).to_be_bytes();
        BASE64_URL_SAFE_NO_PAD.encode([&time[..], &self.sum(time, ip)].concat())
    }

    pub(crate) fn is_good(&self, now: u64, ip: IpAddr, nonce: &[u8]) -> bool {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(nonce).unwrap_or_default();
        let Some((time, sum)) = decoded.split_first_chunk::<TIME>() else {
            return false;
        };
        // A nonce protects nothing that is secret, so that it need not be compared in constant time.
        let age = (now as u32).wrapping_sub(u32::from_be_bytes(*time));
        sum == self.sum(*time, ip) && u64::from(age) < LIFETIME
    }

    fn sum(&self, time: [u8; TIME], ip: IpAddr) -> [u8; SUM] {
        let ip = match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let sum = hmac_sha1(&self.key, &[&time, &ip.octets()]);
        *sum.first_chunk().expect("20 bytes are more than 8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u6_a_nonce_is_good_for_its_client_and_an_hour() {
        let (nonces, ip) = (Nonces::new(), IpAddr::from([192, 0, 2, 1]));
        let nonce = nonces.make(1_000, ip);
        assert_eq!(nonce.len(), 16);
        for (now, ip, is_good) in [
            (1_000, ip, true),
            (4_599, ip, true),
            (4_600, ip, false),
            (999, ip, false),
            (1_000, IpAddr::from([192, 0, 2, 2]), false),
        ] {
            assert_eq!(nonces.is_good(now, ip, nonce.as_bytes()), is_good, "{now} {ip}");
        }
        for forged in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAA",
            &nonce[..15],
            &format!("{nonce}AAAA"),
            "\u{fffd}",
        ] {
            assert!(!nonces.is_good(1_000, ip, forged.as_bytes()), "{forged}");
        }
        assert!(!Nonces::new().is_good(1_000, ip, nonce.as_bytes()), "another key");
    }
}

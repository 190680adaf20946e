use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::{
    Refused,
    cipher::{ENCRYPTED, WORD_LEN},
    header::{RTCP_HEADER_LEN, rtcp_ssrc, rtp_ssrc},
    salt::Salt,
};

/// AES in Galois/counter mode (RFC 7714). The key is wiped when it is dropped.
pub(crate) struct Gcm {
    key: LessSafeKey,
    salt: Salt,
}

impl Gcm {
    pub(crate) const TAG_LEN: usize = 16;
    pub(crate) const SALT_LEN: usize = 12;

    pub(crate) fn new(key: &[u8], salt: &[u8]) -> Self {
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = UnboundKey::new(algorithm, key).expect("a profile's key is as long as its cipher's");
        Self {
            key: LessSafeKey::new(key),
            salt: Salt::new(salt),
        }
    }

    pub(crate) fn seal_rtp(&self, index: u64, buffer: &mut Vec<u8>, start: usize, header_len: usize) {
        let (header, body) = buffer[start..].split_at_mut(header_len);
        let tag = self.seal(rtp_ssrc(header), index, header, body);
        buffer.extend_from_slice(&tag);
    }

    pub(crate) fn seal_rtcp(&self, index: u32, buffer: &mut Vec<u8>, start: usize) {
        let (header, body) = buffer[start..].split_at_mut(RTCP_HEADER_LEN);
        let word = (ENCRYPTED | index).to_be_bytes();
        let tag = self.seal(rtcp_ssrc(header), index.into(), &rtcp_clear(header, word), body);
        buffer.extend_from_slice(&tag);
        buffer.extend_from_slice(&word);
    }

    pub(crate) fn open_rtp(&self, index: u64, packet: &mut [u8], header_len: usize) -> Result<usize, Refused> {
        let (header, sealed) = packet.split_at_mut_checked(header_len).ok_or(Refused::Malformed)?;
        let body_len = self.open(rtp_ssrc(header), index, header, sealed)?;
        Ok(header_len + body_len)
    }

    pub(crate) fn open_rtcp(&self, word: u32, packet: &mut [u8]) -> Result<usize, Refused> {
        let len = packet.len().saturating_sub(WORD_LEN);
        let packet = packet[..len].split_at_mut_checked(RTCP_HEADER_LEN);
        let (header, sealed) = packet.ok_or(Refused::Malformed)?;
        let clear = rtcp_clear(header, word.to_be_bytes());
        let body_len = self.open(rtcp_ssrc(header), u64::from(word & !ENCRYPTED), &clear, sealed)?;
        Ok(RTCP_HEADER_LEN + body_len)
    }

    fn seal(&self, ssrc: u32, index: u64, clear: &[u8], body: &mut [u8]) -> [u8; Self::TAG_LEN] {
        let nonce = self.nonce(ssrc, index);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(clear), body);
        let tag = tag.expect("a packet is shorter than what GCM takes");
        *tag.as_ref().first_chunk().expect("the tag of GCM has 16 bytes")
    }

    fn open(&self, ssrc: u32, index: u64, clear: &[u8], sealed: &mut [u8]) -> Result<usize, Refused> {
        let (body, tag) = sealed
            .split_last_chunk_mut::<{ Self::TAG_LEN }>()
            .ok_or(Refused::Malformed)?;
        let nonce = self.nonce(ssrc, index);
        let opened = self.key.open_in_place_separate_tag(nonce, Aad::from(clear), tag, body);
        Ok(opened.map_err(|_| Refused::Forged)?.len())
    }

    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let block = self.salt.mix(ssrc, index).to_be_bytes();
        Nonce::assume_unique_for_key(*block.last_chunk().expect("12 of 16 bytes"))
    }
}

/// What of an RTCP packet is authenticated and not encrypted (RFC 7714, section 9.2).
fn rtcp_clear(header: &[u8], word: [u8; WORD_LEN]) -> [u8; RTCP_HEADER_LEN + WORD_LEN] {
    let mut clear = [0; RTCP_HEADER_LEN + WORD_LEN];
    clear[..RTCP_HEADER_LEN].copy_from_slice(header);
    clear[RTCP_HEADER_LEN..].copy_from_slice(&word);
    clear
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::bytes;

    const RTP: &str = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976697361\
                       20696e207061727465732074726573";
    const RTCP: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61\
                        deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
    /// Of the key's length in bytes: the encrypted RTP packet (sections 16.1.1 and 16.2.1), and that of RTCP with the index
    /// 0x5d4 (sections 17.1 and 17.2).
    const SEALED: [(u8, &str, &str); 2] = [
        (
            16,
            "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b\
             36de3adf8833899d7f27beb16a9152cf765ee4390cce",
            "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda\
             4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4",
        ),
        (
            32,
            "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f\
             1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
            "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be\
             8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
        ),
    ];

    fn gcm(key_len: u8) -> Gcm {
        Gcm::new(&(0..key_len).collect::<Vec<_>>(), b"Quid pro quo")
    }

    #[test]
    fn packets_are_those_of_rfc_7714_sections_16_and_17() {
        for (key_len, rtp, rtcp) in SEALED {
            let mut buffer = bytes(RTP);
            gcm(key_len).seal_rtp(0xf17b, &mut buffer, 0, 12);
            assert_eq!(buffer, bytes(rtp));
            assert_eq!(gcm(key_len).open_rtp(0xf17b, &mut buffer, 12), Ok(50));
            assert_eq!(buffer[..50], bytes(RTP));

            let mut buffer = bytes(RTCP);
            gcm(key_len).seal_rtcp(0x5d4, &mut buffer, 0);
            assert_eq!(buffer, bytes(rtcp));
            assert_eq!(gcm(key_len).open_rtcp(0x8000_05d4, &mut buffer), Ok(52));
            assert_eq!(buffer[..52], bytes(RTCP));
        }
    }
}

use aws_lc_rs::{
    cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey},
    constant_time, hmac,
    iv::FixedLength,
};

use crate::{
    Refused,
    cipher::{ENCRYPTED, WORD_LEN},
    header::{RTCP_HEADER_LEN, rtcp_ssrc, rtp_ssrc},
    salt::Salt,
};

/// AES in counter mode, and HMAC-SHA1 cut to 80 bits (RFC 3711, section 4).
///
/// Both wipe their keys when they are dropped. SHA-1 is what the RFC has; an HMAC does not need it to resist collisions.
pub(crate) struct Counter {
    key: EncryptingKey,
    authentication: hmac::Key,
    salt: Salt,
}

impl Counter {
    pub(crate) const TAG_LEN: usize = 10;
    pub(crate) const SALT_LEN: usize = 14;
    pub(crate) const AUTHENTICATION_KEY_LEN: usize = 20;

    pub(crate) fn new(key: &[u8], authentication: &[u8], salt: &[u8]) -> Self {
        let key = UnboundCipherKey::new(&AES_128, key).and_then(EncryptingKey::ctr);
        Self {
            key: key.expect("a profile's key is as long as its cipher's"),
            authentication: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, authentication),
            salt: Salt::new(salt),
        }
    }

    pub(crate) fn seal_rtp(&self, index: u64, buffer: &mut Vec<u8>, start: usize, header_len: usize) {
        let (header, body) = buffer[start..].split_at_mut(header_len);
        self.crypt(rtp_ssrc(header), index, body);
        let tag = self.tag(&buffer[start..], &rollover(index));
        buffer.extend_from_slice(&tag);
    }

    pub(crate) fn seal_rtcp(&self, index: u32, buffer: &mut Vec<u8>, start: usize) {
        let (header, body) = buffer[start..].split_at_mut(RTCP_HEADER_LEN);
        self.crypt(rtcp_ssrc(header), index.into(), body);
        buffer.extend_from_slice(&(ENCRYPTED | index).to_be_bytes());
        let tag = self.tag(&buffer[start..], &[]);
        buffer.extend_from_slice(&tag);
    }

    pub(crate) fn open_rtp(&self, index: u64, packet: &mut [u8], header_len: usize) -> Result<usize, Refused> {
        let len = self.authenticate(packet, &rollover(index))?;
        let (header, body) = packet[..len]
            .split_at_mut_checked(header_len)
            .ok_or(Refused::Malformed)?;
        self.crypt(rtp_ssrc(header), index, body);
        Ok(len)
    }

    pub(crate) fn open_rtcp(&self, word: u32, packet: &mut [u8]) -> Result<usize, Refused> {
        let len = self.authenticate(packet, &[])?.saturating_sub(WORD_LEN);
        let packet = packet[..len].split_at_mut_checked(RTCP_HEADER_LEN);
        let (header, body) = packet.ok_or(Refused::Malformed)?;
        self.crypt(rtcp_ssrc(header), u64::from(word & !ENCRYPTED), body);
        Ok(len)
    }

    /// Encrypts or decrypts, which is the same.
    fn crypt(&self, ssrc: u32, index: u64, body: &mut [u8]) {
        let block = (self.salt.mix(ssrc, index) << 16).to_be_bytes();
        let context = EncryptionContext::Iv128(FixedLength::from(block));
        let done = self.key.less_safe_encrypt(body, context);
        done.expect("counter mode takes every length");
    }

    /// Compares the tag at the end, in a time that does not tell where it differs. The result is the length before it.
    fn authenticate(&self, packet: &[u8], rollover: &[u8]) -> Result<usize, Refused> {
        let (packet, given) = packet
            .split_last_chunk::<{ Self::TAG_LEN }>()
            .ok_or(Refused::Malformed)?;
        constant_time::verify_slices_are_equal(&self.tag(packet, rollover), given).map_err(|_| Refused::Forged)?;
        Ok(packet.len())
    }

    fn tag(&self, packet: &[u8], rollover: &[u8]) -> [u8; Self::TAG_LEN] {
        let mut context = hmac::Context::with_key(&self.authentication);
        context.update(packet);
        context.update(rollover);
        let tag = context.sign();
        *tag.as_ref().first_chunk().expect("SHA-1 makes 20 bytes")
    }
}

/// What is authenticated with an RTP packet although it is not sent (RFC 3711, section 4.2).
fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stream_is_that_of_rfc_3711_appendix_b_2() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let salt = &0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_0000_u128.to_be_bytes()[..14];
        let counter = Counter::new(&key, &[0; 20], salt);
        let mut stream = vec![0; 0xff02 * 16];
        counter.crypt(0, 0, &mut stream);
        let block = |at: usize| u128::from_be_bytes(stream[at * 16..][..16].try_into().unwrap());
        assert_eq!(block(0x0000), 0xe03e_ad09_35c9_5e80_e166_b16d_d92b_4eb4);
        assert_eq!(block(0x0001), 0xd235_1316_2b02_d0f7_2a43_a2fe_4a5f_97ab);
        assert_eq!(block(0x0002), 0x41e9_5b3b_b0a2_e8dd_4779_01e4_fca8_94c0);
        assert_eq!(block(0xfeff), 0xec8c_df73_9860_7cb0_f2d2_1675_ea9e_a1e4);
        assert_eq!(block(0xff00), 0x362b_7c3c_6773_5163_18a0_77d7_fc50_73ae);
        assert_eq!(block(0xff01), 0x6a2c_c378_7889_374f_beb4_c81b_17ba_6c44);
    }

    #[test]
    fn a_packet_of_the_other_side_that_has_a_tag_and_no_header_is_refused() {
        let counter = Counter::new(&[1; 16], &[2; 20], &[3; 14]);
        for len in 0..12 {
            let with_tag = |rollover: &[u8]| [&vec![0x80; len][..], &counter.tag(&vec![0x80; len], rollover)].concat();
            assert_eq!(counter.open_rtp(0, &mut with_tag(&[0; 4]), 12), Err(Refused::Malformed));
            assert_eq!(
                counter.open_rtcp(ENCRYPTED, &mut with_tag(&[])),
                Err(Refused::Malformed)
            );
        }
    }
}

//! A client that has the keys and holds to nothing else: any RTP and RTCP, encrypted and signed as agreed (RFC 7714).

use str0m::crypto::{AeadAes128Gcm, dtls::SrtpProfile};

use super::*;

const KEY: usize = AeadAes128Gcm::KEY_LEN;
const SALT: usize = AeadAes128Gcm::SALT_LEN;
const TAG: usize = AeadAes128Gcm::TAG_LEN;
/// Labels of the keys that are made of the master key (RFC 3711 section 4.3).
const RTP: u8 = 0;
const RTCP: u8 = 3;
const SALT_OF: u8 = 2;

#[derive(Debug)]
pub(super) struct Forger {
    master: [u8; KEY],
    master_salt: [u8; SALT],
    /// How many RTCP packets it has made.
    reports: u32,
}

impl Forger {
    /// One with the keys of this thread's last client.
    pub(super) fn new() -> Self {
        let agreed = spy::agreed().expect("it is connected");
        assert_eq!(agreed.profile, SrtpProfile::AEAD_AES_128_GCM);
        // Both keys, and behind them both salts: the DTLS client's first (RFC 5764 section 4.2).
        let at = usize::from(!agreed.is_active);
        let (keys, salts) = agreed.keys.split_at(2 * KEY);
        Self {
            master: keys[at * KEY..][..KEY].try_into().expect("a key"),
            master_salt: salts[at * SALT..][..SALT].try_into().expect("a salt"),
            // Beyond those that the client itself has used.
            reports: 1_000_000,
        }
    }

    /// An RTP packet. The header's length is what it says itself, as far as there are as many bytes.
    pub(super) fn rtp(&self, plain: &[u8], rollovers: u32) -> Vec<u8> {
        let (header, payload) = plain.split_at(header_len(plain).min(plain.len()));
        let word = |at| u32::from_be_bytes(plain[at..at + 4].try_into().expect("a header"));
        let seq = u16::from_be_bytes([plain[2], plain[3]]);
        let iv = AeadAes128Gcm::rtp_iv(self.derive(RTP + SALT_OF), word(8), rollovers, seq);
        [header.to_vec(), self.seal(RTP, &iv, header, payload)].concat()
    }

    /// An RTCP packet, whatever is in it.
    pub(super) fn rtcp(&mut self, plain: &[u8]) -> Vec<u8> {
        self.reports += 1;
        let (header, rest) = plain.split_at(8);
        let ssrc = u32::from_be_bytes(header[4..].try_into().expect("four bytes"));
        let iv = AeadAes128Gcm::rtcp_iv(self.derive(RTCP + SALT_OF), ssrc, self.reports);
        let index = (self.reports | 1 << 31).to_be_bytes();
        let sealed = self.seal(RTCP, &iv, &[header, &index].concat(), rest);
        [header.to_vec(), sealed, index.to_vec()].concat()
    }

    fn seal(&self, label: u8, iv: &[u8; SALT], aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let ciphers = crypto::from_feature_flags().srtp_provider.aead_aes_128_gcm();
        let mut sealed = vec![0; plain.len() + TAG];
        let mut cipher = ciphers.create_cipher(self.derive(label), true);
        cipher.encrypt(iv, aad, plain, &mut sealed).expect("room");
        sealed
    }

    fn derive<const LEN: usize>(&self, label: u8) -> [u8; LEN] {
        let provider = crypto::from_feature_flags().srtp_provider;
        let mut input = [0; 16];
        input[..SALT].copy_from_slice(&self.master_salt);
        input[7] ^= label;
        let mut derived = [0; LEN];
        for (round, part) in derived.chunks_mut(16).enumerate() {
            input[15] = round as u8;
            let mut block = [0; 32];
            provider.srtp_aes_128_ecb_round(&self.master, &input, &mut block);
            part.copy_from_slice(&block[..part.len()]);
        }
        derived
    }
}

/// The length that an RTP header says it has (RFC 3550 section 5.1).
fn header_len(plain: &[u8]) -> usize {
    let fixed = 12 + 4 * usize::from(plain[0] & 0x0f);
    let has_extension = plain[0] & 0x10 != 0;
    let words = |at: usize| Some(usize::from(u16::from_be_bytes([*plain.get(at)?, *plain.get(at + 1)?])));
    match has_extension {
        true => fixed + 4 + 4 * words(fixed + 2).unwrap_or(0),
        false => fixed,
    }
}

/// An RTP packet that can be told apart and changed.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) first: u8,
    pub(super) payload_type: u8,
    pub(super) seq: u16,
    pub(super) timestamp: u32,
    pub(super) ssrc: u32,
    /// What stands between the fixed header and the payload.
    pub(super) more: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

impl Draft {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.first, self.payload_type];
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        [bytes, self.more.clone(), self.payload.clone()].concat()
    }

    /// The same with these header extensions, in the form with one byte (RFC 8285 section 4.2).
    pub(super) fn extended(mut self, elements: &[u8]) -> Self {
        let mut elements = elements.to_vec();
        elements.resize(elements.len().next_multiple_of(4), 0);
        self.first |= 0x10;
        self.more = [&[0xbe, 0xde][..], &(elements.len() as u16 / 4).to_be_bytes(), &elements].concat();
        self
    }
}

impl Pair {
    /// A packet of the camera, as it should be.
    pub(super) fn draft(&mut self, seq: u16) -> Draft {
        let mut config = self.client.codec_config().iter();
        let pt = config.find(|it| it.spec().codec == Codec::Vp8).expect("VP8").pt();
        let mut api = self.client.direct_api();
        let ssrc = *api
            .stream_tx_by_mid(self.camera, None)
            .expect("the camera's stream")
            .ssrc();
        Draft {
            first: 0x80,
            payload_type: *pt,
            seq,
            timestamp: u32::from(seq) * 3000,
            ssrc,
            more: Vec::new(),
            payload: vec![0x10; 40],
        }
    }

    /// Receives what the forger has made of this; says whether it came through as media.
    pub(super) fn takes(&mut self, forger: &Forger, draft: &Draft) -> bool {
        self.receive(&forger.rtp(&draft.bytes(), 0));
        self.media() > 0
    }
}

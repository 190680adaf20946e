use crate::{Refused, counter::Counter, gcm::Gcm};

/// A bit in the word behind each RTCP packet: it is encrypted. The other 31 bits are its index (RFC 3711, section 3.4).
pub(crate) const ENCRYPTED: u32 = 1 << 31;
/// The length of that word.
pub(crate) const WORD_LEN: usize = 4;

/// The keys for RTP or RTCP in one direction, scheduled once and for all.
pub(crate) enum Cipher {
    /// In a box because it has 1.7 KB, which would be of no use to GCM.
    Counter(Box<Counter>),
    Gcm(Gcm),
}

impl Cipher {
    pub(crate) fn is_gcm(&self) -> bool {
        matches!(self, Self::Gcm(_))
    }

    /// Encrypts the RTP packet that begins at `start`, and appends its tag.
    pub(crate) fn seal_rtp(&self, index: u64, buffer: &mut Vec<u8>, start: usize, header_len: usize) {
        match self {
            Self::Counter(counter) => counter.seal_rtp(index, buffer, start, header_len),
            Self::Gcm(gcm) => gcm.seal_rtp(index, buffer, start, header_len),
        }
    }

    /// Encrypts the RTCP packet that begins at `start`, and appends its tag and its index.
    pub(crate) fn seal_rtcp(&self, index: u32, buffer: &mut Vec<u8>, start: usize) {
        match self {
            Self::Counter(counter) => counter.seal_rtcp(index, buffer, start),
            Self::Gcm(gcm) => gcm.seal_rtcp(index, buffer, start),
        }
    }

    /// The word with the index of an RTCP packet, where there is one: with GCM behind the tag, else before it.
    pub(crate) fn rtcp_word(&self, packet: &[u8]) -> Option<u32> {
        let end = match self {
            Self::Counter(_) => packet.len().checked_sub(Counter::TAG_LEN)?,
            Self::Gcm(_) => packet.len(),
        };
        packet[..end].last_chunk().copied().map(u32::from_be_bytes)
    }

    /// Checks an RTP packet and decrypts what is behind its header. The result is the length without the tag.
    pub(crate) fn open_rtp(&self, index: u64, packet: &mut [u8], header_len: usize) -> Result<usize, Refused> {
        match self {
            Self::Counter(counter) => counter.open_rtp(index, packet, header_len),
            Self::Gcm(gcm) => gcm.open_rtp(index, packet, header_len),
        }
    }

    /// Checks an RTCP packet whose word is known, and decrypts it. The result is the length without tag and word.
    pub(crate) fn open_rtcp(&self, word: u32, packet: &mut [u8]) -> Result<usize, Refused> {
        match self {
            Self::Counter(counter) => counter.open_rtcp(word, packet),
            Self::Gcm(gcm) => gcm.open_rtcp(word, packet),
        }
    }
}

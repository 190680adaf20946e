use std::{fmt, hint::black_box};

use crate::{
    Exhausted, Profile,
    cipher::{Cipher, ENCRYPTED, WORD_LEN},
    gcm::Gcm,
    header::{RTCP_HEADER_LEN, RTP_HEADER_LEN, rtp_sequence},
};

/// How many indices there are for the packets of a source: what the roll-over count and the sequence number can say.
const INDICES: u64 = 1 << 48;
/// The longest packet. UDP carries none that is longer, and in counter mode one of a mebibyte would run into the key
/// stream of the next.
const LONGEST: usize = u16::MAX as usize;

/// Encrypts what is sent, in the buffer from which it is sent.
///
/// Of RTP it remembers nothing, so that one of them serves any number of sources and threads at once.
pub struct Sender {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    /// One count for all sources: of one it only has to rise (RFC 3711, section 3.4).
    next_rtcp: u32,
}

impl Sender {
    /// By how many bytes an RTP packet grows at most, whichever the profile.
    pub const MAX_OVERHEAD: usize = Gcm::TAG_LEN;
    /// By how many bytes an RTCP packet grows at most, whichever the profile: its tag and its index.
    pub const MAX_RTCP_OVERHEAD: usize = Gcm::TAG_LEN + WORD_LEN;

    pub(crate) fn new(profile: Profile, rtp: Cipher, rtcp: Cipher) -> Self {
        Self {
            profile,
            rtp,
            rtcp,
            next_rtcp: 0,
        }
    }

    /// By how many bytes an RTP packet grows.
    pub fn overhead(&self) -> usize {
        self.profile.overhead()
    }

    /// Reads what [`protect`](Self::protect) will use, and does nothing with it: read early, it has come from memory by then. Of the
    /// key itself nothing can be seen.
    pub fn foresee(&self) {
        black_box((self.profile, self.rtp.is_gcm()));
    }

    /// Encrypts the RTP packet from `start` to the end of `buffer` in place, and appends its tag. Its header, with
    /// contributing sources and extension, has `header_len` bytes and stays readable. Nothing is allocated where the
    /// buffer has room for [`overhead`](Self::overhead) more bytes.
    ///
    /// `index` is how often the sequence number of this source has rolled over, times 2^16, plus the sequence number. It
    /// should begin below 2^15: a receiver that misses the first packets cannot see a roll-over among them.
    ///
    /// **The same source and index must never be given twice with different bytes**, and those of the header count, too:
    /// whoever has both packets then sees how their payloads differ, and with GCM forges others. So a packet that is sent
    /// again goes out exactly as before, or under an index or a source of its own.
    ///
    /// # Panics
    ///
    /// When what it is told contradicts itself: a packet shorter than its header or longer than 65,535 bytes, a header
    /// shorter than 12 bytes, an index that is not of the packet's sequence number or not below 2^48.
    pub fn protect(&self, index: u64, buffer: &mut Vec<u8>, start: usize, header_len: usize) {
        let packet = &buffer[start..];
        assert!(
            (header_len..=LONGEST).contains(&packet.len()),
            "a packet is longer than its header"
        );
        assert!(header_len >= RTP_HEADER_LEN, "an RTP header has 12 bytes");
        assert!(index < INDICES, "an index has 48 bits");
        assert_eq!(
            index as u16,
            rtp_sequence(packet),
            "an index ends in the sequence number"
        );
        self.rtp.seal_rtp(index, buffer, start, header_len);
    }

    /// Encrypts the compound RTCP packet from `start` to the end of `buffer` in place, and appends its tag and its index.
    ///
    /// # Errors
    ///
    /// When 2^31 packets have been sent, which at a hundred in a second takes eight months. The packet is as it was.
    ///
    /// # Panics
    ///
    /// When the packet is shorter than 8 bytes, which none is, or longer than 65,535.
    pub fn protect_rtcp(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), Exhausted> {
        let len = buffer[start..].len();
        assert!(
            (RTCP_HEADER_LEN..=LONGEST).contains(&len),
            "an RTCP packet has a header"
        );
        if self.next_rtcp == ENCRYPTED {
            return Err(Exhausted);
        }
        self.rtcp.seal_rtcp(self.next_rtcp, buffer, start);
        self.next_rtcp += 1;
        Ok(())
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Exhausted, Profile, Side, contexts};

    #[test]
    fn no_index_of_an_rtcp_packet_is_used_twice() {
        let (mut sender, _) = contexts(Profile::AeadAes128Gcm, &[7; 56], Side::Client).unwrap();
        sender.next_rtcp = (1 << 31) - 1;
        let mut buffer = vec![0x80; 8];
        assert_eq!(sender.protect_rtcp(&mut buffer, 0), Ok(()));
        assert!(buffer.ends_with(&[0xff; 4]));
        let mut buffer = vec![0x80; 8];
        assert_eq!(sender.protect_rtcp(&mut buffer, 0), Err(Exhausted));
        assert_eq!(sender.protect_rtcp(&mut buffer, 0), Err(Exhausted));
        assert_eq!(buffer, [0x80; 8]);
    }
}

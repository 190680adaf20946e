use std::{fmt, hint::black_box};

use crate::{
    Profile, Refused,
    cipher::{Cipher, ENCRYPTED},
    header::{RtpHeader, is_rtcp, rtcp_ssrc},
    sources::Sources,
};

/// How many sources are remembered of RTP, and as many of RTCP.
///
/// When there are more, that which has been silent for the longest is forgotten. Should it be heard again, it is as if for
/// the first time: what it sent before could then be replayed once, and if its sequence numbers have rolled over, it stays
/// refused. Only who has the keys can add a source, so that this is at the cost of the other side alone.
pub const MAX_SOURCES: usize = 512;

/// Checks and decrypts what is received, in the buffer into which it came.
///
/// It remembers each source (SSRC) with the packets that came of it lately. Only a packet that is proven to be genuine
/// changes what is remembered.
pub struct Receiver {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    rtp_sources: Sources,
    rtcp_sources: Sources,
}

/// An RTP packet that was genuine and is decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// How often the source's sequence number has rolled over, times 2^16, plus the sequence number.
    pub index: u64,
    /// The bytes of the header, with contributing sources and extension.
    pub header_len: usize,
    /// The bytes of the packet. What is behind them in the buffer is of no use.
    pub len: usize,
}

impl Receiver {
    pub(crate) fn new(profile: Profile, rtp: Cipher, rtcp: Cipher) -> Self {
        Self {
            profile,
            rtp,
            rtcp,
            rtp_sources: Sources::new(MAX_SOURCES),
            rtcp_sources: Sources::new(MAX_SOURCES),
        }
    }

    /// Reads what [`unprotect_rtcp`](Self::unprotect_rtcp) will use, and does nothing with it: read early, it has come from memory
    /// by then. Of the key itself nothing can be seen.
    pub fn foresee_rtcp(&self) {
        black_box((self.profile, self.rtcp.is_gcm()));
        self.rtcp_sources.foresee();
    }

    /// Checks and decrypts an RTP packet in place. It may come up to [`WINDOW`](crate::WINDOW) packets late.
    ///
    /// # Errors
    ///
    /// When it must not be used; see [`Refused`].
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Result<Opened, Refused> {
        let RtpHeader {
            len: header_len,
            ssrc,
            sequence,
        } = RtpHeader::parse(packet)?;
        let window = self.rtp_sources.window(ssrc);
        let index = window.map_or(sequence.into(), |window| window.estimate(sequence));
        if window.is_some_and(|window| !window.is_fresh(index)) {
            return Err(Refused::Replayed);
        }
        let len = self.rtp.open_rtp(index, packet, header_len)?;
        self.rtp_sources.take(ssrc, index);
        Ok(Opened { index, header_len, len })
    }

    /// Checks and decrypts a compound RTCP packet in place. The result is its length; what is behind that in the buffer
    /// is of no use.
    ///
    /// # Errors
    ///
    /// When it must not be used; see [`Refused`].
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let word = self
            .rtcp
            .rtcp_word(packet)
            .filter(|_| is_rtcp(packet))
            .ok_or(Refused::Malformed)?;
        if word & ENCRYPTED == 0 {
            return Err(Refused::Unencrypted);
        }
        let (ssrc, index) = (rtcp_ssrc(packet), u64::from(word & !ENCRYPTED));
        let window = self.rtcp_sources.window(ssrc);
        if window.is_some_and(|window| !window.is_fresh(index)) {
            return Err(Refused::Replayed);
        }
        let len = self.rtcp.open_rtcp(word, packet)?;
        self.rtcp_sources.take(ssrc, index);
        Ok(len)
    }

    /// Forgets a source that sends no more. Whoever recorded its first packets could have them taken a second time, so
    /// this is for when nobody listens to it any longer.
    pub fn forget(&mut self, ssrc: u32) {
        self.rtp_sources.forget(ssrc);
        self.rtcp_sources.forget(ssrc);
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("profile", &self.profile)
            .field("rtp_sources", &self.rtp_sources.len())
            .field("rtcp_sources", &self.rtcp_sources.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Side, contexts};

    const LAST: u64 = (1 << 48) - 1;

    #[test]
    fn packets_are_read_up_to_the_last_index_there_is_and_none_behind_it() {
        let (sender, _) = contexts(Profile::Aes128CmSha1_80, &[7; 60], Side::Client).unwrap();
        let (_, mut receiver) = contexts(Profile::Aes128CmSha1_80, &[7; 60], Side::Server).unwrap();
        let packet = |index: u64| {
            let mut packet = vec![0x80; 20];
            packet[2..4].copy_from_slice(&(index as u16).to_be_bytes());
            sender.protect(index, &mut packet, 0, 12);
            packet
        };
        // As if it had counted for a few thousand years.
        receiver.rtp_sources.take(0x8080_8080, LAST - 70_000);
        for index in [LAST - 65_536, LAST - 40_000, LAST - 10_000, LAST] {
            let opened = receiver.unprotect(&mut packet(index));
            assert_eq!(opened.map(|opened| opened.index), Ok(index));
        }
        assert_eq!(receiver.unprotect(&mut packet(0)), Err(Refused::Replayed));
        assert_eq!(receiver.unprotect(&mut packet(LAST)), Err(Refused::Replayed));
    }
}

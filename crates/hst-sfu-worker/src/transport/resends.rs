use str0m::format::CodecConfig;

use super::MAX_PAYLOAD;
use crate::slot::RESEND_PACKETS;

/// As much as is kept of a line may be asked for once, whatever was sent before.
const BURST: usize = RESEND_PACKETS * MAX_PAYLOAD;

/// What a client may still ask for again.
///
/// str0m holds resends to a share of what is sent, but looks at it twenty times a second: in between one datagram of a
/// client's could ask for thousands of packets, of which the same may be named again and again.
#[derive(Debug)]
pub(super) struct Resends {
    /// The payload types of resends (RTX), a bit for each.
    types: u128,
    /// In bytes.
    credit: usize,
}

impl Default for Resends {
    fn default() -> Self {
        Self {
            types: 0,
            credit: BURST,
        }
    }
}

impl Resends {
    /// Takes note of what the last offer has agreed upon.
    pub(super) fn learn(&mut self, config: &CodecConfig) {
        let types = config.iter().filter_map(|params| params.resend());
        self.types = types.fold(0, |types, pt| types | 1 << (*pt & 0x7f));
    }

    /// A datagram is about to be sent, of its own accord or because the client has asked for something. Says whether it may.
    /// `share` is that of resends in all that is sent.
    pub(super) fn admits(&mut self, datagram: &[u8], is_asked: bool, share: f32) -> bool {
        let [0x80..=0xbf, kind, ..] = *datagram else {
            return true;
        };
        let len = datagram.len();
        match self.types >> (kind & 0x7f) & 1 == 1 {
            // What str0m sends of it unasked looks for a network's limits, and has its own.
            true if !is_asked => true,
            true => {
                let left = self.credit.checked_sub(len);
                self.credit = left.unwrap_or(self.credit);
                left.is_some()
            }
            false => {
                let earned = len as f32 * share / (1.0 - share);
                self.credit = BURST.min(self.credit + earned as usize);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use str0m::RtcConfig;

    use super::*;

    #[test]
    fn who_has_asked_for_all_that_is_kept_gets_his_share_of_what_is_sent_then() {
        let rtc = RtcConfig::new().build(std::time::Instant::now());
        let mut resends = Resends::default();
        resends.learn(rtc.codec_config());
        let mut params = rtc.codec_config().iter();
        let (pt, resend) = params
            .find_map(|it| Some((it.pt(), it.resend()?)))
            .expect("VP8 has one");
        let packet = |pt: str0m::media::Pt| [vec![0x80, *pt], vec![0; 998]].concat();
        let (sent, resent, report) = (packet(pt), packet(resend), vec![0x80, 200, 0, 0]);
        let taken = |resends: &mut Resends| (0..).take_while(|_| resends.admits(&resent, true, 0.5)).count();
        assert_eq!(taken(&mut resends), BURST / 1000);
        assert!(resends.admits(&resent, false, 0.5), "it is no answer");
        for _ in 0..100 {
            assert!(resends.admits(&sent, false, 1.0 / 6.0) && resends.admits(&report, true, 0.5));
        }
        assert_eq!(taken(&mut resends), 20);
        for _ in 0..10_000 {
            resends.admits(&sent, false, 0.5);
        }
        assert_eq!(taken(&mut resends), BURST / 1000);
    }
}

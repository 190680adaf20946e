use std::num::NonZeroU8;

use crate::micros::Micros;

/// Which probe a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProbeId(pub(crate) NonZeroU8);

/// What to send, beside or among the media, to learn whether the path carries a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// To be said of each of its packets when it is sent.
    pub id: ProbeId,
    /// At which pace to send them, in bits in a second, whatever is sent meanwhile.
    pub rate: u64,
    /// How many packets.
    pub packets: usize,
    /// How many bytes on the wire they are together.
    pub bytes: usize,
}

/// For so long a probe is sent, and for so many times the jitter more, up to the longest.
const LENGTH: Micros = Micros::millis(20);
const JITTERS: i64 = 3;
const LONGEST: Micros = Micros::millis(60);
/// Fewer packets than this measure nothing.
const FEWEST: usize = 5;
/// The largest packet, in bytes.
const PACKET: usize = 1200;
/// So much of it must have arrived.
const ARRIVED: f32 = 0.8;
/// No path brings packets so much closer together.
const SQUEEZE: f64 = 2.0;
/// What arrives slower than this share of how it was sent has filled the link, whose rate is a little less than what
/// was measured.
const FULL: f64 = 0.9;
const BELOW: f64 = 0.95;

impl Probe {
    pub(crate) fn new(id: ProbeId, rate: u64, jitter: Micros) -> Self {
        let length = (LENGTH + jitter.times(JITTERS)).min(LONGEST);
        let bytes = (rate as f64 * length.as_seconds() / 8.0) as usize;
        let packets = bytes.div_ceil(PACKET).max(FEWEST);
        Self {
            id,
            rate,
            packets,
            bytes,
        }
    }
}

/// How fast everything between the first and the last packet of a probe was sent, and arrived.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measurement {
    reported: usize,
    arrived: usize,
    /// Of the packets that have arrived; those of the first one to arrive, and of the last one to be sent.
    bytes: u64,
    first_bytes: u64,
    last_bytes: u64,
    /// Of media since the last packet of the probe.
    between: u64,
    sent: Option<(Micros, Micros)>,
    arrivals: Option<(Micros, Micros)>,
}

impl Measurement {
    /// Takes a packet of the probe.
    pub(crate) fn add(&mut self, sent: Micros, arrival: Option<Micros>, bytes: u32) {
        self.reported += 1;
        let Some(arrival) = arrival else {
            return;
        };
        let bytes = u64::from(bytes);
        self.arrived += 1;
        self.bytes += bytes + std::mem::take(&mut self.between);
        self.last_bytes = bytes;
        if self.arrivals.is_none_or(|(first, _)| arrival < first) {
            self.first_bytes = bytes;
        }
        let widened = |span: Option<(Micros, Micros)>, at: Micros| match span {
            Some((first, last)) => Some((first.min(at), last.max(at))),
            None => Some((at, at)),
        };
        self.sent = widened(self.sent, sent);
        self.arrivals = widened(self.arrivals, arrival);
    }

    /// Takes another packet that arrived, of those sent after the first one of the probe.
    pub(crate) fn add_between(&mut self, bytes: u32) {
        self.between += u64::from(bytes);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.reported > 0
    }

    /// How many packets of it are reported.
    pub(crate) fn reported(&self) -> usize {
        self.reported
    }

    /// Which rate the path has carried, if enough of the probe has arrived; not more than is certain with such a jitter, and
    /// such a share lost at any rate.
    pub(crate) fn result(&self, probe: &Probe, jitter: Micros, inherent: f32) -> Option<u64> {
        let ((first_sent, last_sent), (first_arrival, last_arrival)) = (self.sent?, self.arrivals?);
        let kept = 1.0 - inherent;
        if (self.arrived as f32) < ARRIVED * kept * probe.packets as f32 {
            return None;
        }
        let rate = |bytes: u64, span: Micros| {
            let seconds = span.as_seconds();
            (seconds > 0.0).then(|| bytes as f64 * 8.0 / seconds / f64::from(kept))
        };
        let sent = rate(self.bytes - self.last_bytes, last_sent - first_sent)?;
        let arrived =
            rate(self.bytes - self.first_bytes, last_arrival - first_arrival + jitter).unwrap_or(f64::INFINITY);
        if arrived > SQUEEZE * sent {
            return None;
        }
        Some(if arrived < FULL * sent {
            BELOW * arrived
        } else {
            sent.min(arrived)
        } as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u64 = 1_000_000;

    /// What a probe shows whose packets come at such a pace, of which some are lost.
    fn shown(pace: u64, lost: usize, jitter: Micros, inherent: f32) -> Option<u64> {
        let probe = Probe::new(ProbeId(NonZeroU8::MIN), RATE, jitter);
        let bytes = probe.bytes / probe.packets;
        let mut measurement = Measurement::default();
        for packet in 0..probe.packets {
            let at = |rate: u64| Micros::new((packet * bytes * 8) as i64 * 1_000_000 / rate as i64);
            let arrival = (packet >= lost).then(|| Micros::seconds(77) + at(pace));
            measurement.add(at(RATE), arrival, bytes as u32);
        }
        measurement.result(&probe, jitter, inherent)
    }

    fn is_near(shown: Option<u64>, rate: u64) -> bool {
        shown.is_some_and(|shown| shown.abs_diff(rate) < rate / 50)
    }

    #[test]
    fn a_probe_shows_its_rate_or_a_little_less_than_the_links() {
        assert!(is_near(shown(RATE, 0, Micros::ZERO, 0.0), RATE));
        assert!(is_near(shown(RATE / 2, 0, Micros::ZERO, 0.0), RATE / 2 * 95 / 100));
        assert!(
            is_near(shown(RATE * 3 / 2, 0, Micros::ZERO, 0.0), RATE),
            "not more than was sent"
        );
        assert_eq!(shown(RATE * 3, 0, Micros::ZERO, 0.0), None, "no path does that");
    }

    #[test]
    fn what_is_lost_makes_it_void_unless_it_is_lost_at_any_rate() {
        assert_eq!(shown(RATE, 2, Micros::ZERO, 0.0), None);
        assert!(shown(RATE, 2, Micros::ZERO, 0.4).is_some());
    }

    #[test]
    fn with_jitter_it_is_longer_and_shows_less() {
        let jitter = Micros::millis(10);
        let probe = Probe::new(ProbeId(NonZeroU8::MIN), RATE, jitter);
        assert_eq!((probe.bytes, probe.packets), (6250, 6));
        let shown = shown(RATE, 0, jitter, 0.0).unwrap();
        assert!((RATE / 2..RATE * 9 / 10).contains(&shown), "{shown}");
    }

    #[test]
    fn media_among_it_counts() {
        let probe = Probe::new(ProbeId(NonZeroU8::MIN), RATE, Micros::ZERO);
        let mut measurement = Measurement::default();
        for packet in 0..probe.packets {
            let at = Micros::millis(4 * packet as i64);
            measurement.add(at, Some(at), 500);
            measurement.add_between(500);
        }
        assert!(is_near(measurement.result(&probe, Micros::ZERO, 0.0), 2 * RATE));
    }
}

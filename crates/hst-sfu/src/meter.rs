use std::time::{Duration, Instant};

/// Over which time rates are measured.
const WINDOW: Duration = Duration::from_millis(500);
/// What did not come for so long has paused.
const PAUSE: Duration = Duration::from_secs(2);
/// Spatial and temporal layers past these are counted with the last one: no codec in use has more.
const SPATIAL: usize = 4;
const TEMPORAL: usize = 4;

/// How much comes in each layer of an encoding.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    since: Option<Instant>,
    /// Spatial layers above this one do not come because nobody wants them: what is known of them stays.
    top: Option<u8>,
    bytes: [[u32; TEMPORAL]; SPATIAL],
    /// Bits in a second, each layer by itself; what was measured last.
    rates: [[u32; TEMPORAL]; SPATIAL],
    /// Of each temporal layer by itself, those that have begun, and how many in a second.
    pictures: [u32; TEMPORAL],
    frame_rates: [f32; TEMPORAL],
}

impl Meter {
    /// Spatial layers above this one do not come, because nobody wants them here.
    pub(crate) fn keep_above(&mut self, spatial: u8) {
        self.top = Some(spatial).filter(|&spatial| usize::from(spatial) < SPATIAL);
    }

    /// A packet has come, with which a picture begins or not.
    pub(crate) fn count(&mut self, now: Instant, spatial: u8, temporal: u8, len: usize, begins_picture: bool) {
        let since = *self.since.get_or_insert(now);
        let elapsed = now.saturating_duration_since(since);
        // After a pause it goes on as it was before.
        let has_paused = elapsed >= PAUSE && self.rates.iter().flatten().any(|&rate| rate > 0);
        if has_paused {
            self.bytes = Default::default();
            self.pictures = Default::default();
            self.since = Some(now);
        } else if elapsed >= WINDOW {
            self.turn(now, elapsed);
        }
        let temporal = usize::from(temporal).min(TEMPORAL - 1);
        let layer = &mut self.bytes[usize::from(spatial).min(SPATIAL - 1)][temporal];
        *layer = layer.saturating_add(len as u32);
        self.pictures[temporal] += u32::from(begins_picture);
    }

    /// The highest spatial and temporal layer that came, as last measured.
    pub(crate) fn top(&self) -> (u8, u8) {
        let has = |spatial: &usize| self.rates[*spatial].iter().any(|&rate| rate > 0);
        let spatial = (0..SPATIAL).rev().find(has).unwrap_or(0);
        let has = |temporal: &usize| self.rates.iter().any(|rates| rates[*temporal] > 0);
        let temporal = (0..TEMPORAL).rev().find(has).unwrap_or(0);
        (spatial as u8, temporal as u8)
    }

    /// Bits in a second of all layers up to these.
    pub(crate) fn rate(&self, spatial: u8, temporal: u8) -> u64 {
        let rates = self.rates.iter().take(usize::from(spatial) + 1);
        let rates = rates.flat_map(|rates| rates.iter().take(usize::from(temporal) + 1));
        rates.map(|&rate| u64::from(rate)).sum()
    }

    /// Pictures in a second of all temporal layers up to this.
    pub(crate) fn frame_rate(&self, temporal: u8) -> f32 {
        self.frame_rates.iter().take(usize::from(temporal) + 1).sum()
    }

    fn turn(&mut self, now: Instant, elapsed: Duration) {
        let millis = elapsed.as_millis().max(1) as u64;
        let layers = self.top.map_or(SPATIAL, |top| usize::from(top) + 1);
        let (rates, bytes) = (self.rates.iter_mut().take(layers), self.bytes.iter_mut().take(layers));
        for (rates, bytes) in rates.flatten().zip(bytes.flatten()) {
            let measured = u64::from(std::mem::take(bytes)) * 8000 / millis;
            // Half of what was: a keyframe in one window is no new rate. But whoever pauses and comes back has a new one.
            *rates = match elapsed < 2 * WINDOW && *rates > 0 {
                true => ((u64::from(*rates) + measured) / 2) as u32,
                false => measured as u32,
            };
        }
        self.bytes[layers..].fill([0; TEMPORAL]);
        for (rate, pictures) in self.frame_rates.iter_mut().zip(&mut self.pictures) {
            let measured = std::mem::take(pictures) as f32 * 1000.0 / millis as f32;
            *rate = match elapsed < 2 * WINDOW && *rate > 0.0 {
                true => (*rate + measured) / 2.0,
                false => measured,
            };
        }
        self.since = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_no_rate() {
        let mut meter = Meter::default();
        let mut now = Instant::now();
        for _ in 0..200 {
            now += Duration::from_millis(10);
            meter.count(now, 0, 0, 125, true);
        }
        let before = meter.rate(0, 0);
        now += Duration::from_secs(60);
        for _ in 0..200 {
            meter.count(now, 0, 0, 125, true);
            assert!(meter.rate(0, 0).abs_diff(before) < before / 10, "{}", meter.rate(0, 0));
            now += Duration::from_millis(10);
        }
    }

    #[test]
    fn rates_are_those_of_all_layers_up_to_one() {
        let mut meter = Meter::default();
        let start = Instant::now();
        for at in 0..200 {
            let now = start + Duration::from_millis(10 * at);
            meter.count(now, 0, 0, 125, at % 2 == 0);
            meter.count(now, 0, 1, 125, at % 2 == 1);
            meter.count(now, 1, 0, 250, false);
        }
        let near = |rate: u64, kbps: u64| rate.abs_diff(kbps * 1000) < kbps * 50;
        assert!(near(meter.rate(0, 0), 100), "{}", meter.rate(0, 0));
        assert!(near(meter.rate(0, 3), 200));
        assert!(near(meter.rate(u8::MAX, u8::MAX), 400));
        assert_eq!(meter.top(), (1, 1));
        for (temporal, expected) in [(0, 50.0), (1, 100.0), (u8::MAX, 100.0)] {
            let found = meter.frame_rate(temporal);
            assert!((found - expected).abs() < 5.0, "{found}");
        }
    }
}

use crate::{Figures, Quality, Reason, delay, quality::share};

/// The rating of a sound that nothing impairs (ITU-T G.107, with all its default values).
const UNIMPAIRED: f64 = 93.2;
/// The score of that rating, which is the best that there is.
const BEST: f64 = 4.4;
/// How well lost packets are concealed: of G.711 with concealment (ITU-T G.113, appendix I). Opus has no number there, and
/// conceals no worse.
const ROBUSTNESS: f64 = 25.1;

/// The simplified E-model: what costs nothing here (noise, echo, the codec itself) has its default value.
pub(crate) fn quality(figures: &Figures) -> Quality {
    let lost = share(figures.loss_rate) * 100.0;
    // ITU-T G.107 section 7.5, for losses that come at random.
    let loss = 95.0 * lost / (lost + ROBUSTNESS);
    let (way, jitter) = delay::costs(figures);
    let score = opinion(UNIMPAIRED - loss - way - jitter);
    let costs = [(Reason::Loss, loss), (Reason::Delay, way), (Reason::Jitter, jitter)];
    Quality::less(figures, BEST, score, &costs)
}

/// The mean opinion score of a rating (ITU-T G.107, annex B).
fn opinion(rating: f64) -> f64 {
    let rating = rating.clamp(0.0, 100.0);
    1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6
}

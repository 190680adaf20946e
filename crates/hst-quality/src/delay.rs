use crate::Figures;

/// Recording, encoding and playing, beside all that a network does, in ms.
const AT_LEAST: f64 = 20.0;
/// A receiver holds packets back for about so many times the jitter, so that nearly all are there when their time comes.
const HELD_BACK: f64 = 2.0;
/// Up to here people do not notice that they fall into each other's words, in ms.
const UNNOTICED: f64 = 177.3;

/// What the way and the jitter cost of the rating: the delay impairment of the E-model, as straight lines (R. Cole and
/// J. Rosenbluth, "Voice over IP performance monitoring", 2001). The way is that to the server: the rest is not known here.
pub(crate) fn costs(figures: &Figures) -> (f64, f64) {
    let way = figures.round_trip.as_secs_f64() * 1000.0 / 2.0 + AT_LEAST;
    let held_back = figures.jitter.as_secs_f64() * 1000.0 * HELD_BACK;
    (impairment(way), impairment(way + held_back) - impairment(way))
}

fn impairment(ms: f64) -> f64 {
    0.024 * ms + 0.11 * (ms - UNNOTICED).max(0.0)
}

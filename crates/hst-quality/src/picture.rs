use crate::{Figures, Kind, Limit, Quality, Reason, delay, quality::share};

/// The score of a picture that lacks nothing.
const BEST: f64 = 5.0;
/// A tenth of the time frozen costs two, and all of it four.
const FREEZES: (f64, f64) = (4.4, 0.12);
/// A fifth of all packets lost costs two: most are sent again, and the rest freezes it, where that is seen.
const LOSS: (f64, f64) = (4.0, 0.2);
/// The E-model's rating has about so many points for each of the score.
const POINTS: f64 = 25.0;
/// A camera that stands still costs so much; one at four fifths of its pace nothing.
const STILL: f64 = 2.0;
const NEARLY: f64 = 0.8;
/// The pace at which people look alive, where none is asked for.
const PACE: f64 = 15.0;
/// Half the height costs so much, half of that twice as much.
const HALVED: f64 = 0.7;
const SMALLEST: f64 = 2.0;
/// A picture with fewer bits for a pixel shows it, at whatever size, where it moves; half of them cost so much.
const BITS_A_PIXEL: f64 = 0.02;
const HALF_THE_BITS: f64 = 0.5;
const COARSEST: f64 = 1.5;

/// What a picture lacks. Of a screen, which may stand still, neither its pace nor its freezes and bits say anything.
pub(crate) fn quality(figures: &Figures) -> Quality {
    let limit = figures.limited_by;
    let cause = |unknown: Reason| match limit {
        Limit::Cpu => Reason::Cpu,
        Limit::Bandwidth => Reason::Bandwidth,
        _ => unknown,
    };
    let moves = figures.kind == Kind::Camera;
    let if_it_moves = |cost: f64| if moves { cost } else { 0.0 };
    let (way, jitter) = delay::costs(figures);
    let costs = [
        (Reason::Freezes, if_it_moves(saturating(figures.frozen, FREEZES))),
        (cause(Reason::FrameRate), if_it_moves(slowness(figures))),
        (
            cause(Reason::Bandwidth),
            smallness(figures) + if_it_moves(coarseness(figures)),
        ),
        (Reason::Loss, saturating(figures.loss_rate, LOSS)),
        (Reason::Delay, way / POINTS),
        (Reason::Jitter, jitter / POINTS),
    ];
    let lacking: f64 = costs.iter().map(|(_, cost)| cost).sum();
    Quality::less(figures, BEST, BEST - lacking, &costs)
}

/// The first bit of a trouble costs more than any other.
fn saturating(of: f64, (most, half): (f64, f64)) -> f64 {
    let of = share(of);
    most * of / (of + half)
}

fn slowness(figures: &Figures) -> f64 {
    let asked = if figures.asked_frame_rate > 0.0 {
        figures.asked_frame_rate
    } else {
        PACE
    };
    STILL * (1.0 - share(figures.frame_rate / (asked * NEARLY)))
}

fn smallness(figures: &Figures) -> f64 {
    let (height, asked) = (f64::from(figures.height), f64::from(figures.asked_height));
    if height == 0.0 || asked <= height || figures.limited_by == Limit::View {
        return 0.0;
    }
    (HALVED * (asked / height).log2()).min(SMALLEST)
}

fn coarseness(figures: &Figures) -> f64 {
    let pixels = f64::from(figures.width) * f64::from(figures.height) * figures.frame_rate;
    let enough = pixels * BITS_A_PIXEL;
    let halvings = (enough / figures.bitrate as f64).log2();
    // What is no number is no lack either.
    if halvings > 0.0 {
        (HALF_THE_BITS * halvings).min(COARSEST)
    } else {
        0.0
    }
}

use crate::layer::Layer;

/// A picture that is lower than what it is shown in, but no lower than four fifths of it, is good enough.
const GOOD_ENOUGH: (u32, u32) = (5, 4);

/// What a receiver may get of a track, and what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) layer: Layer,
    /// Bits in a second.
    pub(crate) rate: u64,
    /// In pixels, if the publisher tells.
    pub(crate) height: Option<u32>,
}

/// Takes away what is larger than a receiver can show.
pub(crate) fn cut(rungs: &mut Vec<Rung>, view: Option<u32>) {
    let Some(view) = view else { return };
    let (times, of) = GOOD_ENOUGH;
    let heights = || rungs.iter().filter_map(|rung| rung.height);
    let enough = heights()
        .filter(|height| height.saturating_mul(times) >= view.saturating_mul(of))
        .min();
    if let Some(enough) = enough {
        rungs.retain(|rung| rung.height.is_none_or(|height| height <= enough));
    }
}

/// The default of [`Limits::max_frame`]: 256 KiB. An SDP offer of a hundred lines has about half of it.
pub const MAX_FRAME: usize = 256 * 1024;

/// What one connection may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest frame, in bytes, in both directions. A larger one is refused before it is sent, and ends the
    /// connection before it is taken into memory when a peer sends it.
    pub max_frame: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_frame: MAX_FRAME }
    }
}

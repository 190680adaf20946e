/// How much a picture matters to a receiver, beside the others that he wants: what his network carries goes first to those
/// that matter most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "whoever maps it must know every step")]
pub enum Priority {
    /// It may wait, and is paused first.
    Low,
    /// As most.
    #[default]
    Normal,
    /// It grows before all others do, and is paused last.
    High,
}

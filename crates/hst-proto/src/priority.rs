use serde::{Deserialize, Serialize};

/// How much a received picture matters beside the others, while the network carries less than everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: another step is a new protocol version"
)]
pub enum Priority {
    /// It is paused first, and grows last.
    Low,
    /// As most.
    #[default]
    Normal,
    /// It grows first, and is paused last.
    High,
}

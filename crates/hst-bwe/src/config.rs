/// Within which bounds to estimate, in bits in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// What is assumed before anything is known.
    pub first: u64,
    /// Never less than this.
    pub least: u64,
    /// Never more than this.
    pub most: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            first: 300_000,
            least: 30_000,
            most: 30_000_000,
        }
    }
}

use aws_lc_rs::digest::{SHA256, digest};

/// How it is drawn in which order nodes are named to a client.
#[derive(Debug)]
pub(crate) enum Draw<'a> {
    /// By chance, which grows out of this seed.
    Chance(u64),
    /// For the members of the group of this name: all are named the same nodes in the same order, whoever draws.
    Group(&'a str),
}

impl Draw<'_> {
    /// The waiting time of a node, of exponential distribution with the rate 1. Divided by their weights, the shortest is that
    /// of a node as often as its weight has it.
    pub(crate) fn waiting_time(&mut self, node: &str) -> f64 {
        match self {
            Self::Chance(state) => {
                *state = state.wrapping_add(GAMMA);
                exponential(*state)
            }
            // Rendezvous hashing: when a node comes or goes, groups go to it or from it, and all others stay.
            Self::Group(group) => {
                let both = digest(&SHA256, format!("{node}\n{group}").as_bytes());
                let bytes = both.as_ref().first_chunk().expect("a digest has 32 bytes");
                exponential(u64::from_le_bytes(*bytes))
            }
        }
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64: chance is all that is asked of it.
fn exponential(state: u64) -> f64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    let unit = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
    -(1.0 - unit).ln()
}

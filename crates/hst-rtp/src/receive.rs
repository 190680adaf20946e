//! What a receiver remembers of the packets that come: of each source, and of the transport as a whole.

mod arrivals;
mod budget;
mod jitter;
mod missing;
mod patience;
mod reception;
mod recovery;
mod round_trip;

pub use arrivals::{Arrivals, MAX_FEEDBACK};
pub use budget::Budget;
pub use missing::{Arrival, Missing, Tally};
pub use patience::Patience;
pub use reception::Reception;
pub use recovery::Recovery;
pub use round_trip::RoundTrip;

/// What became of the events, since the start.
///
/// Every event is waiting, or counted once as `delivered`, `dropped` or `given_up`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Taken by their endpoint.
    pub delivered: u64,
    /// Tries after the first of an event; not events.
    pub retried: u64,
    /// Never tried again, for want of room, because the endpoint is gone, or because the platform ends.
    pub dropped: u64,
    /// An hour old, and not delivered.
    pub given_up: u64,
}

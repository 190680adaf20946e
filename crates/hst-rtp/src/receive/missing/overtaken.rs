use std::time::Duration;

/// How late packets are that others have overtaken on their way, so that it is waited for them before they are asked for.
///
/// It follows the latest of them quickly, and falls slowly with each that is less late. One that was lost counts as one that is not
/// late at all: where more are lost than overtaken, waiting for them would only cost time.
#[derive(Debug)]
pub(super) struct Overtaken {
    late: Duration,
    at_most: Duration,
}

impl Overtaken {
    /// Nothing was, and no longer than so it is to be waited.
    pub(super) fn new(at_most: Duration) -> Self {
        Self {
            late: Duration::ZERO,
            at_most,
        }
    }

    /// Takes how late one was that had been missing.
    pub(super) fn learn(&mut self, late: Duration) {
        self.late = match late.checked_sub(self.late) {
            Some(more) => self.late + more / 2,
            None => self.late - (self.late - late) / 16,
        }
        .min(self.at_most);
    }

    /// How long one that is missing may have been overtaken only: a quarter longer than most are late.
    pub(super) fn wait(&self) -> Duration {
        (self.late + self.late / 4).min(self.at_most)
    }
}

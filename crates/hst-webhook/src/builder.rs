use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rand::Rng;

use crate::{AddressGuard, Resolver, SystemResolver, Webhooks, http::Http};

pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;
pub(crate) type Dice = Arc<dyn Fn(Duration) -> Duration + Send + Sync>;

/// Makes [`Webhooks`] out of other parts than the usual ones.
#[must_use]
pub struct WebhooksBuilder {
    guard: AddressGuard,
    resolver: Arc<dyn Resolver>,
    clock: Clock,
    dice: Dice,
}

impl WebhooksBuilder {
    pub(crate) fn new(guard: AddressGuard) -> Self {
        Self {
            guard,
            resolver: Arc::new(SystemResolver::default()),
            clock: Arc::new(SystemTime::now),
            dice: Arc::new(|longest| rand::rng().random_range(Duration::ZERO..=longest)),
        }
    }

    /// Finds hosts; without it, the operating system does.
    pub fn resolver(mut self, resolver: impl Resolver + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// The time of day, for timestamps.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Draws the pause after a failure, given the longest one.
    pub fn dice(mut self, dice: impl Fn(Duration) -> Duration + Send + Sync + 'static) -> Self {
        self.dice = Arc::new(dice);
        self
    }

    /// Ready to send.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn build(self) -> Webhooks {
        Webhooks::with(Http::new(self.guard, self.resolver, self.clock), self.dice)
    }
}

impl fmt::Debug for WebhooksBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhooksBuilder")
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

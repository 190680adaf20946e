use std::{ops::ControlFlow, sync::Arc};

use hst_id::AppId;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};
use tracing::warn;

use crate::{
    queue::{Delivery, Outcome, Step},
    webhooks::{Shared, State},
};

/// How much is still done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    /// What waits is delivered where an endpoint takes it; nothing is waited for.
    Ending,
    Over,
}

/// Delivers one App's events, one at a time, until none is left.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) app: AppId,
    pub(crate) life: watch::Receiver<Life>,
}

impl Worker {
    pub(crate) async fn run(mut self) {
        while let Some((step, changed)) = self.poll() {
            if self.take(step, &changed).await.is_break() {
                self.abandon();
            }
        }
    }

    /// `None` when nothing is left. The queue is forgotten then, under the same lock, so that the next event finds
    /// either a queue with a worker or neither.
    fn poll(&self) -> Option<(Step, Arc<Notify>)> {
        let mut state = self.shared.state();
        let State { lines, counters } = &mut *state;
        let line = lines.get_mut(&self.app)?;
        match line.queue.poll(Instant::now().into_std(), counters) {
            Some(step) => Some((step, line.changed.clone())),
            None => {
                lines.remove(&self.app);
                None
            }
        }
    }

    /// `Break` when the platform's end leaves no time for more.
    async fn take(&mut self, step: Step, changed: &Notify) -> ControlFlow<()> {
        match step {
            Step::Deliver(delivery) => {
                let outcome = tokio::select! {
                    outcome = self.shared.http.post(&delivery) => outcome,
                    _ = self.life.wait_for(|&life| life == Life::Over) => return ControlFlow::Break(()),
                };
                self.handle(&delivery, &outcome);
            }
            Step::Wait(until) => tokio::select! {
                () = sleep_until(until.into()) => {}
                () = changed.notified() => {}
                _ = self.life.wait_for(|&life| life != Life::Running) => return ControlFlow::Break(()),
            },
        }
        ControlFlow::Continue(())
    }

    fn handle(&self, delivery: &Delivery, outcome: &Outcome) {
        let failures = {
            let mut state = self.shared.state();
            let State { lines, counters } = &mut *state;
            let Some(line) = lines.get_mut(&self.app) else { return };
            let (now, dice) = (Instant::now().into_std(), &*self.shared.dice);
            line.queue.handle(&delivery.endpoint, outcome, now, dice, counters);
            line.queue.failures()
        };
        let (app, endpoint) = (&self.app, delivery.endpoint.url.origin());
        match outcome {
            Outcome::Gone => warn!(%app, endpoint, "the endpoint is gone: its events are dropped"),
            // Only when it begins: an operator is to notice, and not to be flooded.
            Outcome::Failed { .. } if failures == 1 => warn!(%app, endpoint, "the endpoint takes no events: they wait"),
            Outcome::Failed { .. } | Outcome::Delivered => {}
        }
    }

    fn abandon(&self) {
        let mut state = self.shared.state();
        let State { lines, counters } = &mut *state;
        if let Some(mut line) = lines.remove(&self.app) {
            line.queue.drop_all(counters);
        }
    }
}

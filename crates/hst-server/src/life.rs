use std::{convert::Infallible, future::Future, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    /// New connections are refused, and sessions say good-bye.
    Draining,
    /// Whatever is left stops where it stands.
    Over,
}

/// The server's own end of its life. Dropping it ends all tasks at once.
#[derive(Debug)]
pub(crate) struct Lifeline {
    phase: watch::Sender<Phase>,
    /// Says that all tasks are gone: each holds a sender, and nothing is ever sent.
    gone: mpsc::Receiver<Infallible>,
}

/// A task's end of the server's life.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    phase: watch::Receiver<Phase>,
    _alive: mpsc::Sender<Infallible>,
}

/// A life and the means to end it.
pub(crate) fn begin() -> (Lifeline, Life) {
    let (phase, watched) = watch::channel(Phase::Running);
    let (_alive, gone) = mpsc::channel(1);
    (Lifeline { phase, gone }, Life { phase: watched, _alive })
}

impl Lifeline {
    /// Asks every task to end, waits for them as long as `patience`, and then ends those that are left.
    pub(crate) async fn end(mut self, patience: Duration) {
        self.phase.send_replace(Phase::Draining);
        if timeout(patience, self.gone.recv()).await.is_err() {
            tracing::warn!("some connections did not end in time and are cut");
            self.phase.send_replace(Phase::Over);
            self.gone.recv().await;
        }
    }
}

impl Life {
    /// Runs a task that belongs to the server.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let life = self.clone();
        // In a box of its own: moved into the block below, it would take up its room there twice, and there are many.
        let mut task = Box::pin(task);
        tokio::spawn(async move {
            tokio::select! {
                // A server that is dropped says no good-bye, and so no task gets another turn.
                biased;
                () = life.reached(Phase::Over) => {}
                () = &mut task => {}
            }
        });
    }

    /// Waits until the server is ending. Cancel-safe.
    pub(crate) async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Whether the server is ending.
    pub(crate) fn is_draining(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining || self.phase.has_changed().is_err()
    }

    async fn reached(&self, phase: Phase) {
        // An error: the server was dropped, and its tasks with it.
        let _ = self.phase.clone().wait_for(|now| *now >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tasks_get_time_to_end_and_no_more() {
        let (lifeline, life) = begin();
        let (done, mut ended) = mpsc::channel(2);
        let (task_life, task_done) = (life.clone(), done.clone());
        life.spawn(async move {
            task_life.draining().await;
            let _ = task_done.send("polite").await;
        });
        life.spawn(async move {
            let _done = done;
            std::future::pending::<()>().await;
        });
        drop(life);

        let start = tokio::time::Instant::now();
        lifeline.end(Duration::from_secs(5)).await;

        assert_eq!(start.elapsed(), Duration::from_secs(5));
        assert_eq!(ended.recv().await, Some("polite"));
        assert_eq!(ended.recv().await, None, "the stubborn task is gone");
    }
}

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
    time::timeout,
};

/// The server's own end of its life. Dropping it ends all tasks at once.
#[derive(Debug)]
pub(crate) struct Lifeline {
    is_draining: watch::Sender<bool>,
    is_leaving: Arc<watch::Sender<bool>>,
    tasks: Arc<Tasks>,
}

/// A task's end of the server's life.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    is_draining: watch::Receiver<bool>,
    /// Whether what is here is being given to other nodes.
    is_leaving: Arc<watch::Sender<bool>>,
    tasks: Arc<Tasks>,
}

/// A life and the means to end it.
pub(crate) fn begin() -> (Lifeline, Life) {
    let (is_draining, watched) = watch::channel(false);
    let tasks = Arc::<Tasks>::default();
    let is_leaving = Arc::new(watch::Sender::new(false));
    let life = Life {
        is_draining: watched,
        is_leaving: is_leaving.clone(),
        tasks: tasks.clone(),
    };
    let lifeline = Lifeline {
        is_draining,
        is_leaving,
        tasks,
    };
    (lifeline, life)
}

impl Lifeline {
    /// Asks every task to end, waits for them as long as `patience`, and then ends those that are left.
    pub(crate) async fn end(self, patience: Duration) {
        self.is_leaving.send_replace(true);
        self.is_draining.send_replace(true);
        if timeout(patience, self.tasks.gone()).await.is_err() {
            tracing::warn!("some connections did not end in time and are cut");
            self.tasks.abort();
            self.tasks.gone().await;
        }
    }
}

impl Drop for Lifeline {
    /// A server that is dropped says no good-bye, and so no task gets another turn.
    fn drop(&mut self) {
        self.tasks.abort();
    }
}

impl Life {
    /// Runs a task that belongs to the server.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // In a box of its own: moved into the block below, it would take up its room there twice, and there are many.
        let task = Box::pin(task);
        let Some(place) = self.tasks.clone().enter() else {
            return;
        };
        let id = place.id;
        let running = tokio::spawn(async move {
            let _place = place;
            task.await;
        });
        self.tasks.entered(id, running.abort_handle());
    }

    /// From here on nothing new begins here, and what there is goes to other nodes.
    pub(crate) fn leave(&self) {
        self.is_leaving.send_replace(true);
    }

    /// Waits until the server gives away what it has, which it does before it ends. Cancel-safe.
    pub(crate) async fn leaving(&self) {
        let _ = self.is_leaving.subscribe().wait_for(|is_leaving| *is_leaving).await;
    }

    /// Whether the server gives away what it has.
    pub(crate) fn is_leaving(&self) -> bool {
        *self.is_leaving.borrow() || self.is_draining()
    }

    /// Waits until the server is ending. Cancel-safe.
    pub(crate) async fn draining(&self) {
        // An error: the server was dropped, and its tasks with it.
        let _ = self.is_draining.clone().wait_for(|is_draining| *is_draining).await;
    }

    /// Whether the server is ending.
    pub(crate) fn is_draining(&self) -> bool {
        *self.is_draining.borrow() || self.is_draining.has_changed().is_err()
    }
}

/// The tasks that are at work.
#[derive(Debug, Default)]
struct Tasks {
    /// A lock, because tasks begin and end on all threads; held for one entry.
    book: Mutex<Book>,
    /// Says that none is left.
    none: Notify,
}

#[derive(Debug, Default)]
struct Book {
    last: u64,
    /// `None` is one that has only just begun.
    running: HashMap<u64, Option<AbortHandle>>,
    is_over: bool,
}

/// A task's place among those at work, for as long as it is.
struct Place {
    tasks: Arc<Tasks>,
    id: u64,
}

impl Tasks {
    /// A place for a task, unless none is to run any more.
    fn enter(self: Arc<Self>) -> Option<Place> {
        let mut book = self.lock();
        if book.is_over {
            return None;
        }
        book.last += 1;
        let id = book.last;
        book.running.insert(id, None);
        drop(book);
        Some(Place { tasks: self, id })
    }

    /// It runs. The lock is not held since [`enter`](Self::enter): a runtime that is at its end drops a task at once.
    fn entered(&self, id: u64, task: AbortHandle) {
        let mut book = self.lock();
        if book.is_over {
            return task.abort();
        }
        if let Some(place) = book.running.get_mut(&id) {
            *place = Some(task);
        }
    }

    fn abort(&self) {
        let mut book = self.lock();
        book.is_over = true;
        book.running.values().flatten().for_each(AbortHandle::abort);
    }

    /// Waits until there is none.
    async fn gone(&self) {
        loop {
            // It hears what is said from here on, also before it is awaited.
            let none = self.none.notified();
            if self.lock().running.is_empty() {
                return;
            }
            none.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut book = self.tasks.lock();
        book.running.remove(&self.id);
        if book.running.is_empty() {
            self.tasks.none.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

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

        let start = tokio::time::Instant::now();
        lifeline.end(Duration::from_secs(5)).await;

        assert_eq!(start.elapsed(), Duration::from_secs(5));
        assert_eq!(ended.recv().await, Some("polite"));
        assert_eq!(ended.recv().await, None, "the stubborn task is gone");
        life.spawn(async { panic!("nothing begins after the end") });
        assert_eq!(life.tasks.lock().running.len(), 0);
    }

    #[tokio::test]
    async fn a_life_that_is_dropped_gives_no_task_another_turn() {
        let (lifeline, life) = begin();
        let (wake, woken) = tokio::sync::oneshot::channel();
        let (done, mut ended) = mpsc::channel(1);
        life.spawn(async move {
            let _ = woken.await;
            let _ = done.send("another turn").await;
        });
        tokio::task::yield_now().await;
        wake.send(()).unwrap();
        drop(lifeline);
        assert_eq!(ended.recv().await, None);
        assert!(life.is_draining());
    }
}

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// What waits for one reader, with its holes. When it is full the oldest item makes room, and there is a hole in its
/// place.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// `None` is a hole. A lock, because a task of the connection writes and a task of the reader reads; held for one
    /// push or pop.
    waiting: Mutex<VecDeque<Option<T>>>,
    ready: Notify,
    capacity: usize,
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            ready: Notify::new(),
            capacity,
        }
    }

    pub(crate) fn push(&self, item: T) {
        let mut waiting = self.lock();
        if waiting.len() >= self.capacity {
            while let Some(None) = waiting.pop_front() {}
            waiting.push_front(None);
        }
        waiting.push_back(Some(item));
        drop(waiting);
        self.ready.notify_one();
    }

    /// Something is missing behind what waits.
    pub(crate) fn push_gap(&self) {
        let mut waiting = self.lock();
        if !matches!(waiting.back(), Some(None)) {
            waiting.push_back(None);
        }
        drop(waiting);
        self.ready.notify_one();
    }

    /// Nothing that waits is worth anything: one hole.
    pub(crate) fn spoil(&self) {
        *self.lock() = VecDeque::from([None]);
        self.ready.notify_one();
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// All that waits, or `None` if there is a hole in it; then it is gone, too.
    pub(crate) fn drain(&self) -> Option<Vec<T>> {
        self.lock().drain(..).collect()
    }

    /// The next item; `None` is a hole. There is one reader, or it may sleep through its item. Cancel-safe.
    pub(crate) async fn pop(&self) -> Option<T> {
        loop {
            if let Some(item) = self.lock().pop_front() {
                return item;
            }
            self.ready.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Option<T>>> {
        // It is whole whenever the lock is free, so another thread's panic has broken nothing.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_has_one_hole_in_place_of_the_oldest() {
        let queue = Queue::new(3);
        (1..=5).for_each(|item| queue.push(item));
        queue.push_gap();
        queue.push_gap();
        for expected in [None, Some(3), Some(4), Some(5), None] {
            assert_eq!(queue.pop().await, expected);
        }
    }

    #[test]
    fn what_has_a_hole_is_drained_to_nothing() {
        let queue = Queue::new(3);
        queue.push(1);
        assert_eq!(queue.drain(), Some(vec![1]));
        queue.push(2);
        queue.push_gap();
        assert_eq!(queue.drain(), None);
        assert_eq!(queue.drain(), Some(vec![]));
        queue.push(3);
        queue.spoil();
        assert_eq!(queue.drain(), None);
    }
}

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// What waits for one reader. When it is full the oldest item makes room, and the reader is told of the gap.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// A lock, because writers on all threads reach a reader on another; held for one push or pop.
    waiting: Mutex<Waiting<T>>,
    ready: Notify,
    capacity: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    items: VecDeque<T>,
    gap: bool,
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Popped<T> {
    Item(T),
    /// Before the next item some are missing.
    Gap,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                items: VecDeque::new(),
                gap: false,
            }),
            ready: Notify::new(),
            capacity,
        }
    }

    pub(super) fn push(&self, item: T) {
        let mut waiting = self.lock();
        if waiting.items.len() == self.capacity {
            waiting.items.pop_front();
            waiting.gap = true;
        }
        waiting.items.push_back(item);
        drop(waiting);
        self.ready.notify_one();
    }

    /// Waits for the next item or gap. There is one reader, or it may sleep through its item. Cancel-safe.
    pub(super) async fn pop(&self) -> Popped<T> {
        loop {
            if let Some(popped) = self.try_pop() {
                return popped;
            }
            self.ready.notified().await;
        }
    }

    /// Forgets what waits, and a gap too.
    pub(super) fn clear(&self) {
        let mut waiting = self.lock();
        waiting.items.clear();
        waiting.gap = false;
    }

    fn try_pop(&self) -> Option<Popped<T>> {
        let mut waiting = self.lock();
        if std::mem::take(&mut waiting.gap) {
            return Some(Popped::Gap);
        }
        waiting.items.pop_front().map(Popped::Item)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        // It is whole whenever the lock is free, so another thread's panic has broken nothing.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_drops_the_oldest_and_says_so_once() {
        let queue = Queue::new(2);
        for item in 1..=4 {
            queue.push(item);
        }
        assert_eq!(queue.pop().await, Popped::Gap);
        assert_eq!(queue.pop().await, Popped::Item(3));
        assert_eq!(queue.pop().await, Popped::Item(4));
        queue.push(5);
        assert_eq!(queue.pop().await, Popped::Item(5));
    }
}

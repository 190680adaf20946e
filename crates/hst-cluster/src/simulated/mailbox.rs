use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{Delivery, Message};

/// Messages that wait for one subscriber, or are on their way to him. When it is full, the oldest is dropped and the
/// subscriber told of the gap.
const MESSAGES: usize = 1024;

/// What one subscriber hears, and when.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    /// A lock, because a node may be used on any thread; held for one message.
    letters: Mutex<Letters>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Letters {
    /// By when they arrive, and in the order in which they were sent.
    waiting: BTreeMap<(Instant, u64), Delivery>,
    sent: u64,
    /// When the last one of each sender arrives: the next does not overtake it.
    last: BTreeMap<usize, Instant>,
    /// The senders of whom one was lost since their last that arrived.
    missing: BTreeSet<usize>,
    gap: bool,
}

impl Mailbox {
    pub(super) fn post(&self, from: usize, message: Message, delay: Duration) {
        let mut letters = self.lock();
        if letters.missing.remove(&from) {
            letters.add(from, Delivery::Gap, delay);
        }
        letters.add(from, Delivery::Message(message), delay);
        drop(letters);
        self.changed.notify_one();
    }

    /// One is lost. That it is missing shows when something else comes from there.
    pub(super) fn lose(&self, from: usize) {
        self.lock().missing.insert(from);
    }

    /// Something comes from there again, if only a sign of life.
    pub(super) fn tell_of_gap(&self, from: usize) {
        let mut letters = self.lock();
        letters.gap |= letters.missing.remove(&from);
        drop(letters);
        self.changed.notify_one();
    }

    /// The bus was out of reach.
    pub(super) fn tell_of_outage(&self) {
        let mut letters = self.lock();
        letters.missing.clear();
        letters.gap = true;
        drop(letters);
        self.changed.notify_one();
    }

    /// Waits for the next. There is one reader. Cancel-safe.
    pub(super) async fn next(&self) -> Delivery {
        loop {
            let due = match self.take() {
                Ok(delivery) => return delivery,
                Err(due) => due,
            };
            match due {
                None => self.changed.notified().await,
                Some(due) => tokio::select! {
                    biased;
                    () = self.changed.notified() => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    /// The next, or when it arrives.
    fn take(&self) -> Result<Delivery, Option<Instant>> {
        let mut letters = self.lock();
        if std::mem::take(&mut letters.gap) {
            return Ok(Delivery::Gap);
        }
        match letters.waiting.first_entry() {
            Some(first) if first.key().0 <= Instant::now() => Ok(first.remove()),
            Some(first) => Err(Some(first.key().0)),
            None => Err(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        // It is whole whenever the lock is free.
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Letters {
    fn add(&mut self, from: usize, delivery: Delivery, delay: Duration) {
        let now = Instant::now();
        let last = self.last.entry(from).or_insert(now);
        *last = (*last).max(now + delay);
        self.sent += 1;
        self.waiting.insert((*last, self.sent), delivery);
        if self.waiting.len() > MESSAGES {
            self.waiting.pop_first();
            self.gap = true;
        }
    }
}

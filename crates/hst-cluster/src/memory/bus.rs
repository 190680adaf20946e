use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time;

use super::{
    MemoryCluster,
    queue::{Popped, Queue},
    routes::Routes,
};
use crate::{Bus, Delivery, Filter, Message, RequestError, Subject, Subscription, Unavailable};

/// Messages that wait for one subscriber. When it is full, the oldest is dropped and the subscriber told of the gap.
const MESSAGES: usize = 1024;
/// Answers that wait for one who asks. One is all he takes, so whichever is dropped does no harm.
const ANSWERS: usize = 1;

#[derive(Default)]
pub(super) struct Switch {
    /// A lock, because all nodes and connections publish here, on all threads; held for one message.
    routes: Mutex<Routes<Message>>,
    requests: AtomicU64,
}

impl Switch {
    fn lock(&self) -> MutexGuard<'_, Routes<Message>> {
        // The routes are whole whenever the lock is free, so another thread's panic has broken nothing.
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(self: &Arc<Self>, filter: &Filter, capacity: usize) -> MemorySubscription {
        MemorySubscription {
            filter: filter.clone(),
            messages: self.lock().open(filter.as_str(), capacity),
            switch: self.clone(),
        }
    }

    /// Returns how many subscriptions hear it.
    fn send(&self, message: &Message) -> usize {
        self.lock().send(message.subject.as_str(), message)
    }
}

#[async_trait]
impl Bus for MemoryCluster {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable> {
        self.bus.send(&Message {
            subject: subject.clone(),
            payload,
            reply: None,
        });
        Ok(())
    }

    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable> {
        Ok(Box::new(self.bus.open(filter, MESSAGES)))
    }

    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        let number = self.bus.requests.fetch_add(1, Ordering::Relaxed);
        let inbox = Subject::parse(&format!("_inbox.{number}")).expect("a word and a number are parts");
        let answers = self.bus.open(&inbox.clone().into(), ANSWERS);
        let heard = self.bus.send(&Message {
            subject: subject.clone(),
            payload,
            reply: Some(inbox),
        });
        if heard == 0 {
            return Err(RequestError::NoResponders);
        }
        let answer = async {
            loop {
                if let Popped::Item(answer) = answers.messages.pop().await {
                    return answer.payload;
                }
            }
        };
        time::timeout(timeout, answer).await.map_err(|_| RequestError::Timeout)
    }
}

struct MemorySubscription {
    filter: Filter,
    messages: Arc<Queue<Message>>,
    switch: Arc<Switch>,
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Delivery {
        match self.messages.pop().await {
            Popped::Item(message) => Delivery::Message(message),
            Popped::Gap => Delivery::Gap,
        }
    }
}

impl Drop for MemorySubscription {
    fn drop(&mut self) {
        self.switch.lock().close(self.filter.as_str(), &self.messages);
    }
}

impl fmt::Debug for MemorySubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySubscription")
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

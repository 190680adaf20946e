use std::{fmt, sync::Arc, time::Duration};

use async_nats::{HeaderMap, Subscriber};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use hst_cluster::{Bus, Delivery, Filter, Message, RequestError, Subject, Subscription, Unavailable};
use tokio::{sync::watch, task::JoinSet};

use crate::{Nats, link::Link, names::Names, queue::Queue};

/// Messages that wait for one subscriber. When it is full, the oldest is dropped and the subscriber told of the gap.
const MESSAGES: usize = 4096;

#[async_trait]
impl Bus for Nats {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable> {
        self.link().publish(self.names().to_wire(subject), payload).await
    }

    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable> {
        let (losses, connects) = (self.link().losses(), self.link().connects());
        let subscriber = self.link().subscribe(self.names().filter(filter)).await?;
        let messages = Arc::new(Queue::new(MESSAGES));
        let pump = Pump {
            names: self.names().clone(),
            link: self.link().clone(),
            subscriber,
            losses,
            connects,
            messages: messages.clone(),
        };
        Ok(Box::new(NatsSubscription {
            filter: filter.clone(),
            messages,
            _pump: [pump.run()].into_iter().collect(),
        }))
    }

    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        let subject = self.names().to_wire(subject);
        self.link().request(subject, HeaderMap::new(), payload, timeout).await
    }
}

struct NatsSubscription {
    filter: Filter,
    messages: Arc<Queue<Message>>,
    /// One task, which ends with the subscription.
    _pump: JoinSet<()>,
}

#[async_trait]
impl Subscription for NatsSubscription {
    async fn next(&mut self) -> Delivery {
        match self.messages.pop().await {
            Some(message) => Delivery::Message(message),
            None => Delivery::Gap,
        }
    }
}

impl fmt::Debug for NatsSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSubscription")
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

/// Moves messages from the connection's queue, which drops the newest when it is full, to ours.
struct Pump {
    names: Names,
    link: Link,
    subscriber: Subscriber,
    losses: watch::Receiver<u64>,
    connects: u64,
    messages: Arc<Queue<Message>>,
}

impl Pump {
    /// Ends with the connection, which ends with the node.
    async fn run(mut self) {
        loop {
            let message = tokio::select! {
                lost = self.losses.changed() => match lost {
                    Ok(()) => None,
                    Err(_) => return,
                },
                message = self.subscriber.next() => match message {
                    Some(message) => Some(message),
                    None => return,
                },
            };
            // The news of a loss may come behind the first message of the new connection, its count does not.
            let connects = self.link.connects();
            if message.is_none() || connects != self.connects {
                self.connects = connects;
                self.push_all_with_gaps(message);
            } else {
                message.into_iter().for_each(|message| self.push(message));
            }
        }
    }

    /// Where the hole is among what waits nobody knows, so there is one before and behind each.
    fn push_all_with_gaps(&mut self, first: Option<async_nats::Message>) {
        self.messages.push_gap();
        let mut message = first;
        loop {
            message = message.or_else(|| self.subscriber.next().now_or_never().flatten());
            let Some(message) = message.take() else { return };
            self.push(message);
            self.messages.push_gap();
        }
    }

    fn push(&self, message: async_nats::Message) {
        // What is no subject of ours was published by hand.
        if let Some(subject) = self.names.subject(&message.subject) {
            self.messages.push(Message {
                subject,
                payload: message.payload,
                reply: message.reply.and_then(|reply| self.names.subject(&reply)),
            });
        }
    }
}

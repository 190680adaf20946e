use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Prefix, RequestError, Subject, Unavailable};

/// The seam: messages between nodes, each at most once, and in order from one publisher.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Bus: Debug + Send + Sync + 'static {
    /// Sends to all who have subscribed by now, on every node, this one too. It waits for none of them, and does not
    /// say whether there is anybody.
    ///
    /// Not cancel-safe: of a message that was dropped half-way nobody knows whether it goes out.
    ///
    /// # Errors
    /// [`Unavailable`]: it was not sent.
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable>;

    /// Hears what is published to a subject, or to all beneath a prefix. When it returns, the subscription is known to
    /// all nodes; if the bus is several servers, to those of the same server, and to others a moment later.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable>;

    /// Publishes with a [`Message::reply`], and waits for an answer; of several one counts.
    ///
    /// Dropped half-way it is like one that ends with [`RequestError::Timeout`].
    ///
    /// # Errors
    /// See [`RequestError`].
    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError>;
}

/// What one subscriber hears, until it is dropped.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Subscription: Debug + Send + 'static {
    /// The next message. It never ends: while the bus cannot be reached it waits.
    ///
    /// What waits for a slow subscriber is bounded: when it is too much, the oldest messages are dropped and
    /// [`Delivery::Gap`] comes in their place.
    ///
    /// Cancel-safe: what is not yet returned is returned by the next call.
    async fn next(&mut self) -> Delivery;
}

/// What a subscriber hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A message.
    Message(Message),
    /// Messages are missing here: this subscriber was too slow, or the bus was out of reach.
    Gap,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub subject: Subject,
    /// What.
    pub payload: Bytes,
    /// Where to publish the answer, if it is a request.
    pub reply: Option<Subject>,
}

/// What a subscriber wants to hear.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// One subject.
    Subject(Subject),
    /// All beneath a prefix.
    Prefix(Prefix),
}

impl From<Subject> for Filter {
    fn from(subject: Subject) -> Self {
        Self::Subject(subject)
    }
}

impl From<Prefix> for Filter {
    fn from(prefix: Prefix) -> Self {
        Self::Prefix(prefix)
    }
}

impl Filter {
    /// The subject's text, or [that of the prefix](Prefix::as_str).
    pub fn as_str(&self) -> &str {
        match self {
            Self::Subject(subject) => subject.as_str(),
            Self::Prefix(prefix) => prefix.as_str(),
        }
    }
}

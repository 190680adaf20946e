use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time;

use super::{SimulatedNode, mailbox::Mailbox, network::Road};
use crate::{Bus, Delivery, Filter, Message, RequestError, Subject, Subscription, Unavailable};

/// Who listens.
#[derive(Debug, Default)]
pub(super) struct Switch {
    listeners: BTreeMap<u64, Listener>,
    /// Numbers that were given to listeners and inboxes.
    numbers: u64,
}

#[derive(Debug)]
struct Listener {
    node: usize,
    filter: Filter,
    mailbox: Arc<Mailbox>,
}

impl Switch {
    /// A road is mended: whoever missed something on it is told.
    pub(super) fn tell_of_gaps(&self, road: Road) {
        for listener in self.listeners.values() {
            match road {
                Road::FromBus(node) if node == listener.node => listener.mailbox.tell_of_outage(),
                Road::Between { from, to } if to == listener.node => listener.mailbox.tell_of_gap(from),
                _ => {}
            }
        }
    }

    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

impl Listener {
    fn hears(&self, subject: &Subject) -> bool {
        match &self.filter {
            Filter::Subject(own) => own == subject,
            Filter::Prefix(prefix) => subject.as_str().starts_with(prefix.as_str()),
        }
    }
}

impl SimulatedNode {
    /// How many listeners the bus knows of, whether or not it reaches them; `None` if it cannot be sent.
    fn send(&self, message: &Message) -> Option<usize> {
        let mut network = self.shared.network();
        if !network.is_open(Road::ToBus(self.number)) {
            return None;
        }
        let switch = self.shared.switch();
        let mut known = 0;
        for listener in switch
            .listeners
            .values()
            .filter(|listener| listener.hears(&message.subject))
        {
            known += usize::from(network.is_open(Road::FromBus(listener.node)));
            match network.message_arrives(self.number, listener.node) {
                true => listener.mailbox.post(self.number, message.clone(), network.delay()),
                false => listener.mailbox.lose(self.number),
            }
        }
        Some(known)
    }

    fn listen(&self, filter: Filter) -> SimulatedSubscription {
        let mut switch = self.shared.switch();
        let (number, mailbox) = (switch.next_number(), Arc::<Mailbox>::default());
        let listener = Listener {
            node: self.number,
            filter,
            mailbox: mailbox.clone(),
        };
        switch.listeners.insert(number, listener);
        SimulatedSubscription {
            node: self.clone(),
            number,
            mailbox,
        }
    }
}

#[async_trait]
impl Bus for SimulatedNode {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable> {
        let message = Message {
            subject: subject.clone(),
            payload,
            reply: None,
        };
        self.send(&message).map(|_| ()).ok_or(Unavailable)
    }

    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable> {
        self.travel().await;
        let is_open = {
            let network = self.shared.network();
            network.is_open(Road::ToBus(self.number)) && network.is_open(Road::FromBus(self.number))
        };
        match is_open {
            true => Ok(Box::new(self.listen(filter.clone()))),
            false => Err(Unavailable),
        }
    }

    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        let number = self.shared.switch().next_number();
        let inbox = Subject::parse(&format!("_inbox.{number}")).expect("a word and a number are parts");
        let answers = self.listen(inbox.clone().into());
        let known = self.send(&Message {
            subject: subject.clone(),
            payload,
            reply: Some(inbox),
        });
        match known {
            None => return Err(RequestError::Unavailable),
            Some(0) => {
                self.travel().await;
                return Err(RequestError::NoResponders);
            }
            Some(_) => {}
        }
        let answer = async {
            loop {
                if let Delivery::Message(answer) = answers.mailbox.next().await {
                    return answer.payload;
                }
            }
        };
        time::timeout(timeout, answer).await.map_err(|_| RequestError::Timeout)
    }
}

struct SimulatedSubscription {
    node: SimulatedNode,
    number: u64,
    mailbox: Arc<Mailbox>,
}

#[async_trait]
impl Subscription for SimulatedSubscription {
    async fn next(&mut self) -> Delivery {
        self.mailbox.next().await
    }
}

impl Drop for SimulatedSubscription {
    fn drop(&mut self) {
        self.node.shared.switch().listeners.remove(&self.number);
    }
}

impl fmt::Debug for SimulatedSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedSubscription")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

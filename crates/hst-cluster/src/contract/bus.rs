//! The laws of a [`Bus`] and its [`Subscription`].

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{task::yield_now, time::Instant};

use super::{Nodes, impatiently, within};
use crate::{Bus, Delivery, Filter, Message, Prefix, RequestError, Subject, Subscription};

/// A cluster's bus, with nobody on it.
pub type Buses = Nodes<dyn Bus>;

/// More messages than wait for anybody who does not read.
const FLOOD: u64 = 200_000;
/// What a test waits for an answer that does not come.
const SHORT: Duration = Duration::from_millis(300);
/// What a test waits for an answer that comes.
const LONG: Duration = Duration::from_secs(30);

fn subject(text: &str) -> Subject {
    Subject::parse(text).expect("a test's subject is valid")
}

fn number(number: u64) -> Bytes {
    number.to_string().into()
}

async fn subscribe(bus: &Arc<dyn Bus>, filter: impl Into<Filter>) -> Box<dyn Subscription> {
    within(bus.subscribe(&filter.into())).await.expect("subscribes")
}

async fn publish(bus: &Arc<dyn Bus>, to: &Subject, payload: impl Into<Bytes>) {
    within(bus.publish(to, payload.into())).await.expect("publishes");
}

async fn message(subscription: &mut Box<dyn Subscription>) -> Message {
    match within(subscription.next()).await {
        Delivery::Message(message) => message,
        Delivery::Gap => panic!("a gap, though so little was sent"),
    }
}

/// All who listen hear all that one publishes, as it was sent and in that order, and it is no request.
pub async fn messages_come_whole_and_in_their_publishers_order(nodes: Buses) {
    const MESSAGES: u64 = 500;
    let mut listeners = Vec::new();
    for node in [&nodes.one, &nodes.other, &nodes.other] {
        listeners.push(subscribe(node, subject("a.b")).await);
    }
    for sent in 0..MESSAGES {
        publish(&nodes.one, &subject("a.b"), number(sent)).await;
    }
    publish(&nodes.one, &subject("a.b"), "").await;
    for listener in &mut listeners {
        for sent in 0..MESSAGES {
            let expected = Message {
                subject: subject("a.b"),
                payload: number(sent),
                reply: None,
            };
            assert_eq!(message(listener).await, expected);
        }
        assert_eq!(message(listener).await.payload, "");
    }
}

/// Nothing needs to pass between `subscribe` and the first message.
pub async fn a_subscription_hears_from_its_first_moment(nodes: Buses) {
    for round in 0..50u64 {
        let subject = subject("a").with(&round);
        let mut listener = subscribe(&nodes.other, subject.clone()).await;
        publish(&nodes.one, &subject, "x").await;
        assert_eq!(message(&mut listener).await.payload, "x");
    }
}

/// One subject, or all beneath a prefix: not the prefix itself, and not what merely begins with the same letters.
pub async fn a_listener_hears_what_it_asked_for_and_nothing_else(nodes: Buses) {
    let mut one = subscribe(&nodes.other, subject("a.b")).await;
    let mut beneath = subscribe(&nodes.other, subject("a.b").beneath()).await;
    let mut all = subscribe(&nodes.other, Prefix::all()).await;
    let sent = [
        "a", "a.b", "a.b.c", "a.bc", "a.bc.d", "b.a.b", "a.b.c.d", "end", "a.b", "a.b.end",
    ];
    for text in sent {
        publish(&nodes.one, &subject(text), text).await;
    }
    for (listener, expected) in [
        (&mut one, &["a.b", "a.b"][..]),
        (&mut beneath, &["a.b.c", "a.b.c.d", "a.b.end"]),
        (&mut all, &sent),
    ] {
        for text in expected {
            let heard = message(listener).await;
            assert_eq!((heard.subject, heard.payload), (subject(text), Bytes::from(*text)));
        }
    }
}

/// From the other node, one after the other.
pub async fn a_request_is_answered(nodes: Buses) {
    let mut door = subscribe(&nodes.other, subject("door").beneath()).await;
    let answer = async {
        for asked in 0..3 {
            let request = message(&mut door).await;
            assert_eq!(
                (&request.subject, &request.payload),
                (&subject("door.n1"), &number(asked))
            );
            let reply = request.reply.expect("a request says where to");
            publish(&nodes.other, &reply, number(asked + 100)).await;
        }
    };
    let ask = async {
        for asked in 0..3 {
            let answer = within(nodes.one.request(&subject("door.n1"), number(asked), LONG)).await;
            assert_eq!(answer, Ok(number(asked + 100)));
        }
    };
    tokio::join!(answer, ask);
}

/// Though they are answered in another order than they were asked.
pub async fn requests_at_once_get_each_its_own_answer(nodes: Buses) {
    let mut door = subscribe(&nodes.other, subject("door")).await;
    let answer = async {
        let requests = [message(&mut door).await, message(&mut door).await];
        for request in requests.into_iter().rev() {
            publish(&nodes.other, &request.reply.expect("is a request"), request.payload).await;
        }
    };
    let ask = async |sent| within(nodes.one.request(&subject("door"), number(sent), LONG)).await;
    let (first, second, ()) = tokio::join!(ask(1), ask(2), answer);
    assert_eq!((first, second), (Ok(number(1)), Ok(number(2))));
}

/// At once, and not when the time is over.
pub async fn a_request_that_nobody_hears_has_no_responders(nodes: Buses) {
    let asked = Instant::now();
    let door = subject("door");
    assert_eq!(
        within(nodes.one.request(&door, "?".into(), LONG)).await,
        Err(RequestError::NoResponders)
    );
    let listener = subscribe(&nodes.other, door.clone()).await;
    assert_eq!(
        within(nodes.one.request(&door, "?".into(), SHORT)).await,
        Err(RequestError::Timeout)
    );
    drop(listener);
    // That nobody listens any more may take a moment to be known.
    let no_one_hears = async {
        while nodes.one.request(&door, "?".into(), SHORT).await != Err(RequestError::NoResponders) {
            yield_now().await;
        }
    };
    within(no_one_hears).await;
    assert!(asked.elapsed() < LONG);
}

/// The time is the caller's, and the answer that comes too late does no harm.
pub async fn a_request_that_nobody_answers_times_out(nodes: Buses) {
    let door = subject("door");
    let mut listener = subscribe(&nodes.other, door.clone()).await;
    let asked = Instant::now();
    let answer = within(nodes.one.request(&door, "1".into(), SHORT)).await;
    assert_eq!(answer, Err(RequestError::Timeout));
    assert!(asked.elapsed() >= SHORT);
    let late = message(&mut listener).await;
    publish(&nodes.other, &late.reply.expect("is a request"), "late").await;

    let answer = async {
        let request = message(&mut listener).await;
        publish(&nodes.other, &request.reply.expect("is a request"), "2").await;
    };
    let (answered, ()) = tokio::join!(nodes.one.request(&door, "2".into(), LONG), answer);
    assert_eq!(answered, Ok("2".into()));
}

/// `next` is cancel-safe.
pub async fn a_next_dropped_half_way_loses_no_message(nodes: Buses) {
    const MESSAGES: u64 = 300;
    let mut listener = subscribe(&nodes.other, subject("a")).await;
    let send = async {
        for sent in 0..MESSAGES {
            publish(&nodes.one, &subject("a"), number(sent)).await;
            yield_now().await;
        }
    };
    let read = async {
        for sent in 0..MESSAGES {
            let next = async |listener: &mut Box<dyn Subscription>| listener.next().await;
            let heard = impatiently(&mut listener, next).await;
            assert!(
                matches!(&heard, Delivery::Message(m) if m.payload == number(sent)),
                "{heard:?}"
            );
        }
    };
    within(async { tokio::join!(send, read) }).await;
}

/// The oldest messages are dropped; each hole is told of where it is, and the newest message comes.
pub async fn a_listener_who_is_slow_learns_of_each_gap(nodes: Buses) {
    let mut listener = subscribe(&nodes.other, subject("a")).await;
    for sent in 0..FLOOD {
        publish(&nodes.one, &subject("a"), number(sent)).await;
    }
    let (mut next, mut gap) = (0, false);
    while next < FLOOD {
        match within(listener.next()).await {
            Delivery::Gap => gap = true,
            Delivery::Message(message) => {
                let text = std::str::from_utf8(&message.payload).expect("digits");
                let heard: u64 = text.parse().expect("a number");
                assert!(
                    heard == next || (gap && heard > next),
                    "{heard} comes instead of {next}"
                );
                (next, gap) = (heard + 1, false);
            }
        }
    }
}

/// Stamps the laws of a bus into a test file: one `#[tokio::test]` for each of them.
///
/// It takes the path of an `async fn() -> Buses`. The crate needs `tokio` among its dependencies.
#[macro_export]
macro_rules! bus_contract {
    ($open:path) => {
        $crate::bus_contract!(@stamp $open:
            messages_come_whole_and_in_their_publishers_order,
            a_subscription_hears_from_its_first_moment,
            a_listener_hears_what_it_asked_for_and_nothing_else,
            a_request_is_answered,
            requests_at_once_get_each_its_own_answer,
            a_request_that_nobody_hears_has_no_responders,
            a_request_that_nobody_answers_times_out,
            a_next_dropped_half_way_loses_no_message,
            a_listener_who_is_slow_learns_of_each_gap,
        );
    };
    (@stamp $open:path: $($law:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                $crate::contract::bus::$law($open().await).await;
            }
        )*
    };
}

//! Endpoints that are slow, dead or gone harm nobody else.

use std::time::Duration;

use bytes::Bytes;
use hst_webhook::{Counters, EventId};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    time::{Instant, timeout},
};

use crate::{
    app, builder, endpoint, local_guard, send,
    server::{Body, Reply, Server},
    until, webhooks,
};

#[tokio::test]
async fn h6_events_arrive_in_order_over_one_connection() {
    let mut server = Server::start(|_, _| Reply::body(200, Body::Long(1000))).await;
    let (webhooks, endpoint) = (webhooks(), endpoint(&server.url()));
    (0..100).for_each(|n| send(&webhooks, &endpoint, &n.to_string()));
    for n in 0..100 {
        assert_eq!(server.request().await.id(), n.to_string());
    }
    webhooks.shutdown().await;
    assert_eq!(server.connections(), 1);
    assert_eq!(webhooks.counters().delivered, 100);
}

#[tokio::test]
async fn h6_a_slow_endpoint_does_not_delay_another_app() {
    let mut slow = Server::start(|_, _| Reply::body(200, Body::Never)).await;
    let mut quick = Server::start(|_, _| Reply::status(200)).await;
    let webhooks = webhooks();
    (0..10).for_each(|n| send(&webhooks, &endpoint(&slow.url()), &n.to_string()));
    slow.request().await;
    let quick_endpoint = endpoint(&quick.url());
    for n in 0..100 {
        let id = EventId::parse(&n.to_string()).unwrap();
        webhooks.send(&app("b"), &quick_endpoint, id, Bytes::new());
        assert_eq!(quick.request().await.id(), n.to_string());
    }
    assert_eq!(slow.rest().len(), 0, "one delivery at a time, and it lasts");
}

#[tokio::test]
async fn h6_an_answer_without_end_costs_nothing() {
    let mut server = Server::start(|_, _| Reply::body(200, Body::Long(1 << 30))).await;
    let (webhooks, endpoint) = (webhooks(), endpoint(&server.url()));
    ["a", "b", "c"].iter().for_each(|id| send(&webhooks, &endpoint, id));
    for id in ["a", "b", "c"] {
        assert_eq!(server.request().await.id(), id);
    }
    webhooks.shutdown().await;
    assert_eq!(webhooks.counters().delivered, 3);
    // What the buffers of the system take, three times.
    assert!(server.written() < 64 << 20, "{} bytes were taken", server.written());
}

/// In virtual time: nothing is answered, so that only pauses pass.
#[tokio::test(start_paused = true)]
async fn h6_a_silent_endpoint_is_given_five_seconds_and_a_bounded_queue() {
    let mut server = Server::start(|_, _| Reply::body(200, Body::Never)).await;
    let (webhooks, endpoint) = (webhooks(), endpoint(&server.url()));
    let start = Instant::now();
    (0..3000).for_each(|n| send(&webhooks, &endpoint, &n.to_string()));
    assert_eq!(start.elapsed(), Duration::ZERO, "who sends never waits");
    assert_eq!(webhooks.counters().dropped, 3000 - 1024);

    server.request().await;
    let first = Instant::now();
    let second = timeout(Duration::from_secs(60), server.request()).await.unwrap();
    assert_eq!(second.id(), "0", "the same one again");
    assert_eq!(first.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn h6_a_silent_endpoint_does_not_hold_up_the_end() {
    let mut server = Server::start(|_, _| Reply::body(200, Body::Never)).await;
    let (webhooks, endpoint) = (webhooks(), endpoint(&server.url()));
    ["a", "b"].iter().for_each(|id| send(&webhooks, &endpoint, id));
    server.request().await;
    let start = Instant::now();
    webhooks.shutdown().await;
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!(webhooks.counters().dropped, 2);
    send(&webhooks, &endpoint, "c");
    assert_eq!(webhooks.counters().dropped, 3, "nothing is taken any more");
    webhooks.shutdown().await;
}

#[tokio::test]
async fn h6_a_dead_endpoint_ends_with_the_platform() {
    // Bound and let go: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let webhooks = webhooks();
    let dead = endpoint(&format!("http://{address}/"));
    ["a", "b"].iter().for_each(|id| send(&webhooks, &dead, id));
    webhooks.shutdown().await;
    let Counters { delivered, dropped, .. } = webhooks.counters();
    assert_eq!((delivered, dropped), (0, 2));
}

#[tokio::test]
async fn h6_an_endpoint_is_not_called_before_it_asked_to_be() {
    let mut server = Server::start(|n, _| match n {
        0 => Reply::with(503, "retry-after: 1"),
        _ => Reply::status(200),
    })
    .await;
    let webhooks = webhooks();
    send(&webhooks, &endpoint(&server.url()), "a");
    let (first, second) = (server.request().await, server.request().await);
    assert!(second.at - first.at >= Duration::from_secs(1));
    assert_eq!(second.id(), "a");
}

#[tokio::test]
async fn h6_an_endpoint_that_is_gone_gets_nothing_more() {
    let mut gone = Server::start(|_, _| Reply::status(410)).await;
    let mut other = Server::start(|_, _| Reply::status(200)).await;
    let (webhooks, gone_endpoint) = (webhooks(), endpoint(&gone.url()));
    ["a", "b", "c"]
        .iter()
        .for_each(|id| send(&webhooks, &gone_endpoint, id));
    assert_eq!(gone.request().await.id(), "a");
    until(&webhooks, |counters| counters.dropped == 3).await;
    send(&webhooks, &gone_endpoint, "d");
    assert_eq!(webhooks.counters().dropped, 4);
    send(&webhooks, &endpoint(&other.url()), "e");
    assert_eq!(other.request().await.id(), "e");
    webhooks.shutdown().await;
    assert_eq!(gone.rest().len(), 0);
    assert_eq!(webhooks.counters().delivered, 1);
}

#[tokio::test]
async fn h6_setting_an_endpoint_right_ends_the_pause_at_once() {
    let wrong = Server::start(|_, _| Reply::status(404)).await;
    let mut right = Server::start(|_, _| Reply::status(200)).await;
    let (drawn, mut draws) = mpsc::channel(1);
    let dice = move |_| {
        drawn.try_send(()).unwrap();
        Duration::from_secs(3600)
    };
    let webhooks = builder(local_guard()).dice(dice).build();
    send(&webhooks, &endpoint(&wrong.url()), "a");
    draws.recv().await;
    send(&webhooks, &endpoint(&right.url()), "b");
    assert_eq!(right.request().await.id(), "a", "what waited, too");
    assert_eq!(right.request().await.id(), "b");
}

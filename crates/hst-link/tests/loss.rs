//! Links over a cable that loses, and one that is cut.
#![allow(clippy::unwrap_used, reason = "the helpers are tests too")]

mod house;

use std::time::Duration;

use bytes::Bytes;
use house::{Node, link_over};
use hst_cable::Cable;
use hst_link::{Closed, IDLE, Link};
use tokio::time::{Instant, MissedTickBehavior};

/// Of each way over the cable.
const DELAY: Duration = Duration::from_millis(10);
const SEED: u64 = 1;

/// The two ends of a link over a cable.
async fn link_by(cable: &mut Cable) -> (Link, Link) {
    let (dialler, mut answerer) = (Node::new("n1"), Node::new("n2"));
    let entrance = cable.carry_datagrams(answerer.address()).await.unwrap();
    link_over(&dialler, &mut answerer, entrance).await
}

/// Sends this many datagrams, five a millisecond (44 Mbit/s), and a last frame behind them; how many arrived by then, and
/// how long after it was sent.
async fn carry(count: u64, loss: f64) -> (u64, Duration) {
    let mut cable = Cable::new(DELAY).with_loss(loss, SEED);
    let (mut one, mut two) = link_by(&mut cable).await;
    let send = async {
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        // What a busy machine has kept from being sent in time does not go out all at once, which would be a loss of its own.
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 0..count {
            if number % 5 == 0 {
                tick.tick().await;
            }
            one.datagram_sender.send(Bytes::from_static(&[0; 1100])).unwrap();
        }
        let last = Instant::now();
        one.frame_sender.finish().await.unwrap();
        last
    };
    let receive = async {
        let mut arrived = 0;
        loop {
            tokio::select! {
                biased;
                datagram = two.datagram_receiver.recv() => arrived += u64::from(datagram.is_ok()),
                end = two.frame_receiver.recv() => {
                    assert_eq!(end, Ok(None));
                    return (arrived, Instant::now());
                }
            }
        }
    };
    let ((arrived, end), last) = tokio::join!(receive, send);
    (arrived, end - last)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loss_costs_what_is_lost_and_nothing_more() {
    for loss in [0.001, 0.01] {
        // A second's worth. What takes loss for congestion needs five, four of them after all was sent.
        let (arrived, time) = carry(5000, loss).await;
        assert!(arrived >= 4750, "loss {loss}, seed {SEED}: {arrived} of 5000 arrived");
        assert!(time < Duration::from_secs(2), "loss {loss}, seed {SEED}: {time:?}");
    }
}

#[tokio::test]
async fn frames_are_whole_and_in_order_whatever_is_lost() {
    let mut cable = Cable::new(Duration::ZERO).with_loss(0.1, SEED);
    let (mut one, mut two) = link_by(&mut cable).await;
    let send = async {
        for number in 0..200_u8 {
            one.frame_sender.send(vec![number; 2000].into()).await.unwrap();
        }
    };
    let receive = async {
        for number in 0..200_u8 {
            assert_eq!(
                two.frame_receiver.recv().await.unwrap().unwrap(),
                vec![number; 2000],
                "seed {SEED}"
            );
        }
    };
    tokio::join!(send, receive);
    assert!(one.handle.figures().packets_lost > 0, "seed {SEED}");
}

#[tokio::test]
async fn a_peer_that_falls_silent_is_noticed_within_six_seconds_by_both() {
    let mut cable = Cable::new(Duration::ZERO);
    let (mut one, mut two) = link_by(&mut cable).await;
    one.frame_sender.send("all is well".into()).await.unwrap();
    two.frame_receiver.recv().await.unwrap();
    cable.cut();
    tokio::time::pause();
    let cut = Instant::now();
    for link in [&one, &two] {
        assert_eq!(link.handle.closed().await, Closed::Silent);
        assert!(cut.elapsed() <= IDLE, "{:?}", cut.elapsed());
    }
    assert_eq!(one.frame_receiver.recv().await, Err(Closed::Silent));
}

#[tokio::test]
async fn an_idle_link_whose_peer_lives_stands() {
    let mut cable = Cable::new(Duration::ZERO);
    let (mut one, mut two) = link_by(&mut cable).await;
    tokio::time::pause();
    let hour = tokio::time::timeout(Duration::from_secs(3600), one.handle.closed());
    assert!(hour.await.is_err(), "it ended");
    tokio::time::resume();
    one.frame_sender.send("still here".into()).await.unwrap();
    assert_eq!(two.frame_receiver.recv().await.unwrap().unwrap(), "still here");
}

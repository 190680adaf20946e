//! One link between two nodes lives.

mod house;

use house::{Node, config, link};
use hst_link::{CloseCode, CloseReason, Closed, Config, ConnectError};

fn duplicate() -> CloseReason {
    CloseReason::new(CloseCode::Duplicate, "another link between the two nodes lives on")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_dial_at_the_same_time_the_one_that_the_smaller_name_dialled_stays() {
    for round in 0..30 {
        let (mut small, mut large) = (Node::new("a"), Node::new("b"));
        let (to_large, to_small) = (large.address(), small.address());
        let by_small = small.links.connect(&large.name, to_large);
        let by_large = large.links.connect(&small.name, to_small);
        // Each side accepts until both dials are through.
        let (mut at_small, mut at_large) = (Vec::new(), Vec::new());
        let dials = async { tokio::join!(by_small, by_large) };
        tokio::pin!(dials);
        let (by_small, by_large) = loop {
            tokio::select! {
                dialled = &mut dials => break dialled,
                Some(link) = small.arrivals.accept() => at_small.push(link),
                Some(link) = large.arrivals.accept() => at_large.push(link),
            }
        };

        let mut stays = by_small.unwrap_or_else(|error| panic!("round {round}: {error}"));
        // Whatever became of the other one, both ends say the same, and it was the dial of the larger name.
        match by_large {
            Ok(link) => assert!(is_duplicate(&link.handle.closed().await), "round {round}"),
            Err(ConnectError::Closed(closed)) => assert!(is_duplicate(&closed), "round {round}: {closed:?}"),
            Err(error) => assert_eq!(error, ConnectError::Standing, "round {round}"),
        }
        for link in at_small {
            assert!(is_duplicate(&link.handle.closed().await), "round {round}");
        }
        if at_large.is_empty() {
            at_large.push(large.arrivals.accept().await.unwrap());
        }
        let [other_end] = &mut at_large[..] else {
            panic!("round {round}: {at_large:?}");
        };
        stays.frame_sender.send("still here".into()).await.unwrap();
        assert_eq!(
            other_end.frame_receiver.recv().await.unwrap().unwrap(),
            "still here",
            "round {round}"
        );
    }
}

fn is_duplicate(closed: &Closed) -> bool {
    [Closed::Here(duplicate()), Closed::ByPeer(duplicate())].contains(closed)
}

#[tokio::test]
async fn nobody_dials_a_node_that_a_link_stands_with() {
    let (mut a, mut b) = (Node::new("a"), Node::new("b"));
    let (link, other_end) = link(&a, &mut b).await;
    let error = a.links.connect(&b.name, b.address()).await.unwrap_err();
    assert_eq!(error, ConnectError::Standing);
    assert!(error.is_retryable());
    let error = b.links.connect(&a.name, a.address()).await.unwrap_err();
    assert_eq!(error, ConnectError::Standing);

    // Whoever has dialled, and whichever end was dropped.
    drop(link);
    let closed = other_end.handle.closed().await;
    assert_eq!(closed, Closed::ByPeer(CloseReason::new(CloseCode::Dropped, "")));
    let (again, _end) = house::link(&b, &mut a).await;
    assert_eq!(again.handle.peer().name, a.name);
}

#[tokio::test]
async fn a_node_that_is_being_dialled_is_not_dialled_by_another_call() {
    let (a, mut b) = (Node::new("a"), Node::new("b"));
    let address = b.address();
    let first = a.links.connect(&b.name, address);
    let second = async { a.links.connect(&b.name, address).await };
    // `join!` begins the first one first; nobody answers before all have begun.
    let name = b.name.clone();
    let (first, second, _accepted) = tokio::join!(first, second, b.arrivals.accept());
    assert_eq!(first.unwrap().handle.peer().name, name);
    assert_eq!(second.unwrap_err(), ConnectError::Standing);
}

#[tokio::test]
async fn a_dial_that_is_dropped_is_no_dial() {
    let (a, mut b) = (Node::new("a"), Node::new("b"));
    {
        let dial = a.links.connect(&b.name, b.address());
        tokio::select! {
            biased;
            link = dial => panic!("{link:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    link(&a, &mut b).await;
}

#[tokio::test]
async fn a_node_in_its_next_life_replaces_the_link_of_the_one_before() {
    for reborn in ["a", "b"] {
        let (mut a, mut b) = (Node::new("a"), Node::new("b"));
        let (at_a, at_b) = link(&a, &mut b).await;
        // The life before has ended without a word, which the other side has not noticed yet.
        let next = Node::with(reborn, Config { epoch: 8, ..config() });
        let (survivor, old, _silent) = if reborn == "a" {
            (&mut b, at_b, at_a)
        } else {
            (&mut a, at_a, at_b)
        };
        let (mut new, mut end) = link(&next, survivor).await;
        assert_eq!(old.handle.closed().await, Closed::Here(duplicate()), "{reborn}");
        new.frame_sender.send("again".into()).await.unwrap();
        assert_eq!(end.frame_receiver.recv().await.unwrap().unwrap(), "again");
    }
}

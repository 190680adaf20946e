//! What a link carries, and how it ends.

mod house;

use bytes::Bytes;
use house::{ANYWHERE, AUTHORITY, Node, config, identity, link, pair};
use hst_link::{
    BindError, CloseCode, CloseReason, Closed, Config, Links, MAX_FRAME, SendDatagramError, SendFrameError,
};

#[tokio::test]
async fn datagrams_and_frames_cross_both_ways() {
    let (mut one, mut two) = pair().await;
    for (from, to) in [(&mut one, 1), (&mut two, 2)] {
        from.datagram_sender.send(vec![to; 1100].into()).unwrap();
        from.frame_sender.send(vec![to; MAX_FRAME].into()).await.unwrap();
        from.frame_sender.send(Bytes::new()).await.unwrap();
    }
    for (at, from) in [(&mut two, 1), (&mut one, 2)] {
        assert_eq!(at.datagram_receiver.recv().await.unwrap(), vec![from; 1100]);
        assert_eq!(at.frame_receiver.recv().await.unwrap().unwrap(), vec![from; MAX_FRAME]);
        assert_eq!(at.frame_receiver.recv().await.unwrap().unwrap(), "");
    }
    let figures = one.handle.figures();
    assert_eq!((figures.datagrams_offered, figures.datagrams_sent), (1, 1));
    assert_eq!((figures.datagrams_arrived, figures.datagrams_taken), (1, 1));
    assert!(
        figures.bytes_sent > 1100 && figures.bytes_received > 1100,
        "{figures:?}"
    );
    assert!(
        figures.packets_sent > 1 && figures.round_trip.as_millis() < 1000,
        "{figures:?}"
    );
}

#[tokio::test]
async fn both_ends_know_each_other_the_epoch_and_the_newest_common_version() {
    let old = Node::with(
        "old",
        Config {
            epoch: 11,
            versions: 1..=2,
            ..config()
        },
    );
    let mut new = Node::with(
        "new",
        Config {
            epoch: 22,
            versions: 2..=3,
            ..config()
        },
    );
    new.links.set_epoch(23);
    let (dialled, answered) = link(&old, &mut new).await;
    let (there, here) = (dialled.handle.peer(), answered.handle.peer());
    assert_eq!((there.name.as_str(), there.epoch, there.version), ("new", 23, 2));
    assert_eq!((here.name.as_str(), here.epoch, here.version), ("old", 11, 2));
    assert_eq!((there.address, here.address), (new.address(), old.address()));
}

#[tokio::test]
async fn a_full_queue_drops_the_oldest_datagrams_and_counts_them() {
    const OFFERED: u64 = 10_000;
    let (mut one, mut two) = pair().await;
    // The one thread sends nothing before somebody waits. 10 MB are more than 50 ms of the share.
    for number in 0..OFFERED {
        let datagram = [&number.to_be_bytes()[..], &[0; 1092]].concat();
        one.datagram_sender.send(datagram.into()).unwrap();
    }
    let first = two.datagram_receiver.recv().await.unwrap();
    let first = u64::from_be_bytes(*first.first_chunk().unwrap());
    one.frame_sender.finish().await.unwrap();
    let figures = one.handle.figures();
    assert_eq!(figures.datagrams_offered, OFFERED);
    let dropped = figures.datagrams_offered - figures.datagrams_sent;
    assert!((1..OFFERED).contains(&dropped), "{dropped} dropped");
    assert!(first >= 4000, "the first that came is number {first}");
}

#[tokio::test]
async fn a_frame_waits_for_a_peer_that_does_not_read_and_keeps_its_place() {
    let (mut one, mut two) = pair().await;
    let mut sent = 0_u32;
    // A `send` that is dropped has sent its frame whole, or not yet begun it.
    loop {
        let frame = Bytes::from(vec![sent as u8; MAX_FRAME]);
        tokio::select! {
            biased;
            result = one.frame_sender.send(frame) => result.unwrap(),
            () = quiet(&two) => break,
        }
        sent += 1;
        assert!(sent < 100, "nothing waits");
    }
    assert!(sent >= 3, "{sent} frames are less than a window");
    let (last, all) = tokio::join!(one.frame_sender.send("last".into()), async {
        let mut all = Vec::new();
        loop {
            let frame = two.frame_receiver.recv().await.unwrap().unwrap();
            if frame == "last" {
                return all;
            }
            all.push(frame);
        }
    });
    last.unwrap();
    let expected: Vec<_> = (0..=sent).map(|number| vec![number as u8; MAX_FRAME]).collect();
    assert!(all.len() == expected.len() && all.iter().zip(&expected).all(|(is, should)| is == should));
}

/// Waits until nothing arrives any more.
async fn quiet(link: &hst_link::Link) {
    let (mut before, mut turns) = (0, 0);
    while turns < 10_000 {
        let now = link.handle.figures().bytes_received;
        turns = if now == before { turns + 1 } else { 0 };
        before = now;
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_frame_above_the_limit_is_refused_and_the_link_goes_on() {
    let (mut one, mut two) = pair().await;
    let error = one.frame_sender.send(vec![0; MAX_FRAME + 1].into()).await.unwrap_err();
    let (len, max) = (MAX_FRAME + 1, MAX_FRAME);
    assert_eq!(error, SendFrameError::TooLarge { len, max });
    one.frame_sender.send("next".into()).await.unwrap();
    assert_eq!(two.frame_receiver.recv().await.unwrap().unwrap(), "next");
}

#[tokio::test]
async fn a_link_is_closed_with_a_reason_that_both_ends_hear_everywhere() {
    let (mut one, mut two) = pair().await;
    let reason = CloseReason::new(CloseCode::Other(1000), "the node is fenced");
    one.handle.close(reason.clone());
    one.handle.close(CloseReason::new(CloseCode::Other(2000), "too late"));

    let (here, there) = (Closed::Here(reason.clone()), Closed::ByPeer(reason));
    assert_eq!(
        (one.handle.closed().await, two.handle.closed().await),
        (here.clone(), there.clone())
    );
    for (link, closed) in [(&mut one, here), (&mut two, there)] {
        assert_eq!(link.datagram_receiver.recv().await, Err(closed.clone()));
        assert_eq!(link.frame_receiver.recv().await, Err(closed.clone()));
        let datagram = link.datagram_sender.send("x".into());
        assert_eq!(datagram, Err(SendDatagramError::Closed(closed.clone())));
        let frame = link.frame_sender.send("x".into()).await;
        assert_eq!(frame, Err(SendFrameError::Closed(closed)));
    }
}

#[tokio::test]
async fn frames_before_a_finish_arrive_before_the_close() {
    let (mut one, mut two) = pair().await;
    for _ in 0..3 {
        one.frame_sender.send(vec![1; MAX_FRAME].into()).await.unwrap();
    }
    let handle = one.handle.clone();
    let (finished, frames) = tokio::join!(one.frame_sender.finish(), async {
        let mut frames = 0;
        while let Some(frame) = two.frame_receiver.recv().await.unwrap() {
            assert_eq!(frame.len(), MAX_FRAME);
            frames += 1;
        }
        frames
    });
    assert_eq!((finished, frames), (Ok(()), 3));
    handle.close(CloseReason::new(CloseCode::GoingAway, "drained"));
    let reason = CloseReason::new(CloseCode::GoingAway, "drained");
    assert_eq!(two.frame_receiver.recv().await, Ok(None), "the end of the frames stays");
    assert_eq!(two.handle.closed().await, Closed::ByPeer(reason));
}

#[tokio::test]
async fn a_link_ends_when_its_last_part_is_dropped() {
    let (one, two) = pair().await;
    let handle = one.handle.clone();
    drop(one);
    assert_eq!(two.handle.figures().packets_lost, 0);
    drop(handle);
    let reason = CloseReason::new(CloseCode::Dropped, "");
    assert_eq!(two.handle.closed().await, Closed::ByPeer(reason));
}

#[tokio::test]
async fn a_node_that_shuts_down_tells_every_peer_and_accepts_no_more() {
    let mut hub = Node::new("hub");
    let (n1, n2) = (Node::new("n1"), Node::new("n2"));
    let (one, _kept_one) = link(&n1, &mut hub).await;
    let (two, _kept_two) = link(&n2, &mut hub).await;
    hub.links.shut_down().await;
    let reason = CloseReason::new(CloseCode::GoingAway, "the node ends");
    for link in [one, two] {
        assert_eq!(link.handle.closed().await, Closed::ByPeer(reason.clone()));
    }
    assert!(hub.arrivals.accept().await.is_none());
    let refused = hub.links.connect(&n1.name, n1.address()).await.unwrap_err();
    assert_eq!(refused, Closed::Here(reason).into());
}

#[tokio::test]
async fn control_passes_while_datagrams_fill_their_queue() {
    let (mut one, mut two) = pair().await;
    let flood = async {
        loop {
            for _ in 0..100 {
                one.datagram_sender.send(Bytes::from_static(&[0; 1100])).unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    let control = async {
        for number in 0..20_u8 {
            one.frame_sender.send(vec![number; 1000].into()).await.unwrap();
            assert_eq!(two.frame_receiver.recv().await.unwrap().unwrap(), vec![number; 1000]);
        }
    };
    tokio::select! {
        () = flood => unreachable!("it never ends"),
        () = control => {}
    }
}

#[tokio::test]
async fn an_empty_range_of_versions_is_refused() {
    #[allow(clippy::reversed_empty_ranges, reason = "on purpose")]
    let config = Config {
        versions: 2..=1,
        ..config()
    };
    let error = Links::bind(ANYWHERE, identity(&AUTHORITY, "n1"), config).unwrap_err();
    assert!(matches!(error, BindError::Versions(_)), "{error}");
    assert_eq!(error.to_string(), "there is no version from 2 to 1");
}

//! Peers that break the rules, or off, and strangers.
#![allow(clippy::unwrap_used, reason = "the helpers are tests too")]

mod house;

use std::net::UdpSocket;

use house::{Node, hello, papers, raw, turning_away};
use hst_link::{CloseCode, CloseReason, Closed, Link, MAX_FRAME};
use quinn::{Connection, ConnectionError, RecvStream, SendStream, VarInt};

fn code(error: &ConnectionError) -> Option<u64> {
    match error {
        ConnectionError::ApplicationClosed(close) => Some(close.error_code.into_inner()),
        _ => None,
    }
}

struct Raw {
    connection: Connection,
    send: SendStream,
    _recv: RecvStream,
}

/// Our end of a link, and a raw node behind its hello.
async fn raw_pair() -> (Link, Raw) {
    let mut node = Node::new("n1");
    let address = node.address();
    let dial = async {
        let connection = raw(Some(papers("n2")), address, "n1").await.unwrap();
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(&hello("n2", 1..=1)).await.unwrap();
        Raw {
            connection,
            send,
            _recv: recv,
        }
    };
    let (link, raw) = tokio::join!(node.arrivals.accept(), dial);
    (link.unwrap(), raw)
}

#[tokio::test]
async fn a_first_frame_that_is_no_hello_is_turned_away() {
    let mut node = Node::new("n1");
    let address = node.address();
    let too_long = [&513_u32.to_be_bytes()[..], &[0; 513]].concat();
    let garbage: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\0",
        b"\0\0\0\x05hello",
        &hello("Upper", 1..=1),
        &too_long,
    ];
    for bytes in garbage {
        let error = turning_away(&mut node, async {
            let connection = raw(Some(papers("n2")), address, "n1").await.unwrap();
            let (mut send, _recv) = connection.open_bi().await.unwrap();
            send.write_all(bytes).await.unwrap();
            connection.closed().await
        });
        assert_eq!(code(&error.await), Some(CloseCode::Hello.number().into()), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_length_above_the_limit_ends_the_link_and_the_peer_learns_why() {
    for len in [MAX_FRAME as u32 + 1, u32::MAX] {
        let (mut link, mut raw) = raw_pair().await;
        raw.send.write_all(&len.to_be_bytes()).await.unwrap();
        let text = format!("a frame of {len} bytes; {MAX_FRAME} are the most");
        let closed = Closed::Here(CloseReason::new(CloseCode::FrameTooLarge, text));
        assert_eq!(link.frame_receiver.recv().await, Err(closed.clone()));
        assert_eq!(link.frame_receiver.recv().await, Err(closed), "the end stays");
        let heard = raw.connection.closed().await;
        assert_eq!(code(&heard), Some(CloseCode::FrameTooLarge.number().into()));
    }
}

#[tokio::test]
async fn frames_are_put_together_from_single_bytes() {
    let (mut link, mut raw) = raw_pair().await;
    let write = async {
        for byte in *b"\0\0\0\x02hi\0\0\0\0\0\0\0\x01!" {
            raw.send.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        for frame in ["hi", "", "!"] {
            assert_eq!(link.frame_receiver.recv().await.unwrap().unwrap(), frame);
        }
    };
    tokio::join!(write, read);
}

#[tokio::test]
async fn a_peer_that_breaks_off_within_a_frame_is_closed() {
    for reset in [false, true] {
        let (mut link, mut raw) = raw_pair().await;
        raw.send.write_all(b"\0\0\0\x05he").await.unwrap();
        if reset {
            raw.send.reset(VarInt::from_u32(7)).unwrap();
        } else {
            raw.send.finish().unwrap();
        }
        let end = link.frame_receiver.recv().await.unwrap_err();
        assert_eq!(
            end,
            Closed::Here(CloseReason::new(CloseCode::Dropped, "a frame was cut short"))
        );
    }
}

#[tokio::test]
async fn an_unknown_code_is_passed_on() {
    for (sent, heard) in [(77, 77), ((1 << 62) - 1, u32::MAX)] {
        let (link, raw) = raw_pair().await;
        raw.connection.close(VarInt::from_u64(sent).unwrap(), b"who \xff knows");
        let reason = CloseReason::new(CloseCode::Other(heard), "who \u{fffd} knows");
        assert_eq!(link.handle.closed().await, Closed::ByPeer(reason));
    }
}

#[tokio::test]
async fn no_second_stream_can_be_opened() {
    let (mut link, mut raw) = raw_pair().await;
    let one_frame_there = async {
        raw.send.write_all(b"\0\0\0\x01x").await.unwrap();
        link.frame_receiver.recv().await.unwrap().unwrap()
    };
    tokio::select! {
        biased;
        second = raw.connection.open_bi() => panic!("{:?}", second.map(|_| ())),
        one_way = raw.connection.open_uni() => panic!("{:?}", one_way.map(|_| ())),
        frame = one_frame_there => assert_eq!(frame, "x"),
    }
}

#[tokio::test]
async fn a_node_that_says_nothing_is_dropped_after_a_while() {
    let mut node = Node::new("n1");
    let address = node.address();
    let error = turning_away(&mut node, async {
        let connection = raw(Some(papers("n2")), address, "n1").await.unwrap();
        tokio::time::pause();
        connection.closed().await
    });
    assert_eq!(code(&error.await), Some(0));
}

#[tokio::test]
async fn a_dial_that_nobody_answers_ends_after_a_while() {
    let node = Node::new("n1");
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    tokio::time::pause();
    let n2 = house::name("n2");
    let error = node.links.connect(&n2, silent.local_addr().unwrap()).await.unwrap_err();
    assert_eq!(error, hst_link::ConnectError::Timeout);
}

#[tokio::test]
async fn a_crowd_that_never_gets_through_fills_only_its_share() {
    let mut node = Node::new("n1");
    let address = node.address();
    let junk = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..100 {
        junk.send_to(b"no QUIC at all", address).unwrap();
    }
    turning_away(&mut node, async {
        let mut crowd = Vec::new();
        // None says its hello.
        for _ in 0..32 {
            crowd.push(raw(Some(papers("n2")), address, "n1").await.unwrap());
        }
        let error = raw(Some(papers("n2")), address, "n1").await.unwrap_err();
        assert!(matches!(error, ConnectionError::ConnectionClosed(_)), "{error:?}");
        let dialler = Node::new("n3");
        let error = dialler.links.connect(&house::name("n1"), address).await.unwrap_err();
        assert_eq!(error, hst_link::ConnectError::Busy);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_must_prove_its_address_before_anything_is_kept_for_it() {
    let (mut node, dialler) = (Node::new("n1"), Node::new("n2"));
    let between = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (to_node, n1) = (node.address(), node.name.clone());
    let entrance = between.local_addr().unwrap();
    let answer = async {
        let mut buffer = [0; 2048];
        let (len, _) = between.recv_from(&mut buffer).await.unwrap();
        between.send_to(&buffer[..len], to_node).await.unwrap();
        let (len, from) = between.recv_from(&mut buffer).await.unwrap();
        assert_eq!(from, to_node);
        buffer[..len].to_vec()
    };
    let answer = tokio::select! {
        link = node.arrivals.accept() => panic!("{link:?}"),
        link = dialler.links.connect(&n1, entrance) => panic!("{link:?}"),
        answer = answer => answer,
    };
    // A Retry packet (RFC 9000, section 17.2.5), and so less than was sent.
    assert_eq!(answer[0] & 0xf0, 0xf0);
    assert!(answer.len() < 300, "{} bytes", answer.len());
}

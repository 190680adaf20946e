//! Peers that break the rules, or off.

mod house;

use std::net::UdpSocket;

use house::Server;
use hst_signal::{CloseCode, CloseReason, Limits, RecvEnd, SendError, SignalListener, SignalTransport};
use hst_signal_quic::QuicTransport;
use quinn::{ConnectionError, VarInt};

const LIMITS: Limits = Limits { max_frame: 1000 };

fn application_code(error: &ConnectionError) -> Option<u64> {
    match error {
        ConnectionError::ApplicationClosed(close) => Some(close.error_code.into_inner()),
        _ => None,
    }
}

#[tokio::test]
async fn a_length_above_the_limit_ends_the_connection_and_the_peer_learns_why() {
    for length in [1001_u32, u32::MAX] {
        let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
        raw.send.write_all(&length.to_be_bytes()).await.unwrap();
        let end = server.receiver.recv().await.unwrap_err();
        assert_eq!(end, RecvEnd::TooLarge { max: 1000 });
        assert_eq!(server.receiver.recv().await, Err(end.clone()), "the end stays");
        server.sender.close(end.answer().unwrap()).await;
        assert_eq!(application_code(&raw.connection.closed().await), Some(1009));
    }
}

#[tokio::test]
async fn frames_are_put_together_from_single_bytes() {
    let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
    let write = async {
        for byte in *b"\0\0\0\x02hi\0\0\0\0\0\0\0\x01!" {
            raw.send.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        for frame in ["hi", "", "!"] {
            assert_eq!(server.receiver.recv().await.unwrap(), frame);
        }
    };
    tokio::join!(write, read);
}

#[tokio::test]
async fn any_bytes_are_a_frame() {
    let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
    server.sender.send(vec![0xff, 0].into()).await.unwrap();
    let mut wire = [0; 6];
    raw.recv.read_exact(&mut wire).await.unwrap();
    assert_eq!(wire, [0, 0, 0, 2, 0xff, 0]);
}

#[tokio::test]
async fn a_peer_that_breaks_off_is_lost() {
    // In the middle of a frame, and between two; by the end of the stream, its reset, and the end of the connection.
    for bytes in [&b"\0\0\0\x05he"[..], b"\0\0", b""] {
        for how in 0..3 {
            let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
            raw.send.write_all(bytes).await.unwrap();
            match how {
                0 => {
                    raw.send.finish().unwrap();
                    // The reason that might follow is waited for.
                    tokio::time::pause();
                }
                1 => raw.send.reset(VarInt::from_u32(7)).unwrap(),
                _ => raw.connection.close(VarInt::from_u32(0), b""),
            }
            assert_eq!(server.receiver.recv().await, Err(RecvEnd::Lost), "{how}");
            if how == 0 {
                tokio::time::resume();
            }
        }
    }
}

#[tokio::test]
async fn a_peer_that_stops_reading_for_good_ends_sending() {
    let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
    raw.recv.stop(VarInt::from_u32(7)).unwrap();
    while let Ok(()) = server.sender.send("x".into()).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.sender.send("x".into()).await, Err(SendError::Closed));
}

#[tokio::test]
async fn an_unknown_code_is_a_reason_to_come_back() {
    for code in [77_u64, (1 << 62) - 1] {
        let (mut server, raw) = Server::bind(LIMITS).raw_pair().await;
        raw.connection.close(VarInt::from_u64(code).unwrap(), b"who \xff knows");
        let reason = CloseReason::new(CloseCode::GoingAway, "who \u{fffd} knows");
        assert_eq!(server.receiver.recv().await, Err(RecvEnd::Closed(reason)));
    }
}

#[tokio::test]
async fn q9_no_second_stream_can_be_opened() {
    let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
    let one_frame_there = async {
        raw.send.write_all(b"\0\0\0\x01x").await.unwrap();
        server.receiver.recv().await.unwrap()
    };
    tokio::select! {
        biased;
        second = raw.connection.open_bi() => panic!("{:?}", second.map(|_| ())),
        one_way = raw.connection.open_uni() => panic!("{:?}", one_way.map(|_| ())),
        frame = one_frame_there => assert_eq!(frame, "x"),
    }
    assert_eq!(raw.connection.max_datagram_size(), None);
}

#[tokio::test]
async fn another_preamble_is_turned_away() {
    let mut server = Server::bind(LIMITS);
    let (address, pin) = (server.address(), server.pin());
    let junk = async {
        let connection = Server::raw_client(address, pin).await;
        let (mut send, _recv) = connection.open_bi().await.unwrap();
        send.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        connection.closed().await
    };
    tokio::select! {
        accepted = server.listener.accept() => panic!("{accepted:?}"),
        error = junk => assert_eq!(application_code(&error), Some(1002)),
    }
}

#[tokio::test]
async fn q3_a_crowd_that_never_gets_through_holds_up_nobody() {
    let mut server = Server::bind(LIMITS);
    let (address, pin, url) = (server.address(), server.pin(), server.pinned_url());
    let junk = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..100 {
        junk.send_to(b"no QUIC at all", address).unwrap();
    }
    let crowd_and_client = async {
        // None opens its stream. The last ones are more than one address may have under way.
        let mut crowd = Vec::new();
        let mut refused = 0;
        for _ in 0..100 {
            match Server::raw_client_from([127, 0, 0, 2].into(), address, pin).await {
                Ok(connection) => crowd.push(connection),
                Err(error) => {
                    assert!(matches!(error, ConnectionError::ConnectionClosed(_)), "{error:?}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0, "one address may not have everything");
        (crowd, QuicTransport::new(LIMITS).connect(&url).await)
    };
    let (accepted, (_crowd, client)) = tokio::join!(server.listener.accept(), crowd_and_client);
    assert_eq!(client.unwrap().peer, Some(address));
    assert_eq!(accepted.unwrap().peer.unwrap().ip(), address.ip());
}

#[tokio::test]
async fn a_client_without_a_stream_is_dropped_after_a_while() {
    let mut server = Server::bind(LIMITS);
    let (address, pin) = (server.address(), server.pin());
    let silent = async {
        let connection = Server::raw_client(address, pin).await;
        tokio::time::pause();
        connection.closed().await
    };
    tokio::select! {
        accepted = server.listener.accept() => panic!("{accepted:?}"),
        error = silent => assert_eq!(application_code(&error), Some(0), "{error:?}"),
    }
}

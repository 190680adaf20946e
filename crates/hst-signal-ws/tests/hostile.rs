//! Peers that break the rules, or off.
#![allow(clippy::unwrap_used, reason = "the helpers are tests too")]

mod house;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use house::{listen, raw_client, raw_server};
use hst_signal::{CloseCode, CloseReason, Limits, RecvEnd, SendError, SignalListener, SignalTransport};
use hst_signal_ws::WsTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{
            CloseFrame,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

const LIMITS: Limits = Limits { max_frame: 1000 };
const TOO_LARGE: RecvEnd = RecvEnd::TooLarge { max: 1000 };

/// The close frame that the raw peer gets to see.
async fn close_frame(peer: &mut WebSocketStream<TcpStream>) -> Option<CloseFrame> {
    loop {
        match peer
            .next()
            .await
            .expect("a close comes before the end")
            .expect("a close comes before an error")
        {
            Message::Close(frame) => return frame,
            _ => continue,
        }
    }
}

/// How our server's `recv` ends after a raw client has written `bytes` behind the handshake.
async fn end_after(bytes: &[u8]) -> RecvEnd {
    let (mut server, client) = raw_client(LIMITS).await;
    let mut io = client.into_inner();
    io.write_all(bytes).await.unwrap();
    let end = server.receiver.recv().await.unwrap_err();
    assert_eq!(server.receiver.recv().await, Err(end.clone()), "the end stays");
    assert_eq!(server.sender.send("x".into()).await, Err(SendError::Closed));
    end
}

#[tokio::test]
async fn a_frame_above_the_limit_ends_the_connection_and_the_peer_learns_why() {
    let (mut server, mut client) = raw_client(LIMITS).await;
    client.send(Message::text("x".repeat(1001))).await.unwrap();
    let end = server.receiver.recv().await.unwrap_err();
    assert_eq!(end, TOO_LARGE);

    let answer = end.answer().unwrap();
    let (frame, ()) = tokio::join!(close_frame(&mut client), server.sender.close(answer.clone()));
    let frame = frame.unwrap();
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1009, answer.text()));
}

#[tokio::test]
async fn a_flood_behind_a_broken_frame_does_not_hide_the_reason() {
    let (mut server, mut client) = raw_client(LIMITS).await;
    for _ in 0..50 {
        client.send(Message::text("x".repeat(1001))).await.unwrap();
    }
    let end = server.receiver.recv().await.unwrap_err();
    // Down to the system's own end: a reset, which may take the reason with it, would be an error here.
    let mut io = client.into_inner();
    let read_all = async move {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await.unwrap();
        bytes
    };
    let (bytes, ()) = tokio::join!(read_all, server.sender.close(end.answer().unwrap()));
    assert_eq!(bytes[..1], [0x88]);
    assert_eq!(bytes[2..4], 1009_u16.to_be_bytes());
}

#[tokio::test]
async fn s4_a_length_is_refused_before_its_bytes_come() {
    // Final text frame, masked, with a length of 64 bits.
    let mut header = vec![0x81, 0xff];
    header.extend(0x7fff_ffff_ffff_ffff_u64.to_be_bytes());
    header.extend([0; 4]);
    assert_eq!(end_after(&header).await, TOO_LARGE);
}

/// A masked text frame's header with the length in this many bytes.
fn header(bytes: usize, length: u64) -> Vec<u8> {
    let length = length.to_be_bytes();
    let mark = match bytes {
        1 => length[7],
        2 => 126,
        _ => 127,
    };
    let rest = if bytes == 1 { &[][..] } else { &length[8 - bytes..] };
    [&[0x81, 0x80 | mark][..], rest, &[0; 4]].concat()
}

#[tokio::test]
async fn s2_every_length_is_a_frame_or_refused() {
    for (bytes, length) in [
        (1, 0),
        (1, 125),
        (2, 126),
        (2, 127),
        (2, 1000),
        (8, 1000),
        // Longer than they need to be: odd, and of no harm.
        (2, 5),
        (8, 5),
    ] {
        let (mut server, client) = raw_client(LIMITS).await;
        let text = "x".repeat(usize::try_from(length).unwrap());
        let frame = [header(bytes, length), text.clone().into_bytes()].concat();
        client.into_inner().write_all(&frame).await.unwrap();
        assert_eq!(server.receiver.recv().await.unwrap(), text, "{bytes} {length}");
    }
    for (bytes, length) in [
        (2, 1001),
        (2, 65_535),
        (8, 65_536),
        (8, 1 << 31),
        (8, (1 << 63) - 1),
        (8, 1 << 63),
        (8, u64::MAX),
    ] {
        assert_eq!(end_after(&header(bytes, length)).await, TOO_LARGE, "{bytes} {length}");
    }
}

#[tokio::test]
async fn s15_frames_are_put_together_from_single_bytes() {
    let (mut server, client) = raw_client(LIMITS).await;
    let mut io = client.into_inner();
    io.set_nodelay(true).unwrap();
    let write = async {
        for byte in [header(1, 2), b"hi".to_vec(), header(8, 3), b"you".to_vec()].concat() {
            io.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        for frame in ["hi", "you"] {
            assert_eq!(server.receiver.recv().await.unwrap(), frame);
        }
    };
    tokio::join!(write, read);
}

#[tokio::test]
async fn s1_compression_is_not_agreed_to() {
    let (mut listener, address) = listen(LIMITS).await;
    let asks = async {
        let mut io = TcpStream::connect(address).await.unwrap();
        let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        io.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(io.read_u8().await.unwrap());
        }
        String::from_utf8(answer).unwrap().to_lowercase()
    };
    let (accepted, answer) = tokio::join!(listener.accept(), asks);
    assert!(accepted.is_ok() && answer.starts_with("http/1.1 101"), "{answer}");
    assert!(!answer.contains("extensions"), "{answer}");
}

#[tokio::test]
async fn s4_fragments_count_together() {
    let (mut server, mut client) = raw_client(LIMITS).await;
    let fragment = |opcode, last| Message::Frame(Frame::message(vec![b'x'; 400], OpCode::Data(opcode), last));
    client.send(fragment(Data::Text, false)).await.unwrap();
    client.send(fragment(Data::Continue, true)).await.unwrap();
    assert_eq!(server.receiver.recv().await.unwrap(), "x".repeat(800));

    client.send(fragment(Data::Text, false)).await.unwrap();
    client.send(fragment(Data::Continue, false)).await.unwrap();
    client.send(fragment(Data::Continue, true)).await.unwrap();
    assert_eq!(server.receiver.recv().await, Err(TOO_LARGE));
}

#[tokio::test]
async fn s2_what_websocket_does_not_allow_is_malformed() {
    for (what, bytes) in [
        ("an unmasked frame", &b"\x81\x01x"[..]),
        ("text that is not UTF-8", b"\x81\x81\0\0\0\0\xff"),
        ("a binary frame", b"\x82\x81\0\0\0\0x"),
        ("a reserved bit, as of compression", b"\xc1\x81\0\0\0\0x"),
        ("a reserved opcode", b"\x83\x81\0\0\0\0x"),
        ("a continuation of nothing", b"\x80\x81\0\0\0\0x"),
        (
            "a ping of 126 bytes",
            &[&[0x89, 0xfe, 0, 126, 0, 0, 0, 0][..], &[b'x'; 126]].concat(),
        ),
    ] {
        assert!(matches!(end_after(bytes).await, RecvEnd::Malformed(_)), "{what}");
    }
}

#[tokio::test]
async fn a_client_does_not_take_binary_frames_either() {
    let (mut client, mut server) = raw_server(LIMITS).await;
    server.send(Message::binary("x")).await.unwrap();
    assert_eq!(client.receiver.recv().await, Err(RecvEnd::Malformed("a binary frame")));
}

#[tokio::test]
async fn a_frame_that_is_no_text_is_not_sent() {
    let (mut server, mut client) = raw_client(LIMITS).await;
    assert_eq!(server.sender.send(vec![0xff].into()).await, Err(SendError::NotText));
    server.sender.send("é".into()).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("é"));
}

#[tokio::test]
async fn s15_a_peer_that_breaks_off_is_lost() {
    // In the middle of a frame, and between two.
    for bytes in [&b"\x81\x85\0\0\0\0he"[..], b""] {
        let (mut server, client) = raw_client(LIMITS).await;
        let mut io = client.into_inner();
        io.write_all(bytes).await.unwrap();
        io.shutdown().await.unwrap();
        assert_eq!(server.receiver.recv().await, Err(RecvEnd::Lost));
    }
    for bytes in [&b"\x81\x85\0\0\0\0he"[..], b""] {
        let (mut server, client) = raw_client(LIMITS).await;
        let mut io = client.into_inner();
        io.write_all(bytes).await.unwrap();
        // Dropped with something unread in it, a socket is reset.
        server.sender.send("unread".into()).await.unwrap();
        io.readable().await.unwrap();
        drop(io);
        assert_eq!(server.receiver.recv().await, Err(RecvEnd::Lost));
    }
}

#[tokio::test]
async fn closes_of_other_kinds_are_understood() {
    for (frame, code) in [
        (None, CloseCode::Normal),
        (
            Some(CloseFrame {
                code: 1001.into(),
                reason: "tab".into(),
            }),
            CloseCode::GoingAway,
        ),
        (
            Some(CloseFrame {
                code: 4777.into(),
                reason: "?".into(),
            }),
            CloseCode::GoingAway,
        ),
    ] {
        let (mut server, mut client) = raw_client(LIMITS).await;
        let text = frame.as_ref().map_or(String::new(), |frame| frame.reason.to_string());
        client.send(Message::Close(frame.clone())).await.unwrap();
        assert_eq!(
            server.receiver.recv().await,
            Err(RecvEnd::Closed(CloseReason::new(code, text)))
        );
        assert_eq!(
            close_frame(&mut client).await,
            frame,
            "the close is answered by recv alone"
        );
    }
}

#[tokio::test]
async fn pings_are_answered_while_only_recv_is_awaited() {
    let (mut server, mut client) = raw_client(LIMITS).await;
    let peer = async {
        client.send(Message::Ping("are you there".into())).await.unwrap();
        assert_eq!(
            client.next().await.unwrap().unwrap(),
            Message::Pong("are you there".into())
        );
        client.send(Message::text("done")).await.unwrap();
    };
    let (received, ()) = tokio::join!(server.receiver.recv(), peer);
    assert_eq!(received.unwrap(), "done");
}

#[tokio::test]
async fn s10_a_flood_of_pings_whose_answers_nobody_reads_harms_nothing() {
    // Their answers are more than the sockets between us hold, and so fill the write buffer.
    const PINGS: usize = 150_000;
    let (mut server, client) = raw_client(LIMITS).await;
    let (mut to_server, mut from_server) = client.split();
    let flood = async {
        for _ in 0..PINGS {
            to_server.feed(Message::Ping(vec![b'p'; 125].into())).await.unwrap();
        }
        to_server.send(Message::text("x")).await.unwrap();
    };
    let (received, ()) = tokio::join!(server.receiver.recv(), flood);
    assert_eq!(received.unwrap(), "x");

    let frame = "f".repeat(LIMITS.max_frame);
    let read_all = async {
        let mut answers = 0;
        loop {
            match from_server.next().await.unwrap().unwrap() {
                Message::Pong(_) => answers += 1,
                other => return (answers, other),
            }
        }
    };
    let (sent, (answers, received)) = tokio::join!(server.sender.send(frame.clone().into()), read_all);
    assert_eq!((sent, received), (Ok(()), Message::text(frame)));
    assert!(answers < PINGS, "answers were dropped, not piled up");
}

#[tokio::test]
async fn silent_clients_and_junk_hold_up_nobody() {
    let (mut listener, address) = listen(LIMITS).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let mut junk = TcpStream::connect(address).await.unwrap();
    junk.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();

    let transport = WsTransport::new(LIMITS);
    let url = format!("ws://{address}/");
    let (client, server) = tokio::join!(transport.connect(&url), listener.accept());
    assert_eq!(server.unwrap().peer.unwrap().ip(), address.ip());
    assert_eq!(client.unwrap().peer, Some(address));
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_dropped_after_a_while() {
    let (mut listener, address) = listen(LIMITS).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut byte = [0];
    tokio::select! {
        accepted = listener.accept() => panic!("{accepted:?}"),
        read = silent.read(&mut byte) => assert_eq!(read.unwrap(), 0),
    }
}

#[tokio::test]
async fn s19_a_closing_side_does_not_wait_for_ever_for_the_answer() {
    let (mut server, _client_that_does_nothing) = raw_client(LIMITS).await;
    let close = server.sender.close(CloseCode::HeartbeatLost.into());
    timeout(Duration::from_secs(20), close)
        .await
        .expect("gives up on the peer");
    assert_eq!(
        server.receiver.recv().await,
        Err(RecvEnd::Closed(CloseCode::HeartbeatLost.into()))
    );
}

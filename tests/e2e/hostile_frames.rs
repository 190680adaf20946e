//! Frames that no engine would send, at every door.

use hst_proto::{Command, Reply};
use hst_signal::{CloseCode, Limits, RecvEnd, SignalTransport};
use hst_signal_quic::QuicTransport;
use hst_signal_ws::WsTransport;
use hst_tests::{
    hand::{Hand, hand_login, join, message},
    house::{Door, House, within},
};

use crate::bystanders::Bystanders;

through_every_door! {
    malformed_frames_end_their_own_connection_only
    what_is_not_understood_is_refused_and_the_session_goes_on
    whoever_has_not_logged_in_gets_nothing_done
}

async fn malformed_frames_end_their_own_connection_only(house: House) {
    let mut bystanders = Bystanders::in_group(&house, "g").await;
    let deep = "[".repeat(8_000);
    for (number, frame) in [
        "not JSON",
        "",
        "{}",
        "null",
        r#"{"do":{"ping":{}}}"#,
        r#"{"id":-1,"do":{"ping":{}}}"#,
        r#"{"id":4294967296,"do":{"ping":{}}}"#,
        r#"{"id":1,"do":{"ping":{}}"#,
        &deep,
    ]
    .into_iter()
    .enumerate()
    {
        // Once as nobody, once as a member of another group.
        let mut stranger = Hand::connect(&house).await;
        let mut member = Hand::member(&house, &format!("mallory{number}"), "elsewhere").await;
        for hand in [&mut stranger, &mut member] {
            hand.throw(frame.to_owned()).await;
            let RecvEnd::Closed(reason) = hand.end().await else {
                panic!("{number}: ended without a reason")
            };
            assert_eq!(reason.code, CloseCode::ProtocolError, "{number}");
        }
        bystanders.chat().await;
    }
}

async fn what_is_not_understood_is_refused_and_the_session_goes_on(house: House) {
    let mut bystanders = Bystanders::in_group(&house, "g").await;
    let mut mallory = Hand::member(&house, "mallory", "elsewhere").await;
    for command in [
        r#"{"fly":{}}"#,
        r#"{"join":{}}"#,
        r#"{"join":{"group":7}}"#,
        r#"{"publish":{"type":9,"media":"cam"}}"#,
        r#"{"publish":{"type":2,"media":""}}"#,
        r#"{"receive":{"user":"a b","type":2,"media":"cam"}}"#,
        r#"{"ping":{},"leave":{}}"#,
        "{}",
        "7",
        "null",
    ] {
        let id = mallory.throw_command(command).await;
        let (re, result) = mallory.reply().await;
        assert_eq!((re, result.unwrap_err().code), (id, 1), "{command}");
    }
    assert_eq!(mallory.ask(Command::Ping {}).await, Ok(Reply::Done {}));
    bystanders.chat().await;
}

async fn whoever_has_not_logged_in_gets_nothing_done(house: House) {
    let mut bystanders = Bystanders::in_group(&house, "g").await;
    let mut stranger = Hand::connect(&house).await;
    let body = hst_rtc::Payload::text("let me in");
    for command in [join("g"), message(body), Command::Leave {}, Command::Ping {}] {
        assert_eq!(stranger.ask(command).await.unwrap_err().code, 1_000_003);
    }
    bystanders.chat().await;
}

/// Connects like the house's door, by a transport that would send more than the server takes.
async fn with_a_big_mouth(house: &House) -> Hand {
    let limits = Limits { max_frame: 1 << 24 };
    let url = &house.signal_urls()[0];
    let connection = if url.starts_with("quic") {
        QuicTransport::new(limits).connect(url).await
    } else {
        WsTransport::new(limits).connect(url).await
    };
    Hand::new(connection.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_frame_ends_its_own_connection_only() {
    for door in [Door::WebSocket, Door::Quic] {
        let house = House::open(door).await;
        let mut bystanders = Bystanders::in_group(&house, "g").await;
        for size in [256 * 1024 + 1, 16 << 20] {
            let mut mallory = with_a_big_mouth(&house).await;
            // The server may well be gone before it has all.
            let (_, end) = tokio::join!(
                within("the throw", mallory.connection.sender.send(vec![b' '; size].into())),
                within("the end", mallory.connection.receiver.recv()),
            );
            match end.unwrap_err() {
                RecvEnd::Closed(reason) => assert_eq!(reason.code, CloseCode::TooLarge, "{door:?} {size}"),
                // Who is still sending when the connection is cut may miss the reason.
                end => assert_eq!((end, size), (RecvEnd::Lost, 16 << 20), "{door:?}"),
            }
            bystanders.chat().await;
        }
        // The largest frame that is allowed is read: a small one of a stranger, and a large one behind his login.
        let ping = |size| {
            let ping = r#"{"id":7,"do":{"ping":{}}}"#;
            ping.to_owned() + &" ".repeat(size - ping.len())
        };
        let mut most = Hand::connect(&house).await;
        most.throw(ping(8 * 1024)).await;
        assert_eq!(most.reply().await.0, 7, "{door:?}");
        let login = most.say(Command::Login(hand_login("most"))).await;
        most.throw(ping(256 * 1024)).await;
        assert_eq!((most.reply().await.0, most.reply().await.0), (login, 7), "{door:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_a_stranger_may_say_little() {
    for door in [Door::WebSocket, Door::Quic] {
        let house = House::open(door).await;
        let mut bystanders = Bystanders::in_group(&house, "g").await;
        let mut stranger = Hand::connect(&house).await;
        stranger.throw(vec![b' '; 8 * 1024 + 1]).await;
        let RecvEnd::Closed(reason) = stranger.end().await else {
            panic!("{door:?}: ended without a reason")
        };
        assert_eq!(reason.code, CloseCode::TooLarge, "{door:?}");
        bystanders.chat().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_not_text_end_their_own_connection_only() {
    let house = House::open(Door::Quic).await;
    let mut bystanders = Bystanders::in_group(&house, "g").await;
    let mut mallory = Hand::member(&house, "mallory", "g2").await;
    mallory.throw(vec![0xff, 0xfe, 0x00, 0x80]).await;
    let RecvEnd::Closed(reason) = mallory.end().await else {
        panic!("ended without a reason")
    };
    assert_eq!(reason.code, CloseCode::ProtocolError);
    bystanders.chat().await;
}

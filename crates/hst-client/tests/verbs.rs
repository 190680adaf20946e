//! The driver alone: every seam below it is a mock or in memory, and the server is a script.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hst_access::{AccessError, AccessPoints, StaticAccess, mock::MockAccessDiscovery};
use hst_client::{Client, ClientBuilder, Event, LoginOptions};
use hst_group::client::GroupEvent;
use hst_id::{MediaRef, MediaType, UserId};
use hst_media::{
    MediaError,
    memory::{Hub, Route},
    mock::MockMediaEngine,
};
use hst_proto::{
    ClientFrame, Command, ErrorCode, Event as Told, Failure, Joined, LoggedIn, Offer, Payload, Reply, RequestId, Role,
    decode_client, encode_event, encode_failure, encode_reply, frame_event,
};
use hst_signal::{ConnectError, Limits, SignalConnection, memory, mock::MockSignalTransport};
use mockall::predicate::eq;

fn login() -> LoginOptions {
    LoginOptions::new("app", "token", "alice")
}

/// A transport that makes one connection, and its far end.
fn one_connection() -> (MockSignalTransport, SignalConnection) {
    let (near, far) = memory::pair(Limits::default());
    let mut transport = MockSignalTransport::new();
    transport.expect_connect().times(1).return_once(move |_| Ok(near));
    (transport, far)
}

fn client(transport: MockSignalTransport, media: MockMediaEngine) -> Client {
    ClientBuilder::new(Arc::new(transport), Arc::new(media)).build()
}

async fn inited(transport: MockSignalTransport, media: MockMediaEngine) -> Arc<Client> {
    let client = Arc::new(client(transport, media));
    client.init(Arc::new(StaticAccess::of("memory://house"))).await.unwrap();
    client
}

async fn next(far: &mut SignalConnection) -> (RequestId, Command) {
    loop {
        let frame = far.receiver.recv().await.unwrap();
        if let ClientFrame::Request(request) = decode_client(&frame).unwrap() {
            return (request.id, request.command);
        }
    }
}

async fn say(far: &mut SignalConnection, frame: Bytes) {
    far.sender.send(frame).await.unwrap();
}

/// Answers login and join as a server would.
async fn let_in(far: &mut SignalConnection) {
    let (id, command) = next(far).await;
    assert!(matches!(command, Command::Login(login) if login.user == "alice"));
    say(
        far,
        encode_reply(
            id,
            Reply::LoggedIn(LoggedIn {
                session: "s".into(),
                secret: "x".into(),
                resume_window: 60,
                max_message: 8192,
                ice_servers: Vec::new(),
                foretold: None,
            }),
        ),
    )
    .await;
    let (id, command) = next(far).await;
    assert_eq!(command, Command::Join { group: "g".into() });
    let bob = UserId::parse("bob").unwrap();
    say(
        far,
        encode_reply(
            id,
            Reply::Joined(Joined {
                members: vec![bob],
                total: 1,
                media: Vec::new(),
                last_message: 0,
                locked: false,
            }),
        ),
    )
    .await;
}

async fn joined() -> (Arc<Client>, SignalConnection) {
    let (transport, mut far) = one_connection();
    let client = inited(transport, MockMediaEngine::new()).await;
    let enter = async {
        client.login(login()).await?;
        client.join_group("g").await
    };
    let (entered, ()) = tokio::join!(enter, let_in(&mut far));
    entered.unwrap();
    (client, far)
}

#[tokio::test(start_paused = true)]
async fn before_init_every_verb_fails_with_code_2_and_touches_nothing() {
    // Mocks without expectations: any use of them would fail the test.
    let client = client(MockSignalTransport::new(), MockMediaEngine::new());
    let key = MediaRef {
        user: UserId::parse("bob").unwrap(),
        media_type: MediaType::Audio,
        media: hst_id::MediaId::microphone(),
    };
    let codes = [
        client.login(login()).await.unwrap_err().code(),
        client.join_group("g").await.unwrap_err().code(),
        client.leave_group().await.unwrap_err().code(),
        client.exit().await.unwrap_err().code(),
        client.receive(key.clone()).await.unwrap_err().code(),
        client.stop_receive(key).await.unwrap_err().code(),
        client.stop_publish(MediaType::Video, "cam").await.unwrap_err().code(),
        client.send_group_message(Payload::text("hi")).await.unwrap_err().code(),
        client.stats().await.unwrap_err().code(),
    ];
    assert_eq!(codes, [2; 9]);
    client.destroy();
}

#[tokio::test(start_paused = true)]
async fn init_asks_access_once_and_may_be_tried_again_when_it_fails() {
    let client = client(MockSignalTransport::new(), MockMediaEngine::new());
    let mut down = MockAccessDiscovery::new();
    down.expect_discover().times(1).returning(|_| {
        Err(AccessError::TimedOut {
            address: "http://a".into(),
        })
    });
    let error = client.init(Arc::new(down)).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (30, true));
    assert_eq!(client.login(login()).await.unwrap_err().code(), 2);

    let mut up = MockAccessDiscovery::new();
    up.expect_discover()
        .times(1)
        .returning(|_| AccessPoints::new(["memory://house"]));
    client.init(Arc::new(up)).await.unwrap();
    let again = client.init(Arc::new(MockAccessDiscovery::new())).await.unwrap_err();
    assert_eq!(again.code(), 2);
}

#[tokio::test(start_paused = true)]
async fn login_tries_the_addresses_in_their_order_and_fails_with_30_when_none_answers() {
    let mut transport = MockSignalTransport::new();
    let mut order = mockall::Sequence::new();
    transport
        .expect_connect()
        .with(eq("quic://house"))
        .times(1)
        .in_sequence(&mut order)
        .returning(|_| Err(ConnectError::Timeout));
    transport
        .expect_connect()
        .with(eq("ws://house"))
        .times(1)
        .in_sequence(&mut order)
        .returning(|_| Err(ConnectError::Unsupported));
    let client = client(transport, MockMediaEngine::new());
    let access = AccessPoints::new(["quic://house", "ws://house"]).unwrap();
    client.init(Arc::new(StaticAccess::new(access))).await.unwrap();
    assert_eq!(client.login(login()).await.unwrap_err().code(), 30);
    assert_eq!(
        client.join_group("g").await.unwrap_err().code(),
        35,
        "the engine is where it was before"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_says_both_codes_and_can_be_tried_again() {
    let (transport, mut far) = one_connection();
    let client = inited(transport, MockMediaEngine::new()).await;
    let server = async {
        let (id, _) = next(&mut far).await;
        say(
            &mut far,
            encode_failure(id, Failure::new(ErrorCode::LoginConflict, "alice is online")),
        )
        .await;
    };
    let (refused, ()) = tokio::join!(client.login(login()), server);
    let error = refused.unwrap_err();
    assert_eq!((error.code(), error.server_code()), (34, Some(1_000_008)));
    assert!(far.receiver.recv().await.is_err(), "the connection is closed");
}

#[tokio::test(start_paused = true)]
async fn while_login_is_under_way_other_verbs_fail_at_once() {
    let (transport, _far) = one_connection();
    let client = inited(transport, MockMediaEngine::new()).await;
    let login = tokio::spawn({
        let client = client.clone();
        async move { client.login(login()).await }
    });
    tokio::task::yield_now().await;
    // The script never answers the login, and virtual time stands still while something can run.
    assert_eq!(client.join_group("g").await.unwrap_err().code(), 2);
    assert_eq!(
        client
            .login(LoginOptions::new("app", "token", "bob"))
            .await
            .unwrap_err()
            .code(),
        2
    );
    client.destroy();
    assert_eq!(login.await.unwrap().unwrap_err().code(), 2);
}

#[tokio::test(start_paused = true)]
async fn group_events_reach_every_reader_and_stop_with_leave() {
    let (client, mut far) = joined().await;
    let mut events = client.events();
    let mut others = client.events();
    let carol = UserId::parse("carol").unwrap();
    say(
        &mut far,
        frame_event(Some(1), &encode_event(&Told::MemberJoined { user: carol.clone() })),
    )
    .await;
    let expected = Event::Group(GroupEvent::MemberJoined(carol.clone()));
    assert_eq!(events.recv().await.as_ref(), Some(&expected));
    assert_eq!(others.recv().await, Some(expected));

    let server = async {
        let (id, command) = next(&mut far).await;
        assert_eq!(command, Command::Leave {});
        // Still on its way when the client had left already.
        say(
            &mut far,
            frame_event(Some(2), &encode_event(&Told::MemberLeft { user: carol })),
        )
        .await;
        say(&mut far, encode_reply(id, Reply::Done {})).await;
    };
    let (left, ()) = tokio::join!(client.leave_group(), server);
    left.unwrap();
    let quiet = tokio::time::timeout(Duration::from_secs(1), events.recv()).await;
    assert!(quiet.is_err(), "no event of the group after leave: {quiet:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_noticed_within_15_seconds() {
    let (client, far) = joined().await;
    let mut events = client.events();
    let since = tokio::time::Instant::now();
    assert_eq!(events.recv().await.unwrap(), Event::Reconnecting);
    assert_eq!(since.elapsed().as_secs(), 15);
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn exit_settles_without_any_answer() {
    let (client, _far) = joined().await;
    client.exit().await.unwrap();
    assert_eq!(client.join_group("g").await.unwrap_err().code(), 35);
}

#[tokio::test(start_paused = true)]
async fn destroy_is_synchronous_says_exit_and_keeps_the_readers_of_events() {
    let (client, mut far) = joined().await;
    let mut events = client.events();
    client.destroy();
    assert_eq!(client.join_group("g").await.unwrap_err().code(), 2);
    assert_eq!(next(&mut far).await.1, Command::Exit {});
    assert!(far.receiver.recv().await.is_err(), "then the connection is closed");
    // Nothing is left to happen, and the reader lives on for the next init.
    assert!(
        tokio::time::timeout(Duration::from_secs(1), events.recv())
            .await
            .is_err()
    );
    client.init(Arc::new(StaticAccess::of("memory://house"))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_media_engine_that_cannot_open_fails_the_call_and_takes_the_wish_back() {
    let (transport, mut far) = one_connection();
    let mut media = MockMediaEngine::new();
    media.expect_open().times(1).returning(|_| Err(MediaError::Closed));
    let client = inited(transport, media).await;
    let enter = async {
        client.login(login()).await?;
        client.join_group("g").await
    };
    let (entered, ()) = tokio::join!(enter, let_in(&mut far));
    entered.unwrap();
    let key = MediaRef {
        user: UserId::parse("bob").unwrap(),
        media_type: MediaType::Audio,
        media: hst_id::MediaId::microphone(),
    };
    let error = client.receive(key.clone()).await.unwrap_err();
    assert_eq!(error.code(), 302);
    assert_eq!(next(&mut far).await.1, Command::Receive(key.clone()));
    assert_eq!(next(&mut far).await.1, Command::StopReceive(key));
}

/// A client that connects its media with joining, on its way into a group.
async fn hurrying(transport: MockSignalTransport, hub: &Hub) -> Arc<Client> {
    let builder = ClientBuilder::new(Arc::new(transport), Arc::new(hub.engine()));
    let client = Arc::new(builder.early_media(true).build());
    client.init(Arc::new(StaticAccess::of("memory://house"))).await.unwrap();
    client
}

async fn next_offer(far: &mut SignalConnection) -> (RequestId, Offer) {
    match next(far).await {
        (id, Command::Offer(offer)) => (id, offer),
        other => panic!("{other:?} is no offer"),
    }
}

#[tokio::test(start_paused = true)]
async fn media_connect_in_the_flight_of_the_join_and_what_is_received_takes_a_line_that_is_there() {
    let (transport, mut far) = one_connection();
    let hub = Hub::new();
    let client = hurrying(transport, &hub).await;
    let enter = async {
        client.login(login()).await?;
        client.join_group("g").await
    };
    let (entered, ()) = tokio::join!(enter, let_in(&mut far));
    entered.unwrap();
    let (id, early) = next_offer(&mut far).await;
    assert!(early.lines.is_empty(), "nothing is wanted yet: {:?}", early.lines);
    let sdp = hub.answer(&early.sdp, std::iter::empty()).unwrap();
    say(&mut far, encode_reply(id, Reply::Answer { sdp })).await;

    let key = MediaRef {
        user: UserId::parse("bob").unwrap(),
        media_type: MediaType::Audio,
        media: hst_id::MediaId::microphone(),
    };
    let server = async {
        let (id, command) = next(&mut far).await;
        assert_eq!(command, Command::Receive(key.clone()));
        say(&mut far, encode_reply(id, Reply::Done {})).await;
        let (id, offer) = next_offer(&mut far).await;
        assert_eq!(offer.generation, early.generation, "the transport is the same");
        let [line] = &offer.lines[..] else {
            panic!("one line is wanted: {:?}", offer.lines)
        };
        assert_eq!((line.mid.as_str(), &line.role), ("0", &Role::Receive(key.clone())));
        let sdp = hub.answer(&offer.sdp, [("0", Route::Receive("voice".into()))]).unwrap();
        say(&mut far, encode_reply(id, Reply::Answer { sdp })).await;
    };
    let (received, ()) = tokio::join!(client.receive(key.clone()), server);
    assert_eq!(received.unwrap().key(), &key);
}

#[tokio::test(start_paused = true)]
async fn a_refused_join_costs_its_early_transport_and_the_next_has_another() {
    let (transport, mut far) = one_connection();
    let hub = Hub::new();
    let client = hurrying(transport, &hub).await;
    let enter = async {
        client.login(login()).await.unwrap();
        let refused = client.join_group("g").await.unwrap_err();
        (refused.code(), client.join_group("g").await)
    };
    let server = async {
        let (id, _) = next(&mut far).await;
        let logged_in = LoggedIn {
            session: "s".into(),
            secret: "x".into(),
            resume_window: 60,
            max_message: 8192,
            ice_servers: Vec::new(),
            foretold: None,
        };
        say(&mut far, encode_reply(id, Reply::LoggedIn(logged_in))).await;
        let (join, _) = next(&mut far).await;
        let (offer, first) = next_offer(&mut far).await;
        for id in [offer, join] {
            say(&mut far, encode_failure(id, Failure::new(ErrorCode::GroupFull, "full"))).await;
        }
        let (join, _) = next(&mut far).await;
        let joined = Joined {
            members: Vec::new(),
            total: 0,
            media: Vec::new(),
            last_message: 0,
            locked: false,
        };
        say(&mut far, encode_reply(join, Reply::Joined(joined))).await;
        let (_, second) = next_offer(&mut far).await;
        assert!(second.generation > first.generation);
    };
    let ((code, entered), ()) = tokio::join!(enter, server);
    assert_eq!(code, 1_000_101);
    entered.unwrap();
}

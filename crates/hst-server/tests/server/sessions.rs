//! Sessions and groups through every door: memory, WebSocket and QUIC.

use std::time::Duration;

use crate::common::{Client, login, memory_server, server, user};
use hst_auth::{MediaId, MediaRef, MediaType};
use hst_proto::{
    Audience, Class, Command, Event, Failure, GroupMessage, Line, Login, Offer, Payload, Reply, Role, ToGroup,
    decode_server,
};
use hst_server::RunningServer;
use hst_signal::{CloseCode, RecvEnd, SignalTransport};
use hst_signal_quic::QuicTransport;

async fn quic(server: &RunningServer) -> Client {
    let http = server.addresses().http.unwrap();
    let mut stream = tokio::net::TcpStream::connect(http).await.unwrap();
    let request = format!("GET /v1/access HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
        .await
        .unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer)
        .await
        .unwrap();
    let url = answer.split('"').find(|text| text.starts_with("quic://")).unwrap();
    Client::new(QuicTransport::default().connect(url).await.unwrap())
}

fn code(result: Result<Reply, Failure>) -> u32 {
    result.unwrap_err().code
}

fn message(text: &str) -> Command {
    Command::Message(ToGroup {
        body: Payload::text(text),
        to: Audience::All,
        class: Class::Reliable,
    })
}

#[tokio::test]
async fn two_who_came_through_different_doors_meet_in_a_group() {
    let server = server().await;
    let mut ann = Client::web_socket(&server).await.logged_in("ann").await;
    let mut bob = quic(&server).await.logged_in("bob").await;

    assert!(ann.join("g").await.members.is_empty());
    assert_eq!(bob.join("g").await.members, [user("ann")]);
    assert_eq!(ann.event().await, Event::MemberJoined { user: user("bob") });

    assert_eq!(bob.ask(message("hello")).await, Ok(Reply::Sent { seq: 1 }));
    let expected = Event::Message(GroupMessage {
        from: user("bob"),
        seq: 1,
        body: Payload::text("hello"),
    });
    // The answer to her join was the first frame, and that bob joined the second.
    assert_eq!(ann.numbered_event().await, (Some(3), expected));

    bob.ask(Command::Leave {}).await.unwrap();
    assert_eq!(ann.event().await, Event::MemberLeft { user: user("bob") });
    assert!(matches!(ann.ask(Command::Exit {}).await, Ok(Reply::Done {})));
    assert_eq!(ann.end().await, RecvEnd::Closed(CloseCode::Normal.into()));
    drop(bob);
    server.shutdown().await;
}

#[tokio::test]
async fn login_join_and_more_may_travel_in_one_flight() {
    let server = server().await;
    let mut ann = Client::web_socket(&server).await;
    let ids = [
        ann.say(Command::Login(login("ann"))).await,
        ann.say(Command::Join { group: "g".to_owned() }).await,
        ann.say(message("anybody?")).await,
        ann.say(Command::Ping {}).await,
        ann.say(Command::Publish {
            media_type: MediaType::Audio,
            media: MediaId::microphone(),
            name: String::new(),
        })
        .await,
        ann.say(Command::Ping {}).await,
        ann.say(Command::Leave {}).await,
        ann.say(Command::Join { group: "h".to_owned() }).await,
        ann.say(Command::Ping {}).await,
    ];
    for id in ids {
        ann.answer(id).await.unwrap();
    }
}

#[tokio::test]
async fn logins_that_are_wrong_are_refused_with_their_codes() {
    let (_server, network) = memory_server().await;
    let mut client = Client::in_memory(&network).await;
    assert_eq!(
        code(client.ask(Command::Join { group: "g".to_owned() }).await),
        1_000_003
    );
    let good = login("ann");
    let damaged = "001Sx04XAA406DvYyD8J3oEh/eSZFnogbLaFnwlXozD6QfHgzwvglCNrVj3wjjxldlRYRG28cGFdK9xgku3fhdMKY2pB3j1It4Omq8Quxx4xFH/2h3MbrWmsVCjh/N1cfsx";
    for (what, wrong, expected) in [
        (
            "a damaged token",
            Login {
                token: damaged.to_owned(),
                ..good.clone()
            },
            1_000_000,
        ),
        (
            "no token",
            Login {
                token: String::new(),
                ..good.clone()
            },
            1_000_000,
        ),
        (
            "another App",
            Login {
                app: "other".to_owned(),
                ..good.clone()
            },
            1_000_001,
        ),
        (
            "no App ID",
            Login {
                app: String::new(),
                ..good.clone()
            },
            1_000_001,
        ),
        (
            "no User ID",
            Login {
                user: "a b".to_owned(),
                ..good.clone()
            },
            1_000_006,
        ),
        (
            "another protocol",
            Login {
                protocol: 9,
                ..good.clone()
            },
            1,
        ),
    ] {
        assert_eq!(code(client.ask(Command::Login(wrong)).await), expected, "{what}");
    }
    client.ask(Command::Login(good.clone())).await.unwrap();
    assert_eq!(
        code(client.ask(Command::Login(good)).await),
        2,
        "a second login on one connection"
    );
}

#[tokio::test]
async fn a_second_login_is_refused_while_the_first_is_online() {
    let server = server().await;
    let mut first = Client::web_socket(&server).await.logged_in("ann").await;
    let mut second = Client::web_socket(&server).await;
    assert_eq!(code(second.ask(Command::Login(login("ann"))).await), 1_000_008);
    first.ask(Command::Ping {}).await.unwrap();

    first.ask(Command::Exit {}).await.unwrap();
    first.end().await;
    second.ask(Command::Login(login("ann"))).await.unwrap();
}

#[tokio::test]
async fn of_many_simultaneous_logins_one_succeeds() {
    let (_server, network) = memory_server().await;
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let network = network.clone();
        tries.spawn(async move {
            let mut client = Client::in_memory(&network).await;
            let outcome = client.ask(Command::Login(login("ann"))).await;
            (client, outcome)
        });
    }
    let all = tries.join_all().await;
    assert_eq!(all.iter().filter(|(_, outcome)| outcome.is_ok()).count(), 1);
    assert!(
        all.iter()
            .all(|(_, outcome)| outcome.is_ok() || code(outcome.clone()) == 1_000_008)
    );
}

#[tokio::test]
async fn a_login_by_force_takes_the_place_of_the_earlier_one() {
    let (_server, network) = memory_server().await;
    let mut old = Client::in_memory(&network).await.logged_in("ann").await;
    let mut bob = Client::in_memory(&network).await.logged_in("bob").await;
    bob.join("g").await;
    old.join("g").await;

    let mut new = Client::in_memory(&network).await;
    new.ask(Command::Login(Login {
        force: true,
        ..login("ann")
    }))
    .await
    .unwrap();
    new.join("g").await;

    assert!(matches!(
        old.event().await,
        Event::Ended(Failure { code: 1_000_008, .. })
    ));
    assert_eq!(old.end().await, RecvEnd::Closed(CloseCode::Replaced.into()));
    let ann = || user("ann");
    for expected in [
        Event::MemberJoined { user: ann() },
        Event::MemberLeft { user: ann() },
        Event::MemberJoined { user: ann() },
    ] {
        assert_eq!(bob.event().await, expected);
    }
}

#[tokio::test]
async fn garbage_and_giants_end_their_own_session_only() {
    let server = server().await;
    let mut ann = Client::web_socket(&server).await.logged_in("ann").await;
    ann.join("g").await;
    for (name, frame, expected) in [
        ("garbage", "not JSON".to_owned(), CloseCode::ProtocolError),
        ("nameless", r#"{"do":{"ping":{}}}"#.to_owned(), CloseCode::ProtocolError),
        (
            "giant",
            format!(r#"{{"id":1,"x":"{}"}}"#, "x".repeat(300_000)),
            CloseCode::TooLarge,
        ),
        ("deep", "[".repeat(100_000), CloseCode::ProtocolError),
    ] {
        let mut bob = Client::new(
            hst_signal_ws::WsTransport::new(hst_signal::Limits { max_frame: 1 << 20 })
                .connect(&format!("ws://{}/v1/signal", server.addresses().http.unwrap()))
                .await
                .unwrap(),
        )
        .logged_in(name)
        .await;
        bob.join("g").await;
        bob.connection.sender.send(frame.into()).await.unwrap();
        let RecvEnd::Closed(reason) = bob.end().await else {
            panic!("{name}: closed without a reason")
        };
        assert_eq!(reason.code, expected, "{name}");
        assert_eq!(ann.event().await, Event::MemberJoined { user: user(name) });
        assert_eq!(ann.event().await, Event::MemberLeft { user: user(name) });
        ann.ask(Command::Ping {}).await.unwrap();
    }
}

#[tokio::test]
async fn a_command_that_is_not_understood_costs_nothing_but_its_refusal() {
    let (_server, network) = memory_server().await;
    let mut ann = Client::in_memory(&network).await.logged_in("ann").await;
    for command in [
        r#"{"fly":{}}"#,
        r#"{"publish":{"type":99,"media":"m"}}"#,
        r#"{"publish":{"type":2}}"#,
        "null",
    ] {
        let id = ann.say_raw(command).await;
        assert_eq!(code(ann.answer(id).await), 1, "{command}");
    }
    ann.ask(Command::Ping {}).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s9_of_ten_thousand_events_to_who_never_reads_the_others_miss_none_and_he_is_cut() {
    const SENDERS: u64 = 20;
    const EVENTS: u64 = 10_000;
    let (_server, network) = memory_server().await;
    let mut bob = Client::in_memory(&network).await.logged_in("bob").await;
    let mut deaf = Client::in_memory(&network).await.logged_in("deaf").await;
    bob.join("g").await;
    deaf.join("g").await;
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..SENDERS {
        let mut ann = Client::in_memory(&network)
            .await
            .logged_in(&format!("ann-{number}"))
            .await;
        ann.join("g").await;
        senders.spawn(async move {
            let text = "x".repeat(200);
            for _ in 0..EVENTS / SENDERS {
                // No faster than is allowed.
                tokio::time::sleep(Duration::from_millis(10)).await;
                ann.ask(message(&text)).await.unwrap();
            }
        });
    }
    let start = tokio::time::Instant::now();
    for seq in 1..=EVENTS {
        loop {
            match bob.event().await {
                Event::Message(message) => break assert_eq!(message.seq, seq),
                Event::MemberJoined { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    senders.join_all().await;
    let RecvEnd::Closed(reason) = deaf.end().await else {
        panic!("closed without a reason")
    };
    assert_eq!(reason.code, CloseCode::SlowReader);
}

#[tokio::test]
async fn a_group_that_empties_while_others_come_loses_nobody() {
    let (_server, network) = memory_server().await;
    let mut users = tokio::task::JoinSet::new();
    for number in 0..20 {
        let mut client = Client::in_memory(&network)
            .await
            .logged_in(&format!("user-{number}"))
            .await;
        users.spawn(async move {
            for _ in 0..100 {
                client.join("g").await;
                client.ask(Command::Leave {}).await.unwrap();
            }
        });
    }
    users.join_all().await;

    let mut last = Client::in_memory(&network).await.logged_in("last").await;
    assert!(last.join("g").await.members.is_empty(), "nobody is left behind");
}

#[tokio::test]
async fn without_media_threads_an_offer_is_refused_and_all_else_goes_on() {
    let (_server, network) = memory_server().await;
    let mut ann = Client::in_memory(&network).await.logged_in("ann").await;
    let offer = || {
        Command::Offer(Offer {
            generation: 1,
            sdp: "v=0".to_owned(),
            lines: Vec::new(),
        })
    };
    assert_eq!(code(ann.ask(offer()).await), 31);
    ann.join("g").await;
    assert_eq!(code(ann.ask(offer()).await), 302);
    ann.ask(Command::Ping {}).await.unwrap();
}

/// An offer of one video line to send.
fn offer(generation: u32, lines: Vec<Line>) -> Command {
    let sdp = crate::common::offered_video();
    Command::Offer(Offer { generation, sdp, lines })
}

#[tokio::test]
async fn an_offer_is_answered_with_every_address_of_the_media_threads() {
    let server = hst_server::Server::new(crate::common::config()).start().await.unwrap();
    let mut ann = Client::web_socket(&server).await.logged_in("ann").await;
    ann.join("g").await;
    let (media_type, media) = (MediaType::Video, MediaId::parse("cam").unwrap());
    let line = Line {
        mid: "0".to_owned(),
        role: Role::Send {
            media_type,
            media: media.clone(),
        },
    };
    let publish = ann
        .say(Command::Publish {
            media_type,
            media,
            name: String::new(),
        })
        .await;
    let offered = ann.say(offer(1, vec![line.clone()])).await;
    ann.answer(publish).await.unwrap();
    let Ok(Reply::Answer { sdp }) = ann.answer(offered).await else {
        panic!("not answered")
    };

    assert!(sdp.contains("a=ice-lite") && sdp.contains("a=recvonly"), "{sdp}");
    assert!(!server.addresses().candidates.is_empty());
    for ip in &server.addresses().candidates {
        let is_told = server
            .addresses()
            .media
            .iter()
            .any(|thread| sdp.contains(&format!(" {ip} {} typ host", thread.port())));
        assert!(is_told, "{ip}: {sdp}");
    }

    assert!(
        ann.ask(offer(2, Vec::new())).await.is_ok(),
        "a line that carries nothing harms nobody"
    );
    assert_eq!(code(ann.ask(offer(1, vec![line])).await), 1, "an older generation");
    drop(ann);
    server.shutdown().await;
}

#[tokio::test]
async fn a_broken_offer_is_refused_by_the_media_plane() {
    let server = hst_server::Server::new(crate::common::config()).start().await.unwrap();
    let mut ann = Client::web_socket(&server).await.logged_in("ann").await;
    ann.join("g").await;
    let broken = Offer {
        generation: 1,
        sdp: "v=0".to_owned(),
        lines: Vec::new(),
    };
    assert_eq!(code(ann.ask(Command::Offer(broken)).await), 1);
    let nowhere = Line {
        mid: "7".to_owned(),
        role: Role::Receive(MediaRef {
            user: user("bob"),
            media_type: MediaType::Video,
            media: MediaId::screen(),
        }),
    };
    assert!(
        ann.ask(offer(2, vec![nowhere])).await.is_ok(),
        "a line whose announcement is missing carries nothing"
    );
    ann.ask(Command::Leave {}).await.unwrap();
    drop(ann);
    server.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_is_told_to_every_session() {
    let server = server().await;
    let mut ann = Client::web_socket(&server).await.logged_in("ann").await;
    let mut stranger = Client::web_socket(&server).await;
    let told = tokio::spawn(async move {
        let frame = ann.connection.receiver.recv().await.unwrap();
        let end = ann.end().await;
        (decode_server(&frame).unwrap(), end)
    });
    let closed = tokio::spawn(async move { stranger.end().await });
    let address = server.addresses().http.unwrap();
    server.shutdown().await;
    let (frame, end) = told.await.unwrap();
    assert!(
        matches!(
            frame,
            hst_proto::ServerFrame::Event {
                event: Event::Ended(_),
                ..
            }
        ),
        "{frame:?}"
    );
    assert_eq!(end, RecvEnd::Closed(CloseCode::GoingAway.into()));
    assert_eq!(closed.await.unwrap(), RecvEnd::Closed(CloseCode::GoingAway.into()));
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "the door is closed"
    );
}

#[tokio::test]
async fn a_server_that_is_dropped_ends_at_once() {
    let (server, network) = memory_server().await;
    let mut ann = Client::in_memory(&network).await.logged_in("ann").await;
    drop(server);
    assert_eq!(ann.end().await, RecvEnd::Lost);
}

//! Hostile clients at the doors, before anybody has logged in.

use std::time::Duration;

use crate::common::{
    Client,
    answer::connect,
    config, login, memory_server,
    raw::{head, raw, upgrade},
    server,
};
use hst_auth::AppId;
use hst_proto::{Command, Login};
use hst_server::{
    App, Config, Connections, DEV_APP_ID, DEV_APP_SECRET, RunningServer, Server, signal::memory::MemoryNetwork,
};
use hst_signal::{CloseCode, RecvEnd, SignalTransport};
use hst_signal_quic::QuicTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

/// A server that counts this machine's connections too, with few places for strangers.
async fn strict(connections: Connections) -> RunningServer {
    let connections = Connections {
        strangers_per_address: 3,
        uncounted: Vec::new(),
        ..connections
    };
    Server::new(Config {
        connections,
        ..config()
    })
    .without_media()
    .start()
    .await
    .unwrap()
}

/// Whether somebody at 127.0.0.1 is served.
async fn is_served(server: &RunningServer) -> bool {
    let to = server.addresses().http.unwrap();
    let answer = raw(to, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    answer.status == 200
}

#[tokio::test]
async fn a1_one_address_has_few_places_for_strangers_and_the_others_are_served() {
    let server = strict(Connections::default()).await;
    let to = server.addresses().http.unwrap();
    let mallory = [127, 0, 0, 2].into();
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(connect(mallory, to).await);
    }
    let mut refused = connect(mallory, to).await;
    let answer = head(&mut refused, "").await;
    assert!(
        answer.starts_with("http/1.1 503") && answer.contains("retry-after: 5"),
        "{answer}"
    );
    assert!(is_served(&server).await);
    drop(silent);
    // His places are free again as soon as the server has seen him go.
    timeout(Duration::from_secs(10), async {
        while !head(&mut connect(mallory, to).await, &upgrade(""))
            .await
            .starts_with("http/1.1 101")
        {}
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a1_who_logs_in_makes_room_for_the_next_until_the_address_is_full() {
    let server = strict(Connections {
        per_address: 5,
        ..Connections::default()
    })
    .await;
    let mut online = Vec::new();
    for number in 0..5 {
        online.push(
            Client::web_socket(&server)
                .await
                .logged_in(&format!("user-{number}"))
                .await,
        );
    }
    let url = format!("ws://{}/v1/signal", server.addresses().http.unwrap());
    let full = hst_signal_ws::WsTransport::default().connect(&url).await.unwrap_err();
    assert!(full.is_retryable(), "{full:?}");
    online[0].ask(Command::Ping {}).await.unwrap();
}

#[tokio::test]
async fn q3_over_quic_a_stranger_without_a_place_is_told_so() {
    let server = strict(Connections::default()).await;
    let to = server.addresses().http.unwrap();
    let access = raw(
        to,
        "GET /v1/access HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    )
    .await;
    let url = access.json()["signal"][0].as_str().unwrap().to_owned();
    let (mut strangers, mut told) = (Vec::new(), 0);
    for _ in 0..5 {
        strangers.push(QuicTransport::default().connect(&url).await.unwrap());
    }
    for mut stranger in strangers {
        // Those who have a place hear nothing for now.
        if let Ok(end) = timeout(Duration::from_millis(500), stranger.receiver.recv()).await {
            assert_eq!(end, Err(RecvEnd::Closed(CloseCode::Overloaded.into())));
            told += 1;
        }
    }
    assert!((2..=3).contains(&told), "{told} of 5, though 3 have a place at most");
}

/// How many of these upgrades, made from one address with these headers, are agreed to.
async fn agreed(server: &RunningServer, headers: impl Iterator<Item = String>) -> usize {
    let mut open = Vec::new();
    for header in headers {
        let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
        if head(&mut stream, &upgrade(&header)).await.starts_with("http/1.1 101") {
            open.push(stream);
        }
    }
    open.len()
}

#[tokio::test]
async fn a8_an_address_that_is_only_claimed_makes_no_room() {
    let server = strict(Connections::default()).await;
    let forged = (0..10).map(|n| format!("X-Forwarded-For: 198.51.100.{n}\r\nForwarded: for=198.51.100.{n}\r\n"));
    assert_eq!(agreed(&server, forged).await, 3);
}

#[tokio::test]
async fn a8_behind_a_trusted_proxy_each_client_has_his_own_places() {
    let trusting = || Connections {
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..Connections::default()
    };
    let server = strict(trusting()).await;
    let different = (0..10).map(|n| format!("X-Forwarded-For: 6.6.6.6, 198.51.100.{n}\r\n"));
    assert_eq!(agreed(&server, different).await, 10);
    let server = strict(trusting()).await;
    let same = (0..10).map(|n| format!("X-Forwarded-For: 6.6.6.{n}, 198.51.100.1\r\n"));
    assert_eq!(agreed(&server, same).await, 3);
}

#[tokio::test]
async fn a8_the_proxy_protocol_is_not_spoken() {
    let server = server().await;
    let claim = "PROXY TCP4 198.51.100.1 192.0.2.1 1 1\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(raw(server.addresses().http.unwrap(), claim).await.status, 400);
}

/// Writes this again and again until the server has had enough, and says how many bytes that took.
async fn pour(server: &RunningServer, request: &str, more: &[u8]) -> usize {
    const ENDLESS: usize = 100 << 20;
    let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut poured = 0;
    let flood = async {
        while poured < ENDLESS && write.write_all(more).await.is_ok() {
            poured += more.len();
        }
    };
    let listen = async {
        // To the end, however it comes.
        let _ = read.read_to_end(&mut Vec::new()).await;
    };
    tokio::select! {
        () = flood => {}
        () = listen => {}
    }
    poured
}

#[tokio::test]
async fn a3_a_body_without_end_is_not_read_at_any_route() {
    let server = server().await;
    let data = [b'x'; 64 * 1024];
    let chunk = [&b"10000\r\n"[..], &data, b"\r\n"].concat();
    for route in [
        "/generate/token",
        "/v1/access",
        "/v1/signal",
        "/",
        "/healthz",
        "/no/such/route",
    ] {
        for method in ["POST", "GET"] {
            let head = format!("{method} {route} HTTP/1.1\r\nHost: a\r\n");
            for (length, more) in [
                ("Content-Length: 104857600", &data[..]),
                ("Transfer-Encoding: chunked", &chunk),
            ] {
                let poured = pour(&server, &format!("{head}{length}\r\n\r\n"), more).await;
                // What the system's buffers hold is gone before anybody can say that it is too much.
                assert!(poured < 16 << 20, "{method} {route} {length}: {poured}");
            }
        }
    }
    assert!(is_served(&server).await);
}

#[tokio::test]
async fn a4_of_a_request_whose_length_is_in_doubt_no_second_one_is_made() {
    let server = server().await;
    let to = server.addresses().http.unwrap();
    let second = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let (framed, whole) = ("0\r\n\r\n", second.len());
    for (what, request) in [
        (
            "a length and chunks",
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{framed}{second}"
            ),
        ),
        (
            "chunks and a length",
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: {whole}\r\n\r\n{framed}{second}"
            ),
        ),
        (
            "chunks of an odd kind",
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n{framed}{second}"),
        ),
        (
            "a chunk of 2^64",
            format!(
                "POST /generate/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{second}"
            ),
        ),
        (
            "behind a request for another protocol",
            format!("GET /v1/signal HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n{second}"),
        ),
        ("behind a good one", format!("{}{second}", upgrade(""))),
    ] {
        let answer = raw(to, &request).await;
        let all = format!("{}{}", answer.head, answer.body);
        assert!(!all.contains("ok\n"), "{what}: {all:?}");
    }
}

#[tokio::test]
async fn a5_http_2_is_not_spoken() {
    let server = server().await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
    stream.write_all(preface.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn a6_a_header_without_end_that_comes_byte_by_byte_is_refused_cheaply() {
    let server = server().await;
    let start = Instant::now();
    let poured = pour(&server, "GET / HTTP/1.1\r\nX: ", b"y").await;
    assert!(poured < 1 << 20, "{poured} bytes");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a7_a_header_of_many_spaces_is_read_once() {
    let server = server().await;
    let to = server.addresses().http.unwrap();
    let spaces = |count| " ".repeat(count);
    let long = upgrade(&format!("Sec-WebSocket-Protocol: a{}b\r\n", spaces(32_000)));
    assert_eq!(raw(to, &long).await.status, 431);
    let start = Instant::now();
    for name in [
        "Connection",
        "Upgrade",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
    ] {
        for filler in [spaces(14_000), ",".repeat(14_000), " ,".repeat(7000)] {
            let mut stream = TcpStream::connect(to).await.unwrap();
            let answer = head(&mut stream, &upgrade(&format!("{name}: a{filler}b\r\n"))).await;
            assert!(answer.starts_with("http/1.1 101"), "{name}: {answer}");
        }
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a9_there_is_no_administration_to_be_reached_from_a_foreign_page() {
    let server = server().await;
    let to = server.addresses().http.unwrap();
    for route in ["/admin", "/v1/admin", "/debug", "/metrics"] {
        let request = format!("GET {route} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        assert_eq!(raw(to, &request).await.status, 404, "{route}");
    }
}

#[tokio::test]
async fn a13_a_page_of_another_origin_gets_no_further_than_the_login() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
    let foreign = upgrade("Origin: https://evil.example\r\nCookie: session=s1; token=abc\r\n");
    let answer = head(&mut stream, &foreign).await;
    assert!(
        answer.starts_with("http/1.1 101") && !answer.contains("set-cookie"),
        "{answer}"
    );
    let join = br#"{"id":1,"do":{"join":{"group":"g"}}}"#;
    let frame = [&[0x81, 0x80 | join.len() as u8, 0, 0, 0, 0], &join[..]].concat();
    stream.write_all(&frame).await.unwrap();
    let mut reply = vec![0; 64];
    let len = stream.read(&mut reply).await.unwrap();
    let reply = String::from_utf8_lossy(&reply[..len]).into_owned();
    assert!(reply.contains("1000003"), "no cookie logs anybody in: {reply}");
}

#[tokio::test]
async fn s1_compression_is_not_agreed_to() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
    let offer = upgrade("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
    let answer = head(&mut stream, &offer).await;
    assert!(
        answer.starts_with("http/1.1 101") && !answer.contains("extensions"),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn a12_a_refused_login_tells_its_reason_by_its_code_alone() {
    let secret = hst_auth::AppSecret::parse(DEV_APP_SECRET).unwrap();
    let mut off = App::new(AppId::parse("off").unwrap(), &secret);
    off.settings.online = false;
    let mut config = config();
    config.apps.push(off);
    let network = MemoryNetwork::default();
    let server = Server::new(config)
        .listener(network.bind("server").unwrap())
        .without_sockets()
        .without_media();
    let _server = server.start().await.unwrap();
    let mut client = Client::in_memory(&network).await;
    let issuer = hst_auth::TokenIssuer::legacy_001(AppId::parse("off").unwrap(), &secret);
    let request = hst_auth::TokenRequest::default();
    let good_there = issuer
        .issue(&request, hst_auth::UnixMillis::from(std::time::SystemTime::now()))
        .unwrap();
    let mut times = Vec::new();
    for (app, token, code) in [
        (DEV_APP_ID, "001wrong".to_owned(), 1_000_000),
        ("unknown", login("ann").token, 1_000_001),
        ("off", good_there, 1_000_002),
    ] {
        let start = Instant::now();
        let attempt = Login {
            app: app.to_owned(),
            token,
            ..login("ann")
        };
        let refused = client.ask(Command::Login(attempt)).await.unwrap_err();
        assert_eq!(refused.code, code);
        times.push(start.elapsed());
    }
    assert!(times.iter().all(|&time| time == times[0]), "{times:?}");
}

#[tokio::test]
async fn s4_before_the_login_a_small_frame_is_the_largest_and_behind_it_a_large_one_in_one_flight() {
    let (_server, network) = memory_server().await;
    let ping = |size: usize| {
        let ping = r#"{"id":9,"do":{"ping":{}}}"#;
        ping.to_owned() + &" ".repeat(size - ping.len())
    };
    let mut ann = Client::in_memory(&network).await;
    let login = ann.say(Command::Login(login("ann"))).await;
    ann.connection.sender.send(ping(256 * 1024).into()).await.unwrap();
    ann.answer(login).await.unwrap();
    ann.answer(9).await.unwrap();

    let mut stranger = Client::in_memory(&network).await;
    stranger
        .connection
        .sender
        .send(ping(8 * 1024 + 1).into())
        .await
        .unwrap();
    let RecvEnd::Closed(reason) = stranger.end().await else {
        panic!("closed without a reason")
    };
    assert_eq!(reason.code, CloseCode::TooLarge);
}

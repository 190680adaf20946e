//! Clients that take their time, in virtual time: the clock runs on whenever nobody has anything to do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "server/common/mod.rs"]
mod common;

use std::time::Duration;

use common::{
    Client,
    raw::{head, upgrade},
    server, user,
};
use hst_proto::{Command, Event, PEER_TIMEOUT, RESUME_WINDOW, ServerFrame};
use hst_signal::{CloseCode, RecvEnd};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

#[tokio::test(start_paused = true)]
async fn a1_who_does_not_complete_a_request_is_cut_and_others_are_served_meanwhile() {
    let server = server().await;
    let to = server.addresses().http.unwrap();
    let start = Instant::now();
    let mut slow = Vec::new();
    for said in ["", "GET / HTTP/1.1\r\nHo", "PRI", "PRI * HTTP/2.0\r\n\r\nSM"] {
        // Each takes two descriptors of this process.
        for _ in 0..75 {
            let mut stream = TcpStream::connect(to).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            slow.push(stream);
        }
    }
    let mut normal = TcpStream::connect(to).await.unwrap();
    normal
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    normal.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("ok\n"), "{answer}");

    for mut stream in slow {
        // The end, however it comes.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert!(start.elapsed() <= Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a1_a_head_that_comes_byte_by_byte_is_cut() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
    let start = Instant::now();
    let (mut read, mut write) = stream.split();
    let drip = async {
        while write.write_all(b"X").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        _ = read.read_to_end(&mut answer) => {}
        () = drip => {}
    }
    assert!(start.elapsed() <= Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_not_waited_for() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
    let head = "POST /generate/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let start = Instant::now();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(start.elapsed() <= Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a1_a_web_socket_that_does_not_log_in_is_closed() {
    let server = server().await;
    let mut client = Client::web_socket(&server).await;
    let start = Instant::now();
    let RecvEnd::Closed(reason) = client.end().await else {
        panic!("closed without a reason")
    };
    assert_eq!(reason.code, CloseCode::PolicyViolation);
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a1_the_time_for_the_login_counts_from_the_accept_and_not_from_the_upgrade() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
    let start = Instant::now();
    sleep(Duration::from_secs(4)).await;
    assert!(head(&mut stream, &upgrade("")).await.starts_with("http/1.1 101"));
    // Half a frame is no login.
    stream.write_all(&[0x81, 0xff, 0, 0]).await.unwrap();
    let mut close = [0; 4];
    stream.read_exact(&mut close).await.unwrap();
    assert_eq!((close[0], u16::from_be_bytes([close[2], close[3]])), (0x88, 1008));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn s3_strangers_with_nearly_a_whole_frame_hold_little_and_are_cut_in_time() {
    const CROWD: usize = 200;
    let server = server().await;
    let start = Instant::now();
    let before = resident();
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
        assert!(head(&mut stream, &upgrade("")).await.starts_with("http/1.1 101"));
        let mut frame = vec![0x81, 0xfe, 0x20, 0, 0, 0, 0, 0];
        frame.resize(8 * 1024, b' ');
        stream.write_all(&frame).await.unwrap();
        crowd.push(stream);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < CROWD * 32 * 1024 + 4 * 1024 * 1024, "{grown} bytes");
    for mut stream in crowd {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert!(start.elapsed() <= Duration::from_secs(13), "{:?}", start.elapsed());
}

/// What this process holds in memory, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(start_paused = true)]
async fn a_session_that_falls_silent_and_does_not_come_back_is_ended_and_its_group_told() {
    let server = server().await;
    let mut ann = Client::web_socket(&server).await.logged_in("ann").await;
    let mut bob = Client::web_socket(&server).await.logged_in("bob").await;
    ann.join("g").await;
    bob.join("g").await;
    ann.event().await;
    let silent_since = Instant::now();
    let event = loop {
        sleep(Duration::from_secs(5)).await;
        let ping = ann.say(Command::Ping {}).await;
        match ann.frame().await.unwrap() {
            ServerFrame::Reply { re, .. } => assert_eq!(re, ping),
            ServerFrame::Event { event, .. } => break event,
        }
    };
    assert_eq!(event, Event::MemberLeft { user: user("bob") });
    let elapsed = silent_since.elapsed();
    let expected = PEER_TIMEOUT + RESUME_WINDOW;
    assert!(
        elapsed >= expected && elapsed <= expected + Duration::from_secs(5),
        "{elapsed:?}"
    );
    let RecvEnd::Closed(reason) = bob.end().await else {
        panic!("closed without a reason")
    };
    assert_eq!(reason.code, CloseCode::HeartbeatLost);
}

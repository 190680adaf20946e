//! Whom a client trusts, and what it says when it does not get through.
#![allow(clippy::unwrap_used, reason = "the helpers are tests too")]

mod house;

use std::{io, sync::Arc};

use house::TlsServer;
use hst_signal::{ConnectError, Limits, SignalTransport};
use hst_signal_ws::WsTransport;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

fn trusting(server: &TlsServer) -> WsTransport {
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    WsTransport::default().with_tls(Arc::new(config))
}

#[tokio::test]
async fn a_certificate_of_the_servers_own_making_is_refused_without_a_pin() {
    let server = TlsServer::bind(Limits::default()).await;
    let url = server.url();
    let refused = WsTransport::default().connect(&url).await.unwrap_err();
    assert!(
        matches!(refused, ConnectError::Tls(_)) && !refused.is_retryable(),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_pin_lets_its_own_certificate_pass_and_no_other() {
    let server = TlsServer::bind(Limits::default()).await;
    let (good, alien) = (
        server.pinned_url(),
        TlsServer::bind(Limits::default()).await.pinned_url(),
    );
    assert!(WsTransport::default().connect(&good).await.is_ok());

    let wrong = format!("{}#{}", server.url(), alien.split_once('#').unwrap().1);
    for transport in [WsTransport::default(), trusting(&server)] {
        let refused = transport.connect(&wrong).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Tls(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_session_begun_without_a_pin_does_not_get_around_it() {
    let server = TlsServer::bind(Limits::default()).await;
    let alien = TlsServer::bind(Limits::default()).await.pinned_url();
    let transport = trusting(&server);
    let url = server.url();
    for _ in 0..2 {
        assert!(transport.connect(&url).await.is_ok());
    }
    let wrong = format!("{url}#{}", alien.split_once('#').unwrap().1);
    assert!(matches!(transport.connect(&wrong).await, Err(ConnectError::Tls(_))));
}

#[tokio::test]
async fn a_configuration_of_ones_own_replaces_the_platforms_roots() {
    let server = TlsServer::bind(Limits::default()).await;
    let url = server.url();
    assert!(trusting(&server).connect(&url).await.is_ok());
}

#[tokio::test]
async fn a_pin_without_encryption_is_no_url() {
    let url = format!("ws://127.0.0.1:1/#sha256={}", "00".repeat(32));
    assert!(matches!(
        WsTransport::default().connect(&url).await,
        Err(ConnectError::InvalidUrl(_))
    ));
}

/// What a client says to a server that answers its first bytes with `answer`.
async fn against(answer: &'static [u8]) -> ConnectError {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", tcp.local_addr().unwrap());
    let server = async {
        let (mut io, _) = tcp.accept().await.unwrap();
        io.read_buf(&mut Vec::with_capacity(4096)).await.unwrap();
        io.write_all(answer).await.unwrap();
        io
    };
    let (connected, _io) = tokio::join!(async { WsTransport::default().connect(&url).await }, server);
    connected.unwrap_err()
}

#[tokio::test]
async fn the_answer_tells_whether_to_come_back() {
    let missing = against(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    assert!(
        matches!(missing, ConnectError::Refused(_)) && !missing.is_retryable(),
        "{missing:?}"
    );
    let junk = against(b"SSH-2.0-OpenSSH_9.7\r\n\r\n").await;
    assert!(matches!(junk, ConnectError::Refused(_)), "{junk:?}");
    for busy in [
        &b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"[..],
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
    ] {
        let busy = against(busy).await;
        assert!(matches!(busy, ConnectError::Busy(_)) && busy.is_retryable(), "{busy:?}");
    }
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", tcp.local_addr().unwrap());
    drop(tcp);
    match WsTransport::default().connect(&url).await {
        Err(ConnectError::Unreachable(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", tcp.local_addr().unwrap());
    let error = WsTransport::default().connect(&url).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Timeout) && error.is_retryable(),
        "{error:?}"
    );
}

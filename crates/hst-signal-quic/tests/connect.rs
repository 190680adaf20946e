//! Whom a client trusts, and what it says when it does not get through.
#![allow(clippy::unwrap_used, reason = "the helpers are tests too")]

mod house;

use std::{
    net::{Ipv4Addr, UdpSocket},
    sync::Arc,
};

use house::{Server, certificate};
use hst_signal::{CloseCode, ConnectError, Limits, RecvEnd, SignalConnection, SignalListener, SignalTransport};
use hst_signal_quic::{BindError, QuicListener, QuicTransport};
use quinn::{Endpoint, ServerConfig};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

/// Tries `url` while the server serves; the server's own end is dropped.
async fn connect(transport: &QuicTransport, url: &str, server: &mut Server) -> Result<SignalConnection, ConnectError> {
    tokio::select! {
        connected = transport.connect(url) => connected,
        never = async { loop { drop(server.listener.accept().await.unwrap()) } } => never,
    }
}

fn trusting(server: &Server) -> QuicTransport {
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    QuicTransport::default().with_tls(Arc::new(config))
}

#[tokio::test]
async fn a_certificate_of_the_servers_own_making_is_refused_without_a_pin() {
    let mut server = Server::bind(Limits::default());
    let url = server.url();
    let refused = connect(&QuicTransport::default(), &url, &mut server).await.unwrap_err();
    assert!(
        matches!(refused, ConnectError::Tls(_)) && !refused.is_retryable(),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_pin_lets_its_own_certificate_pass_and_no_other() {
    let mut server = Server::bind(Limits::default());
    let good = server.pinned_url();
    assert!(connect(&QuicTransport::default(), &good, &mut server).await.is_ok());

    let wrong = format!("{}#sha256={}", server.url(), Server::bind(Limits::default()).pin());
    for transport in [QuicTransport::default(), trusting(&server)] {
        let refused = connect(&transport, &wrong, &mut server).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Tls(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_configuration_of_ones_own_replaces_the_platforms_roots() {
    let mut server = Server::bind(Limits::default());
    let (url, transport) = (server.url(), trusting(&server));
    // Again, now that there is a session to resume.
    for _ in 0..2 {
        assert!(connect(&transport, &url, &mut server).await.is_ok());
    }
    let wrong = format!("{url}#sha256={}", Server::bind(Limits::default()).pin());
    assert!(matches!(
        connect(&transport, &wrong, &mut server).await,
        Err(ConnectError::Tls(_))
    ));
}

#[tokio::test]
async fn a_url_without_a_port_is_no_url() {
    let refused = QuicTransport::default().connect("quic://localhost").await;
    assert!(matches!(refused, Err(ConnectError::InvalidUrl(_))), "{refused:?}");
}

#[tokio::test]
async fn a_server_of_another_protocol_refuses() {
    let (certificate, key) = certificate();
    let pin = hst_signal::CertificatePin::of(&certificate);
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    let config = ServerConfig::with_crypto(Arc::new(crypto));
    let server = Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("quic://127.0.0.1:{}#sha256={pin}", server.local_addr().unwrap().port());
    let serve = async { server.accept().await.unwrap().await };
    let (refused, _) = tokio::join!(async { QuicTransport::default().connect(&url).await }, serve);
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, ConnectError::Refused(_)) && !refused.is_retryable(),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_server_without_room_is_busy() {
    let mut server = Server::bind(Limits::default());
    let (certificate, key) = certificate();
    let pin = hst_signal::CertificatePin::of(&certificate);
    let config = ServerConfig::with_single_cert(vec![certificate], key);
    // A server that refuses whoever comes.
    let full = Endpoint::server(config.unwrap(), (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("quic://127.0.0.1:{}#sha256={pin}", full.local_addr().unwrap().port());
    let serve = async { full.accept().await.unwrap().refuse() };
    let (refused, ()) = tokio::join!(async { QuicTransport::default().connect(&url).await }, serve);
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, ConnectError::Busy(_)) && refused.is_retryable(),
        "{refused:?}"
    );

    let good = server.pinned_url();
    assert!(connect(&QuicTransport::default(), &good, &mut server).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("quic://{}#sha256={}", silent.local_addr().unwrap(), "00".repeat(32));
    let error = QuicTransport::default().connect(&url).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Timeout) && error.is_retryable(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_port_in_use_and_a_useless_key_are_told_apart() {
    let taken = Server::bind(Limits::default()).address();
    let server = Server::bind(Limits::default());
    let (one, key) = certificate();
    let (_, other_key) = certificate();
    let in_use = QuicListener::bind(server.address(), vec![one.clone()], key, Limits::default());
    assert!(matches!(in_use, Err(BindError::Io(_))), "{in_use:?}");
    let mismatch = QuicListener::bind(taken, vec![one], other_key, Limits::default());
    assert!(matches!(mismatch, Err(BindError::Certificate(_))), "{mismatch:?}");
}

#[tokio::test]
async fn a_server_that_shuts_down_tells_everybody() {
    let mut server = Server::bind(Limits::default());
    let url = server.pinned_url();
    let transport = QuicTransport::default();
    let (client, accepted) = tokio::join!(transport.connect(&url), server.listener.accept());
    let (mut client, mut accepted) = (client.unwrap(), accepted.unwrap());
    server.listener.shut_down().await;
    let end = Err(RecvEnd::Closed(CloseCode::GoingAway.into()));
    assert_eq!(client.receiver.recv().await, end);
    assert_eq!(accepted.receiver.recv().await, end);
}

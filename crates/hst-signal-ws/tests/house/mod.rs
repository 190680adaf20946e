//! A TLS server of the kind that answers the HTTP upgrade itself, and the raw peers of the hostile tests.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use hst_signal::{AcceptError, CertificatePin, Limits, SignalConnection, SignalListener, SignalTransport};
use hst_signal_ws::{WsListener, WsTransport, from_upgraded};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::CertificateDer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

/// A server behind TLS with a certificate of its own making. It lets in whoever gets through the handshakes.
#[derive(Debug)]
pub(crate) struct TlsServer {
    port: u16,
    accepted: mpsc::Receiver<SignalConnection>,
    pub(crate) certificate: CertificateDer<'static>,
}

impl TlsServer {
    pub(crate) async fn bind(limits: Limits) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let certificate = made.cert.der().clone();
        let key = made.signing_key.serialize_der().try_into().expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("the key is the certificate's");
        let tcp = TcpListener::bind("localhost:0").await.expect("a port");
        let port = tcp.local_addr().expect("an address").port();
        let (to_test, accepted) = mpsc::channel(16);
        tokio::spawn(async move {
            let tls = TlsAcceptor::from(Arc::new(config));
            loop {
                let (tcp, peer) = tcp.accept().await.expect("accepts");
                let Ok(tls) = tls.accept(tcp).await else { continue };
                let Ok(socket) = accept_async(tls).await else { continue };
                let connection = from_upgraded(socket.into_inner(), Vec::new(), Some(peer), Instant::now(), limits);
                if to_test.send(connection).await.is_err() {
                    return;
                }
            }
        });
        Self {
            port,
            accepted,
            certificate,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("wss://localhost:{}/v1/signal", self.port)
    }

    pub(crate) fn pinned_url(&self) -> String {
        format!("{}#sha256={}", self.url(), CertificatePin::of(&self.certificate))
    }
}

#[async_trait]
impl SignalListener for TlsServer {
    async fn accept(&mut self) -> Result<SignalConnection, AcceptError> {
        self.accepted.recv().await.ok_or(AcceptError::Closed)
    }
}

/// A plain listener and the address it is at.
pub(crate) async fn listen(limits: Limits) -> (WsListener, SocketAddr) {
    let listener = WsListener::bind("127.0.0.1:0", limits).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Our server's end of a connection, and a client that can send what ours never would.
pub(crate) async fn raw_client(limits: Limits) -> (SignalConnection, WebSocketStream<TcpStream>) {
    let (mut listener, address) = listen(limits).await;
    let client = async {
        let tcp = TcpStream::connect(address).await.expect("connects");
        client_async(format!("ws://{address}/"), tcp).await.expect("upgrades").0
    };
    let (server, client) = tokio::join!(listener.accept(), client);
    (server.expect("accepts"), client)
}

/// Our client's end of a connection, and a server that can send what ours never would.
pub(crate) async fn raw_server(limits: Limits) -> (SignalConnection, WebSocketStream<TcpStream>) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", tcp.local_addr().expect("an address"));
    let server = async {
        accept_async(tcp.accept().await.expect("accepts").0)
            .await
            .expect("upgrades")
    };
    let transport = WsTransport::new(limits);
    let (client, server) = tokio::join!(transport.connect(&url), server);
    (client.expect("connects"), server)
}

//! A server with a certificate of its own making, and raw peers that can send what ours never would.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod wire;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use hst_signal::{CertificatePin, Limits, SignalConnection, SignalListener, tls::ClientTls};
use hst_signal_quic::{ALPN, PREAMBLE, QuicListener};
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, RecvStream, SendStream, crypto::rustls::QuicClientConfig,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) fn certificate() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    (
        made.cert.der().clone(),
        made.signing_key.serialize_der().try_into().expect("a key"),
    )
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) listener: QuicListener,
    pub(crate) certificate: CertificateDer<'static>,
}

impl Server {
    pub(crate) fn bind(limits: Limits) -> Self {
        let (certificate, key) = certificate();
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let listener = QuicListener::bind(address, vec![certificate.clone()], key, limits).expect("a port");
        Self { listener, certificate }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("an address")
    }

    pub(crate) fn pin(&self) -> CertificatePin {
        CertificatePin::of(&self.certificate)
    }

    pub(crate) fn url(&self) -> String {
        format!("quic://localhost:{}", self.address().port())
    }

    pub(crate) fn pinned_url(&self) -> String {
        format!("{}#sha256={}", self.url(), self.pin())
    }

    /// A client that has not opened its stream yet. It must be driven by an `accept`.
    pub(crate) async fn raw_client(address: SocketAddr, pin: CertificatePin) -> Connection {
        Self::raw_client_from(Ipv4Addr::LOCALHOST, address, pin)
            .await
            .expect("connects")
    }

    /// The same from another address of this machine, and it may be refused.
    pub(crate) async fn raw_client_from(
        ip: Ipv4Addr,
        address: SocketAddr,
        pin: CertificatePin,
    ) -> Result<Connection, ConnectionError> {
        let tls = ClientTls::new(&[ALPN]).config(Some(pin)).expect("a pin needs no roots");
        let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("TLS 1.3")));
        let endpoint = Endpoint::client((ip, 0).into()).expect("a port");
        endpoint
            .connect_with(config, address, "localhost")
            .expect("an address")
            .await
    }

    /// Our server's end of a connection, and a raw client behind its preamble.
    pub(crate) async fn raw_pair(&mut self) -> (SignalConnection, Raw) {
        let (address, pin) = (self.address(), self.pin());
        let client = async {
            let connection = Self::raw_client(address, pin).await;
            let (mut send, recv) = connection.open_bi().await.expect("opens a stream");
            send.write_all(&PREAMBLE).await.expect("is written");
            Raw { connection, send, recv }
        };
        let (server, client) = tokio::join!(self.listener.accept(), client);
        (server.expect("accepts"), client)
    }
}

pub(crate) struct Raw {
    pub(crate) connection: Connection,
    pub(crate) send: SendStream,
    pub(crate) recv: RecvStream,
}

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hst_signal::{AcceptError, CloseCode, CloseReason, Limits, SignalConnection, SignalListener};
use quinn::{Endpoint, EndpointConfig, Incoming, ServerConfig, TokioRuntime, crypto::rustls::QuicServerConfig};
use rustls::{
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::TLS13,
};
use tokio::time::{Instant, timeout};

use crate::{
    ALPN, BindError, PREAMBLE, ResetKey, config,
    connection::{CLOSE_TIMEOUT, assemble, close, number},
    handshakes::{Handshakes, Verdict},
};

/// Clients whose first packet has come. When it is full, further ones are refused.
const INCOMING: usize = 1024;
/// What a client may send before its handshake is taken up, in bytes; more is dropped, and sent again by the client.
const INCOMING_BUFFER: u64 = 16 * 1024;
/// The same for all of them together.
const INCOMING_BUFFERS: u64 = 4 * 1024 * 1024;
/// A client that is not through by then, with its preamble, is dropped.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A QUIC server on a UDP port of its own.
#[derive(Debug)]
pub struct QuicListener {
    endpoint: Endpoint,
    limits: Limits,
    handshakes: Handshakes,
}

impl QuicListener {
    /// Listens at `address`, port 0 taking a free one, with a certificate and those that vouch for it. Runs on the tokio
    /// runtime that it is called in.
    ///
    /// # Errors
    /// [`BindError`] says whether the certificate or the address is to blame.
    pub fn bind(
        address: SocketAddr,
        certificates: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        limits: Limits,
    ) -> Result<Self, BindError> {
        let server = server_config(certificates, key).map_err(BindError::Certificate)?;
        Self::open(EndpointConfig::default(), server, address, limits)
    }

    /// The same, of a server that is started again and again at this address with one key: clients of a run that ended
    /// without a word learn it as soon as they send something, and not by the silence.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_again(
        address: SocketAddr,
        certificates: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        resets: &ResetKey,
        limits: Limits,
    ) -> Result<Self, BindError> {
        let server = server_config(certificates, key).map_err(BindError::Certificate)?;
        Self::open(resets.endpoint(), server, address, limits)
    }

    fn open(
        config: EndpointConfig,
        server: ServerConfig,
        address: SocketAddr,
        limits: Limits,
    ) -> Result<Self, BindError> {
        let socket = UdpSocket::bind(address)?;
        let endpoint = Endpoint::new(config, Some(server), socket, Arc::new(TokioRuntime))?;
        Ok(Self {
            endpoint,
            limits,
            handshakes: Handshakes::default(),
        })
    }

    /// The address it listens at.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Closes every connection that is still open, at once, as [`CloseCode::GoingAway`], and waits, 2 seconds at most, until
    /// every peer has been told. A server does this before it ends: the last packets would not leave without it.
    pub async fn shut_down(self) {
        self.endpoint.close(number(CloseCode::GoingAway), b"");
        let _ = timeout(CLOSE_TIMEOUT, self.endpoint.wait_idle()).await;
    }

    fn take_up(&mut self, incoming: Incoming) {
        let client = incoming.remote_address();
        match self.handshakes.judge(client, incoming.remote_address_validated()) {
            Verdict::Begin => self.handshakes.begin(client, handshake(incoming, self.limits)),
            Verdict::Refuse => incoming.refuse(),
            Verdict::Prove => {
                // An error is a client that has been asked already, and so is not one without a proof.
                let _ = incoming.retry();
            }
        }
    }
}

fn server_config(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = QuicServerConfig::try_from(tls).expect("the provider has the cipher suite of QUIC's first packets");
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(config::transport(1))
        .max_incoming(INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFERS);
    Ok(config)
}

#[async_trait]
impl SignalListener for QuicListener {
    async fn accept(&mut self) -> Result<SignalConnection, AcceptError> {
        loop {
            tokio::select! {
                Some(connection) = self.handshakes.next() => return Ok(connection),
                incoming = self.endpoint.accept(), if !self.handshakes.is_full() => {
                    self.take_up(incoming.ok_or(AcceptError::Closed)?);
                }
            }
        }
    }
}

async fn handshake(incoming: Incoming, limits: Limits) -> Option<SignalConnection> {
    let since = Instant::now();
    let handshake = async {
        let connection = incoming.await.ok()?;
        let (send, mut recv) = connection.accept_bi().await.ok()?;
        let mut preamble = [0; PREAMBLE.len()];
        recv.read_exact(&mut preamble).await.ok()?;
        if preamble != PREAMBLE {
            close(
                &connection,
                &CloseReason::new(CloseCode::ProtocolError, "another preamble was expected"),
            );
            return None;
        }
        Some(assemble(connection, (send, recv), None, since, limits))
    };
    timeout(HANDSHAKE_TIMEOUT, handshake).await.ok().flatten()
}

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hst_signal::{ConnectError, Limits, SignalConnection, SignalTransport, SignalUrl, tls::ClientTls};
use quinn::{ClientConfig, Endpoint, crypto::rustls::QuicClientConfig};
use tokio::{
    net::lookup_host,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{ALPN, PREAMBLE, config, connection::assemble, error};

/// For the name and the handshake together. Short, because where UDP is blocked nobody says so, and another transport
/// waits its turn.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// The head start of an address over the next one of the same name.
const HEAD_START: Duration = Duration::from_millis(250);
/// The addresses of a name that are tried.
const ADDRESSES: usize = 8;

/// Connects to `quic://host:port[#sha256=digits]`. A path is ignored.
///
/// The server's certificate is judged by the platform's trusted roots, or by the pin in the URL.
#[derive(Debug)]
pub struct QuicTransport {
    limits: Limits,
    tls: ClientTls,
}

impl Default for QuicTransport {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl QuicTransport {
    /// A transport whose connections keep to `limits`.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            tls: ClientTls::new(&[ALPN]),
        }
    }

    /// Uses a TLS configuration of your own, but for its ALPN, in place of the platform's roots. It must allow TLS 1.3.
    #[must_use]
    pub fn with_tls(self, config: Arc<rustls::ClientConfig>) -> Self {
        Self {
            tls: self.tls.with_config(config),
            ..self
        }
    }

    async fn open(&self, url: SignalUrl<'_>, port: u16) -> Result<SignalConnection, ConnectError> {
        let crypto = QuicClientConfig::try_from(self.tls.config(url.pin)?).map_err(|e| ConnectError::Tls(e.into()))?;
        let mut config = ClientConfig::new(Arc::new(crypto));
        config.transport_config(config::transport(0));

        let mut addresses = lookup_host((url.host, port))
            .await
            .map_err(ConnectError::Unreachable)?
            .take(ADDRESSES);
        let mut attempts = JoinSet::new();
        let mut failed = ConnectError::Unreachable(io::ErrorKind::NotFound.into());
        loop {
            if let Some(address) = addresses.next() {
                attempts.spawn(attempt(address, url.host.to_owned(), config.clone(), self.limits));
            }
            match timeout(HEAD_START, attempts.join_next()).await {
                Ok(Some(Ok(Ok(connection)))) => return Ok(connection),
                Ok(Some(Ok(Err(error)))) => failed = error,
                Ok(None) => return Err(failed),
                // The first is late, or it panicked: the next one's turn.
                Err(_) | Ok(Some(Err(_))) => {}
            }
        }
    }
}

async fn attempt(
    address: SocketAddr,
    host: String,
    config: ClientConfig,
    limits: Limits,
) -> Result<SignalConnection, ConnectError> {
    let any = if address.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let since = Instant::now();
    let endpoint = Endpoint::client(SocketAddr::new(any, 0)).map_err(ConnectError::Unreachable)?;
    let connecting = endpoint
        .connect_with(config, address, &host)
        .map_err(|_| ConnectError::InvalidUrl("nothing can be reached at its host and port"))?;
    let connection = connecting.await.map_err(error::connect)?;
    let (mut send, recv) = connection.open_bi().await.map_err(error::connect)?;
    send.write_all(&PREAMBLE)
        .await
        .map_err(|error| ConnectError::Unreachable(error.into()))?;
    Ok(assemble(connection, (send, recv), Some(endpoint), since, limits))
}

#[async_trait]
impl SignalTransport for QuicTransport {
    async fn connect(&self, url: &str) -> Result<SignalConnection, ConnectError> {
        let url = SignalUrl::parse(url, &["quic"])?;
        let port = url.port.ok_or(ConnectError::InvalidUrl("it has no port"))?;
        timeout(CONNECT_TIMEOUT, self.open(url, port))
            .await
            .unwrap_or(Err(ConnectError::Timeout))
    }
}

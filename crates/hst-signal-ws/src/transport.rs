use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use hst_signal::{ConnectError, Limits, SignalConnection, SignalTransport, SignalUrl, tls::ClientTls};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

use crate::{connection::split, error, socket::Socket};

/// For the name, TCP, TLS and HTTP together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to `ws://host[:port]/path` and `wss://host[:port]/path[#sha256=digits]`.
///
/// Over `wss` the server's certificate is judged by the platform's trusted roots, or by the pin in the URL.
#[derive(Debug)]
pub struct WsTransport {
    limits: Limits,
    tls: ClientTls,
}

impl Default for WsTransport {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl WsTransport {
    /// A transport whose connections keep to `limits`.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            tls: ClientTls::new(&[b"http/1.1"]),
        }
    }

    /// Uses a TLS configuration of your own, but for its ALPN, in place of the platform's roots.
    #[must_use]
    pub fn with_tls(self, config: Arc<ClientConfig>) -> Self {
        Self {
            tls: self.tls.with_config(config),
            ..self
        }
    }

    async fn open(&self, url: SignalUrl<'_>) -> Result<SignalConnection, ConnectError> {
        let secure = url.scheme == "wss";
        if url.pin.is_some() && !secure {
            return Err(ConnectError::InvalidUrl("a pin needs wss://"));
        }
        let port = url.port.unwrap_or(if secure { 443 } else { 80 });
        let tcp = TcpStream::connect((url.host, port))
            .await
            .map_err(ConnectError::Unreachable)?;
        // Frames are small and each is waited for. A system that cannot do it is only slower.
        let _ = tcp.set_nodelay(true);
        let peer = tcp.peer_addr().ok();
        if !secure {
            return self.upgrade(tcp, peer, url).await;
        }
        let name = ServerName::try_from(url.host.to_owned())
            .map_err(|_| ConnectError::InvalidUrl("its host is no name that a certificate could have"))?;
        let tls = TlsConnector::from(self.tls.config(url.pin)?)
            .connect(name, tcp)
            .await
            .map_err(error::tls)?;
        self.upgrade(tls, peer, url).await
    }

    async fn upgrade<S>(
        &self,
        io: S,
        peer: Option<SocketAddr>,
        url: SignalUrl<'_>,
    ) -> Result<SignalConnection, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let request = format!("{}://{}{}", url.scheme, url.authority(), url.path);
        let since = Instant::now();
        let socket = Socket::connect(&request, io, self.limits)
            .await
            .map_err(error::handshake)?;
        Ok(split(socket, peer, since, self.limits))
    }
}

#[async_trait]
impl SignalTransport for WsTransport {
    async fn connect(&self, url: &str) -> Result<SignalConnection, ConnectError> {
        let url = SignalUrl::parse(url, &["ws", "wss"])?;
        timeout(CONNECT_TIMEOUT, self.open(url))
            .await
            .unwrap_or(Err(ConnectError::Timeout))
    }
}

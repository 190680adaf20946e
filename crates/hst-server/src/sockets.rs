//! What a server opens for signalling.

use std::net::{IpAddr, SocketAddr};

use hst_signal::Limits;
use hst_signal_quic::{BindError, QuicListener, ResetKey};
use tokio::net::TcpListener;

use crate::{Addresses, Config, StartError, Tls, certificate::Certificate, http::QuicPoint};

/// What was opened towards the network.
pub(crate) struct Sockets {
    pub(crate) http: TcpListener,
    pub(crate) metrics: Option<TcpListener>,
    pub(crate) quic: QuicListener,
    pub(crate) quic_point: QuicPoint,
    pub(crate) certificate: Certificate,
}

impl Sockets {
    pub(crate) async fn open(
        config: &Config,
        own: &[IpAddr],
        resets: &ResetKey,
        addresses: &mut Addresses,
    ) -> Result<Self, StartError> {
        let failed = |what| {
            move |source| StartError::Bind {
                what,
                address: config.bind,
                source,
            }
        };
        let certificate = match &config.tls {
            Tls::Files { cert, key } => Certificate::read(cert, key)?,
            Tls::Off | Tls::SelfSigned => {
                let names = own
                    .iter()
                    .chain(&config.node_ips)
                    .copied()
                    .chain([IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])]);
                Certificate::self_signed(&names.collect::<Vec<_>>())?
            }
        };
        let http = TcpListener::bind(config.bind).await.map_err(failed("HTTP, TCP"))?;
        let metrics = match config.metrics {
            Some(address) => Some(bind_metrics(address, addresses).await?),
            None => None,
        };
        let (chain, key) = (certificate.chain.clone(), certificate.key.clone_key());
        let quic = QuicListener::bind_again(config.bind, chain, key, resets, Limits::default());
        let quic = quic.map_err(|error| match error {
            BindError::Io(source) => failed("QUIC, UDP")(source),
            error => StartError::Quic(error),
        })?;
        let address = quic.local_addr().map_err(failed("QUIC, UDP"))?;
        addresses.http = Some(http.local_addr().map_err(failed("HTTP, TCP"))?);
        addresses.quic = Some(address);
        let quic_point = QuicPoint {
            address,
            pin: certificate.pin(),
        };
        Ok(Self {
            http,
            metrics,
            quic,
            quic_point,
            certificate,
        })
    }
}

async fn bind_metrics(address: SocketAddr, addresses: &mut Addresses) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Bind {
        what: "metrics, TCP",
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    addresses.metrics = Some(listener.local_addr().map_err(failed)?);
    Ok(listener)
}

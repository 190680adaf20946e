use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hst_signal::{Limits, SignalConnection};
use hst_signal_ws::{accept_key, from_upgraded};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::server::TlsStream;

use super::{forwarded, peer::Peer, router::Web};
use crate::{admission::Place, hub::Hub};

/// How long the connection may take to become a WebSocket after it was promised to be one.
const UPGRADE_DEADLINE: Duration = Duration::from_secs(5);

/// `GET /v1/signal`: the connection becomes a WebSocket that carries signalling.
pub(super) async fn signal(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    upgrade(&web.hub, peer, request, Hub::serve)
}

/// `GET /v1/events`: the connection becomes a WebSocket of the event gateway.
pub(super) async fn events(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    upgrade(&web.hub, peer, request, Hub::serve_events)
}

/// Makes a connection a WebSocket (RFC 6455, section 4.2) and hands it to `serve`.
fn upgrade(
    hub: &Arc<Hub>,
    peer: Peer,
    mut request: Request,
    serve: fn(&Arc<Hub>, SignalConnection, Arc<Place>),
) -> Response {
    let key = match key(request.headers()) {
        Ok(key) => key,
        Err(refused) => return refused.into_response(),
    };
    if hub.life.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    let client = forwarded::client(peer.address.ip(), request.headers(), &hub.admission.limits);
    let place = if client == peer.address.ip() {
        peer.place
    } else if let Some(place) = hub.place(Some(client)) {
        place
    } else {
        return Refused::NoPlace.into_response();
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let hub = hub.clone();
    hub.life.clone().spawn(async move {
        match timeout(UPGRADE_DEADLINE, upgraded).await {
            Ok(Ok(io)) => serve(&hub, connection(io, peer.address, peer.since), place),
            Ok(Err(error)) => tracing::debug!(%error, "no WebSocket"),
            Err(_) => tracing::debug!("no WebSocket in time"),
        }
    });
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, key),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// Over the bare stream, if it is one that the server accepted: each layer less is felt in each message.
fn connection(io: Upgraded, address: SocketAddr, since: Instant) -> SignalConnection {
    let (peer, limits) = (Some(address), Limits::default());
    let io = match io.downcast::<TokioIo<TcpStream>>() {
        Ok(plain) => return from_upgraded(plain.io.into_inner(), plain.read_buf.into(), peer, since, limits),
        Err(io) => io,
    };
    match io.downcast::<TokioIo<TlsStream<TcpStream>>>() {
        Ok(tls) => from_upgraded(tls.io.into_inner(), tls.read_buf.into(), peer, since, limits),
        Err(io) => from_upgraded(TokioIo::new(io), Vec::new(), peer, since, limits),
    }
}

/// A request that does not open a WebSocket.
enum Refused {
    /// It does not want one, or in another version.
    UpgradeRequired,
    /// Its key is none.
    BadKey,
    /// Its client has too many connections.
    NoPlace,
}

/// The key that answers a request's own, if it opens a WebSocket.
fn key(headers: &HeaderMap) -> Result<String, Refused> {
    let wants = has_token(headers, &header::CONNECTION, "upgrade") && has_token(headers, &header::UPGRADE, "websocket");
    if !wants
        || headers
            .get(header::SEC_WEBSOCKET_VERSION)
            .is_none_or(|version| version != "13")
    {
        return Err(Refused::UpgradeRequired);
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) => {
            Ok(accept_key(key.as_bytes()))
        }
        _ => Err(Refused::BadKey),
    }
}

/// Whether a header's comma-separated list has this token.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // What a client sends behind a request for another protocol is not HTTP, and must not be read as such.
        let close = [(header::CONNECTION, "close")];
        match self {
            Self::UpgradeRequired => {
                let headers = [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")];
                let body = "WebSocket is spoken here, version 13\n";
                (StatusCode::UPGRADE_REQUIRED, close, headers, body).into_response()
            }
            Self::BadKey => {
                let body = "one Sec-WebSocket-Key of 16 bytes in base64 is wanted\n";
                (StatusCode::BAD_REQUEST, close, body).into_response()
            }
            Self::NoPlace => {
                let headers = [(header::RETRY_AFTER, "5")];
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    close,
                    headers,
                    "too many connections\n",
                )
                    .into_response()
            }
        }
    }
}

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use hst_signal::CertificatePin;
use serde::Deserialize;
use serde_json::json;

use super::{peer::Peer, router::Web};
use crate::{
    Origin,
    gateways::{Choice, Gateway},
};

/// Where QUIC listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuicPoint {
    pub(crate) address: SocketAddr,
    /// The certificate to expect, when no public root vouches for it.
    pub(crate) pin: Option<CertificatePin>,
}

impl QuicPoint {
    /// Its URL for a client that sees the server at `origin`; `None` if it is reached through a proxy, which does not
    /// pass QUIC on.
    pub(crate) fn url(&self, origin: &Origin) -> Option<String> {
        let host = match self.address {
            // `localhost` may also mean the other family, where nobody listens.
            SocketAddr::V4(v4) if v4.ip().is_loopback() => origin.is_local().then(|| v4.ip().to_string())?,
            SocketAddr::V6(v6) if v6.ip().is_loopback() => origin.is_local().then(|| format!("[{}]", v6.ip()))?,
            _ => origin.host().to_owned(),
        };
        let url = format!("quic://{host}:{}", self.address.port());
        Some(self.pin.map_or(url.clone(), |pin| format!("{url}#sha256={pin}")))
    }
}

/// Gateways that one answer names at most.
const MOST: usize = 8;

/// What may be said of where the client is going: any text, for it is compared with nothing. Anything else is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    app_id: String,
    group: Option<String>,
}

/// `GET /v1/access`: where signalling is, best first. Every App gets the same answer, also one that does not exist. With a
/// group, all who name it are sent to one node as long as that has room; whether there is such a group is not told.
pub(super) async fn answer(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    let Some(origin) = web.origin(&peer, &headers) else {
        let body = Json(json!({ "code": 1, "message": "the Host header is no host" }));
        return (StatusCode::BAD_REQUEST, no_store, body).into_response();
    };
    let Query(Asked { app_id, group }) = asked.unwrap_or_default();
    let group = group.map(|group| format!("{app_id}/{group}"));
    let mut signal: Vec<String> = Vec::new();
    for gateway in gateways(&web, &origin, group.as_deref()) {
        // Several nodes may stand behind one address.
        let new = gateway.signal().into_iter().filter(|url| !signal.contains(url));
        signal.extend(new.collect::<Vec<_>>());
    }
    // The media server is reached directly: no STUN or TURN server is needed to find the way.
    let body = Json(json!({ "code": 0, "message": "OK", "signal": signal, "ice_servers": [] }));
    (no_store, body).into_response()
}

/// The gateways for a client that sees this node at `origin`, best first; never none. `group` is the one that it is about to
/// join.
pub(super) fn gateways(web: &Web, origin: &Origin, group: Option<&str>) -> Vec<Gateway> {
    let choices = web.hub.choose_gateways(MOST, group).into_iter();
    let seen = choices.map(|choice| match choice {
        Choice::Own => web.gateway(origin.clone()),
        Choice::Other(gateway) => gateway,
    });
    seen.collect()
}

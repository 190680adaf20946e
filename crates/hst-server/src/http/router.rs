use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    middleware::map_response,
    response::IntoResponse,
    routing::{get, post},
};

use super::{access, address, gateway, health, pages, peer::Peer, token, web_socket, whip};
use crate::{Origin, gateways::Gateway, http::QuicPoint, hub::Hub, whip::Resources};

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Web {
    pub(crate) hub: Arc<Hub>,
    /// Where clients see the server, when it was told so.
    pub(crate) public_url: Option<Origin>,
    /// Where QUIC listens, if it does.
    pub(crate) quic: Option<QuicPoint>,
    pub(crate) token_service: bool,
    pub(crate) weight: u32,
    /// What is published and played over HTTP.
    pub(crate) whip: Arc<Resources>,
}

impl Web {
    /// This node, as it is seen at `origin`.
    pub(crate) fn gateway(&self, origin: Origin) -> Gateway {
        Gateway {
            quic: self.quic.and_then(|quic| quic.url(&origin)),
            origin,
            weight: self.weight,
        }
    }

    pub(crate) fn origin(&self, peer: &Peer, headers: &HeaderMap) -> Option<Origin> {
        self.public_url.clone().or_else(|| peer.origin(headers))
    }
}

/// All routes.
pub(crate) fn router(web: Arc<Web>) -> Router {
    // Pages of any origin may ask these: they hold nothing that a stranger may not know, and no cookie opens them.
    let open = Router::new()
        .route("/server/address", get(address::answer).options(preflight))
        .route("/v1/access", get(access::answer).options(preflight))
        .route("/generate/token", post(token::answer).options(preflight))
        .route("/sdk/{*path}", get(pages::sdk).options(preflight))
        .layer(map_response(allow_any_origin));
    Router::new()
        .merge(open)
        .merge(gateway::routes(&web))
        .merge(whip::routes())
        .route("/v1/signal", get(web_socket::signal))
        .route("/v1/events", get(web_socket::events))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/", get(pages::index))
        .route("/{*path}", get(pages::other))
        .fallback(pages::not_found)
        .layer(map_response(no_sniffing))
        .with_state(web)
}

async fn preflight() -> impl IntoResponse {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers)
}

async fn allow_any_origin<B>(mut response: Response<B>) -> Response<B> {
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

async fn no_sniffing<B>(mut response: Response<B>) -> Response<B> {
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

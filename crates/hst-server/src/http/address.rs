use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Query, State},
    http::{HeaderMap, header},
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::json;

use super::{access::gateways, peer::Peer, router::Web};
use crate::gateways::Gateway;

/// The query of which anything but `appType` is passed over: clients send `appId`, `app_id`, or neither.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(rename = "appType")]
    app_type: Option<String>,
}

/// `GET /server/address`: the address of one service, in the form that the platform's older clients read.
pub(super) async fn answer(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let origin = web.origin(&peer, &headers);
    let result = origin.and_then(|origin| match asked.app_type.as_deref()? {
        // Whoever asks for these splits the text, or takes all of it for one address.
        "24" => Some(gateways(&web, &origin, None).iter().map(web_socket).collect()),
        "37" | "47" | "48" => gateways(&web, &origin, None).first().map(web_socket),
        // An access token is good where it was given.
        "8" => Some(format!("{};", origin.events())),
        "10" => Some(format!("{origin};")),
        _ => None,
    });
    let body = match result {
        Some(result) => json!({ "code": 0, "message": "OK", "result": result }),
        None => json!({ "code": 1, "message": "no such service: appType is 8, 10, 24, 37, 47 or 48", "result": "" }),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(body))
}

fn web_socket(gateway: &Gateway) -> String {
    format!("{};", gateway.origin.signal())
}

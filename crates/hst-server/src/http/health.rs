use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse};

use super::router::Web;

/// `GET /healthz`: the process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: new sessions are welcome.
pub(super) async fn readyz(State(web): State<Arc<Web>>) -> impl IntoResponse {
    if web.hub.life.is_leaving() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

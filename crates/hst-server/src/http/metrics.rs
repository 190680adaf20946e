use std::sync::Arc;

use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};

use crate::hub::Hub;

/// What Prometheus asks for, at an address of its own: strangers need not know how busy a server is.
pub(crate) fn metrics_router(hub: Arc<Hub>) -> Router {
    Router::new().route("/metrics", get(answer)).with_state(hub)
}

async fn answer(State(hub): State<Arc<Hub>>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], hub.metrics())
}

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use hst_web::Asset;

/// `GET /`: the demo page.
pub(super) async fn index(headers: HeaderMap) -> Response {
    page("/", &headers)
}

/// `GET /sdk/…`: the browser SDK, which pages of any origin may load.
pub(super) async fn sdk(Path(path): Path<String>, headers: HeaderMap) -> Response {
    page(&format!("/sdk/{path}"), &headers)
}

/// Whatever else the pages need.
pub(super) async fn other(Path(path): Path<String>, headers: HeaderMap) -> Response {
    page(&format!("/{path}"), &headers)
}

/// Nothing is here.
pub(super) async fn not_found() -> Response {
    nothing()
}

fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here; the demo page is at /\n").into_response()
}

fn page(path: &str, headers: &HeaderMap) -> Response {
    let Some(Asset {
        content_type,
        body,
        etag,
        ..
    }) = hst_web::asset(path)
    else {
        return nothing();
    };
    // A new server may have new pages: browsers ask each time, and mostly hear that nothing has changed.
    let cache = [(header::ETAG, etag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    if known
        .flat_map(|list| list.split(','))
        .any(|tag| matches!(tag.trim(), "*") || tag.trim() == etag)
    {
        return (StatusCode::NOT_MODIFIED, cache).into_response();
    }
    (cache, [(header::CONTENT_TYPE, *content_type)], body.as_slice()).into_response()
}

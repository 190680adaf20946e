use std::sync::Arc;

use axum::{
    Router,
    http::{Response, StatusCode, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::IntoResponse,
    routing::get,
};
use utoipa_axum::{router::OpenApiRouter, routes as paths};

use super::{
    access_token, app, apps, bans,
    caller::authenticate,
    consuming,
    cors::allow_any_origin,
    document::document,
    groups, invite, kickout, members, messages, nodes, online,
    problem::{Code, Problem},
    revocations, secret, settings, stats, terminals,
};
use crate::http::Web;

/// All routes of the gateway, and at `/v1/openapi.json` the document that describes them.
pub(in crate::http) fn routes(web: &Arc<Web>) -> Router<Arc<Web>> {
    let known_callers = || from_fn_with_state(web.clone(), authenticate);
    let (platform, mut described) = platform().split_for_parts();
    let platform = platform.route_layer(known_callers());
    let (entrance, entrance_described) = OpenApiRouter::new()
        .routes(paths!(access_token::get_access_token))
        .split_for_parts();
    let (own, own_described) = own().split_for_parts();
    let own = own.route_layer(known_callers());
    described.merge(entrance_described);
    described.merge(own_described);
    let document = document(described).to_pretty_json().expect("a document is JSON") + "\n";
    let as_json = [(header::CONTENT_TYPE, "application/json")];
    Router::new()
        .merge(platform.merge(entrance).layer(map_response(always_ok)))
        .merge(own)
        .route("/v1/openapi.json", get(async move || (as_json, document.clone())))
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(allow_any_origin))
}

/// What the platform has.
fn platform() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::new()
        .routes(paths!(app::create_app, app::change_app, app::delete_app))
        .routes(paths!(consuming::list_consumption))
        .routes(paths!(kickout::kick_out))
        .routes(paths!(terminals::list_states))
        .routes(paths!(terminals::tell_terminals))
        .routes(paths!(invite::invite_users))
}

/// What is ours.
fn own() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::new()
        .routes(paths!(apps::list_apps))
        .routes(paths!(apps::get_app, settings::change_settings))
        .routes(paths!(secret::rotate_secret))
        .routes(paths!(secret::drop_previous_secret))
        .routes(paths!(groups::list_groups))
        .routes(paths!(groups::get_group, groups::close_group))
        .routes(paths!(groups::lock_group))
        .routes(paths!(stats::get_group_stats))
        .routes(paths!(members::kick_member))
        .routes(paths!(members::mute_media))
        .routes(paths!(messages::tell_group))
        .routes(paths!(messages::tell_user))
        .routes(paths!(bans::list_bans, bans::add_ban, bans::lift_ban))
        .routes(paths!(revocations::revoke_tokens))
        .routes(paths!(online::list_online))
        .routes(paths!(nodes::list_nodes))
        .routes(paths!(nodes::drain_node))
}

/// The platform says in the body what went wrong, and its clients read the body of an answer 200 alone.
async fn always_ok<B>(mut response: Response<B>) -> Response<B> {
    *response.status_mut() = StatusCode::OK;
    response
}

async fn no_such_method() -> impl IntoResponse {
    Problem::new(Code::NoSuchMethod, "this path knows other methods")
}

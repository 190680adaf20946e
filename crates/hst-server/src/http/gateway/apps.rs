use std::sync::Arc;

use axum::extract::State;
use hst_store::DeveloperId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    caller::Caller,
    named::NamedApp,
    page::Page,
    params::Params,
};
use crate::{apps::AppEntry, http::Web};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppList {
    apps: Vec<AppView>,
    /// How many there are in all.
    total: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppView {
    app: String,
    name: String,
    /// Whether its users may log in.
    online: bool,
    /// Whether it is part of the server's configuration, and so not changed here.
    fixed: bool,
    /// Its owner sees it. An App of the configuration has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Up to this moment, in milliseconds since 1970, the secret before this one is good, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_until: Option<u64>,
    #[schema(value_type = Vec<String>, example = json!(["video", "audio", "messages"]))]
    services: Vec<&'static str>,
    /// What happens to a login of somebody who is online: `refuse`, `replace`, or `devices:N`.
    #[schema(example = "refuse")]
    login: String,
    /// Members of a group.
    max_members: u32,
    /// Bytes of a message's JSON.
    max_message: u32,
    /// Messages that a group keeps.
    history: u32,
    /// Whether it takes the platform's `001` tokens.
    accepts_001: bool,
    /// Whether it takes JWTs.
    accepts_jwt: bool,
    /// Whether the bearer of a `001` token is held to the names in it.
    bind_tokens: bool,
    /// Where its webhook is.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<String>,
}

impl AppView {
    pub(super) fn of(app: &AppEntry, developer: &DeveloperId) -> Self {
        let is_owner = app.owner.as_ref() == Some(developer);
        let (limits, tokens) = (&app.settings.limits, &app.settings.tokens);
        Self {
            app: app.id.to_string(),
            name: app.settings.name.to_string(),
            online: app.settings.online,
            fixed: app.is_fixed,
            secret: is_owner.then(|| app.secrets.current().reveal().to_owned()),
            previous_until: app.secrets.previous().map(|(_, until)| until.as_millis()),
            services: app
                .settings
                .services
                .iter()
                .map(|(service, _)| service.as_str())
                .collect(),
            login: app.settings.login.to_string(),
            max_members: limits.max_members.get(),
            max_message: limits.message_bytes.get(),
            history: limits.history.get(),
            accepts_001: tokens.accepts_001,
            accepts_jwt: tokens.accepts_jwt,
            bind_tokens: tokens.bind_001_names,
            webhook: app.settings.webhook.as_ref().map(|webhook| webhook.url.to_string()),
        }
    }
}

/// Lists the developer's Apps and those of the server's configuration, in the order of their ids.
#[utoipa::path(
    get,
    path = "/v1/apps",
    tag = "Apps",
    params(Page),
    responses((status = 200, body = Answer<AppList>)),
)]
pub(super) async fn list_apps(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Params(page): Params<Page>,
) -> Outcome<AppList> {
    let apps = web.hub.apps_of(&developer);
    ok(AppList {
        total: apps.len(),
        apps: page.of(apps).iter().map(|app| AppView::of(app, &developer)).collect(),
    })
}

/// Shows one App.
#[utoipa::path(
    get,
    path = "/v1/apps/{app}",
    tag = "Apps",
    params(("app" = String, Path)),
    responses((status = 200, body = Answer<AppView>)),
)]
pub(super) async fn get_app(Caller(developer): Caller, NamedApp(app): NamedApp) -> Outcome<AppView> {
    ok(AppView::of(&app, &developer))
}

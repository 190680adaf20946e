use std::sync::Arc;

use axum::extract::State;
use hst_store::{
    AppSettings, Bounded, History, LoginPolicy, MaxMembers, MessageBytes, Webhook, WebhookSecret, WebhookUrl,
};
use hst_webhook::AddressGuard;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    apps::AppView,
    body::Body,
    caller::Caller,
    named::NamedApp,
    params::{parsed, some_parsed},
    problem::{Code, Problem},
};
use crate::{hooks, http::Web};

/// What is not named stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsChange {
    /// What happens to a login of somebody who is online: `refuse`, `replace`, or `devices:1` to `devices:16`.
    #[serde(default, deserialize_with = "some_parsed")]
    #[schema(value_type = Option<String>, example = "devices:3")]
    login: Option<LoginPolicy>,
    /// Members of a group.
    #[serde(default, deserialize_with = "some_bounded")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    max_members: Option<MaxMembers>,
    /// Bytes of a message's JSON.
    #[serde(default, deserialize_with = "some_bounded")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 65536)]
    max_message: Option<MessageBytes>,
    /// Messages that a group keeps.
    #[serde(default, deserialize_with = "some_bounded")]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 1000)]
    history: Option<History>,
    /// Whether it takes the platform's `001` tokens.
    accepts_001: Option<bool>,
    /// Whether it takes JWTs.
    accepts_jwt: Option<bool>,
    /// Whether the bearer of a `001` token is held to the names in it.
    bind_tokens: Option<bool>,
    /// Who is told what happens; `null`: nobody.
    #[serde(default, deserialize_with = "some")]
    webhook: Option<Option<NewWebhook>>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, example = "https://app.example.com/hooks/rtc")]
    url: WebhookUrl,
    /// `whsec_` and the base64 of 24 to 64 random bytes.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String)]
    secret: WebhookSecret,
}

/// Tells `null` from a field that is not there.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn some_bounded<'de, D: Deserializer<'de>, const MIN: u32, const MAX: u32>(
    from: D,
) -> Result<Option<Bounded<MIN, MAX>>, D::Error> {
    let number = u32::deserialize(from)?;
    Bounded::new(number).map(Some).map_err(serde::de::Error::custom)
}

impl SettingsChange {
    fn apply(self, settings: &mut AppSettings) {
        fn set<T>(setting: &mut T, change: Option<T>) {
            if let Some(value) = change {
                *setting = value;
            }
        }
        set(&mut settings.login, self.login);
        set(&mut settings.limits.max_members, self.max_members);
        set(&mut settings.limits.message_bytes, self.max_message);
        set(&mut settings.limits.history, self.history);
        set(&mut settings.tokens.accepts_001, self.accepts_001);
        set(&mut settings.tokens.accepts_jwt, self.accepts_jwt);
        set(&mut settings.tokens.bind_001_names, self.bind_tokens);
        let webhook = self.webhook.map(|new| new.map(NewWebhook::into_webhook));
        set(&mut settings.webhook, webhook);
    }

    /// Whether its webhook can be called as it is written. Where a host's name leads is seen when it is called.
    fn check(&self, guard: &AddressGuard) -> Result<(), Problem> {
        let Some(Some(NewWebhook { url, secret })) = &self.webhook else {
            return Ok(());
        };
        let (url, secret) = (url.clone(), secret.clone());
        let refused = |why| Problem::new(Code::ArgumentInvalid, format!("webhook: it {why}"));
        let endpoint = hooks::endpoint(&Webhook { url, secret }).map_err(|error| refused(error.to_string()))?;
        match endpoint.url.ip().filter(|&ip| !guard.permits(ip)) {
            Some(ip) => Err(refused(format!("is at {ip}, which this server does not call"))),
            None => Ok(()),
        }
    }
}

impl NewWebhook {
    fn into_webhook(self) -> Webhook {
        let Self { url, secret } = self;
        Webhook { url, secret }
    }
}

/// Changes what the platform's own call does not know of an App.
///
/// Limits of a group count from the next group on; the rest from the next login on.
#[utoipa::path(
    patch,
    path = "/v1/apps/{app}",
    tag = "Apps",
    params(("app" = String, Path)),
    request_body = SettingsChange,
    responses((status = 200, body = Answer<AppView>)),
)]
pub(super) async fn change_settings(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    NamedApp(app): NamedApp,
    Body(change): Body<SettingsChange>,
) -> Outcome<AppView> {
    change.check(&web.hub.hooks.guard)?;
    let app = web
        .hub
        .change_app(&app, move |settings| change.clone().apply(settings))
        .await?;
    ok(AppView::of(&app, &developer))
}

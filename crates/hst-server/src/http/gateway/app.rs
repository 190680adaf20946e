//! The platform's `/v1/app`.

use std::sync::Arc;

use axum::extract::State;
use hst_id::AppId;
use hst_store::{AppName, AppSettings, Service, Services};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Outcome, ok},
    body::Body,
    caller::Caller,
    params::{Params, parsed, some_parsed},
};
use crate::{apps::AppEntry, http::Web};

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewApp {
    /// 1 to 64 letters, digits, `_`, `-` and spaces between them.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, example = "会议_1")]
    app_name: AppName,
    /// An App is offline at first, and nobody can log in.
    #[serde(default)]
    status: Status,
    /// In yuan. It is kept and told, and nothing is charged.
    consumption_limit: Option<u32>,
    /// What the App's users may use; each other service is refused to them.
    service: Vec<NewService>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Online,
    #[default]
    Offline,
}

#[derive(Debug, Deserialize, ToSchema)]
struct NewService {
    #[schema(value_type = u8, minimum = 3, maximum = 9, example = 3)]
    service_id: ServiceNumber,
    /// It is kept and told, and nothing is held to it.
    use_limit: Option<u32>,
}

/// 3 video, 4 audio, 5 screen share, 6 messages, 7 presence, 8 record, 9 WeChat.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u8")]
struct ServiceNumber(Service);

impl TryFrom<u8> for ServiceNumber {
    type Error = hst_store::InvalidValue;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        number.try_into().map(Self)
    }
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct AppChange {
    #[schema(value_type = String)]
    app_id: AppId,
    #[serde(default, deserialize_with = "some_parsed")]
    #[schema(value_type = Option<String>)]
    app_name: Option<AppName>,
    status: Option<Status>,
    consumption_limit: Option<u32>,
    /// All services that the App has from now on.
    service: Option<Vec<NewService>>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    #[param(value_type = String)]
    app_id: AppId,
}

/// An App as the platform shows it to its owner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnedApp {
    app_id: String,
    app_secret: String,
    app_name: String,
    status: Status,
    consumption_limit: Option<u32>,
    service: Vec<OwnedService>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OwnedService {
    service_id: u8,
    #[schema(value_type = String, example = "video")]
    service_name: &'static str,
    use_limit: Option<u32>,
}

impl OwnedApp {
    fn of(app: &AppEntry) -> Self {
        let services = app.settings.services.iter();
        Self {
            app_id: app.id.to_string(),
            app_secret: app.secrets.current().reveal().to_owned(),
            app_name: app.settings.name.to_string(),
            status: Status::of(app.settings.online),
            consumption_limit: app.settings.consumption_limit,
            service: services
                .map(|(service, use_limit)| OwnedService {
                    service_id: service.into(),
                    service_name: service.as_str(),
                    use_limit,
                })
                .collect(),
        }
    }
}

impl Status {
    fn of(online: bool) -> Self {
        if online { Self::Online } else { Self::Offline }
    }
}

/// Creates an App.
#[utoipa::path(
    post,
    path = "/v1/app",
    tag = "Platform",
    request_body = NewApp,
    responses((status = 200, body = Answer<OwnedApp>)),
)]
pub(super) async fn create_app(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Body(new): Body<NewApp>,
) -> Outcome<OwnedApp> {
    let mut settings = AppSettings::new(new.app_name);
    settings.online = new.status == Status::Online;
    settings.consumption_limit = new.consumption_limit;
    settings.services = services(&new.service);
    let app = web.hub.create_app(developer, settings).await?;
    ok(OwnedApp::of(&app))
}

/// Changes an App. What is not named stays.
///
/// Services count from the next login or join on; an App that goes offline loses everybody who is in.
#[utoipa::path(
    patch,
    path = "/v1/app",
    tag = "Platform",
    request_body = AppChange,
    responses((status = 200, body = Answer<OwnedApp>)),
)]
pub(super) async fn change_app(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Body(change): Body<AppChange>,
) -> Outcome<OwnedApp> {
    let app = web.hub.app_of(&developer, &change.app_id)?;
    let changed = web.hub.change_app(&app, move |settings| {
        if let Some(name) = &change.app_name {
            settings.name = name.clone();
        }
        if let Some(status) = change.status {
            settings.online = status == Status::Online;
        }
        if let Some(service) = &change.service {
            settings.services = services(service);
        }
        settings.consumption_limit = change.consumption_limit.or(settings.consumption_limit);
    });
    ok(OwnedApp::of(&*changed.await?))
}

/// Deletes an App for good: its sessions end, and its bans and revocations are forgotten.
#[utoipa::path(
    delete,
    path = "/v1/app",
    tag = "Platform",
    params(Which),
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn delete_app(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Params(which): Params<Which>,
) -> Outcome {
    let app = web.hub.app_of(&developer, &which.app_id)?;
    web.hub.delete_app(&app).await?;
    ok(Done {})
}

fn services(new: &[NewService]) -> Services {
    new.iter().map(|new| (new.service_id.0, new.use_limit)).collect()
}

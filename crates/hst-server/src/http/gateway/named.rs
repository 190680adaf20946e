use std::{fmt::Display, str::FromStr, sync::Arc};

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use hst_id::{AppId, GroupId, UserId};

use super::{
    caller::Caller,
    problem::{Code, Problem},
};
use crate::{admin::Refused, apps::AppEntry, http::Web};

/// The App in the path, if the caller may see it.
#[derive(Debug)]
pub(super) struct NamedApp(pub(super) Arc<AppEntry>);

/// The group in the path. Whether there is one, only asking it tells.
#[derive(Debug)]
pub(super) struct NamedGroup(pub(super) GroupId);

/// The user in the path.
#[derive(Debug)]
pub(super) struct NamedUser(pub(super) UserId);

impl FromRequestParts<Arc<Web>> for NamedApp {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        let Caller(developer) = Caller::from_request_parts(parts, web).await?;
        // What is no name names nothing.
        let app: AppId = name(parts, "app").await.map_err(|_| Refused::NoSuchApp)?;
        Ok(Self(web.hub.app_of(&developer, &app)?))
    }
}

impl<S: Sync> FromRequestParts<S> for NamedGroup {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        name(parts, "group").await.map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for NamedUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        name(parts, "user").await.map(Self)
    }
}

async fn name<T: FromStr<Err: Display>>(parts: &mut Parts, which: &str) -> Result<T, Problem> {
    let invalid = |reason: String| Problem::new(Code::ArgumentInvalid, format!("{which}: {reason}"));
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params = params.map_err(|rejection| invalid(rejection.body_text()))?;
    let text = params
        .iter()
        .find(|(name, _)| *name == which)
        .map_or("", |(_, text)| text);
    text.parse().map_err(|reason: T::Err| invalid(reason.to_string()))
}

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use hst_access::{AccessDiscovery, AccessError, AccessPoints, AppId};
use reqwest::{Client, StatusCode, Url};
use tokio::time::timeout;

use crate::{
    InvalidAccessUrl,
    answer::Answer,
    client,
    url::{self, VENDOR_PATH},
};

const OUR_PATH: &str = "/v1/access";
/// The number by which the vendor's form is asked for signalling gateways.
const VENDOR_SIGNALLING: &str = "24";
/// For the whole question, both forms together.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks an access service over HTTP: in our form, and where it does not know that, in the vendor's.
#[derive(Debug, Clone)]
pub struct HttpAccess {
    base: Url,
    group: Option<String>,
    client: Client,
}

impl HttpAccess {
    /// The address of an access service: a base URL, a base URL with `/server/address`, with or without a slash at its
    /// end, or `host:port`, which means `https`, or `http` on the machine itself. With `?group=<Group ID>` behind it, all who
    /// name that group are sent to one node of a platform that has several, as long as that has room.
    ///
    /// # Errors
    /// [`InvalidAccessUrl`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidAccessUrl> {
        let (base, group) = url::base(text)?;
        Ok(Self {
            client: client::new(&base),
            base,
            group,
        })
    }

    /// The base URL that is asked.
    pub fn address(&self) -> &str {
        self.base.as_str()
    }

    async fn ask(&self, app: Option<&AppId>) -> Result<AccessPoints, AccessError> {
        let app = app.map(AppId::as_str);
        let going = self.group.as_deref().map(|group| ("group", group));
        let ours = url::join(
            &self.base,
            OUR_PATH,
            app.map(|app| ("app_id", app)).into_iter().chain(going),
        );
        if let Some(answer) = self.answer(ours).await? {
            return answer.into_points();
        }
        let query = [("appType", VENDOR_SIGNALLING)]
            .into_iter()
            .chain(app.map(|app| ("appId", app)));
        match self.answer(url::join(&self.base, VENDOR_PATH, query)).await? {
            Some(answer) => answer.into_points(),
            None => Err(self.not_access("it has no such page")),
        }
    }

    /// `None` if there is no such route.
    async fn answer(&self, url: Url) -> Result<Option<Answer>, AccessError> {
        let (status, body) = client::get(&self.client, url).await?;
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
            return Err(AccessError::Unavailable {
                address: self.address().to_owned(),
                status: status.as_u16(),
            });
        }
        // A refusal may come with any status; what counts is that an access service said it.
        match Answer::parse(&body) {
            Some(answer) => Ok(Some(answer)),
            None if status == StatusCode::NOT_FOUND => Ok(None),
            None if body.is_empty() => Err(self.not_access("its answer is empty")),
            None => Err(self.not_access("its answer is not the JSON of an access service")),
        }
    }

    fn not_access(&self, reason: &'static str) -> AccessError {
        AccessError::NotAccess {
            address: self.address().to_owned(),
            reason,
        }
    }
}

impl FromStr for HttpAccess {
    type Err = InvalidAccessUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[async_trait]
impl AccessDiscovery for HttpAccess {
    async fn discover<'a>(&self, app: Option<&'a AppId>) -> Result<AccessPoints, AccessError> {
        match timeout(PATIENCE, self.ask(app)).await {
            Ok(answer) => answer,
            Err(_) => Err(AccessError::TimedOut {
                address: self.address().to_owned(),
            }),
        }
    }
}

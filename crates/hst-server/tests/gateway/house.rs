//! A server with two developers, and the backend of one of them.

use std::{net::SocketAddr, time::SystemTime};

use hst_auth::{AppId, AppSecret, TokenIssuer, TokenRequest, UnixMillis, UserId};
use hst_server::{
    Config, RunningServer, Server,
    store::{Developer, Store},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Answer, request, stranger};

pub(crate) struct House {
    pub(crate) server: RunningServer,
    /// Who was made at the first start.
    pub(crate) developer: Developer,
    pub(crate) folder: TempDir,
}

impl House {
    /// A server on free ports, with its database in a folder of its own, and with the development App.
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = start(&folder).await;
        let developer = server.new_developer().unwrap().clone();
        Self {
            server,
            developer,
            folder,
        }
    }

    /// Somebody else with an account here.
    pub(crate) fn another_developer(&self) -> Developer {
        let store = Store::open(self.folder.path()).unwrap();
        store.create_developer(now()).unwrap()
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.server.addresses().http.unwrap()
    }

    /// The first developer's backend.
    pub(crate) async fn backend(&self) -> Backend {
        Backend::of(self, &self.developer).await
    }
}

pub(crate) async fn start(folder: &TempDir) -> RunningServer {
    let config = Config {
        bind: "127.0.0.1:0".parse().unwrap(),
        data_dir: Some(folder.path().to_owned()),
        ..Config::dev()
    };
    Server::new(config).without_media().start().await.unwrap()
}

pub(crate) fn now() -> UnixMillis {
    SystemTime::now().into()
}

/// What a developer shows for an access token.
pub(crate) fn credentials(developer: &Developer) -> String {
    let as_app = AppId::parse(developer.id.as_str()).unwrap();
    let issuer = TokenIssuer::legacy_001(as_app, &developer.secret);
    format!(
        "{}.{}",
        developer.id,
        issuer.issue(&TokenRequest::default(), now()).unwrap()
    )
}

/// Somebody with an access token.
pub(crate) struct Backend {
    http: SocketAddr,
    pub(crate) access_token: String,
}

impl Backend {
    pub(crate) async fn of(house: &House, developer: &Developer) -> Self {
        let http = house.http();
        let answer = request(stranger(), http, "GET /access/token", Some(&credentials(developer)), "").await;
        let access_token = answer.json()["result"]["access_token"].as_str().unwrap().to_owned();
        Self { http, access_token }
    }

    /// The same, who asks at another address.
    pub(crate) fn at(&self, http: SocketAddr) -> Self {
        Self {
            http,
            access_token: self.access_token.clone(),
        }
    }

    /// Asks, with a body or without.
    pub(crate) async fn ask(&self, line: &str, body: impl Into<Option<Value>>) -> Answer {
        let body = body.into().map_or_else(String::new, |body| body.to_string());
        request(stranger(), self.http, line, Some(&self.access_token), &body).await
    }

    /// Asks for what must be done.
    pub(crate) async fn get(&self, line: &str, body: impl Into<Option<Value>>) -> Value {
        let answer = self.ask(line, body).await;
        assert_eq!((answer.status, answer.code()), (200, 0), "{line}: {answer:?}");
        answer.json()
    }

    /// An App of its own that is online.
    pub(crate) async fn create_app(&self) -> OwnApp {
        let services: Vec<_> = (3..=8).map(|id| json!({ "service_id": id })).collect();
        let app = json!({ "app_name": "test", "status": "online", "service": services });
        let app = self.get("POST /v1/app", app).await;
        OwnApp {
            id: app["app_id"].as_str().unwrap().to_owned(),
            secret: app["app_secret"].as_str().unwrap().to_owned(),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct OwnApp {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl OwnApp {
    /// The platform's token, good for everybody.
    pub(crate) fn token(&self) -> String {
        self.legacy().issue(&TokenRequest::default(), now()).unwrap()
    }

    /// A JWT for this user, with an id, made so many seconds ago.
    pub(crate) fn jwt(&self, user: &str, id: &str, seconds_ago: u64) -> String {
        let request = TokenRequest {
            user: Some(UserId::parse(user).unwrap()),
            lifetime: Some(std::time::Duration::from_secs(3600)),
            id: Some(id.to_owned()),
            ..TokenRequest::default()
        };
        let issuer = TokenIssuer::jwt(
            AppId::parse(&self.id).unwrap(),
            &AppSecret::parse(&self.secret).unwrap(),
        );
        let at = UnixMillis::from_secs(now().as_secs() - seconds_ago);
        issuer.issue(&request, at).unwrap()
    }

    pub(crate) fn legacy(&self) -> TokenIssuer {
        TokenIssuer::legacy_001(
            AppId::parse(&self.id).unwrap(),
            &AppSecret::parse(&self.secret).unwrap(),
        )
    }
}

//! An application's backend, which asks a server's business gateway.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use hst_auth::{AppId, TokenIssuer, TokenRequest, UnixMillis};
use hst_server::RunningServer;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::house::within;

/// How often it asks for what is to come.
const PAUSE: Duration = Duration::from_millis(200);

/// The backend of the developer who was made at the server's first start.
#[derive(Debug)]
pub struct Backend {
    http: SocketAddr,
    access_token: String,
}

impl Backend {
    /// One with an access token.
    pub async fn of(server: &RunningServer) -> Self {
        let http = server.addresses().http.unwrap();
        let developer = server.new_developer().unwrap();
        let issuer = TokenIssuer::legacy_001(AppId::parse(developer.id.as_str()).unwrap(), &developer.secret);
        let now = UnixMillis::from(SystemTime::now());
        let token = issuer.issue(&TokenRequest::default(), now).unwrap();
        let answer = get(http, "/access/token", &format!("{}.{token}", developer.id)).await;
        let access_token = answer["result"]["access_token"].as_str().unwrap().to_owned();
        Self { http, access_token }
    }

    /// The same, who asks another node.
    #[must_use]
    pub fn at(&self, server: &RunningServer) -> Self {
        self.at_address(server.addresses().http.unwrap())
    }

    /// The same, who asks whichever server is there.
    #[must_use]
    pub fn at_address(&self, http: SocketAddr) -> Self {
        Self {
            http,
            access_token: self.access_token.clone(),
        }
    }

    /// What is answered to this, whether it is done or refused.
    pub async fn send(&self, method: &str, path: &str, body: &str) -> Value {
        ask(self.http, method, path, &self.access_token, body).await
    }

    /// What there is at this path.
    pub async fn get(&self, path: &str) -> Value {
        let answer = get(self.http, path, &self.access_token).await;
        assert_eq!(answer["code"], 0, "{path}: {answer}");
        answer
    }

    /// The same, as soon as it is as it should be.
    pub async fn get_when(&self, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let answer = self.get(path).await;
                if is_right(&answer) {
                    return answer;
                }
                // tidy: allowed, because a server cannot be asked to call back
                sleep(PAUSE).await;
            }
        };
        within(path, asking).await
    }
}

async fn get(http: SocketAddr, path: &str, authorization: &str) -> Value {
    ask(http, "GET", path, authorization, "").await
}

async fn ask(http: SocketAddr, method: &str, path: &str, authorization: &str, body: &str) -> Value {
    let mut stream = TcpStream::connect(http).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\nAuthorization: {authorization}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

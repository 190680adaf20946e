use std::{net::IpAddr, time::Duration};

use reqwest::{Client, Method, Url, header::AUTHORIZATION, redirect};
use serde_json::{Map, Value};

use super::call::Call;
use crate::error::CliError;

/// For one question with its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest body that is read; a page of a list has less.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// Entries of a list that are asked for at a time: the most that the gateway gives.
const PAGE: usize = 500;
/// Words of a stranger, bound for a terminal.
const MAX_MESSAGE: usize = 300;

/// The platform's HTTP gateway.
pub(super) struct Gateway {
    client: Client,
    base: Url,
}

type Answer = Map<String, Value>;

impl Gateway {
    /// At the address of a server.
    pub(super) fn new(server: &str) -> Result<Self, CliError> {
        let base = Url::parse(server)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or(CliError::ServerUrl)?;
        let client = client(&base);
        Ok(Self { client, base })
    }

    /// Gets an access token; the developer's one of before is worth nothing any more.
    pub(super) async fn access_token(&self, credentials: &str) -> Result<String, CliError> {
        let answer = self.ask_once(&Call::get("/access/token"), credentials).await?;
        let token = answer.get("result").and_then(|result| result.get("access_token"));
        let token = token.and_then(Value::as_str).map(str::to_owned);
        token.ok_or_else(|| self.not_platform("it gave no access token"))
    }

    /// Asks, if it is about a list as often as it has pages, and says what was answered.
    pub(super) async fn ask(&self, call: &Call, access_token: &str) -> Result<Answer, CliError> {
        let Some(list) = call.list else {
            return self.ask_once(call, access_token).await;
        };
        let mut answer = self.page(call, access_token, 0).await?;
        loop {
            let total = answer.get("total").and_then(Value::as_u64).unwrap_or_default();
            let Some(Value::Array(entries)) = answer.get_mut(list) else {
                return Err(self.not_platform("there is no list in its answer"));
            };
            if entries.len() as u64 >= total {
                return Ok(answer);
            }
            match self.page(call, access_token, entries.len()).await?.remove(list) {
                Some(Value::Array(more)) if !more.is_empty() => entries.extend(more),
                // Meanwhile it has become shorter.
                _ => return Ok(answer),
            }
        }
    }

    async fn page(&self, call: &Call, access_token: &str, offset: usize) -> Result<Answer, CliError> {
        let page = call.clone().query("offset", offset).query("limit", PAGE);
        self.ask_once(&page, access_token).await
    }

    async fn ask_once(&self, call: &Call, authorization: &str) -> Result<Answer, CliError> {
        let Call {
            method,
            path,
            query,
            body,
            ..
        } = call;
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client.request(method.clone(), url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let failed = |error: reqwest::Error| CliError::Unreachable {
            server: self.server(),
            reason: root(&error.without_url()),
        };
        let mut response = request
            .header(AUTHORIZATION, authorization)
            .send()
            .await
            .map_err(failed)?;
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if text.len() + chunk.len() > MAX_BODY {
                return Err(self.not_platform("its answer is longer than 4 MiB"));
            }
            text.extend_from_slice(&chunk);
        }
        let answer: Option<Answer> = serde_json::from_slice(&text).ok();
        let mut answer = answer.ok_or_else(|| self.not_platform("its answer is no JSON object"))?;
        let (code, message) = (answer.remove("code"), answer.remove("msg"));
        match code.and_then(|code| code.as_u64()) {
            Some(0) => Ok(answer),
            Some(code) => Err(CliError::Denied {
                code,
                message: presentable(message.as_ref().and_then(Value::as_str).unwrap_or_default()),
                advice: advice(code, method),
            }),
            None => Err(self.not_platform("its answer has no code")),
        }
    }

    fn not_platform(&self, reason: &'static str) -> CliError {
        let server = self.server();
        CliError::NotPlatform { server, reason }
    }

    fn server(&self) -> String {
        self.base.origin().ascii_serialization()
    }
}

fn client(base: &Url) -> Client {
    let is_local = base.host_str().is_some_and(|host| {
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    });
    let builder = || {
        let builder = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none()) // an access token is for one server only
            .timeout(PATIENCE);
        if is_local { builder.no_proxy() } else { builder }
    };
    // A machine without root certificates can still use plain HTTP; its HTTPS then fails at the handshake.
    let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
    client.expect("a client without root certificates needs nothing of the system")
}

/// What to do about a refusal, where that is not what its message says.
fn advice(code: u64, method: &Method) -> &'static str {
    match code {
        606_000_000 => "; check the Developer ID and the Developer Secret",
        606_000_001 => "; leave HST_ACCESS_TOKEN away, or set it to the newest one",
        606_000_004 if *method != Method::GET => "; look whether it was done before trying again",
        606_000_006 => "; try again later",
        606_000_100 => "; `hst admin app list` names all",
        606_000_102 => "; `hst admin groups APP` names all",
        606_000_103 => "; `hst admin group show APP GROUP` names all",
        606_000_104 => "; `hst admin online APP` names who is",
        606_000_105 => "; `hst admin bans APP` names all",
        _ => "",
    }
}

/// What is at the bottom of an error: above it stands only that something failed.
fn root(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn presentable(message: &str) -> String {
    message.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
}

//! What the program prints, with everything switched on that can be, while people do what they do to it.

use std::{
    fs::{File, read_to_string},
    net::SocketAddr,
    process::Stdio,
    time::{Duration, SystemTime},
};

use crate::common::{Client, answer::Answer, login, raw::raw};
use hst_auth::{AppId, AppSecret, TokenIssuer, TokenRequest, UnixMillis};
use hst_proto::{Command, LoggedIn, Login, Previous, Reply, Resume};
use hst_server::Config;
use hst_signal::{CloseCode, CloseReason, SignalTransport};
use hst_signal_ws::WsTransport;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStdout},
};

const APP: &str = "canary-app";
const SECRET: &str = "CANARY-secret-01";
const PREVIOUS: &str = "CANARY-secret-00";
const WEBHOOK: &str = "whsec_Q0FOQVJZQ0FOQVJZQ0FOQVJZQ0FOQVJZQ0FOQVJZ";
const CONFIG: &str = r#"
bind = "127.0.0.1:0"
workers = 1
data_dir = "data"
token_service = true
webhook_allow = ["127.0.0.0/8"]

[[apps]]
id = "canary-app"
secret = "CANARY-secret-01"
previous_secret = { secret = "CANARY-secret-00", until = 4000000000 }

[apps.webhook]
url = "http://127.0.0.1:1024/hook?key=CANARY-in-query"
secret = "whsec_Q0FOQVJZQ0FOQVJZQ0FOQVJZQ0FOQVJZQ0FOQVJZ"
"#;

/// The program at work.
struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    folder: TempDir,
    http: SocketAddr,
    ready: Value,
}

impl Program {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hst.toml"), CONFIG).unwrap();
        let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_hst-server"));
        program
            .arg("--json")
            .arg("--config")
            .arg(folder.path().join("hst.toml"));
        program.env("RUST_LOG", "trace").kill_on_drop(true);
        let log = File::create(folder.path().join("log")).unwrap();
        program.stdout(Stdio::piped()).stderr(log);
        let mut child = program.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).await.unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self {
            http: ready["ready"]["http"].as_str().unwrap().parse().unwrap(),
            child,
            stdout,
            folder,
            ready,
        }
    }

    async fn client(&self) -> Client {
        let url = format!("ws://{}/v1/signal", self.http);
        Client::new(WsTransport::default().connect(&url).await.unwrap())
    }

    async fn ask(&self, line: &str, authorization: &str, body: &str) -> Answer {
        let (http, len) = (self.http, body.len());
        let head = format!("{line} HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\nAuthorization: {authorization}");
        raw(http, &format!("{head}\r\nContent-Length: {len}\r\n\r\n{body}")).await
    }

    /// Ends it, and says what it has printed since it was ready.
    async fn printed(mut self) -> String {
        let id = self.child.id().unwrap().to_string();
        let kill = tokio::process::Command::new("kill").arg(id).status().await.unwrap();
        assert!(kill.success() && self.child.wait().await.unwrap().success());
        let mut printed = String::new();
        self.stdout.read_to_string(&mut printed).await.unwrap();
        printed + &read_to_string(self.folder.path().join("log")).unwrap()
    }
}

fn token(issuer: &TokenIssuer, lifetime: u64) -> String {
    let request = TokenRequest {
        lifetime: Some(Duration::from_secs(lifetime)),
        ..TokenRequest::default()
    };
    let now = UnixMillis::from(SystemTime::now());
    issuer.issue(&request, now).unwrap()
}

fn as_user(user: &str, token: &str) -> Login {
    Login {
        app: APP.to_owned(),
        token: token.to_owned(),
        force: true,
        ..login(user)
    }
}

#[tokio::test]
async fn t19_no_secret_is_ever_printed() {
    let program = Program::start().await;
    let developer = program.ready["ready"]["developer"].clone();
    let (id, secret) = (developer["id"].as_str().unwrap(), developer["secret"].as_str().unwrap());
    let mut secrets: Vec<String> = [SECRET, PREVIOUS, WEBHOOK, &WEBHOOK[6..], "CANARY", secret]
        .map(str::to_owned)
        .into();

    // Users, with tokens good and bad.
    let app = AppId::parse(APP).unwrap();
    let [present, before] = [SECRET, PREVIOUS].map(|secret| AppSecret::parse(secret).unwrap());
    let good = [
        token(&TokenIssuer::legacy_001(app.clone(), &present), 60),
        token(&TokenIssuer::jwt(app.clone(), &present), 60),
        token(&TokenIssuer::jwt(app.clone(), &before), 60),
    ];
    let bad = [
        token(
            &TokenIssuer::legacy_001(app.clone(), &AppSecret::parse("CANARY-secret-99").unwrap()),
            60,
        ),
        "001CANARY".to_owned(),
        "CANARY.CANARY.CANARY".to_owned(),
        "CANARY".repeat(1000),
    ];
    for token in &bad {
        let refused = program.client().await.ask(Command::Login(as_user("bob", token))).await;
        assert_eq!(refused.unwrap_err().code, 1_000_000);
    }
    for token in &good {
        let mut client = program.client().await;
        let Ok(Reply::LoggedIn(LoggedIn { session, secret, .. })) =
            client.ask(Command::Login(as_user("bob", token))).await
        else {
            panic!("not logged in")
        };
        client.join("g").await;
        client.ask(Command::Renew { token: token.clone() }).await.unwrap();
        client.ask(Command::Renew { token: bad[1].clone() }).await.unwrap_err();
        // By another connection, first with a wrong secret.
        let mut again = program.client().await;
        let resume = |secret: &str| {
            Command::Resume(Resume {
                protocol: 1,
                session: session.clone(),
                secret: secret.to_owned(),
                got: 0,
            })
        };
        again.ask(resume("CANARY")).await.unwrap_err();
        again.ask(resume(&secret)).await.unwrap();
        let mut login = as_user("bob", token);
        login.previous = Some(Previous {
            session,
            secret: secret.clone(),
        });
        program.client().await.ask(Command::Login(login)).await.unwrap();
        secrets.push(secret);
    }

    // The token service, and a developer's backend.
    for (secret, code) in [(SECRET, 0), ("CANARY-secret-77", 1_000_000)] {
        let body = json!({ "appId": APP, "appSecret": secret }).to_string();
        let answer = program.ask("POST /generate/token", "CANARY", &body).await.json();
        assert_eq!(answer["code"], code);
        secrets.extend(
            answer["result"]
                .as_str()
                .filter(|token| !token.is_empty())
                .map(str::to_owned),
        );
    }
    let as_app = TokenIssuer::legacy_001(AppId::parse(id).unwrap(), &AppSecret::parse(secret).unwrap());
    let shown = token(&as_app, 60);
    for wrong in ["CANARY".to_owned(), format!("{id}.001CANARY")] {
        assert_ne!(program.ask("GET /access/token", &wrong, "").await.json()["code"], 0);
    }
    let access = program
        .ask("GET /access/token", &format!("{id}.{shown}"), "")
        .await
        .json();
    assert_eq!(access["code"], 0, "{access}");
    let access = access["result"]["access_token"].as_str().unwrap().to_owned();
    assert_ne!(program.ask("GET /v1/apps", "CANARY", "").await.json()["code"], 0);
    let created = program
        .ask(
            "POST /v1/app",
            &access,
            r#"{"app_name":"x","status":"online","service":[]}"#,
        )
        .await
        .json();
    let created_id = created["app_id"].as_str().unwrap();
    let hook = json!({ "webhook": { "url": "https://app.example.com/CANARY", "secret": WEBHOOK } }).to_string();
    let wrong_hook = hook.replace("whsec_", "CANARY whsec_");
    let path = format!("/v1/apps/{created_id}");
    for (line, body, code) in [
        (format!("PATCH {path}"), &*hook, 0),
        (format!("PATCH {path}"), &*wrong_hook, 606_000_003),
        (format!("GET {path}"), "", 0),
        (format!("DELETE {path}/secret/previous"), "", 0),
    ] {
        assert_eq!(program.ask(&line, &access, body).await.json()["code"], code, "{line}");
    }
    let rotated = program
        .ask(&format!("POST {path}/secret"), &access, r#"{"keep_previous":60}"#)
        .await
        .json();
    assert_eq!(rotated["code"], 0);
    let mut stranger = program.client().await;
    stranger.ask(Command::Login(as_user("eve", &good[0]))).await.unwrap();

    // The event gateway.
    let url = format!("ws://{}/v1/events", program.http);
    let mut events = WsTransport::default().connect(&url).await.unwrap();
    for token in ["CANARY", &access] {
        let login = json!({ "id": 20_000, "dev_id": id, "token": token }).to_string();
        events.sender.send(login.into()).await.unwrap();
        events.receiver.recv().await.unwrap();
    }

    secrets.extend(good);
    secrets.extend(bad);
    secrets.extend([shown, access]);
    secrets.extend(
        [
            created["app_secret"].as_str().unwrap(),
            rotated["secret"].as_str().unwrap(),
        ]
        .map(str::to_owned),
    );
    let printed = program.printed().await;
    assert!(
        printed.contains("logged in") && printed.contains("TRACE"),
        "it speaks: {printed}"
    );
    for secret in secrets {
        let line = printed.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[test]
fn t19_a_configuration_and_its_errors_show_no_secret() {
    let path = std::path::Path::new("hst.toml");
    let config = Config::default().with_toml(CONFIG, path).unwrap();
    let shown = format!("{config:?} {config:#?}");
    assert!(shown.contains(APP));
    for secret in [SECRET, PREVIOUS, &WEBHOOK[6..]] {
        assert!(!shown.contains(secret), "{shown}");
        for broken in [format!("{secret} and more than sixteen"), String::new()] {
            let text = CONFIG.replace(secret, &broken);
            if let Err(error) = Config::default().with_toml(&text, path) {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("CANARY") && !shown.contains(&secret[..8]), "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn i5_nobody_writes_lines_or_control_characters_into_the_log() {
    let program = Program::start().await;
    let evil = "\u{1b}[2J\r\nforged\u{202e}\u{2028}\u{9b}31m\u{0}";
    let mut client = program.client().await;
    client
        .connection
        .sender
        .close(CloseReason::new(CloseCode::GoingAway, evil))
        .await;
    for (user, terminal) in [(evil, "web"), ("bob", evil)] {
        let login =
            json!({ "login": { "protocol": 1, "app": evil, "token": evil, "user": user, "terminal": terminal } });
        let mut client = program.client().await;
        client.say_raw(&login.to_string()).await;
        client.frame().await.unwrap();
    }
    let app = AppId::parse(APP).unwrap();
    let good = token(&TokenIssuer::jwt(app, &AppSecret::parse(SECRET).unwrap()), 60);
    let mut bob = program.client().await;
    let mut login = as_user("bob", &good);
    login.extend_info = evil.to_owned();
    login.company = evil.to_owned();
    bob.ask(Command::Login(login)).await.unwrap();
    for command in [
        json!({ "join": { "group": evil } }),
        json!({ evil: {} }),
        json!({ "set_state": { "state": evil } }),
        json!({ "offer": { "generation": 1, "sdp": evil, "lines": [] } }),
    ] {
        bob.say_raw(&command.to_string()).await;
    }
    bob.connection
        .sender
        .close(CloseReason::new(CloseCode::GoingAway, evil))
        .await;
    let user_agent = "x\u{1b}[2J\u{202e}";
    for target in [
        "/%1b%0d%0aforged",
        "/v1/apps/%1b%0d%0aforged",
        "/server/address?appId=%1b%0d%0aforged",
    ] {
        for method in ["GET", "DELETE"] {
            let request = format!(
                "{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: {user_agent}\r\n\
                 Authorization: {user_agent}\r\n\r\n"
            );
            raw(program.http, &request).await;
        }
    }
    let printed = program.printed().await;
    assert!(printed.contains("GoingAway"), "it tells of the reason: {printed}");
    for line in printed.lines() {
        assert!(line.starts_with("20"), "each line begins with its time: {line:?}");
        assert!(line.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{line:?}");
    }
}

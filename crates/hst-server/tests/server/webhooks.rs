//! What an App's backend is told, over a real socket.

use std::{net::SocketAddr, time::SystemTime};

use crate::common::{Client, config};
use hst_auth::{MediaId, MediaType};
use hst_proto::Command;
use hst_server::{
    Config, DEV_APP_ID, Server, StartError,
    signal::memory::MemoryNetwork,
    store::{Webhook, WebhookSecret},
    webhook::{TOLERANCE, WebhookHeaders, verify},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

const SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// The development configuration with a webhook.
fn with_webhook(url: &str) -> Config {
    let mut config = config();
    config.apps[0].settings.webhook = Some(Webhook {
        url: url.parse().unwrap(),
        secret: WebhookSecret::parse(SECRET).unwrap(),
    });
    config
}

/// A backend that checks and keeps what it is told.
async fn backend() -> (SocketAddr, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (told, events) = mpsc::channel(64);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(take(stream, told.clone()));
        }
    });
    (address, events)
}

async fn take(stream: TcpStream, told: mpsc::Sender<Value>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut headers, mut line) = (Vec::new(), String::new());
        while stream.read_line(&mut line).await.unwrap() > 2 {
            if let Some((name, value)) = line.trim_end().split_once(": ") {
                headers.push((name.to_lowercase(), value.to_owned()));
            }
            line.clear();
        }
        let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let Some(len) = header("content-length") else {
            return;
        };
        let mut body = vec![0; len.parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        let signed = WebhookHeaders {
            id: header("webhook-id").unwrap(),
            timestamp: header("webhook-timestamp").unwrap(),
            signature: header("webhook-signature").unwrap(),
        };
        verify(&SECRET.parse().unwrap(), &signed, &body, SystemTime::now(), TOLERANCE).unwrap();
        let event: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(event["id"], signed.id);
        told.send(event).await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    }
}

#[tokio::test]
async fn a_backend_is_told_in_order_what_its_users_do() {
    let (address, mut events) = backend().await;
    let mut config = with_webhook(&format!("http://{address}/hook"));
    config.webhook_guard = config.webhook_guard.allow("127.0.0.0/8").unwrap();
    let network = MemoryNetwork::default();
    let server = Server::new(config)
        .listener(network.bind("server").unwrap())
        .without_sockets()
        .without_media();
    let server = server.start().await.unwrap();

    let mut bob = Client::in_memory(&network).await.logged_in("bob").await;
    bob.join("g").await;
    let publish = Command::Publish {
        media_type: MediaType::Audio,
        media: MediaId::parse("appdef_mic").unwrap(),
        name: String::new(),
    };
    bob.ask(publish).await.unwrap();
    bob.ask(Command::Leave {}).await.unwrap();
    bob.ask(Command::Exit {}).await.unwrap();
    server.shutdown().await;

    let terminal = json!({"user": "bob", "terminal": "web"});
    let media = json!({"user": "bob", "group": "g", "type": 1, "media": "appdef_mic"});
    let mut ids = Vec::new();
    for (kind, data) in [
        ("user.online", terminal.clone()),
        ("group.joined", json!({"user": "bob", "group": "g"})),
        ("media.published", media.clone()),
        ("media.unpublished", media),
        ("group.left", json!({"user": "bob", "group": "g"})),
        ("user.offline", terminal),
    ] {
        let event = events.try_recv().unwrap();
        assert_eq!((&event["type"], &event["data"]), (&json!(kind), &data));
        assert_eq!(event["app"], DEV_APP_ID);
        assert!(event["at"].is_u64());
        ids.push(event["id"].clone());
    }
    assert!(events.try_recv().is_err(), "nothing else");
    let told = ids.len();
    ids.sort_by_key(Value::to_string);
    ids.dedup();
    assert_eq!(ids.len(), told, "no two events have the same id");
}

#[tokio::test]
async fn a_webhook_on_this_machine_is_called_only_where_the_configuration_allows_it() {
    let start = |config| Server::new(config).without_sockets().without_media().start();
    let refused = start(with_webhook("http://127.0.0.1:8080/")).await;
    assert!(matches!(refused, Err(StartError::WebhookAddress { ip, .. }) if ip.is_loopback()));
    let refused = start(with_webhook("http://example.org:25/")).await;
    assert!(
        matches!(refused, Err(StartError::Webhook { .. })),
        "nobody calls a mail server"
    );
    let mut unsigned = with_webhook("https://example.org/");
    unsigned.apps[0].settings.webhook.as_mut().unwrap().secret = WebhookSecret::parse("sixteen-letters-").unwrap();
    assert!(matches!(start(unsigned).await, Err(StartError::Webhook { .. })));

    let mut denied = with_webhook("http://127.0.0.1:8080/");
    denied.webhook_guard = denied.webhook_guard.allow("127.0.0.0/8").unwrap();
    assert!(start(denied.clone()).await.is_ok());
    denied.webhook_guard = denied.webhook_guard.deny("127.0.0.1/32").unwrap();
    assert!(matches!(start(denied).await, Err(StartError::WebhookAddress { .. })));
}

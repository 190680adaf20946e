//! What a configuration file may say, and what is said about one that is wrong.

use std::path::Path;

use hst_server::{Config, ConfigError, DEV_APP_ID, DEV_APP_SECRET, ProxyHeader, Server, StartError, Tls};

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::default().with_toml(text, Path::new("/etc/hst/server.toml"))
}

/// The line and the reason of a refusal.
fn refusal(text: &str) -> (usize, String) {
    match read(text) {
        Err(ConfigError::Line { line, reason, .. }) => (line, reason),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn every_setting_is_read() {
    let config = read(
        r#"
            bind = "0.0.0.0:7000"
            node_ips = ["203.0.113.5", "2001:db8::5"]
            workers = 4
            public_url = "https://rtc.example.org"
            gateway_weight = 300
            token_service = true
            webhook_allow = ["10.0.0.0/8"]
            webhook_deny = ["10.9.0.0/16", "203.0.113.0/24"]

            [tls]
            cert = "cert.pem"
            key = "/keys/key.pem"

            [[gateways]]
            url = "https://front.example.org"

            [[gateways]]
            url = "http://192.0.2.1:7880"
            weight = 0

            [connections]
            per_address = 100
            uncounted = []
            trusted_proxies = ["10.0.0.0/8", "2001:db8::1"]
            proxy_header = "forwarded"

            [[apps]]
            id = "one"
            secret = "0123456789abcdef"
            name = "The first"

            [[apps]]
            id = "two"
            secret = "fedcba9876543210"
            tokens = ["jwt"]
            bind_tokens = true
            enabled = false

            [apps.webhook]
            url = "http://10.0.0.1/hook"
            secret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
        "#,
    )
    .unwrap();
    let permits = |ip: &str| config.webhook_guard.permits(ip.parse().unwrap());
    assert_eq!(
        ["10.1.0.1", "10.9.0.1", "127.0.0.1", "1.1.1.1"].map(permits),
        [true, false, false, true]
    );
    assert_eq!(config.bind.to_string(), "0.0.0.0:7000");
    assert_eq!(config.node_ips.len(), 2);
    assert_eq!(config.workers.unwrap().get(), 4);
    assert_eq!(config.public_url.unwrap().to_string(), "https://rtc.example.org");
    let gateways: Vec<_> = config
        .gateways
        .iter()
        .map(|it| (it.url.to_string(), it.weight))
        .collect();
    let named = [("https://front.example.org", 100), ("http://192.0.2.1:7880", 0)];
    assert_eq!(gateways, named.map(|(url, weight)| (url.to_owned(), weight)));
    assert_eq!(config.gateway_weight, 300);
    assert!(config.token_service);
    assert_eq!(
        config.tls,
        Tls::Files {
            cert: "/etc/hst/cert.pem".into(),
            key: "/keys/key.pem".into()
        }
    );
    let connections = &config.connections;
    assert_eq!((connections.most, connections.per_address), (16_384, 100));
    assert_eq!((connections.uncounted.len(), connections.trusted_proxies.len()), (0, 2));
    assert_eq!(connections.proxy_header, ProxyHeader::Forwarded);
    let [one, two] = &config.apps[..] else {
        panic!("two Apps")
    };
    assert_eq!(
        (one.id.as_str(), one.settings.name.as_str(), one.settings.online),
        ("one", "The first", true)
    );
    let formats = |app: &hst_server::App| (app.settings.tokens.accepts_001, app.settings.tokens.accepts_jwt);
    assert_eq!((formats(one), formats(two)), ((true, true), (false, true)));
    assert!(!two.settings.online);
    assert!(one.settings.webhook.is_none());
    assert_eq!(
        two.settings.webhook.as_ref().unwrap().url.as_str(),
        "http://10.0.0.1/hook"
    );
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let app = "[[apps]]\nid = \"a\"\nsecret = \"0123456789abcdef\"\n";
    for (text, line) in [
        ("bind = \"127.0.0.1:1\"\nbnid = \"127.0.0.1:1\"\n".to_owned(), 2),
        (format!("{app}\nnmae = \"x\"\n"), 5),
        ("[tls]\n\nself_singed = true\n".to_owned(), 3),
        ("[connections]\nmost = 9\nper_adress = 1\n".to_owned(), 3),
        ("\n\n[server]\nbind = \"127.0.0.1:1\"\n".to_owned(), 3),
    ] {
        let (at, reason) = refusal(&text);
        assert_eq!(at, line, "{text}: {reason}");
        assert!(reason.contains("unknown field"), "{reason}");
    }
}

#[test]
fn a_wrong_value_is_refused_with_its_line() {
    for (text, line, word) in [
        ("workers = 0", 1, "nonzero"),
        ("\nbind = \"7880\"", 2, "socket address"),
        ("node_ips = [\n\"192.0.2.1\",\n\"here\"]", 3, "IP address"),
        ("public_url = \"rtc.example.org\"", 1, "https://rtc.example.org"),
        ("workers = 1\nworkers = 2", 2, "duplicate"),
        ("[connections]\ntrusted_proxies = [\"10.0.0.0/40\"]", 2, "10.0.0.0/8"),
        ("[connections]\nproxy_header = \"via\"", 2, "x-forwarded-for"),
        ("[tls]\ncert = \"a.pem\"", 1, "both cert and key"),
        (
            "[[apps]]\nid = \"no spaces\"\nsecret = \"0123456789abcdef\"",
            2,
            "only letters",
        ),
        ("[[apps]]\nid = \"a\"", 1, "missing field `secret`"),
        (
            "[[apps]]\nid = \"a\"\nsecret = \"0123456789abcdef\"\ntokens = [\"002\"]",
            4,
            "unknown variant",
        ),
        (
            "[[apps]]\nid = \"a\"\nsecret = \"0123456789abcdef\"\n[[apps]]\nid = \"a\"\nsecret = \"0123456789abcdef\"",
            5,
            "twice",
        ),
        (
            "webhook_allow = [\n\"10.0.0.0/8\",\n\"10.0.0.1/8\"]",
            3,
            "first address",
        ),
        ("webhook_deny = [\"localhost\"]", 1, "no network"),
        ("bind = ", 1, ""),
    ] {
        let (at, reason) = refusal(text);
        assert_eq!(at, line, "{text}: {reason}");
        assert!(reason.contains(word), "{text}: {reason}");
    }
}

#[test]
fn a_broken_secret_is_refused_with_its_line_and_never_shown() {
    for secret in [
        "\"hunter2hunter2\"",
        "\"hunter2 hunter2!\"",
        "1472583690147258",
        "\"hunter2hunter2\\u0000",
        "[\"hunter2\"]",
    ] {
        let text = format!("[[apps]]\nid = \"a\"\nsecret = {secret}\n");
        let Err(error) = read(&text) else {
            panic!("{secret} is no secret")
        };
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("line 3"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("14725836"), "{shown}");
    }
    let config = format!("{:?}", Config::dev());
    assert!(!config.contains(DEV_APP_SECRET), "{config}");
}

#[test]
fn a_file_beside_dev_adds_its_apps() {
    let text = "[[apps]]\nid = \"mine\"\nsecret = \"0123456789abcdef\"\n";
    let config = Config::dev().with_toml(text, Path::new("server.toml")).unwrap();
    let ids: Vec<_> = config.apps.iter().map(|app| app.id.as_str()).collect();
    assert_eq!(ids, [DEV_APP_ID, "mine"]);
    assert!(config.token_service, "what the file does not name stays");
}

#[test]
fn a_file_that_is_not_there_is_said_to_be_so() {
    let error = Config::default()
        .with_file(Path::new("/nonexistent/server.toml"))
        .unwrap_err();
    assert!(
        error.to_string().starts_with("cannot read /nonexistent/server.toml: "),
        "{error}"
    );
}

#[tokio::test]
async fn without_an_app_the_server_says_what_to_do() {
    let error = Server::new(Config::default()).start().await.unwrap_err();
    assert!(matches!(error, StartError::NoApps));
    assert!(
        error.to_string().contains("--dev") && error.to_string().contains("[[apps]]"),
        "{error}"
    );
}

#[tokio::test]
async fn t10_the_public_secret_is_not_opened_to_others_unless_asked_for() {
    let text = format!("bind = \"0.0.0.0:0\"\n[[apps]]\nid = \"{DEV_APP_ID}\"\nsecret = \"{DEV_APP_SECRET}\"\n");
    let dev = Config::dev().with_toml(&text, Path::new("server.toml")).unwrap();
    for config in [read(&text).unwrap(), dev.clone()] {
        let error = Server::new(config).without_media().start().await.unwrap_err();
        assert!(matches!(error, StartError::DevAppExposed { .. }), "{error}");
    }

    let mut config = dev;
    config.dev_open = true;
    let server = Server::new(config).without_media().start().await.unwrap();
    server.shutdown().await;
}

#[tokio::test]
async fn media_threads_need_ports_behind_that_of_http() {
    let mut config = Config::dev();
    config.bind = "127.0.0.1:65535".parse().unwrap();
    let error = Server::new(config).without_sockets().start().await.unwrap_err();
    assert!(matches!(error, StartError::PortTooHigh { port: 65535, .. }), "{error}");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = Config::dev();
    config.bind = taken.local_addr().unwrap();
    let error = Server::new(config.clone()).without_media().start().await.unwrap_err();
    assert!(
        error.is_retryable() && error.to_string().contains(&config.bind.to_string()),
        "{error}"
    );
}

//! Every route over a real socket, spoken by hand so that wrong requests can be made, too.

use crate::common::{answer::Answer, config, raw::raw, server};
use hst_server::{Config, DEV_APP_ID, DEV_APP_SECRET, RunningServer, Server};
use serde_json::json;

#[tokio::test]
async fn quic_is_offered_only_where_the_client_can_reach_it() {
    let server = server().await;
    let to = server.addresses().http.unwrap();
    for (host, reachable) in [
        ("localhost:1", true),
        ("127.0.0.1", true),
        ("[::1]:1", true),
        ("rtc.example.org", false),
    ] {
        let answer = raw(
            to,
            &format!("GET /v1/access HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        )
        .await;
        let signal = answer.json()["signal"].as_array().unwrap().len();
        assert_eq!(signal, if reachable { 2 } else { 1 }, "{host}");
    }
}

async fn ask(server: &RunningServer, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let to = server.addresses().http.unwrap();
    let len = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {len}\r\n{headers}\r\n{body}"
    );
    raw(to, &request).await
}

async fn get(server: &RunningServer, path: &str) -> Answer {
    ask(server, "GET", path, "", "").await
}

#[tokio::test]
async fn access_names_quic_first_and_the_web_socket_that_the_host_header_says() {
    let server = server().await;
    let (http, quic) = (server.addresses().http.unwrap(), server.addresses().quic.unwrap());
    let answer = get(&server, &format!("/v1/access?app_id={DEV_APP_ID}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    assert_eq!(
        (&body["code"], &body["message"], &body["ice_servers"]),
        (&json!(0), &json!("OK"), &json!([]))
    );
    let signal = body["signal"].as_array().unwrap();
    let pinned = signal[0].as_str().unwrap();
    let (url, pin) = pinned.split_once("#sha256=").unwrap();
    assert_eq!((url, pin.len()), (format!("quic://{quic}").as_str(), 64));
    assert_eq!(signal[1..], [json!(format!("ws://{http}/v1/signal"))]);

    for path in ["/v1/access", "/v1/access?app_id=unknown", "/v1/access?app_id=%00"] {
        assert_eq!(
            get(&server, path).await.json(),
            body,
            "an unknown App gets the same answer: {path}"
        );
    }
}

#[tokio::test]
async fn a_host_header_is_repeated_only_if_it_is_a_host() {
    let server = server().await;
    let to = server.addresses().http.unwrap();
    let with_host = async |host: &str| {
        raw(
            to,
            &format!("GET /v1/access HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
        )
        .await
    };
    let answer = with_host("Host: rtc.example.org\r\n").await;
    assert_eq!(answer.json()["signal"], json!(["ws://rtc.example.org/v1/signal"]));
    assert_eq!(
        with_host("").await.json()["signal"][1],
        json!(format!("ws://{to}/v1/signal"))
    );
    for host in ["Host: a b\r\n", "Host: <script>\r\n", "Host: u@h\r\n", "Host: \r\n"] {
        assert_eq!(with_host(host).await.status, 400, "{host}");
    }
}

#[tokio::test]
async fn a_public_url_replaces_the_host_header() {
    let config = Config {
        public_url: Some("https://rtc.example.org".parse().unwrap()),
        ..config()
    };
    let server = Server::new(config).without_media().start().await.unwrap();
    let body = get(&server, "/v1/access").await.json();
    assert_eq!(body["signal"], json!(["wss://rtc.example.org/v1/signal"]));
    assert_eq!(server.origins()[0].to_string(), "https://rtc.example.org");
}

#[tokio::test]
async fn the_older_form_of_access_answers_every_app_type_that_it_knows() {
    let server = server().await;
    let to = server.addresses().http.unwrap();
    for (query, result) in [
        ("appType=24", format!("ws://{to}/v1/signal;")),
        ("appType=37&app_id=x", format!("ws://{to}/v1/signal;")),
        (
            "appType=47&appId=undefined&ver=2.0.0&comid=undefined&os=wechat&token=001a+b/c==",
            format!("ws://{to}/v1/signal;"),
        ),
        ("appType=48", format!("ws://{to}/v1/signal;")),
        ("appType=8", format!("ws://{to}/v1/events;")),
        ("appType=10", format!("http://{to};")),
    ] {
        let answer = get(&server, &format!("/server/address?{query}")).await;
        assert_eq!(
            answer.json(),
            json!({ "code": 0, "message": "OK", "result": result }),
            "{query}"
        );
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    for query in [
        "",
        "?appType=",
        "?appType=9",
        "?appType=-1",
        "?appType=24x",
        "?apptype=24",
    ] {
        let body = get(&server, &format!("/server/address{query}")).await.json();
        assert_eq!((&body["code"], &body["result"]), (&json!(1), &json!("")), "{query}");
    }
}

#[tokio::test]
async fn tokens_are_made_for_who_knows_the_secret() {
    let server = server().await;
    let ask_for = async |body: &str| {
        ask(
            &server,
            "POST",
            "/generate/token",
            "Content-Type: application/json\r\n",
            body,
        )
        .await
    };
    let good = json!({ "appId": DEV_APP_ID, "appSecret": DEV_APP_SECRET }).to_string();
    let answer = ask_for(&good).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let body = answer.json();
    assert_eq!((&body["code"], &body["message"]), (&json!(0), &json!("OK")));
    assert!(body["result"].as_str().unwrap().starts_with("001"), "{body}");

    let wrong = ask_for(&good.replace(DEV_APP_SECRET, "0123456789abcdef")).await;
    let unknown = ask_for(&good.replace(DEV_APP_ID, "unknown")).await;
    let short = ask_for(&good.replace(DEV_APP_SECRET, "short")).await;
    assert_ne!(wrong.json()["code"], json!(0));
    for other in [unknown, short] {
        assert_eq!(
            (other.status, other.json()),
            (wrong.status, wrong.json()),
            "nobody learns which was wrong"
        );
    }
    for body in ["", "{}", "[]", "{\"appId\":1,\"appSecret\":2}", "appId=1"] {
        let answer = ask_for(body).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(1)), "{body}");
    }
    assert_eq!(ask_for(&"x".repeat(5000)).await.status, 413);
}

#[tokio::test]
async fn a_page_of_another_origin_may_ask_for_tokens() {
    let server = server().await;
    let headers = "Origin: http://example.org\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n";
    let answer = ask(&server, "OPTIONS", "/generate/token", headers, "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("content-type"));
    assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
}

#[tokio::test]
async fn tokens_are_made_only_where_the_configuration_says_so() {
    let server = Server::new(Config {
        token_service: false,
        ..config()
    })
    .without_media()
    .start()
    .await
    .unwrap();
    let body = json!({ "appId": DEV_APP_ID, "appSecret": DEV_APP_SECRET }).to_string();
    let answer = ask(&server, "POST", "/generate/token", "", &body).await;
    assert_eq!(answer.status, 404);
    assert!(answer.json()["message"].as_str().unwrap().contains("token_service"));
}

#[tokio::test]
async fn nobody_finds_a_secret_by_asking_for_tokens() {
    let server = server().await;
    let ask_with = async |secret: &str| {
        let body = json!({ "appId": DEV_APP_ID, "appSecret": secret }).to_string();
        ask(&server, "POST", "/generate/token", "", &body).await
    };
    for _ in 0..100 {
        assert_eq!(
            ask_with(DEV_APP_SECRET).await.json()["code"],
            0,
            "the right one costs nothing"
        );
    }
    let mut tries = 0;
    while ask_with("0123456789abcdef").await.status == 200 {
        tries += 1;
        assert!(tries < 100, "it goes on for ever");
    }
    assert!(tries > 5, "who errs may try again: {tries}");
    let refused = ask_with(DEV_APP_SECRET).await;
    assert_eq!(refused.status, 429);
    assert!(refused.json()["message"].as_str().unwrap().contains("wait"));
}

#[tokio::test]
async fn the_pages_come_with_their_types_and_are_asked_for_again_cheaply() {
    let server = server().await;
    for (path, content_type) in [
        ("/", "text/html"),
        ("/sdk/hst-rtc-engine.js", "text/javascript"),
        ("/sdk/hst-rtc-engine.mjs", "text/javascript"),
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.header("content-type").unwrap().starts_with(content_type),
            "{path}: {}",
            answer.head
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert!(!answer.body.is_empty());

        let etag = answer.header("etag").unwrap();
        let again = ask(
            &server,
            "GET",
            path,
            &format!("If-None-Match: \"other\", {etag}\r\n"),
            "",
        )
        .await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        let changed = ask(&server, "GET", path, "If-None-Match: \"other\"\r\n", "").await;
        assert_eq!(changed.status, 200, "{path}");

        let head = ask(&server, "HEAD", path, "", "").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), answer.header("content-length"), "{path}");
    }
    let sdk = get(&server, "/sdk/hst-rtc-engine.mjs").await;
    assert_eq!(
        sdk.header("access-control-allow-origin"),
        Some("*"),
        "modules load across origins only then"
    );
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_so() {
    let server = server().await;
    for path in [
        "/nothing",
        "/sdk/",
        "/sdk/../Cargo.toml",
        "/sdk/%2e%2e/Cargo.toml",
        "/v1/",
        "/%00",
        "//",
        "/sdk/%ff",
    ] {
        let answer = get(&server, path).await;
        assert!(matches!(answer.status, 404 | 400), "{path}: {answer:?}");
        assert!(!answer.body.is_empty(), "{path}");
    }
    assert_eq!(ask(&server, "POST", "/", "", "").await.status, 405);
    assert_eq!(ask(&server, "DELETE", "/v1/access", "", "").await.status, 405);
    assert_eq!(
        ask(&server, "POST", "/nothing", "", &"x".repeat(100_000)).await.status,
        405
    );
}

#[tokio::test]
async fn health_is_told() {
    let server = server().await;
    assert_eq!(
        (
            get(&server, "/healthz").await.status,
            get(&server, "/readyz").await.status
        ),
        (200, 200)
    );
}

#[tokio::test]
async fn an_upgrade_that_is_wrong_is_refused_with_the_reason() {
    let server = server().await;
    let right = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let to = server.addresses().http.unwrap();
    for (what, headers, status) in [
        ("no upgrade", "Connection: close\r\n".to_owned(), 426),
        ("another protocol", right.replace("websocket", "h2c"), 426),
        ("another version", right.replace("13", "8"), 426),
        ("no version", right.replace("Sec-WebSocket-Version: 13\r\n", ""), 426),
        ("no key", right.replace("Sec-WebSocket-Key", "X-Key"), 400),
        ("a short key", right.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhl"), 400),
        (
            "no base64",
            right.replace("dGhlIHNhbXBsZSBub25jZQ==", "%%%%%%%%%%%%%%%%%%%%%%=="),
            400,
        ),
        (
            "two keys",
            format!("{right}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
            400,
        ),
    ] {
        let request = format!(
            "GET /v1/signal HTTP/1.1\r\nHost: a\r\n{headers}\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(to, &request).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        if status == 426 {
            assert_eq!(answer.header("sec-websocket-version"), Some("13"), "{what}");
        }
    }
    assert_eq!(ask(&server, "POST", "/v1/signal", right, "").await.status, 405);
}

#[tokio::test]
async fn a4_what_is_not_http_is_refused_and_closed() {
    let server = server().await;
    let to = server.addresses().http.unwrap();
    let many_headers: String = (0..2000).map(|n| format!("X-{n}: y\r\n")).collect();
    for (what, request, status) in [
        ("no HTTP", "hello\r\n\r\n".to_owned(), 400),
        (
            "a signed length",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello".to_owned(),
            400,
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello".to_owned(),
            400,
        ),
        ("2000 headers", format!("GET / HTTP/1.1\r\n{many_headers}\r\n"), 431),
        (
            "a long header",
            format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(100_000)),
            431,
        ),
    ] {
        assert_eq!(raw(to, &request).await.status, status, "{what}");
    }
}

//! Who gets in, and who does not.

use hst_auth::{AppId, TokenIssuer, TokenRequest};
use hst_server::{App, Config, Connections, DEV_APP_ID, Server};
use serde_json::json;

use crate::{
    engine::{Engine, login},
    house::{Backend, House, OwnApp, credentials, now},
    http::{raw, request, stranger},
};

#[tokio::test]
async fn a_developer_gets_an_access_token_of_32_characters_for_two_hours() {
    let house = House::open().await;
    let shown = credentials(&house.developer);
    let answer = request(stranger(), house.http(), "GET /access/token", Some(&shown), "").await;
    let mut body = answer.json();
    let token = body["result"]["access_token"].take();
    assert_eq!(token.as_str().unwrap().len(), 32);
    assert_eq!(
        body,
        json!({ "code": 0, "msg": "OK", "result": { "timeout": 7200, "access_token": null } })
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_new_access_token_ends_the_one_before_it_and_nobody_elses() {
    let house = House::open().await;
    let others = Backend::of(&house, &house.another_developer()).await;
    let first = house.backend().await;
    first.get("GET /v1/apps", None).await;
    let second = house.backend().await;
    let answer = first.ask("GET /v1/apps", None).await;
    assert_eq!((answer.status, answer.code()), (401, 606_000_001));
    second.get("GET /v1/apps", None).await;
    others.get("GET /v1/apps", None).await;
}

#[tokio::test]
async fn wrong_credentials_have_one_answer_in_the_body_of_an_answer_200() {
    let house = House::open().await;
    let good = credentials(&house.developer);
    let token = good.split_once('.').unwrap().1;
    let nobody = format!("{}.{token}", "0".repeat(32));
    for shown in [None, Some(""), Some("x"), Some("x.y"), Some(token), Some(&nobody)] {
        let answer = request(stranger(), house.http(), "GET /access/token", shown, "").await;
        assert_eq!((answer.status, answer.code()), (200, 606_000_000), "{shown:?}");
        assert!(answer.json().get("result").is_none());
    }
}

#[tokio::test]
async fn h10_ten_wrong_credentials_in_a_minute_are_enough_and_who_has_a_token_is_let_in_all_the_same() {
    let house = House::open().await;
    let backend = house.backend().await;
    let (guesser, other) = (stranger(), stranger());
    let try_one = |n: u32| {
        let (shown, http) = (format!("{}.{n:032}", house.developer.id), house.http());
        async move { request(guesser, http, "GET /access/token", Some(&shown), "").await }
    };
    for n in 0..10 {
        assert_eq!(try_one(n).await.code(), 606_000_000);
    }
    let answer = try_one(10).await;
    assert_eq!(answer.code(), 606_000_006, "too many");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");

    let good = credentials(&house.developer);
    let http = house.http();
    let code = async |from, line, shown: &str| request(from, http, line, Some(shown), "").await.code();
    assert_eq!(code(guesser, "GET /access/token", &good).await, 606_000_006);
    assert_eq!(code(guesser, "GET /v1/apps", &"0".repeat(32)).await, 606_000_006);
    assert_eq!(code(guesser, "GET /v1/apps", &backend.access_token).await, 0);
    assert_eq!(code(other, "GET /access/token", &good).await, 0);
}

#[tokio::test]
async fn h10_many_guesses_at_a_time_are_no_more_than_one_after_the_other() {
    let house = House::open().await;
    let (guesser, http) = (stranger(), house.http());
    let mut guesses = tokio::task::JoinSet::new();
    for n in 0..40 {
        let shown = format!("{}.{n:032}", house.developer.id);
        guesses.spawn(async move {
            request(guesser, http, "GET /access/token", Some(&shown), "")
                .await
                .code()
        });
    }
    let codes = guesses.join_all().await;
    let judged = codes.iter().filter(|&&code| code == 606_000_000).count();
    assert_eq!(judged, 10, "{codes:?}");
}

#[tokio::test]
async fn h10_behind_a_trusted_proxy_each_client_fails_for_himself() {
    let config = Config {
        bind: "127.0.0.1:0".parse().unwrap(),
        connections: Connections {
            trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
            ..Connections::default()
        },
        ..Config::dev()
    };
    let server = Server::new(config).without_media().start().await.unwrap();
    let http = server.addresses().http.unwrap();
    let mut codes = Vec::new();
    for n in 0..12 {
        let client = if n < 11 { "192.0.2.1" } else { "192.0.2.2" };
        let head = format!(
            "GET /v1/apps HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: {client}\r\n\
             Authorization: {n:032}\r\n\r\n"
        );
        codes.push(raw(stranger(), http, head.as_bytes()).await.status);
    }
    assert_eq!(codes, [[401; 10].as_slice(), &[429, 401]].concat());
}

#[tokio::test]
async fn h2_without_a_developer_the_gateway_opens_for_nobody() {
    let dev = Config::dev();
    let config = Config {
        bind: "127.0.0.1:0".parse().unwrap(),
        dev: false,
        ..dev.clone()
    };
    let server = Server::new(config).without_media().start().await.unwrap();
    assert!(server.new_developer().is_none());
    let http = server.addresses().http.unwrap();
    let App { id, secrets, .. } = &dev.apps[0];
    let as_developer = TokenIssuer::legacy_001(id.clone(), secrets.current());
    let token = as_developer.issue(&TokenRequest::default(), now()).unwrap();
    for shown in [format!("{id}.{token}"), ".".to_owned(), format!("{id}.")] {
        let answer = request(stranger(), http, "GET /access/token", Some(&shown), "").await;
        assert_eq!(answer.code(), 606_000_000, "{shown}");
    }
    let answer = request(stranger(), http, "GET /v1/apps", Some(""), "").await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn t17_what_opens_one_door_opens_no_other() {
    let house = House::open().await;
    let backend = house.backend().await;
    let (one, two) = (backend.create_app().await, backend.create_app().await);
    let developers = credentials(&house.developer);
    let developers_token = developers.split_once('.').unwrap().1;
    let as_app = OwnApp {
        id: house.developer.id.to_string(),
        secret: house.developer.secret.reveal().to_owned(),
    };

    // A user's tokens, a developer's and an access token, at the gateway.
    let http = house.http();
    let jwt = one.jwt("ann", "id", 0);
    for shown in [&one.token(), &jwt, &developers, developers_token] {
        let answer = request(stranger(), http, "GET /v1/apps", Some(shown), "").await;
        assert_eq!(answer.code(), 606_000_001, "{shown}");
    }
    for token in [&one.token(), &jwt, &backend.access_token] {
        for id in [&one.id, &as_app.id] {
            let shown = format!("{id}.{token}");
            let answer = request(stranger(), http, "GET /access/token", Some(&shown), "").await;
            assert_eq!(answer.code(), 606_000_000, "{shown}");
        }
    }

    // And at the signalling service.
    let refused = async |app: &OwnApp, token: &str| {
        let mut engine = Engine::connect(&house).await;
        engine.ask(login(app, token, "ann", "web")).await.unwrap_err()
    };
    assert_eq!(refused(&two, &one.token()).await, 1_000_000);
    assert_eq!(refused(&two, &one.jwt("ann", "id", 0)).await, 1_000_000);
    assert_eq!(refused(&one, developers_token).await, 1_000_000);
    assert_eq!(refused(&one, &backend.access_token).await, 1_000_000);
    assert_eq!(refused(&as_app, developers_token).await, 1_000_001);
}

#[tokio::test]
async fn pages_of_any_origin_may_ask() {
    let house = House::open().await;
    let app = AppId::parse(DEV_APP_ID).unwrap();
    for path in [
        "/access/token",
        "/v1/app",
        "/v1/online/invite",
        &format!("/v1/apps/{app}/bans"),
    ] {
        let answer = request(stranger(), house.http(), &format!("OPTIONS {path}"), None, "").await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("authorization, content-type")
        );
        for method in ["GET", "POST", "PATCH", "DELETE"] {
            assert!(answer.header("access-control-allow-methods").unwrap().contains(method));
        }
    }
    // Also the answer that says what is wrong.
    let answer = request(stranger(), house.http(), "GET /v1/apps", None, "").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (401, Some("*"))
    );
}

//! What no backend would send.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    engine::Engine,
    house::House,
    http::{connect, raw, request, stranger},
};

const MISSING: u64 = 606_000_002;
const INVALID: u64 = 606_000_003;
const TOO_LARGE: u64 = 606_000_106;

#[tokio::test]
async fn h7_pages_that_cannot_be_are_refused() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await.id;
    let lists = [
        "/v1/apps".to_owned(),
        format!("/v1/apps/{app}/groups"),
        format!("/v1/apps/{app}/groups/g"),
        format!("/v1/apps/{app}/groups/g/stats"),
        format!("/v1/apps/{app}/online"),
        format!("/v1/apps/{app}/bans"),
    ];
    let extremes = [
        "-1",
        "9223372036854775808",
        "18446744073709551615",
        "4294967296",
        "1e3",
        "",
        "x",
        "501",
    ];
    for list in &lists {
        for limit in extremes.iter().chain(&["0"]) {
            let answer = backend.ask(&format!("GET {list}?limit={limit}"), None).await;
            assert_eq!((answer.status, answer.code()), (400, INVALID), "{list} {limit}");
            assert!(
                answer.json()["msg"].as_str().unwrap().starts_with("limit: "),
                "{answer:?}"
            );
        }
        for offset in extremes.iter().filter(|offset| **offset != "501") {
            let answer = backend.ask(&format!("GET {list}?offset={offset}"), None).await;
            assert_eq!((answer.status, answer.code()), (400, INVALID), "{list} {offset}");
        }
        let answer = backend
            .ask(&format!("GET {list}?offset=4294967295&limit=500"), None)
            .await;
        assert!(matches!(answer.status, 200 | 404), "{list}: {answer:?}");
    }
    let state = format!("GET /v1/online/user/state?app_id={app}&msg_id=1");
    for page in extremes.iter().filter(|page| **page != "501").chain(&["0"]) {
        let answer = backend.ask(&format!("{state}&page={page}"), None).await;
        assert_eq!((answer.status, answer.code()), (200, INVALID), "{page}");
    }
    for size in extremes.iter().chain(&["0"]) {
        let answer = backend.ask(&format!("{state}&page_size={size}"), None).await;
        assert_eq!((answer.status, answer.code()), (200, INVALID), "{size}");
        let records = "GET /v1/consuming/records?start_time=1&end_time=2&page=1";
        let answer = backend.ask(&format!("{records}&page_size={size}"), None).await;
        assert_eq!(answer.code(), INVALID, "{size}");
    }
    backend
        .get(&format!("{state}&page=4294967295&page_size=500"), None)
        .await;
}

#[tokio::test]
async fn g10_numbers_beyond_their_range_are_refused_and_change_nothing() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::online(&house, &app, "ann", "web").await;
    let base = format!("/v1/apps/{}", app.id);
    let huge = [
        json!(-1),
        json!(1u64 << 63),
        json!(u64::MAX),
        json!(1.5),
        json!("1"),
        json!(null),
    ];
    for number in &huge {
        for (path, body) in [
            ("secret", json!({ "keep_previous": number })),
            ("revocations", json!({ "issued_before": number })),
            ("revocations", json!({ "user": "ann", "issued_before": number, "x": 1 })),
            (
                "groups/g/media/mute",
                json!({ "user": "ann", "type": number, "media": "m", "muted": true }),
            ),
        ] {
            let answer = backend.ask(&format!("POST {base}/{path}"), body).await;
            let refused = [INVALID, MISSING].contains(&answer.code());
            assert!(answer.status == 400 && refused, "{path} {number}: {answer:?}");
        }
    }
    for number in [json!(0), json!(-1), json!(1u64 << 63), json!(u64::MAX)] {
        for (path, body) in [
            ("bans", json!({ "user": "ann", "seconds": number })),
            ("groups/g/members/ann/kick", json!({ "ban": number })),
        ] {
            let answer = backend.ask(&format!("POST {base}/{path}"), body).await;
            assert_eq!((answer.status, answer.code()), (400, INVALID), "{path} {number}");
        }
    }
    ann.hears_nothing().await;
}

#[tokio::test]
async fn a_field_that_is_missing_wrong_or_unknown_is_named() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await.id;
    let bans = format!("POST /v1/apps/{app}/bans");
    for (line, body, code, text) in [
        (bans.as_str(), json!({}), MISSING, "missing field `user`"),
        (
            &bans,
            json!({ "user": "a b" }),
            INVALID,
            "user: UserId has ' ' at byte 1",
        ),
        (
            &bans,
            json!({ "user": "a", "grup": "g" }),
            INVALID,
            "unknown field `grup`",
        ),
        (
            &bans,
            json!({ "user": "a", "reason": "\u{1b}" }),
            INVALID,
            "reason: has a character",
        ),
        (&bans, json!([]), MISSING, ""),
        (&bans, json!("x"), INVALID, "invalid type"),
        (
            "POST /v1/app",
            json!({ "service": [] }),
            MISSING,
            "missing field `app_name`",
        ),
        (
            "POST /v1/app",
            json!({ "app_name": "", "service": [] }),
            INVALID,
            "app_name: has 0 characters",
        ),
        (
            "POST /v1/app",
            json!({ "app_name": "a", "status": "on", "service": [] }),
            INVALID,
            "status: unknown variant",
        ),
        (
            "POST /v1/app",
            json!({ "app_name": "a", "service": [{ "service_id": 2 }] }),
            INVALID,
            "service[0].service_id: 2 is no service",
        ),
        (
            "POST /v1/kickout",
            json!({ "app_id": app }),
            MISSING,
            "missing field `user_id`",
        ),
    ] {
        let answer = backend.ask(line, body).await;
        let msg = answer.json()["msg"].as_str().unwrap().to_owned();
        assert!(msg.contains(text), "{line}: {msg}");
        if !text.is_empty() {
            assert_eq!(answer.code(), code, "{line}: {msg}");
        }
    }
    for (line, code, text) in [
        ("GET /v1/apps?ofset=1", INVALID, "unknown field `ofset`"),
        ("GET /v1/online/user/state?msg_id=1", MISSING, "missing field `app_id`"),
        ("DELETE /v1/app", MISSING, "missing field `app_id`"),
    ] {
        let answer = backend.ask(line, None).await;
        assert_eq!(answer.code(), code, "{line}: {answer:?}");
        assert!(answer.body.contains(text), "{line}: {answer:?}");
    }
    // The platform's own clients may send more than its pages list.
    let more = json!({ "app_name": "a", "service": [], "more": 1 });
    backend.get("POST /v1/app", more).await;
}

#[tokio::test]
async fn bodies_and_messages_have_a_largest_size() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let _ann = Engine::in_group(&house, &app, "ann", "g").await;
    let base = format!("/v1/apps/{}", app.id);
    for to in ["groups/g", "users/ann"] {
        let line = format!("POST {base}/{to}/messages");
        // 8,192 bytes of JSON, of which two are quotes.
        backend.get(&line, json!({ "body": "x".repeat(8_190) })).await;
        for len in [8_191, 60_000, 70_000] {
            let answer = backend.ask(&line, json!({ "body": "x".repeat(len) })).await;
            assert_eq!((answer.status, answer.code()), (413, TOO_LARGE), "{to} {len}");
        }
        let deep = format!(r#"{{"body":{}{}}}"#, "[".repeat(33), "]".repeat(33));
        let answer = request(stranger(), house.http(), &line, Some(&backend.access_token), &deep).await;
        assert_eq!(answer.code(), INVALID, "too deep");
    }
    let many: Vec<_> = (0..501)
        .map(|n| json!({ "user_id": format!("u{n}"), "mutex_type": "web" }))
        .collect();
    let order = json!({ "app_id": app.id, "msg_id": 1, "trans_mess": 1, "user_list": many });
    assert_eq!(backend.ask("POST /v1/online/trans-cmd", order).await.code(), INVALID);
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await.id;
    let line = format!("POST /v1/apps/{app}/bans");
    for body in [
        "",
        "{",
        r#"{"user":"a"}x"#,
        r#"{"user":"a","user":"b"}"#,
        "\u{feff}{}",
        "nul",
    ] {
        let answer = request(stranger(), house.http(), &line, Some(&backend.access_token), body).await;
        assert_eq!((answer.status, answer.code()), (400, INVALID), "{body:?}");
    }
    let head = format!(
        "{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {}\r\nContent-Length: 4\r\n\r\n",
        backend.access_token
    );
    let answer = raw(stranger(), house.http(), &[head.as_bytes(), b"\"\xff\"\n"].concat()).await;
    assert_eq!(answer.code(), INVALID);
}

#[tokio::test]
async fn paths_that_name_nothing_are_refused_in_the_same_shape() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await.id;
    for (line, status) in [
        ("GET /v1/apps/a%20b".to_owned(), 404),
        ("GET /v1/apps/%ff".to_owned(), 404),
        (format!("GET /v1/apps/{app}/groups/a%2Fb"), 400),
        (format!("GET /v1/apps/{app}/groups/{}", "g".repeat(129)), 400),
        (format!("POST /v1/apps/{app}/users/%00/messages"), 400),
        (format!("PUT /v1/apps/{app}"), 405),
        ("DELETE /v1/apps".to_owned(), 405),
    ] {
        let answer = backend.ask(&line, json!({ "body": 1 })).await;
        assert_eq!(answer.status, status, "{line}: {answer:?}");
        assert!(answer.code() > 606_000_000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let house = House::open().await;
    let backend = house.backend().await;
    let head = format!(
        "POST /v1/app HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nContent-Length: 10\r\n\r\n{{",
        backend.access_token
    );
    let mut stream = connect(stranger(), house.http()).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("606000004"), "{answer}");
}

//! Discovery from a real HTTP server, well-behaved or not.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod server;

use std::time::{Duration, Instant};

use hst_access::{AccessDiscovery, AccessError, AccessPoints, AppId, access_contract, contract::Fixture};
use hst_access_http::HttpAccess;
use server::{Reply, Server};

const OURS: &str = r#"{"code":0,"message":"OK","signal":["quic://127.0.0.1:7880#sha256=ab","ws://127.0.0.1:7880/v1/signal"],"ice_servers":[{"urls":["stun:127.0.0.1:3478"]},{"urls":["turn:127.0.0.1:3478"],"username":"bob","credential":"hush"}]}"#;
const VENDORS: &str = r#"{"code":0,"message":"OK","result":"ws://127.0.0.1:29100;wss://127.0.0.1:29200;"}"#;

fn app() -> AppId {
    AppId::parse("app-1").unwrap()
}

async fn ask(server: &Server) -> Result<AccessPoints, AccessError> {
    HttpAccess::parse(&server.address())
        .unwrap()
        .discover(Some(&app()))
        .await
}

/// The reason why what answers is no access service.
async fn complaint(server: &Server) -> &'static str {
    match ask(server).await {
        Err(error @ AccessError::NotAccess { reason, .. }) => {
            assert!(!error.is_retryable());
            reason
        }
        other => panic!("{other:?}"),
    }
}

async fn fixture(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Fixture {
    let server = Server::start(reply).await;
    let access = HttpAccess::parse(&server.address()).unwrap();
    Fixture {
        access: Box::new(access),
        app: app(),
        keep: Box::new(server),
    }
}

fn vendor_only(path: &str) -> Reply {
    if path.starts_with("/server/address?") {
        Reply::ok(VENDORS)
    } else {
        Reply::status(404, "no such page")
    }
}

access_contract!(our_form, fixture(|_| Reply::ok(OURS)).await);
access_contract!(vendors_form, fixture(vendor_only).await);

#[tokio::test]
async fn our_form_is_asked_first_and_understood_whole() {
    let server = Server::start(|_| Reply::ok(OURS)).await;
    let points = ask(&server).await.unwrap();
    assert_eq!(
        points.signal(),
        ["quic://127.0.0.1:7880#sha256=ab", "ws://127.0.0.1:7880/v1/signal"]
    );
    let [stun, turn] = points.ice_servers() else {
        panic!("{points:?}")
    };
    assert_eq!(
        (stun.urls[0].as_str(), &stun.username, &stun.credential),
        ("stun:127.0.0.1:3478", &None, &None)
    );
    assert_eq!(
        (turn.username.as_deref(), turn.credential.as_deref()),
        (Some("bob"), Some("hush"))
    );
    assert_eq!(server.asked(), ["/v1/access?app_id=app-1"]);
}

#[tokio::test]
async fn a_server_without_our_form_is_asked_in_the_vendors() {
    let server = Server::start(vendor_only).await;
    assert_eq!(
        ask(&server).await.unwrap().signal(),
        ["ws://127.0.0.1:29100", "wss://127.0.0.1:29200"]
    );
    assert_eq!(
        server.asked(),
        ["/v1/access?app_id=app-1", "/server/address?appType=24&appId=app-1"]
    );
}

#[tokio::test]
async fn a_question_without_an_app_names_none() {
    let server = Server::start(vendor_only).await;
    let access = HttpAccess::parse(&server.address()).unwrap();
    assert_eq!(access.discover(None).await.unwrap().signal().len(), 2);
    assert_eq!(server.asked(), ["/v1/access", "/server/address?appType=24"]);
}

#[tokio::test]
async fn a_base_path_is_kept_and_the_vendors_path_is_not_doubled() {
    let server = Server::start(vendor_only).await;
    let access = HttpAccess::parse(&format!("http://{}/rtc/server/address/", server.address())).unwrap();
    assert!(access.discover(Some(&app())).await.is_err());
    assert_eq!(
        server.asked(),
        [
            "/rtc/v1/access?app_id=app-1",
            "/rtc/server/address?appType=24&appId=app-1"
        ]
    );
}

#[tokio::test]
async fn a_refusal_is_told_whatever_its_status_and_nobody_else_is_asked() {
    for status in [200, 400, 403, 404] {
        let server = Server::start(move |_| Reply::status(status, r#"{"code":1000001,"message":"no such app"}"#)).await;
        let error = ask(&server).await.unwrap_err();
        assert!(!error.is_retryable());
        let AccessError::Refused { code, message } = error else {
            panic!("{error:?}")
        };
        assert_eq!((code, message.as_str()), (1_000_001, "no such app"), "{status}");
        assert_eq!(server.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_answer_without_addresses_is_no_answer() {
    for body in [
        r#"{"code":0,"signal":[]}"#,
        r#"{"code":0,"result":";"}"#,
        r#"{"code":0,"signal":["127.0.0.1"]}"#,
    ] {
        let server = Server::start(move |_| Reply::ok(body)).await;
        assert!(matches!(ask(&server).await, Err(AccessError::NoSignal)), "{body}");
    }
}

#[tokio::test]
async fn a_server_that_can_not_now_may_be_asked_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        let server = Server::start(move |_| Reply::status(status, OURS)).await;
        let error = ask(&server).await.unwrap_err();
        assert!(
            matches!(error, AccessError::Unavailable { status: told, .. } if told == status),
            "{error:?}"
        );
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn what_is_no_access_service_is_told_so() {
    for (status, body, reason) in [
        (200, "", "its answer is empty"),
        (
            200,
            "<html>Please log in to the hotel</html>",
            "its answer is not the JSON of an access service",
        ),
        (
            200,
            r#"{"code":0,"signal":"#,
            "its answer is not the JSON of an access service",
        ),
        (401, "who are you", "its answer is not the JSON of an access service"),
        (404, "", "it has no such page"),
        (404, "{}", "it has no such page"),
    ] {
        let server = Server::start(move |_| Reply::status(status, body)).await;
        assert_eq!(complaint(&server).await, reason, "{status} {body}");
    }
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_not_one_byte_more() {
    let padded = |len: usize| format!("{OURS}{}", " ".repeat(len - OURS.len()));
    for chunked in [false, true] {
        let server = Server::start(move |_| Reply {
            chunked,
            ..Reply::ok(padded(64 * 1024))
        })
        .await;
        assert_eq!(ask(&server).await.unwrap().signal().len(), 2);
        let server = Server::start(move |_| Reply {
            chunked,
            ..Reply::ok(padded(64 * 1024 + 1))
        })
        .await;
        assert_eq!(complaint(&server).await, "its answer is longer than 64 KiB");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let server = Server::start(|_| Reply {
        endless: true,
        ..Reply::ok("x".repeat(1024))
    })
    .await;
    assert_eq!(complaint(&server).await, "its answer is longer than 64 KiB");
}

#[tokio::test]
async fn three_redirects_are_followed_and_not_a_fourth() {
    fn after(hops: u32) -> impl Fn(&str) -> Reply + Send + Sync + 'static {
        move |path| {
            let hop: u32 = path.strip_prefix("/hop/").map_or(0, |hop| hop.parse().unwrap());
            if hop == hops {
                Reply::ok(OURS)
            } else {
                Reply::redirect(format!("/hop/{}", hop + 1))
            }
        }
    }
    assert!(ask(&Server::start(after(3)).await).await.is_ok());
    let server = Server::start(after(4)).await;
    assert_eq!(complaint(&server).await, "it redirects too often or to plain HTTP");
    assert_eq!(server.asked().len(), 4);
    let circle = Server::start(|path| Reply::redirect(path.to_owned())).await;
    assert_eq!(complaint(&circle).await, "it redirects too often or to plain HTTP");
}

#[tokio::test]
async fn a_redirect_may_lead_to_another_server() {
    let there = Server::start(|_| Reply::ok(OURS)).await;
    let location = format!("http://{}/v1/access", there.address());
    let here = Server::start(move |_| Reply::redirect(location.clone())).await;
    assert!(ask(&here).await.is_ok());
}

#[tokio::test]
async fn a_server_that_hangs_up_is_unreachable() {
    let server = Server::start(|_| Reply {
        hang_up: true,
        ..Reply::ok(OURS)
    })
    .await;
    let error = ask(&server).await.unwrap_err();
    assert!(
        matches!(error, AccessError::Unreachable { .. }) && error.is_retryable(),
        "{error:?}"
    );
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let access = HttpAccess::parse(&format!("127.0.0.1:{port}")).unwrap();
    let error = access.discover(Some(&app())).await.unwrap_err();
    assert!(
        matches!(error, AccessError::Unreachable { .. }) && error.is_retryable(),
        "{error:?}"
    );
    assert!(
        error.to_string().contains(&format!("http://127.0.0.1:{port}")),
        "{error}"
    );
}

#[tokio::test]
async fn https_to_a_server_without_it_is_unreachable() {
    let server = Server::start(|_| Reply::ok(OURS)).await;
    let access = HttpAccess::parse(&format!("https://{}", server.address())).unwrap();
    assert!(matches!(
        access.discover(Some(&app())).await,
        Err(AccessError::Unreachable { .. })
    ));
    assert!(server.asked().is_empty());
}

/// With the clock paused it jumps to the next timer as soon as nothing else can happen.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_after_five_seconds() {
    let (real, virtual_start) = (Instant::now(), tokio::time::Instant::now());
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let access = HttpAccess::parse(&silent.local_addr().unwrap().to_string()).unwrap();
    let error = access.discover(Some(&app())).await.unwrap_err();
    assert!(
        matches!(error, AccessError::TimedOut { .. }) && error.is_retryable(),
        "{error:?}"
    );
    assert_eq!(virtual_start.elapsed().as_secs(), 5);
    assert!(real.elapsed() < Duration::from_secs(5));
}

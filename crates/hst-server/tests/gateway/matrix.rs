//! Every route for every kind of caller.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    document::paths,
    house::{Backend, House},
    http::{request, stranger},
};

/// A route and how it answers callers with an access token: its owner's, and another developer's. `{app}` in query and
/// body is the owner's App.
struct Row {
    method: &'static str,
    path: &'static str,
    query: &'static str,
    body: Value,
    owner: u64,
    other: u64,
}

const NO_APP: u64 = 606_000_100;
const NOT_OPERATOR: u64 = 606_000_110;
const NO_NODE: u64 = 606_000_111;
const NO_GROUP: u64 = 606_000_102;
const OFFLINE: u64 = 606_000_104;
const NO_BAN: u64 = 606_000_105;
const NO_CREDENTIALS: u64 = 606_000_000;
const NO_ACCESS: u64 = 606_000_001;

fn row(method: &'static str, path: &'static str, query: &'static str, body: Value, owner: u64, other: u64) -> Row {
    Row {
        method,
        path,
        query,
        body,
        owner,
        other,
    }
}

/// In the order in which they are asked: what deletes comes last.
fn rows() -> Vec<Row> {
    let none = Value::Null;
    let group = "/v1/apps/{app}/groups/{group}";
    let leak = |text: String| -> &'static str { text.leak() };
    vec![
        row("POST", "/v1/app", "", json!({ "app_name": "a", "service": [] }), 0, 0),
        row(
            "PATCH",
            "/v1/app",
            "",
            json!({ "app_id": "{app}", "app_name": "b" }),
            0,
            NO_APP,
        ),
        row(
            "GET",
            "/v1/consuming/records",
            "start_time=1&end_time=2&page=1&page_size=10",
            none.clone(),
            0,
            0,
        ),
        row(
            "POST",
            "/v1/kickout",
            "",
            json!({ "app_id": "{app}", "user_id": "u" }),
            OFFLINE,
            NO_APP,
        ),
        row(
            "GET",
            "/v1/online/user/state",
            "app_id={app}&msg_id=1",
            none.clone(),
            0,
            NO_APP,
        ),
        row(
            "POST",
            "/v1/online/trans-cmd",
            "",
            json!({ "app_id": "{app}", "msg_id": 1, "trans_mess": {}, "user_list": [{ "user_id": "u", "mutex_type": "web", "client_guid": "" }] }),
            0,
            NO_APP,
        ),
        row(
            "POST",
            "/v1/online/invite",
            "",
            json!({ "app_id": "{app}", "group_id": "g", "user_id_list": ["u"], "seq_id": 1 }),
            0,
            NO_APP,
        ),
        row("GET", "/v1/apps", "", none.clone(), 0, 0),
        row("GET", "/v1/nodes", "", none.clone(), 0, NOT_OPERATOR),
        row("POST", "/v1/nodes/{node}/drain", "", json!({}), NO_NODE, NOT_OPERATOR),
        row("GET", "/v1/apps/{app}", "", none.clone(), 0, NO_APP),
        row("PATCH", "/v1/apps/{app}", "", json!({ "history": 1 }), 0, NO_APP),
        row(
            "POST",
            "/v1/apps/{app}/secret",
            "",
            json!({ "keep_previous": 0 }),
            0,
            NO_APP,
        ),
        row("DELETE", "/v1/apps/{app}/secret/previous", "", none.clone(), 0, NO_APP),
        row("GET", "/v1/apps/{app}/groups", "", none.clone(), 0, NO_APP),
        row("GET", group, "", none.clone(), NO_GROUP, NO_APP),
        row("DELETE", group, "", none.clone(), NO_GROUP, NO_APP),
        row(
            "GET",
            leak(format!("{group}/stats")),
            "",
            none.clone(),
            NO_GROUP,
            NO_APP,
        ),
        row(
            "POST",
            leak(format!("{group}/lock")),
            "",
            json!({ "locked": true }),
            NO_GROUP,
            NO_APP,
        ),
        row(
            "POST",
            leak(format!("{group}/members/{{user}}/kick")),
            "",
            json!({}),
            NO_GROUP,
            NO_APP,
        ),
        row(
            "POST",
            leak(format!("{group}/media/mute")),
            "",
            json!({ "user": "u", "type": 1, "media": "appdef_mic", "muted": true }),
            NO_GROUP,
            NO_APP,
        ),
        row(
            "POST",
            leak(format!("{group}/messages")),
            "",
            json!({ "body": 1 }),
            NO_GROUP,
            NO_APP,
        ),
        row(
            "POST",
            "/v1/apps/{app}/users/{user}/messages",
            "",
            json!({ "body": 1 }),
            OFFLINE,
            NO_APP,
        ),
        row("GET", "/v1/apps/{app}/online", "", none.clone(), 0, NO_APP),
        row("GET", "/v1/apps/{app}/bans", "", none.clone(), 0, NO_APP),
        row("DELETE", "/v1/apps/{app}/bans", "user=u", none.clone(), NO_BAN, NO_APP),
        row("POST", "/v1/apps/{app}/bans", "", json!({ "user": "u" }), 0, NO_APP),
        row(
            "POST",
            "/v1/apps/{app}/revocations",
            "",
            json!({ "user": "u" }),
            0,
            NO_APP,
        ),
        row("DELETE", "/v1/app", "app_id={app}", none, 0, NO_APP),
    ]
}

#[tokio::test]
async fn h1_every_route_asks_every_caller_who_he_is() {
    let house = House::open().await;
    let document = request(stranger(), house.http(), "GET /v1/openapi.json", None, "")
        .await
        .json();
    let rows = rows();
    let mut listed: BTreeSet<_> = rows
        .iter()
        .map(|row| (row.method.to_owned(), row.path.to_owned()))
        .collect();
    // The one that is asked with other credentials: see `credentials`.
    listed.insert(("GET".to_owned(), "/access/token".to_owned()));
    assert_eq!(
        listed,
        paths(&document),
        "the matrix and the document name the same routes"
    );

    let replaced = house.backend().await;
    let owner = house.backend().await;
    let other = Backend::of(&house, &house.another_developer()).await;
    let app = owner.create_app().await;
    let jwt = app.jwt("ann", "id", 0);
    let unknown = "0".repeat(32);
    let bearer = format!("Bearer {}", owner.access_token);
    for row in rows {
        let fill = |text: &str| {
            let text = text.replace("{app}", &app.id);
            text.replace("{group}", "g").replace("{user}", "u")
        };
        let (path, query, body) = (fill(row.path), fill(row.query), fill(&row.body.to_string()));
        let line = format!("{} {path}?{query}", row.method);
        for (caller, shown, expected) in [
            ("nobody", None, NO_CREDENTIALS),
            ("an empty header", Some(""), NO_CREDENTIALS),
            ("an unknown token", Some(unknown.as_str()), NO_ACCESS),
            ("a token that was replaced", Some(&replaced.access_token), NO_ACCESS),
            ("a user", Some(&jwt), NO_ACCESS),
            ("a scheme that there is not", Some(&bearer), NO_ACCESS),
            ("another developer", Some(&other.access_token), row.other),
            ("the owner", Some(&owner.access_token), row.owner),
        ] {
            let answer = request(stranger(), house.http(), &line, shown, &body).await;
            assert_eq!(answer.code(), expected, "{line} by {caller}: {answer:?}");
            let is_platforms = !row.path.starts_with("/v1/apps") && !row.path.starts_with("/v1/nodes");
            let status = match expected {
                0 => 200,
                _ if is_platforms => 200,
                NO_CREDENTIALS | NO_ACCESS => 401,
                NOT_OPERATOR => 403,
                _ => 404,
            };
            assert_eq!(answer.status, status, "{line} by {caller}");
        }
    }
}

#[tokio::test]
async fn h3_anothers_app_answers_as_one_that_is_not_there() {
    let house = House::open().await;
    let other = Backend::of(&house, &house.another_developer()).await;
    let app = house.backend().await.create_app().await;
    for row in rows().into_iter().filter(|row| row.other == NO_APP) {
        let answers = ["app", "nosuchapp"].map(|which| {
            let id = if which == "app" { app.id.as_str() } else { which };
            let fill = |text: &str| {
                let text = text.replace("{app}", id);
                text.replace("{group}", "g").replace("{user}", "u")
            };
            let line = format!("{} {}?{}", row.method, fill(row.path), fill(row.query));
            let body: Value = serde_json::from_str(&fill(&row.body.to_string())).unwrap();
            let other = &other;
            async move { other.ask(&line, body).await }
        });
        let [real, absent] = answers;
        let (real, absent) = (real.await, absent.await);
        assert_eq!((real.status, real.body), (absent.status, absent.body), "{}", row.path);
    }
}

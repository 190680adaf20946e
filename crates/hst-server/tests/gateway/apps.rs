//! A developer's own Apps and their secrets.

use hst_server::DEV_APP_ID;
use serde_json::json;

use crate::{
    engine::{Engine, login},
    house::{Backend, House, OwnApp},
};

#[tokio::test]
async fn a_developer_sees_his_own_apps_and_those_of_the_configuration() {
    let house = House::open().await;
    let backend = house.backend().await;
    let other = Backend::of(&house, &house.another_developer()).await;
    let [one, two] = [backend.create_app().await, backend.create_app().await];
    let mut own = [one.id.clone(), two.id.clone(), DEV_APP_ID.to_owned()];
    own.sort_unstable();

    let listed = backend.get("GET /v1/apps", None).await;
    let ids: Vec<_> = listed["apps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|app| app["app"].as_str().unwrap())
        .collect();
    assert_eq!(
        (ids, &listed["total"]),
        (own.iter().map(String::as_str).collect(), &json!(3))
    );
    let page = backend.get("GET /v1/apps?offset=1&limit=1", None).await;
    assert_eq!((&page["apps"][0]["app"], &page["total"]), (&json!(own[1]), &json!(3)));
    assert_eq!(page["apps"].as_array().unwrap().len(), 1);
    assert_eq!(other.get("GET /v1/apps", None).await["total"], 1);

    let mut seen = backend.get(&format!("GET /v1/apps/{}", one.id), None).await;
    assert_eq!(seen["secret"].take(), json!(one.secret));
    assert_eq!(
        seen,
        json!({
            "code": 0, "msg": "OK", "app": one.id, "name": "test", "online": true, "fixed": false, "secret": null,
            "services": ["video", "audio", "screen", "messages", "presence", "record"], "login": "refuse",
            "max_members": 10_000, "max_message": 8_192, "history": 0,
            "accepts_001": true, "accepts_jwt": true, "bind_tokens": false,
        })
    );
}

#[tokio::test]
async fn a_new_secret_is_good_at_once_and_the_old_one_as_long_as_was_said() {
    let house = House::open().await;
    let backend = house.backend().await;
    let old = backend.create_app().await;
    let secret = format!("POST /v1/apps/{}/secret", old.id);
    let mut ann = Engine::online(&house, &old, "ann", "web").await;
    let rotate = async |seconds: u32| {
        let answer = backend.get(&secret, json!({ "keep_previous": seconds })).await;
        let new = OwnApp {
            id: old.id.clone(),
            secret: answer["secret"].as_str().unwrap().to_owned(),
        };
        (new, answer["previous_until"].as_u64())
    };
    let comes_in = async |app: &OwnApp| {
        let mut login = login(app, &app.token(), "bob", "web");
        login["login"]["force"] = json!(true);
        Engine::connect(&house).await.ask(login).await.is_ok()
    };

    let (new, until) = rotate(3600).await;
    let in_an_hour = crate::house::now().as_millis() + 3_600_000;
    assert!((in_an_hour - 60_000..=in_an_hour).contains(&until.unwrap()));
    assert!(comes_in(&new).await && comes_in(&old).await);
    backend
        .get(&format!("DELETE /v1/apps/{}/secret/previous", old.id), None)
        .await;
    assert!(comes_in(&new).await && !comes_in(&old).await);
    assert_eq!(
        backend
            .get(&format!("GET /v1/apps/{}", old.id), None)
            .await
            .get("previous_until"),
        None
    );

    let (newest, until) = rotate(0).await;
    assert_eq!(until, None);
    assert!(comes_in(&newest).await && !comes_in(&new).await);
    // Whoever is in stays.
    ann.hears_nothing().await;
}

#[tokio::test]
async fn settings_are_changed_one_by_one_and_count_from_the_next_login_on() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let change = format!("PATCH /v1/apps/{}", app.id);
    let hook = json!({ "url": "https://app.example.com/hook", "secret": format!("whsec_{}", "A".repeat(32)) });
    let all = json!({
        "login": "devices:2", "max_members": 1, "max_message": 10, "history": 3, "bind_tokens": true, "webhook": hook,
    });
    let changed = backend.get(&change, all).await;
    for (field, value) in [
        ("login", json!("devices:2")),
        ("max_members", json!(1)),
        ("max_message", json!(10)),
        ("history", json!(3)),
        ("bind_tokens", json!(true)),
        ("accepts_001", json!(true)),
        ("webhook", json!("https://app.example.com/hook")),
        ("secret", json!(app.secret)),
    ] {
        assert_eq!(changed[field], value, "{field}");
    }
    assert!(
        !changed.to_string().contains("whsec_"),
        "the secret of a webhook is not shown"
    );

    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    Engine::online(&house, &app, "ann", "web").await;
    assert_eq!(ann.ask(json!({ "message": { "body": "0123456789" } })).await, Err(1));
    let mut bob = Engine::online(&house, &app, "bob", "web").await;
    assert_eq!(bob.ask(json!({ "join": { "group": "g" } })).await, Err(1_000_101));

    let changed = backend
        .get(&change, json!({ "accepts_001": false, "webhook": null }))
        .await;
    assert_eq!((changed.get("webhook"), &changed["login"]), (None, &json!("devices:2")));
    let mut cid = Engine::connect(&house).await;
    assert_eq!(cid.ask(login(&app, &app.token(), "cid", "web")).await, Err(1_000_000));
    cid.ask(login(&app, &app.jwt("cid", "id", 0), "cid", "web"))
        .await
        .unwrap();

    for wrong in [
        json!({ "login": "devices:17" }),
        json!({ "max_members": 0 }),
        json!({ "max_message": 65_537 }),
        json!({ "history": 1_001 }),
        json!({ "history": null }),
        json!({ "webhook": { "url": "ftp://a", "secret": hook["secret"] } }),
        json!({ "webhook": { "url": "https://169.254.169.254/latest", "secret": hook["secret"] } }),
        json!({ "webhook": { "url": "http://[::1]:8080/", "secret": hook["secret"] } }),
        json!({ "webhook": { "url": "https://a", "secret": "sixteen-letters-" } }),
        json!({ "online": true }),
    ] {
        let answer = backend.ask(&change, wrong.clone()).await;
        assert_eq!((answer.status, answer.code()), (400, 606_000_003), "{wrong}");
    }
}

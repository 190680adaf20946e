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

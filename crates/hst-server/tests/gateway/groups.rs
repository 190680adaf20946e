//! Looking at groups and acting on them.

use serde_json::json;

use crate::{engine::Engine, house::House};

#[tokio::test]
async fn a_group_is_listed_and_shown_while_somebody_is_in_it() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let groups = format!("GET /v1/apps/{}/groups", app.id);
    assert_eq!(backend.get(&groups, None).await["groups"], json!([]));
    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    let _bob = Engine::in_group(&house, &app, "bob", "g").await;
    let _cid = Engine::in_group(&house, &app, "cid", "f").await;
    ann.ask(json!({ "publish": { "type": 1, "media": "appdef_mic", "name": "mine" } }))
        .await
        .unwrap();

    let listed = backend.get(&groups, None).await;
    assert_eq!((&listed["groups"], &listed["total"]), (&json!(["f", "g"]), &json!(2)));
    let shown = backend.get(&format!("{groups}/g"), None).await;
    assert_eq!(
        shown,
        json!({
            "code": 0, "msg": "OK", "members": ["ann", "bob"], "total": 2, "locked": false,
            "media": [{ "user": "ann", "type": 1, "media": "appdef_mic", "name": "mine", "muted": false }],
        })
    );
    let page = backend.get(&format!("{groups}/g?offset=1&limit=1"), None).await;
    assert_eq!((&page["members"], &page["total"]), (&json!(["bob"]), &json!(2)));
    let other_app = backend.create_app().await;
    let elsewhere = backend
        .ask(&format!("GET /v1/apps/{}/groups/g", other_app.id), None)
        .await;
    assert_eq!(
        elsewhere.code(),
        606_000_102,
        "the same name in another App is another group"
    );
}

#[tokio::test]
async fn a_group_that_is_closed_is_empty_and_can_be_joined_anew() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    let mut bob = Engine::in_group(&house, &app, "bob", "g").await;
    ann.event("member_joined").await;
    backend.get(&format!("DELETE /v1/apps/{}/groups/g", app.id), None).await;
    assert_eq!(ann.event("removed").await["code"], 1_000_104);
    bob.event("member_left").await;
    assert_eq!(bob.event("removed").await["code"], 1_000_104);
    let joined = bob.ask(json!({ "join": { "group": "g" } })).await.unwrap();
    assert_eq!(joined["joined"]["members"], json!([]));
}

#[tokio::test]
async fn a_locked_group_takes_nobody_until_it_is_opened() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    let mut bob = Engine::online(&house, &app, "bob", "web").await;
    let lock = format!("POST /v1/apps/{}/groups/g/lock", app.id);
    let join = json!({ "join": { "group": "g" } });
    backend.get(&lock, json!({ "locked": true })).await;
    assert_eq!(ann.event("locked").await, json!({ "locked": true }));
    assert_eq!(bob.ask(join.clone()).await, Err(1_000_102));
    backend.get(&lock, json!({ "locked": false })).await;
    bob.ask(join).await.unwrap();
}

#[tokio::test]
async fn who_is_put_out_of_a_group_is_out_of_it_alone_and_may_be_kept_out() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    let mut bob = Engine::in_group(&house, &app, "bob", "g").await;
    ann.event("member_joined").await;
    let kick = format!("POST /v1/apps/{}/groups/g/members/bob/kick", app.id);
    let join = json!({ "join": { "group": "g" } });

    backend.get(&kick, json!({})).await;
    assert_eq!(bob.event("removed").await["code"], 1_000_104);
    assert_eq!(ann.event("member_left").await, json!({ "user": "bob" }));
    assert_eq!(backend.ask(&kick, json!({})).await.code(), 606_000_103);
    bob.ask(join.clone()).await.unwrap();

    backend.get(&kick, json!({ "ban": 600 })).await;
    assert_eq!(bob.event("removed").await["code"], 1_000_103);
    assert_eq!(bob.ask(join).await, Err(1_000_103));
    bob.ask(json!({ "join": { "group": "f" } })).await.unwrap();
}

#[tokio::test]
async fn a_media_that_is_muted_is_told_to_everybody() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    ann.ask(json!({ "publish": { "type": 1, "media": "appdef_mic" } }))
        .await
        .unwrap();
    let mute = format!("POST /v1/apps/{}/groups/g/media/mute", app.id);
    let media = |media, muted| json!({ "user": "ann", "type": 1, "media": media, "muted": muted });
    backend.get(&mute, media("appdef_mic", true)).await;
    assert_eq!(ann.event("muted").await["muted"], true);
    let shown = backend.get(&format!("GET /v1/apps/{}/groups/g", app.id), None).await;
    assert_eq!(shown["media"][0]["muted"], true);
    backend.get(&mute, media("appdef_mic", false)).await;
    assert_eq!(ann.event("muted").await.get("muted"), None);
    assert_eq!(backend.ask(&mute, media("other", true)).await.code(), 606_000_103);
}

#[tokio::test]
async fn what_the_application_says_to_a_group_reaches_its_members_alone() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    let mut bob = Engine::in_group(&house, &app, "bob", "f").await;
    let body = json!({ "body": { "n": 1.50, "text": "é\u{2028}" } });
    backend
        .get(&format!("POST /v1/apps/{}/groups/g/messages", app.id), body.clone())
        .await;
    assert_eq!(ann.event("server_message").await, body);
    bob.hears_nothing().await;
}

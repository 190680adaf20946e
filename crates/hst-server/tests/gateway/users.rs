//! Who is online, who is kept out, and whose tokens are taken back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    engine::{Engine, login},
    house::{Backend, House, OwnApp, now},
};

async fn refused(house: &House, app: &OwnApp, token: &str, user: &str) -> Option<u64> {
    Engine::connect(house)
        .await
        .ask(login(app, token, user, "web"))
        .await
        .err()
}

async fn house() -> (House, Backend, OwnApp) {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    (house, backend, app)
}

#[tokio::test]
async fn terminals_are_listed_with_what_they_say_of_themselves() {
    let (house, backend, app) = house().await;
    let mut ann = Engine::connect(&house).await;
    let mut login = login(&app, &app.token(), "ann", "web");
    login["login"]["extend_info"] = json!("Ann");
    login["login"]["company"] = json!("c");
    ann.ask(login).await.unwrap();
    ann.ask(json!({ "set_state": { "state": "busy" } })).await.unwrap();
    let mut phone = Engine::online(&house, &app, "ann", "android").await;
    let online = format!("GET /v1/apps/{}/online", app.id);
    let mut listed = backend.get(&online, None).await;
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["terminals"][0]["terminal"], "android");
    let mut web = listed["terminals"][1].take();
    assert!(web["session"].take().is_string());
    assert_eq!(
        web,
        json!({ "user": "ann", "terminal": "web", "session": null, "company": "c", "state": "busy", "extend_info": "Ann" })
    );
    phone.ask(json!({ "exit": {} })).await.unwrap();
    // Its place is given back a moment later.
    let deadline = Instant::now() + Duration::from_secs(10);
    while backend.get(&online, None).await["total"] != 1 {
        assert!(Instant::now() < deadline, "the phone is still there");
    }
}

#[tokio::test]
async fn the_nodes_of_the_platform_are_listed_with_what_they_do() {
    let (house, backend, app) = house().await;
    let _ann = Engine::online(&house, &app, "ann", "web").await;
    let listed = backend.get("GET /v1/nodes", None).await;
    assert_eq!(listed["total"], 1);
    let node = &listed["nodes"][0];
    assert_eq!((&node["node"], &node["state"]), (&json!("local"), &json!("up")));
    assert_eq!(
        (&node["sessions"], &node["groups"], &node["link"]),
        (&json!(1), &json!(0), &Value::Null)
    );
    assert_eq!(node["address"], format!("http://{}", house.http()));
    assert!(
        node["epoch"].as_u64() > Some(0) && node["load"].as_f64() < Some(0.1),
        "{node}"
    );
    // There is nowhere to go, and so it works on.
    let refused = backend.ask("POST /v1/nodes/local/drain", json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, 606_000_112));
    let _bob = Engine::online(&house, &app, "bob", "web").await;
    let past = backend.get("GET /v1/nodes?offset=1", None).await;
    assert_eq!((&past["total"], &past["nodes"]), (&json!(1), &json!([])));
}

#[tokio::test]
async fn a_user_is_told_on_all_his_terminals() {
    let (house, backend, app) = house().await;
    let mut ann = Engine::online(&house, &app, "ann", "web").await;
    let mut phone = Engine::online(&house, &app, "ann", "android").await;
    let message = format!("POST /v1/apps/{}/users/ann/messages", app.id);
    assert_eq!(backend.get(&message, json!({ "body": "hi" })).await["terminals"], 2);
    for engine in [&mut ann, &mut phone] {
        assert_eq!(engine.event("server_message").await, json!({ "body": "hi" }));
    }
    let nobody = format!("POST /v1/apps/{}/users/bob/messages", app.id);
    let answer = backend.ask(&nobody, json!({ "body": "hi" })).await;
    assert_eq!((answer.status, answer.code()), (404, 606_000_104));
}

#[tokio::test]
async fn who_is_banned_from_an_app_is_out_and_stays_out_until_the_ban_is_lifted() {
    let (house, backend, app) = house().await;
    let bans = format!("/v1/apps/{}/bans", app.id);
    let mut ann = Engine::online(&house, &app, "ann", "web").await;
    let ban = json!({ "user": "ann", "seconds": 3600, "reason": "spam" });
    backend.get(&format!("POST {bans}"), ban).await;
    assert_eq!(ann.event("ended").await["code"], 1_000_103);
    assert_eq!(refused(&house, &app, &app.token(), "ann").await, Some(1_000_103));
    assert_eq!(refused(&house, &app, &app.token(), "bob").await, None);

    let listed = backend.get(&format!("GET {bans}"), None).await;
    let ban = &listed["bans"][0];
    assert_eq!(
        (&ban["user"], &ban["reason"], ban.get("group")),
        (&json!("ann"), &json!("spam"), None)
    );
    let in_an_hour = now().as_millis() + 3_600_000;
    assert!((in_an_hour - 60_000..=in_an_hour).contains(&ban["until"].as_u64().unwrap()));

    let lift = format!("DELETE {bans}?user=ann");
    backend.get(&lift, None).await;
    assert_eq!(refused(&house, &app, &app.token(), "ann").await, None);
    assert_eq!(backend.ask(&lift, None).await.code(), 606_000_105);
}

#[tokio::test]
async fn who_is_banned_from_a_group_is_out_of_it_alone_also_after_a_restart() {
    let (house, backend, app) = house().await;
    let bans = format!("/v1/apps/{}/bans", app.id);
    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    backend
        .get(&format!("POST {bans}"), json!({ "user": "ann", "group": "g" }))
        .await;
    assert_eq!(ann.event("removed").await["code"], 1_000_103);
    assert_eq!(ann.ask(json!({ "join": { "group": "g" } })).await, Err(1_000_103));
    ann.ask(json!({ "join": { "group": "f" } })).await.unwrap();

    let House {
        server,
        developer,
        folder,
    } = house;
    server.shutdown().await;
    let server = crate::house::start(&folder).await;
    let house = House {
        server,
        developer,
        folder,
    };
    let backend = house.backend().await;
    let mut ann = Engine::online(&house, &app, "ann", "web").await;
    assert_eq!(ann.ask(json!({ "join": { "group": "g" } })).await, Err(1_000_103));
    let listed = backend.get(&format!("GET {bans}"), None).await;
    assert_eq!(listed["bans"], json!([{ "user": "ann", "group": "g", "reason": "" }]));
    backend.get(&format!("DELETE {bans}?user=ann&group=g"), None).await;
    ann.ask(json!({ "join": { "group": "g" } })).await.unwrap();
}

/// Logs ann and bob in by these tokens, revokes, and says which of them are still there and which may come again.
async fn after(house: &House, backend: &Backend, app: &OwnApp, tokens: [&str; 2], revoke: Value) -> [bool; 2] {
    let mut engines = Vec::new();
    for (user, token) in ["ann", "bob"].into_iter().zip(tokens) {
        let mut engine = Engine::connect(house).await;
        engine.ask(login(app, token, user, "web")).await.unwrap();
        engines.push(engine);
    }
    let start = Instant::now();
    backend
        .get(&format!("POST /v1/apps/{}/revocations", app.id), revoke)
        .await;
    let mut stays = [true; 2];
    for (index, (engine, (user, token))) in engines
        .iter_mut()
        .zip(["ann", "bob"].into_iter().zip(tokens))
        .enumerate()
    {
        let again = refused(house, app, token, user).await;
        if again == Some(1_000_105) {
            assert_eq!(engine.event("ended").await["code"], 1_000_105);
            assert!(
                start.elapsed() < Duration::from_secs(1),
                "it took {:?}",
                start.elapsed()
            );
            stays[index] = false;
        } else {
            assert_eq!(again, Some(1_000_008), "{user} is online");
            engine.hears_nothing().await;
        }
    }
    stays
}

#[tokio::test]
async fn a_token_that_is_taken_back_ends_its_sessions_within_a_second_and_opens_none() {
    let (house, backend, app) = house().await;
    let tokens = [app.jwt("ann", "one", 0), app.jwt("bob", "two", 0)];
    let tokens = tokens.each_ref().map(String::as_str);
    assert_eq!(
        after(&house, &backend, &app, tokens, json!({ "token": "one" })).await,
        [false, true]
    );
}

#[tokio::test]
async fn the_tokens_of_a_user_are_taken_back_and_a_newer_one_opens() {
    let (house, backend, app) = house().await;
    let tokens = [app.jwt("ann", "one", 10), app.jwt("bob", "two", 10)];
    let tokens = tokens.each_ref().map(String::as_str);
    let revoke = json!({ "user": "ann", "issued_before": now().as_millis() - 5_000 });
    assert_eq!(after(&house, &backend, &app, tokens, revoke).await, [false, true]);
    assert_eq!(refused(&house, &app, &app.jwt("ann", "three", 0), "ann").await, None);
}

#[tokio::test]
async fn what_was_issued_before_a_moment_is_taken_back_from_everybody() {
    let (house, backend, app) = house().await;
    let tokens = [app.jwt("ann", "one", 10), app.jwt("bob", "two", 0)];
    let tokens = tokens.each_ref().map(String::as_str);
    let revoke = json!({ "issued_before": now().as_millis() - 5_000 });
    assert_eq!(after(&house, &backend, &app, tokens, revoke).await, [false, true]);
}

#[tokio::test]
async fn an_ended_session_cannot_be_resumed_by_a_token_that_was_taken_back() {
    let (house, backend, app) = house().await;
    let mut ann = Engine::connect(&house).await;
    let answer = ann
        .ask(login(&app, &app.jwt("ann", "one", 0), "ann", "web"))
        .await
        .unwrap();
    let session = &answer["logged_in"];
    // Its connection is lost, and it waits for its client.
    drop(ann);
    backend
        .get(
            &format!("POST /v1/apps/{}/revocations", app.id),
            json!({ "token": "one" }),
        )
        .await;
    let resume =
        json!({ "resume": { "protocol": 1, "session": session["session"], "secret": session["secret"], "got": 0 } });
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        // The session's end and the answer to the revocation are not in step.
        match Engine::connect(&house).await.ask(resume.clone()).await {
            Err(code) => break assert_eq!(code, 1_000_105),
            Ok(_) => assert!(Instant::now() < deadline, "it goes on"),
        }
    }
}

#[tokio::test]
async fn a_revocation_says_what_it_means() {
    let (_house, backend, app) = house().await;
    let line = format!("POST /v1/apps/{}/revocations", app.id);
    let future = now().as_millis() + 60_000;
    for (body, code) in [
        (json!({}), 606_000_002),
        (json!({ "token": "one", "user": "ann" }), 606_000_003),
        (json!({ "token": "one", "issued_before": 1 }), 606_000_003),
        (json!({ "token": "" }), 606_000_003),
        (json!({ "issued_before": future }), 606_000_003),
        (json!({ "user": "ann", "issued_before": future }), 606_000_003),
    ] {
        let answer = backend.ask(&line, body.clone()).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{body}");
    }
}

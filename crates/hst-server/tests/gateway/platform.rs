//! What the platform's own backends ask.

use hst_server::DEV_APP_ID;
use serde_json::{Value, json};

use crate::{
    engine::{Engine, login},
    house::House,
};

#[tokio::test]
async fn an_app_is_created_offline_and_its_answer_is_the_platforms() {
    let house = House::open().await;
    let backend = house.backend().await;
    let new = json!({
        "app_name": "会议 demo",
        "consumption_limit": 100,
        "service": [{ "service_id": 3, "use_limit": 7 }, { "service_id": 6 }],
    });
    let mut app = backend.get("POST /v1/app", new).await;
    let (id, secret) = (app["app_id"].take(), app["app_secret"].take());
    assert_eq!(id.as_str().unwrap().len(), 32);
    assert_eq!(secret.as_str().unwrap().len(), 16);
    assert_eq!(
        app,
        json!({
            "code": 0, "msg": "OK", "app_id": null, "app_secret": null, "app_name": "会议 demo", "status": "offline",
            "consumption_limit": 100,
            "service": [
                { "service_id": 3, "service_name": "video", "use_limit": 7 },
                { "service_id": 6, "service_name": "messages", "use_limit": null },
            ],
        })
    );
    let changed = backend
        .get("PATCH /v1/app", json!({ "app_id": id, "status": "online" }))
        .await;
    assert_eq!(
        (&changed["status"], &changed["app_secret"]),
        (&json!("online"), &secret)
    );
    assert_eq!(
        (&changed["app_name"], &changed["service"]),
        (&app["app_name"], &app["service"])
    );
    let changed = backend
        .get("PATCH /v1/app", json!({ "app_id": id, "app_name": "b", "service": [] }))
        .await;
    assert_eq!((&changed["app_name"], &changed["service"]), (&json!("b"), &json!([])));
    assert_eq!(
        (&changed["status"], &changed["consumption_limit"]),
        (&json!("online"), &json!(100))
    );
}

#[tokio::test]
async fn who_is_in_an_app_that_goes_offline_or_is_deleted_is_out_and_stays_out() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::online(&house, &app, "ann", "web").await;
    let status = |status| json!({ "app_id": app.id, "status": status });
    backend.get("PATCH /v1/app", status("offline")).await;
    assert_eq!(ann.event("ended").await["code"], 1_000_002);
    let mut late = Engine::connect(&house).await;
    assert_eq!(late.ask(login(&app, &app.token(), "ann", "web")).await, Err(1_000_002));

    backend.get("PATCH /v1/app", status("online")).await;
    let mut ann = Engine::online(&house, &app, "ann", "web").await;
    backend.get(&format!("DELETE /v1/app?app_id={}", app.id), None).await;
    assert_eq!(ann.event("ended").await["code"], 1_000_001);
    let mut late = Engine::connect(&house).await;
    assert_eq!(late.ask(login(&app, &app.token(), "ann", "web")).await, Err(1_000_001));
    let gone = backend.ask(&format!("DELETE /v1/app?app_id={}", app.id), None).await;
    assert_eq!(gone.code(), 606_000_100);
}

#[tokio::test]
async fn a_service_that_an_app_has_not_is_refused_from_the_next_join_on() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    let publish = json!({ "publish": { "type": 2, "media": "cam" } });
    ann.ask(publish.clone()).await.unwrap();
    let without_video = json!({ "app_id": app.id, "service": [{ "service_id": 4 }] });
    backend.get("PATCH /v1/app", without_video).await;
    ann.ask(json!({ "leave": {} })).await.unwrap();
    ann.ask(json!({ "join": { "group": "g" } })).await.unwrap();
    assert_eq!(ann.ask(publish).await, Err(1_000_004));
    assert_eq!(ann.ask(json!({ "message": { "body": 1 } })).await, Err(1_000_020));
}

#[tokio::test]
async fn an_app_of_the_configuration_is_seen_and_used_and_not_changed() {
    let house = House::open().await;
    let backend = house.backend().await;
    let seen = backend.get(&format!("GET /v1/apps/{DEV_APP_ID}"), None).await;
    assert_eq!((&seen["fixed"], seen.get("secret")), (&json!(true), None));
    for (line, body) in [
        (
            "PATCH /v1/app".to_owned(),
            json!({ "app_id": DEV_APP_ID, "status": "offline" }),
        ),
        (format!("PATCH /v1/apps/{DEV_APP_ID}"), json!({ "history": 1 })),
        (format!("DELETE /v1/app?app_id={DEV_APP_ID}"), Value::Null),
        (
            format!("POST /v1/apps/{DEV_APP_ID}/secret"),
            json!({ "keep_previous": 0 }),
        ),
        (format!("DELETE /v1/apps/{DEV_APP_ID}/secret/previous"), Value::Null),
    ] {
        let answer = backend.ask(&line, body).await;
        assert_eq!(answer.code(), 606_000_101, "{line}");
        assert!(answer.body.contains("configuration"), "{answer:?}");
    }
    let ban = json!({ "user": "mallory" });
    backend.get(&format!("POST /v1/apps/{DEV_APP_ID}/bans"), ban).await;
}

#[tokio::test]
async fn who_is_kicked_out_is_told_so_on_every_terminal_that_is_meant() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::online(&house, &app, "ann", "web").await;
    let mut phone = Engine::online(&house, &app, "ann", "android").await;
    let mut bob = Engine::online(&house, &app, "bob", "web").await;

    let whom = json!({ "app_id": app.id, "user_id": "ann", "mutex_type": "android" });
    backend.get("POST /v1/kickout", whom.clone()).await;
    assert_eq!(phone.event("ended").await["code"], 1_000_104);
    ann.hears_nothing().await;
    assert_eq!(backend.ask("POST /v1/kickout", whom).await.code(), 606_000_104);

    backend
        .get("POST /v1/kickout", json!({ "app_id": app.id, "user_id": "ann" }))
        .await;
    assert_eq!(ann.event("ended").await["code"], 1_000_104);
    bob.hears_nothing().await;
    // He is not kept out.
    Engine::online(&house, &app, "ann", "web").await;
}

#[tokio::test]
async fn the_states_of_users_come_in_pages_by_company() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut engines = Vec::new();
    for (user, company) in [("ann", "a"), ("bob", "b"), ("cid", "a"), ("dan", "a")] {
        let mut engine = Engine::connect(&house).await;
        let mut login = login(&app, &app.token(), user, "web");
        login["login"]["company"] = json!(company);
        engine.ask(login).await.unwrap();
        engines.push(engine);
    }
    let states = format!("GET /v1/online/user/state?app_id={}&msg_id=-7", app.id);
    let users = |answer: &Value| {
        let list = answer["user_list"].as_array().unwrap();
        let name = |user: &Value| {
            assert_eq!((&user["state"], &user["mutex_type"]), (&json!(1), &json!("web")));
            assert!(!user["terminal_seq_num"].as_str().unwrap().is_empty());
            user["user_id"].as_str().unwrap().to_owned()
        };
        list.iter().map(name).collect::<Vec<_>>()
    };
    let all = backend.get(&states, None).await;
    assert_eq!(users(&all), ["ann", "bob", "cid", "dan"]);
    assert_eq!(all["msg_id"], -7);
    let page = |page| format!("{states}&company_id=a&page={page}&page_size=2");
    assert_eq!(users(&backend.get(&page(1), None).await), ["ann", "cid"]);
    assert_eq!(users(&backend.get(&page(2), None).await), ["dan"]);
    assert!(users(&backend.get(&page(3), None).await).is_empty());
}

#[tokio::test]
async fn a_command_reaches_the_terminals_that_are_named() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::online(&house, &app, "ann", "web").await;
    let mut phone = Engine::online(&house, &app, "ann", "android").await;
    let order = json!({
        "app_id": app.id, "msg_id": 9, "trans_mess": { "do": ["x", null] },
        "user_list": [
            { "user_id": "ann", "mutex_type": "web", "client_guid": "whatever" },
            { "user_id": "ann", "mutex_type": "ios", "client_guid": "" },
            { "user_id": "bob", "mutex_type": "web" },
        ],
    });
    let answer = backend.get("POST /v1/online/trans-cmd", order).await;
    let results: Vec<_> = answer["user_list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["result"])
        .collect();
    assert_eq!(
        (results, &answer["msg_id"]),
        (vec![&json!(0), &json!(2), &json!(2)], &json!(9))
    );
    assert_eq!(
        ann.event("server_message").await,
        json!({ "body": { "do": ["x", null] } })
    );
    phone.hears_nothing().await;
}

#[tokio::test]
async fn the_invited_ring_and_who_is_not_online_is_named() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::online(&house, &app, "ann", "web").await;
    let mut phone = Engine::online(&house, &app, "ann", "android").await;
    let invite = json!({
        "app_id": app.id, "group_id": "g", "seq_id": 12, "user_id_list": ["ann", "bob", "ann"],
        "extend_info": { "why": "standup" },
    });
    let answer = backend.get("POST /v1/online/invite", invite).await;
    assert_eq!(
        answer,
        json!({ "code": 0, "msg": "OK", "seq_id": 12, "user_id_list": ["bob"] })
    );
    let mut numbers = Vec::new();
    for engine in [&mut ann, &mut phone] {
        let invited = engine.event("invited").await;
        assert_eq!(
            (&invited["group"], &invited["from"], &invited["extend_info"]),
            (&json!("g"), &json!("server"), &json!({ "why": "standup" }))
        );
        numbers.push(invited["invite"].clone());
        engine.hears_nothing().await;
    }
    let answer = json!({ "answer_invite": { "invite": numbers[0], "accept": true } });
    ann.ask(answer.clone()).await.unwrap();
    let ended = json!({ "invite": numbers[1], "why": "answered_elsewhere" });
    assert_eq!(phone.event("invite_ended").await, ended);
    assert_eq!(phone.ask(answer).await, Err(1_000_110), "it is over");
    for users in [json!([]), json!(vec!["ann"; 129])] {
        let invite = json!({ "app_id": app.id, "group_id": "g", "seq_id": 1, "user_id_list": users });
        assert_eq!(backend.ask("POST /v1/online/invite", invite).await.code(), 606_000_003);
    }
}

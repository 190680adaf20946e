//! What is registered is so on every node of a platform, whichever was asked.

use std::{sync::Arc, time::Duration};

use hst_server::{
    Config, RunningServer, Server,
    cluster::{NodeId, memory::MemoryCluster},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use crate::{
    engine::{Engine, login},
    house::{Backend, House, OwnApp},
};

/// Longer than anything takes that goes well.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn start_node(cluster: &MemoryCluster, name: &str, folder: &TempDir) -> RunningServer {
    let config = Config {
        bind: "127.0.0.1:0".parse().unwrap(),
        data_dir: Some(folder.path().to_owned()),
        ..Config::dev()
    };
    let (directory, bus) = (Arc::new(cluster.clone()), Arc::new(cluster.clone()));
    let server = Server::new(config).cluster(directory, bus, NodeId::parse(name).unwrap());
    server.without_media().start().await.unwrap()
}

/// Nodes of one platform, each with its folder.
pub(crate) async fn nodes<const N: usize>(cluster: &MemoryCluster) -> [House; N] {
    let mut houses: Vec<House> = Vec::new();
    for number in 0..N {
        let folder = tempfile::tempdir().unwrap();
        let server = start_node(cluster, &format!("n{number}"), &folder).await;
        let first = houses.first().map(|house| house.developer.clone());
        assert_eq!(
            server.new_developer().is_some(),
            first.is_none(),
            "the platform has one"
        );
        let developer = first.unwrap_or_else(|| server.new_developer().unwrap().clone());
        houses.push(House {
            server,
            developer,
            folder,
        });
    }
    houses.try_into().unwrap_or_else(|_| unreachable!("there are so many"))
}

/// Who asks this node with an access token that another has given.
fn at(house: &House, backend: &Backend) -> Backend {
    backend.at(house.http())
}

async fn code_of_login(house: &House, app: &OwnApp, token: &str, user: &str) -> Option<u64> {
    let mut engine = Engine::connect(house).await;
    let mut login = login(app, token, user, "web");
    login["login"]["force"] = json!(true);
    engine.ask(login).await.err()
}

/// What all nodes answer alike.
async fn same(houses: &[House], backend: &Backend, line: &str) -> Value {
    let mut answers = Vec::new();
    for house in houses {
        answers.push(at(house, backend).ask(line, None).await.json());
    }
    let first = answers[0].clone();
    assert!(answers.iter().all(|answer| *answer == first), "{line}: {answers:#?}");
    first
}

/// Asks again and again until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn every_node_answers_alike_and_acts_alike_when_one_has_answered() {
    let cluster = MemoryCluster::default();
    let houses: [House; 3] = nodes(&cluster).await;
    let [one, two, three] = &houses;
    let backend = one.backend().await;
    let app = at(two, &backend).create_app().await;
    let path = format!("/v1/apps/{}", app.id);
    let get = format!("GET {path}");
    assert_eq!(same(&houses, &backend, &get).await["secret"], json!(app.secret));
    assert_eq!(same(&houses, &backend, "GET /v1/apps").await["total"], 2);

    at(three, &backend)
        .get(&format!("PATCH {path}"), json!({ "login": "devices:2", "history": 7 }))
        .await;
    assert_eq!(same(&houses, &backend, &get).await["history"], 7);
    let rotated = at(one, &backend)
        .get(&format!("POST {path}/secret"), json!({ "keep_previous": 0 }))
        .await;
    let new = OwnApp {
        id: app.id.clone(),
        secret: rotated["secret"].as_str().unwrap().to_owned(),
    };
    for house in &houses {
        assert_eq!(code_of_login(house, &new, &new.token(), "ann").await, None);
        assert_eq!(code_of_login(house, &app, &app.token(), "ann").await, Some(1_000_000));
    }

    // Each on another node than the one that is asked.
    let mut bob = Engine::online(three, &new, "bob", "web").await;
    let bans = format!("{path}/bans");
    at(one, &backend)
        .get(&format!("POST {bans}"), json!({ "user": "bob", "reason": "spam" }))
        .await;
    for house in &houses {
        assert_eq!(code_of_login(house, &new, &new.token(), "bob").await, Some(1_000_103));
    }
    assert_eq!(bob.event("ended").await["code"], 1_000_103);
    assert_eq!(
        same(&houses, &backend, &format!("GET {bans}")).await["bans"][0]["reason"],
        "spam"
    );
    at(two, &backend).get(&format!("DELETE {bans}?user=bob"), None).await;
    assert_eq!(
        same(&houses, &backend, &format!("DELETE {bans}?user=bob")).await["code"],
        606_000_105
    );
    for house in &houses {
        assert_eq!(code_of_login(house, &new, &new.token(), "bob").await, None);
    }

    let token = new.jwt("cid", "jti", 10);
    let mut cid = Engine::connect(three).await;
    cid.ask(login(&new, &token, "cid", "web")).await.unwrap();
    at(two, &backend)
        .get(&format!("POST {path}/revocations"), json!({ "token": "jti" }))
        .await;
    for house in &houses {
        assert_eq!(code_of_login(house, &new, &token, "cid").await, Some(1_000_105));
    }
    assert_eq!(cid.event("ended").await["code"], 1_000_105);

    let mut dan = Engine::online(one, &new, "dan", "web").await;
    at(three, &backend)
        .get(&format!("DELETE /v1/app?app_id={}", app.id), None)
        .await;
    assert_eq!(same(&houses, &backend, &get).await["code"], 606_000_100);
    for house in &houses {
        assert_eq!(code_of_login(house, &new, &new.token(), "dan").await, Some(1_000_001));
    }
    assert_eq!(dan.event("ended").await["code"], 1_000_001);

    // The token of before is worth nothing, on any node.
    let newer = two.backend().await;
    assert_eq!(same(&houses, &backend, "GET /v1/apps").await["code"], 606_000_001);
    assert_eq!(same(&houses, &newer, "GET /v1/apps").await["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_logins_race_with_a_ban_on_another_node_nobody_is_in_once_it_is_answered() {
    let cluster = MemoryCluster::default();
    let [one, two]: [House; 2] = nodes(&cluster).await;
    let backend = one.backend().await;
    let app = backend.create_app().await;
    for round in 0..30 {
        let user = format!("user-{round}");
        let logging_in = async {
            let mut engine = Engine::connect(&two).await;
            let result = engine.ask(login(&app, &app.token(), &user, "web")).await;
            (engine, result)
        };
        let banning = async {
            // At another moment of the login each time.
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            let ban = json!({ "user": user });
            backend.get(&format!("POST /v1/apps/{}/bans", app.id), ban).await;
            code_of_login(&two, &app, &app.token(), &user).await
        };
        let ((mut engine, result), late) = tokio::join!(logging_in, banning);
        assert_eq!(late, Some(1_000_103), "{user}");
        match result {
            Ok(_) => assert_eq!(engine.event("ended").await["code"], 1_000_103, "{user}"),
            Err(code) => assert_eq!(code, 1_000_103, "{user}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_that_change_one_app_at_once_neither_takes_back_what_the_other_did() {
    let cluster = MemoryCluster::default();
    let houses: [House; 2] = nodes(&cluster).await;
    let backend = houses[0].backend().await;
    let app = backend.create_app().await;
    let change = format!("PATCH /v1/apps/{}", app.id);
    let [one, two] = houses.each_ref().map(|house| at(house, &backend));
    for round in 1..=30 {
        tokio::join!(
            one.get(&change, json!({ "history": round })),
            two.get(&change, json!({ "max_members": round })),
        );
        let seen = same(&houses, &backend, &format!("GET /v1/apps/{}", app.id)).await;
        assert_eq!((&seen["history"], &seen["max_members"]), (&json!(round), &json!(round)));
    }
}

#[tokio::test]
async fn what_is_kept_out_of_a_group_by_a_kick_is_so_on_every_node_also_when_the_group_has_ended() {
    let cluster = MemoryCluster::default();
    let houses: [House; 2] = nodes(&cluster).await;
    let [one, two] = &houses;
    let backend = one.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::in_group(one, &app, "ann", "g").await;
    let mut bob = Engine::in_group(two, &app, "bob", "g").await;
    let kick = format!("POST /v1/apps/{}/groups/g/members/bob/kick", app.id);
    at(two, &backend).get(&kick, json!({ "ban": 600 })).await;
    bob.event("removed").await;
    ann.ask(json!({ "leave": {} })).await.unwrap();
    // The group itself keeps him out until it is registered.
    until("the ban is known", async || {
        let mut bans = Vec::new();
        for house in &houses {
            let line = format!("GET /v1/apps/{}/bans", app.id);
            bans.push(at(house, &backend).get(&line, None).await["total"].clone());
        }
        bans == [json!(1), json!(1)]
    })
    .await;
    assert_eq!(bob.ask(json!({ "join": { "group": "g" } })).await, Err(1_000_103));
}

#[tokio::test]
async fn a_change_does_not_wait_for_a_node_that_is_ending_nor_for_long_for_one_that_has_died() {
    let cluster = MemoryCluster::default();
    let [one, two, three]: [House; 3] = nodes(&cluster).await;
    let backend = one.backend().await;
    let app = backend.create_app().await;
    let line = format!("POST /v1/apps/{}/bans", app.id);
    let begun = Instant::now();
    let ending = tokio::spawn(two.server.shutdown());
    for number in 0..20 {
        backend.get(&line, json!({ "user": format!("user-{number}") })).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    ending.await.unwrap();

    // Killed: nobody knows before it has been silent for some seconds, and then it is declared dead.
    drop(three.server);
    backend.get(&line, json!({ "user": "the-last" })).await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

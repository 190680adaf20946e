//! What becomes of what is registered while nodes are away, and when all that they share is lost.

use std::time::Duration;

use hst_auth::UnixMillis;
use hst_server::{
    cluster::{Directory as _, Key, NodeId, Versions, memory::MemoryCluster, register},
    store::{Day, Store},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    engine::Engine,
    house::{Backend, House, OwnApp, now},
    nodes::{nodes, start_node, until},
};

/// A node that is away, with what it knew.
async fn ends(house: House) -> TempDir {
    let House { server, folder, .. } = house;
    server.shutdown().await;
    folder
}

async fn comes_back(cluster: &MemoryCluster, name: &str, folder: TempDir, like: &House) -> House {
    let server = start_node(cluster, name, &folder).await;
    House {
        server,
        developer: like.developer.clone(),
        folder,
    }
}

async fn has_app(house: &House, app: &OwnApp) -> bool {
    let answer = house
        .backend()
        .await
        .ask(&format!("GET /v1/apps/{}", app.id), None)
        .await;
    answer.status == 200
}

async fn bans(house: &House, app: &OwnApp) -> u64 {
    let line = format!("GET /v1/apps/{}/bans", app.id);
    house.backend().await.get(&line, None).await["total"].as_u64().unwrap()
}

async fn ban(backend: &Backend, app: &OwnApp, user: &str) {
    backend
        .get(&format!("POST /v1/apps/{}/bans", app.id), json!({ "user": user }))
        .await;
}

async fn unban(backend: &Backend, app: &OwnApp, user: &str) {
    backend
        .get(&format!("DELETE /v1/apps/{}/bans?user={user}", app.id), None)
        .await;
}

#[tokio::test]
async fn a_node_that_was_away_learns_what_happened_and_brings_nothing_back() {
    let cluster = MemoryCluster::default();
    let [one, two]: [House; 2] = nodes(&cluster).await;
    let backend = one.backend().await;
    let [kept, gone] = [backend.create_app().await, backend.create_app().await];
    ban(&backend, &kept, "ann").await;
    let folder = ends(two).await;

    unban(&backend, &kept, "ann").await;
    ban(&backend, &kept, "bob").await;
    backend.get(&format!("DELETE /v1/app?app_id={}", gone.id), None).await;
    let new = backend.create_app().await;

    let two = comes_back(&cluster, "n1", folder, &one).await;
    for house in [&one, &two] {
        assert!(has_app(house, &new).await && !has_app(house, &gone).await);
        let listed = house
            .backend()
            .await
            .get(&format!("GET /v1/apps/{}/bans", kept.id), None)
            .await;
        assert_eq!(
            (&listed["total"], &listed["bans"][0]["user"]),
            (&json!(1), &json!("bob"))
        );
    }
}

#[tokio::test]
async fn when_all_that_is_shared_is_lost_the_newest_of_what_nodes_have_counts_whoever_comes_first() {
    let cluster = MemoryCluster::default();
    let [one, two]: [House; 2] = nodes(&cluster).await;
    let backend = one.backend().await;
    let [kept, gone] = [backend.create_app().await, backend.create_app().await];
    ban(&backend, &kept, "ann").await;
    let older = ends(two).await;
    unban(&backend, &kept, "ann").await;
    ban(&backend, &kept, "bob").await;
    backend.get(&format!("DELETE /v1/app?app_id={}", gone.id), None).await;
    let developer = one.developer.clone();
    let newer = ends(one).await;

    let cluster = MemoryCluster::default();
    let server = start_node(&cluster, "n1", &older).await;
    assert!(server.new_developer().is_none(), "it knows one");
    let two = House {
        server,
        developer,
        folder: older,
    };
    assert!(has_app(&two, &gone).await, "it cannot know better");
    let one = comes_back(&cluster, "n0", newer, &two).await;
    for house in [&one, &two] {
        until("the deleted App is gone", async || !has_app(house, &gone).await).await;
        until("the ban of before is lifted, and the new one known", async || {
            let listed = house
                .backend()
                .await
                .get(&format!("GET /v1/apps/{}/bans", kept.id), None)
                .await;
            listed["total"] == 1 && listed["bans"][0]["user"] == "bob"
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_lost_while_nodes_are_at_work_is_written_again() {
    let cluster = MemoryCluster::default();
    let [one, two]: [House; 2] = nodes(&cluster).await;
    let app = one.backend().await.create_app().await;
    ban(&two.backend().await, &app, "ann").await;
    let prefix = Key::parse("kept").unwrap().beneath();
    let before = cluster.list(&prefix).await.unwrap();
    assert_eq!(before.len(), 4, "developer, access token, App and ban: {before:?}");
    for entry in &before {
        cluster.delete(&entry.key, entry.revision).await.unwrap();
    }
    until("all is there again", async || {
        let present = cluster.list(&prefix).await.unwrap();
        present
            .iter()
            .map(|entry| (&entry.key, &entry.value))
            .eq(before.iter().map(|entry| (&entry.key, &entry.value)))
    })
    .await;
    assert!(has_app(&one, &app).await && bans(&two, &app).await == 1);
}

#[tokio::test]
async fn a_server_that_was_alone_brings_what_it_has_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let server = crate::house::start(&folder).await;
    let developer = server.new_developer().unwrap().clone();
    let alone = House {
        server,
        developer,
        folder,
    };
    let backend = alone.backend().await;
    let app = backend.create_app().await;
    ban(&backend, &app, "ann").await;
    let developer = alone.developer.clone();
    let folder = ends(alone).await;

    let cluster = MemoryCluster::default();
    let [other]: [House; 1] = nodes(&cluster).await;
    let server = start_node(&cluster, "old", &folder).await;
    let old = House {
        server,
        developer: developer.clone(),
        folder,
    };
    let House { server, folder, .. } = other;
    // To the other node he is a second developer.
    let other = House {
        server,
        developer,
        folder,
    };
    until("it is known", async || {
        cluster
            .list(&Key::parse("kept.app").unwrap().beneath())
            .await
            .unwrap()
            .len()
            == 1
    })
    .await;
    for house in [&old, &other] {
        until("his App is there", async || has_app(house, &app).await).await;
        until("and its ban", async || bans(house, &app).await == 1).await;
    }
}

#[tokio::test]
async fn a_node_that_was_away_for_longer_than_deletions_are_remembered_takes_what_is_there() {
    for (days, is_kept) in [(27, true), (29, false)] {
        let before = MemoryCluster::default();
        let [away]: [House; 1] = nodes(&before).await;
        let app = away.backend().await.create_app().await;
        let developer = away.developer.clone();
        let folder = ends(away).await;
        let last = UnixMillis::from_millis(now().as_millis() - days * 86_400_000);
        Store::open(folder.path()).unwrap().set_agreed(Some(last)).unwrap();

        let cluster = MemoryCluster::default();
        let [there]: [House; 1] = nodes(&cluster).await;
        let server = start_node(&cluster, "away", &folder).await;
        let ids = |house: &House| {
            let store = Store::open(house.folder.path()).unwrap();
            store
                .apps(None, 10)
                .unwrap()
                .into_iter()
                .map(|app| app.id.to_string())
                .collect::<Vec<_>>()
        };
        let away = House {
            server,
            developer,
            folder,
        };
        let kept = if is_kept { vec![app.id.clone()] } else { Vec::new() };
        until("both have it, or neither", async || {
            ids(&away) == kept && ids(&there) == kept
        })
        .await;
        let stands = cluster.list(&Key::parse("kept.app").unwrap().beneath()).await.unwrap();
        assert_eq!(stands.len(), kept.len(), "{days} days");
    }
}

#[tokio::test]
async fn what_was_consumed_on_all_nodes_is_one_sum_and_who_did_not_answer_is_named() {
    let cluster = MemoryCluster::default();
    let houses: [House; 2] = nodes(&cluster).await;
    let backend = houses[0].backend().await;
    let app = backend.create_app().await;
    let mut members = Vec::new();
    for (house, user) in houses.iter().zip(["ann", "bob"]) {
        let mut member = Engine::in_group(house, &app, user, user).await;
        member
            .ask(json!({ "publish": { "type": 2, "media": "cam" } }))
            .await
            .unwrap();
        members.push(member);
    }
    let (now, day) = (now().as_millis(), 86_400_000);
    let line = format!(
        "GET /v1/consuming/records?start_time={now}&end_time={}&page=1&page_size=10",
        now + day
    );
    let total = async || backend.get(&line, None).await["result"][0]["total_time"].as_u64();
    until("both have used it for a second", async || total().await >= Some(2)).await;
    for member in &mut members {
        member.ask(json!({ "leave": {} })).await.unwrap();
    }
    let own = |house: &House| {
        let (store, day) = (
            Store::open(house.folder.path()).unwrap(),
            Day::of(UnixMillis::from_millis(now)),
        );
        let used = store.consumption(&[app.id.parse().unwrap()], day..=day, 0, 10).unwrap();
        used.iter().map(|used| used.time).sum::<Duration>()
    };
    let mut answer = backend.get(&line, None).await;
    until("all is written down", async || {
        answer = backend.get(&line, None).await;
        answer["result"][0]["total_time"] == (own(&houses[0]) + own(&houses[1])).as_secs()
    })
    .await;
    assert!(own(&houses[0]) > Duration::ZERO && own(&houses[1]) > Duration::ZERO);
    assert_eq!(answer.get("missing"), None, "{answer}");
    let asked_of_the_other = houses[1].backend().await.get(&line, None).await;
    assert_eq!(asked_of_the_other, answer);
    let backend = houses[0].backend().await;
    register(&cluster, &NodeId::parse("ghost").unwrap(), 7, Versions::UNSAID)
        .await
        .unwrap();
    let answer = backend.get(&line, None).await;
    assert_eq!(answer["missing"], json!(["ghost"]));
}

//! Several servers that are nodes of one cluster.

use std::{collections::BTreeSet, num::NonZeroU8, sync::Arc, time::Duration};

use crate::common::{
    Client,
    cluster::{memory_node, node, visit},
    config, login,
    raw::raw,
    user,
};
use hst_cluster::{
    Claim, Directory as _, Key, Login as ClaimedLogin, NodeId, NodeRecord, Owner, Policy, Prefix, Verdict, Versions,
    claim as claim_place, fence, memory::MemoryCluster, register,
};
use hst_id::{AppId, GroupId};
use hst_proto::{Command, Event, Login, Previous, Reply, RosterPage};
use hst_server::{Config, DEV_APP_ID, Gateway, RunningServer, Server, StartError, signal::memory::MemoryNetwork};
use serde_json::Value;
use tokio::time::{Instant, timeout};

/// Longer than anything takes that goes well.
const PATIENCE: Duration = Duration::from_secs(20);

async fn get(server: &RunningServer, path: &str) -> Value {
    let to = server.addresses().http.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
    raw(to, &request).await.json()
}

/// The WebSocket addresses that Access names.
async fn named(server: &RunningServer) -> Vec<String> {
    let access = get(server, "/v1/access").await;
    let urls = access["signal"]
        .as_array()
        .unwrap()
        .iter()
        .map(|url| url.as_str().unwrap());
    let mut urls: Vec<_> = urls
        .filter(|url| url.starts_with("ws"))
        .map(ToOwned::to_owned)
        .collect();
    urls.sort_unstable();
    urls
}

fn web_socket(server: &RunningServer) -> String {
    format!("ws://{}/v1/signal", server.addresses().http.unwrap())
}

/// Asks again and again until Access names these.
async fn until_named(server: &RunningServer, mut wanted: Vec<String>) {
    wanted.sort_unstable();
    let agreed = async {
        while named(server).await != wanted {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, agreed)
        .await
        .unwrap_or_else(|_| panic!("never named: {wanted:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_access_names_every_node_and_one_that_ends_for_a_second_at_most() {
    let cluster = MemoryCluster::default();
    let one = node(&cluster, "one", config()).start().await.unwrap();
    assert_eq!(named(&one).await, [web_socket(&one)]);
    let other = node(&cluster, "other", config()).start().await.unwrap();
    let (url, other_url) = (web_socket(&one), web_socket(&other));
    for server in [&one, &other] {
        until_named(server, vec![url.clone(), other_url.clone()]).await;
    }
    // The older form: one text has them all, and one address is chosen for who wants only one.
    let all = get(&one, "/server/address?appType=24").await["result"].to_string();
    assert!(
        all.contains(&format!("{url};")) && all.contains(&format!("{other_url};")),
        "{all}"
    );
    for app_type in [37, 47, 48] {
        let chosen = get(&one, &format!("/server/address?appType={app_type}")).await["result"].clone();
        assert!(
            chosen == format!("{url};") || chosen == format!("{other_url};"),
            "{chosen}"
        );
    }
    let events = get(&one, "/server/address?appType=8").await["result"].clone();
    assert_eq!(events, url.replace("/v1/signal", "/v1/events;"), "the own one");

    let since = Instant::now();
    let (_, ()) = tokio::join!(other.shutdown(), until_named(&one, vec![url]));
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_names_his_group_is_sent_to_the_same_node_by_each() {
    let cluster = MemoryCluster::default();
    let one = node(&cluster, "one", config()).start().await.unwrap();
    let other = node(&cluster, "other", config()).start().await.unwrap();
    let both = vec![web_socket(&one), web_socket(&other)];
    for server in [&one, &other] {
        until_named(server, both.clone()).await;
    }
    let mut first = BTreeSet::new();
    for group in 0..32 {
        let path = format!("/v1/access?app_id=a&group={group}");
        let (by_one, by_other) = (get(&one, &path).await, get(&other, &path).await);
        assert_eq!(by_one["signal"], by_other["signal"], "{group}");
        first.insert(by_one["signal"][0].to_string());
    }
    assert_eq!(first.len(), 2, "groups are spread over both");
    let odd = get(&one, "/v1/access?group=%00%FF&group=&app_id=").await;
    assert_eq!(odd["signal"].as_array().map(Vec::len), Some(both.len() * 2), "{odd}");
}

#[tokio::test]
async fn a_name_that_links_cannot_have_is_refused_before_anybody_hears_of_it() {
    let cluster = MemoryCluster::default();
    let (directory, bus) = (Arc::new(cluster.clone()), Arc::new(cluster.clone()));
    let server = Server::new(config()).cluster(directory, bus, NodeId::parse("Upper").unwrap());
    let refused = server.start().await.unwrap_err();
    assert!(matches!(refused, StartError::NodeName(_)), "{refused}");
    assert!(cluster.list(&Prefix::nodes()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_weight_names_others_first_and_itself_when_there_is_nobody_else() {
    let front = Gateway {
        url: "https://front.example.org".parse().unwrap(),
        weight: 7,
    };
    let config = Config {
        gateway_weight: 0,
        ..config()
    };
    let alone = Server::new(config.clone()).without_media().start().await.unwrap();
    assert_eq!(named(&alone).await, [web_socket(&alone)]);
    let behind = Config {
        gateways: vec![front],
        ..config
    };
    let behind = Server::new(behind).without_media().start().await.unwrap();
    assert_eq!(named(&behind).await, ["wss://front.example.org/v1/signal"]);
}

async fn logged_in(client: &mut Client, login: Login) -> Previous {
    match client.ask(Command::Login(login)).await {
        Ok(Reply::LoggedIn(logged_in)) => Previous {
            session: logged_in.session,
            secret: logged_in.secret,
        },
        other => panic!("not logged in: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_by_another_node_takes_his_own_place_and_nobody_elses() {
    let (cluster, network) = (MemoryCluster::default(), MemoryNetwork::default());
    let one = memory_node(&cluster, &network, "one", config()).await;
    let _other = memory_node(&cluster, &network, "other", config()).await;
    let mut ann = visit(&network, "one").await;
    let session = logged_in(&mut ann, login("ann")).await;

    let again = |secret: &str| Login {
        previous: Some(Previous {
            session: session.session.clone(),
            secret: secret.to_owned(),
        }),
        ..login("ann")
    };
    let mut thief = visit(&network, "other").await;
    let refused = thief.ask(Command::Login(again("guess"))).await.unwrap_err();
    assert_eq!(refused.code, 1_000_008);
    let mut returned = visit(&network, "other").await;
    let session = logged_in(&mut returned, again(&session.secret)).await;
    ann.end().await;

    // And from a node that was killed, whose end nobody has noticed yet.
    let mut bob = visit(&network, "one").await;
    let bobs = logged_in(&mut bob, login("bob")).await;
    drop(one);
    let mut back = visit(&network, "other").await;
    let previous = Some(bobs);
    logged_in(
        &mut back,
        Login {
            previous,
            ..login("bob")
        },
    )
    .await;
    drop(session);
}

async fn joined(client: &mut Client, group: &str) -> Result<(), u32> {
    let group = group.to_owned();
    client
        .ask(Command::Join { group })
        .await
        .map(|_| ())
        .map_err(|failure| failure.code)
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_who_race_to_a_group_on_two_nodes_all_are_in_and_one_node_has_it() {
    let (cluster, network) = (MemoryCluster::default(), MemoryNetwork::default());
    let _servers = [
        memory_node(&cluster, &network, "one", config()).await,
        memory_node(&cluster, &network, "other", config()).await,
    ];
    let mut clients = Vec::new();
    for number in 0..100 {
        let name = ["one", "other"][number % 2];
        clients.push(visit(&network, name).await.logged_in(&format!("user-{number}")).await);
    }
    for group in ["g", "h"] {
        let racing = clients.drain(..).map(|mut client| {
            tokio::spawn(async move {
                assert_eq!(joined(&mut client, group).await, Ok(()));
                client
            })
        });
        for raced in racing.collect::<Vec<_>>() {
            clients.push(raced.await.unwrap());
        }
        assert_eq!(cluster.list(&Prefix::groups()).await.unwrap().len(), 1);
        let page = RosterPage { after: None, limit: 1 };
        for client in &mut clients {
            let Ok(Reply::Roster(roster)) = client.ask(Command::Roster(page.clone())).await else {
                panic!("not in the group")
            };
            assert_eq!(roster.total, 99);
        }
        // It ends when all have left, wherever they were.
        for client in &mut clients {
            client.ask(Command::Leave {}).await.unwrap();
        }
        while !cluster.list(&Prefix::groups()).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_group_of_a_killed_node_begins_again_on_another_within_two_seconds() {
    let (cluster, network) = (MemoryCluster::default(), MemoryNetwork::default());
    let one = memory_node(&cluster, &network, "one", config()).await;
    let _other = memory_node(&cluster, &network, "other", config()).await;
    let mut ann = visit(&network, "one").await.logged_in("ann").await;
    ann.join("g").await;
    let mut bob = visit(&network, "other").await.logged_in("bob").await;
    drop(one);
    let since = Instant::now();
    assert_eq!(joined(&mut bob, "g").await, Ok(()));
    assert!(since.elapsed() <= Duration::from_secs(2), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn g4_a_node_that_was_declared_dead_by_mistake_keeps_only_what_nobody_has_taken() {
    let (cluster, network) = (MemoryCluster::default(), MemoryNetwork::default());
    let _one = memory_node(&cluster, &network, "one", config()).await;
    let mut clients = Vec::new();
    for name in ["ann", "bob"] {
        let mut client = visit(&network, "one").await.logged_in(name).await;
        client.join(name).await;
        clients.push(client);
    }
    let [ann, bob] = &mut clients[..] else {
        panic!("there are two")
    };
    let before = lives(&cluster).await;
    // While nobody looks, the node is declared dead, and another takes one login and one group of it.
    fence(&cluster, &before[0]).await.unwrap();
    let other = Owner {
        node: NodeId::parse("other").unwrap(),
        epoch: register(&cluster, &NodeId::parse("other").unwrap(), 7, Versions::UNSAID)
            .await
            .unwrap(),
        boot: 7,
    };
    let app = AppId::parse(DEV_APP_ID).unwrap();
    let login = Key::login(&app, &user("ann"), &"web".parse().unwrap());
    let group = Key::group(&app, &GroupId::parse("bob").unwrap());
    for place in [login, group] {
        let claim = Claim::new(
            place,
            NonZeroU8::MIN,
            Policy::Refuse,
            ClaimedLogin::new(1, other.clone()),
        );
        let verdict = claim_place(&cluster, claim).await.verdict;
        assert!(matches!(verdict, Verdict::Claimed { .. }), "{verdict:?}");
    }
    let Event::Ended(why) = ann.event().await else {
        panic!("ann goes on")
    };
    assert_eq!(why.code, 1_000_008);
    // Who has bob's group is dead: it comes back, and bob has been in it all the time.
    let Event::Snapshot(group) = bob.event().await else {
        panic!("bob's group was not looked for")
    };
    assert_eq!(group.total, 0);
    bob.ask(Command::Leave {}).await.unwrap();

    // Bob's login goes on, under the node's new life.
    bob.ask(Command::Ping {}).await.unwrap();
    assert_eq!(joined(bob, "another").await, Ok(()));
    let logins = cluster.list(&Prefix::logins()).await.unwrap();
    let bobs = logins
        .iter()
        .filter_map(ClaimedLogin::read)
        .find(|login| login.owner.boot == before[0].boot);
    assert!(bobs.unwrap().owner.epoch > before[0].epoch);
}

/// The present lives of all nodes.
async fn lives(cluster: &MemoryCluster) -> Vec<Owner> {
    let records = cluster.list(&Prefix::nodes()).await.unwrap();
    let lives = records.iter().map(|entry| {
        let record = NodeRecord::read(entry).unwrap();
        Owner {
            node: NodeId::parse(entry.key.as_str().strip_prefix("node.").unwrap()).unwrap(),
            epoch: record.epoch,
            boot: record.boot,
        }
    });
    lives.collect()
}

//! Many who want the same place at the same moment.

use std::time::Duration;

use crate::common::{
    Client,
    cluster::{memory_node, visit},
    config, login, user,
};
use hst_cluster::memory::MemoryCluster;
use hst_proto::{Command, Event, Login, Online, OnlinePage, Reply, ServerFrame};
use hst_server::signal::memory::MemoryNetwork;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

/// What came of one login.
enum Fate {
    Refused(u32),
    /// Let in, and then ended with this code.
    Ended(u32),
    Lives(Box<Client>),
}

async fn fate(mut client: Client, force: bool, until: Instant) -> Fate {
    let login = Login { force, ..login("bob") };
    if let Err(refused) = client.ask(Command::Login(login)).await {
        return Fate::Refused(refused.code);
    }
    match tokio::time::timeout_at(until, client.event()).await {
        Ok(Event::Ended(why)) => Fate::Ended(why.code),
        Ok(other) => panic!("{other:?}"),
        Err(_) => Fate::Lives(Box::new(client)),
    }
}

#[tokio::test(start_paused = true)]
async fn s12_of_two_hundred_logins_at_once_one_stays_and_presence_never_flaps() {
    race(&["alone"]).await;
}

#[tokio::test(start_paused = true)]
async fn s12_the_same_over_three_nodes() {
    race(&["east", "west", "north"]).await;
}

async fn race(nodes: &[&str]) {
    for (policy, force, ended) in [
        ("refuse", false, false),
        ("replace", false, true),
        ("refuse", true, true),
    ] {
        let (cluster, network) = (MemoryCluster::default(), MemoryNetwork::default());
        let mut config = config();
        config.apps[0].settings.login = policy.parse().unwrap();
        let mut servers = Vec::new();
        for name in nodes {
            servers.push(memory_node(&cluster, &network, name, config.clone()).await);
        }
        let mut ann = visit(&network, nodes[0]).await.logged_in("ann").await;
        assert_eq!(online(&mut ann).await.total, 1, "she watches");

        let until = Instant::now() + Duration::from_secs(2);
        let mut logins = JoinSet::new();
        for name in nodes.iter().cycle().take(200) {
            let client = visit(&network, name).await;
            logins.spawn(fate(client, force, until));
        }
        let fates = logins.join_all().await;
        let mut living = Vec::new();
        for fate in fates {
            match fate {
                Fate::Refused(code) => assert_eq!((code, ended), (1_000_008, false)),
                Fate::Ended(code) => assert_eq!((code, ended), (1_000_008, true)),
                Fate::Lives(client) => living.push(client),
            }
        }
        assert_eq!(living.len(), 1, "{policy} {force}");
        living[0].ask(Command::Ping {}).await.unwrap();

        let mut came = 0;
        while let Ok(frame) = timeout(Duration::from_secs(1), ann.frame()).await {
            let ServerFrame::Event { event, .. } = frame.unwrap() else {
                panic!("she asked nothing")
            };
            let Event::Presence { changes } = event else {
                panic!("{event:?}")
            };
            for change in changes {
                assert_eq!((change.user, change.online), (user("bob"), true), "{policy} {force}");
                came += 1;
            }
        }
        assert!(came >= 1, "he is seen");
        if !ended {
            assert_eq!(came, 1);
        }
        let page = online(&mut ann).await;
        assert_eq!((page.total, page.users[1].terminals.len()), (2, 1));
    }
}

async fn online(client: &mut Client) -> Online {
    let page = OnlinePage { after: None, limit: 10 };
    match client.ask(Command::Online(page)).await {
        Ok(Reply::Online(page)) => page,
        other => panic!("no page but {other:?}"),
    }
}

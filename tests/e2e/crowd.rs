//! Very many at once.

use std::{collections::BTreeSet, fs, sync::Arc};

use hst_proto::{Command, OnlinePage, Reply};
use hst_tests::{
    hand::{Hand, hand_login},
    house::{Door, House, within},
};
use tokio::{sync::Barrier, task::JoinSet};

/// How many come.
const CROWD: usize = 1000;
/// Files that this process has open beside their sockets.
const OTHER_FILES: usize = 224;

/// As many as the system allows: it counts both ends of each connection.
fn crowd() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let files: Option<usize> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    files.map_or(CROWD, |files| CROWD.min(files.saturating_sub(OTHER_FILES) / 2))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_who_log_in_at_the_same_moment_are_all_let_in_and_stay() {
    let house = Arc::new(House::open(Door::WebSocket).await);
    let crowd = crowd();
    let at_once = Arc::new(Barrier::new(crowd));
    let mut coming = JoinSet::new();
    for index in 0..crowd {
        let (house, at_once) = (house.clone(), at_once.clone());
        coming.spawn(async move {
            let mut hand = Hand::connect(&house).await;
            at_once.wait().await;
            match hand.ask(Command::Login(hand_login(&format!("user{index}")))).await {
                Ok(Reply::LoggedIn(logged_in)) => (hand, logged_in.session),
                other => panic!("user{index} is told {other:?}"),
            }
        });
    }
    let (mut hands, sessions): (Vec<_>, BTreeSet<_>) =
        within("all logins", coming.join_all()).await.into_iter().unzip();
    assert_eq!(sessions.len(), crowd, "each has a session of his own");

    for hand in &mut hands {
        assert_eq!(hand.ask(Command::Ping {}).await, Ok(Reply::Done {}));
    }
    let page = Command::Online(OnlinePage { after: None, limit: 1 });
    let Ok(Reply::Online(online)) = hands[0].ask(page).await else {
        panic!("nobody is told who is online")
    };
    assert_eq!(online.total as usize, crowd);
}

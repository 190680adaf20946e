//! Groups that outlive the nodes by which their members come.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::common::{
    span::{Nodes, Rough, camera, message, publish, say, say_again, settled, stay_until, until},
    user,
};
use hst_proto::{Command, Event, Reply, RosterPage};
use tokio::{
    sync::Barrier,
    time::{Instant, sleep},
};

#[tokio::test(start_paused = true)]
async fn a_node_that_ends_hands_its_groups_over_and_its_members_have_left() {
    let mut nodes = Nodes::start(3).await;
    let _ann = nodes.member(0, "ann").await;
    let mut bob = nodes.member(1, "bob").await;
    let mut cat = nodes.member(2, "cat").await;
    bob.ask(publish()).await.unwrap();
    cat.ask(Command::Receive(camera("bob"))).await.unwrap();
    let before = say(&mut bob, "before").await.unwrap();
    let since = Instant::now();
    nodes.shut_down(0).await;
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    let number = say_again(&mut bob, "after").await;
    assert!(number > before, "{number}");
    // Nothing was missed while the group went on elsewhere, and so nobody has to be told how it is.
    for client in [&mut bob, &mut cat] {
        let left = until(client, |event| match event {
            Event::MemberLeft { user } => Some(user.clone()),
            Event::Snapshot(_) => panic!("it was noticed"),
            _ => None,
        });
        assert_eq!(left.await, user("ann"));
    }
    assert_eq!(until(&mut cat, message).await, (number, "after".to_owned()));
    // It has what it had.
    let page = RosterPage { after: None, limit: 9 };
    let roster = cat.ask(Command::Roster(page)).await.unwrap();
    assert!(matches!(roster, Reply::Roster(roster) if roster.members == [user("bob")]));
    assert!(cat.ask(Command::StopReceive(camera("bob"))).await.is_ok());
    assert!(
        cat.ask(Command::Receive(camera("bob"))).await.is_ok(),
        "it is published"
    );
}

#[tokio::test(start_paused = true)]
async fn when_the_home_dies_the_group_goes_on_with_all_whose_nodes_live() {
    let mut nodes = Nodes::start(3).await;
    let _ann = nodes.member(0, "ann").await;
    let mut bob = nodes.member(1, "bob").await;
    let mut cat = nodes.member(2, "cat").await;
    let mut dan = nodes.member(2, "dan").await;
    bob.ask(publish()).await.unwrap();
    cat.ask(Command::Receive(camera("bob"))).await.unwrap();
    let before = say(&mut bob, "before").await.unwrap();
    nodes.kill(0);
    let since = Instant::now();
    let number = say_again(&mut dan, "after").await;
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    assert!(number > before, "{number}");
    settled(&mut bob, &["cat", "dan"], &[]).await;
    settled(&mut cat, &["bob", "dan"], &[camera("bob")]).await;
    assert_eq!(until(&mut cat, message).await, (number, "after".to_owned()));
    // It is one group as before: who comes now finds all of them, and all of them find him.
    let mut eve = nodes.logged_in(1, "eve").await;
    assert_eq!(eve.join("g").await.members, [user("bob"), user("cat"), user("dan")]);
    until(&mut cat, |event| {
        matches!(event, Event::MemberJoined { .. }).then_some(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn when_a_node_with_members_dies_they_leave_and_nobody_waits_for_them() {
    let mut nodes = Nodes::start(3).await;
    let mut ann = nodes.member(0, "ann").await;
    let _bob = nodes.member(1, "bob").await;
    let mut cat = nodes.member(2, "cat").await;
    nodes.kill(1);
    let since = Instant::now();
    for client in [&mut ann, &mut cat] {
        let left = until(client, |event| match event {
            Event::MemberLeft { user } => Some(user.clone()),
            _ => None,
        });
        assert_eq!(left.await, user("bob"));
    }
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    say(&mut ann, "we go on").await.unwrap();
    until(&mut cat, message).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_reaches_everybody_once_although_the_home_dies_and_the_bus_loses_a_fifth() {
    for seed in 1..=6 {
        let mut nodes = Nodes::on(&Rough::new(seed, 20), 3).await;
        let _ann = nodes.member(0, "ann").await;
        let mut joined = Vec::new();
        for (node, name) in [(1, "bob"), (1, "cat"), (2, "dan"), (2, "eve")] {
            joined.push(nodes.member(node, name).await);
        }
        let mut talking = Vec::new();
        let finished = Arc::new(Barrier::new(joined.len()));
        for (number, mut client) in joined.into_iter().enumerate() {
            let finished = finished.clone();
            talking.push(tokio::spawn(async move {
                let mut acked = BTreeMap::new();
                for word in 0..150 {
                    let word = format!("{number}-{word}");
                    match say(&mut client, &word).await {
                        Ok(seq) => _ = acked.insert(word, seq),
                        Err(why) => assert_eq!(why.code, 302, "{why:?}"),
                    }
                }
                stay_until(&mut client, finished.wait()).await;
                (client, acked)
            }));
        }
        // tidy: allowed, because time is virtual
        sleep(Duration::from_millis(seed * 300)).await;
        nodes.kill(0);
        let mut members = Vec::new();
        for member in talking {
            members.push(member.await.unwrap());
        }
        say(&mut members[0].0, "the end").await.unwrap();
        say(&mut members[1].0, "the end").await.unwrap();
        let acked: Vec<BTreeSet<_>> = members
            .iter()
            .map(|(_, acked)| acked.keys().cloned().collect())
            .collect();
        assert!(acked.iter().all(|words| words.len() > 100), "seed {seed}");
        for (at, (client, own)) in members.iter_mut().enumerate() {
            let mut heard = Vec::new();
            loop {
                let (seq, word) = until(client, message).await;
                if word == "the end" {
                    break;
                }
                heard.push((seq, word));
            }
            assert!(
                heard.is_sorted_by_key(|(seq, _)| *seq),
                "seed {seed}, member {at}: not in order"
            );
            let words: BTreeSet<_> = heard.iter().map(|(_, word)| word.clone()).collect();
            assert_eq!(words.len(), heard.len(), "seed {seed}, member {at}: heard twice");
            for (_, others) in acked.iter().enumerate().filter(|(other, _)| *other != at) {
                let lost: Vec<_> = others.difference(&words).collect();
                assert!(lost.is_empty(), "seed {seed}, member {at}: lost {lost:?}");
            }
            let numbers: BTreeSet<_> = heard.iter().map(|(seq, _)| *seq).chain(own.values().copied()).collect();
            assert_eq!(
                numbers.len(),
                heard.len() + own.len(),
                "seed {seed}, member {at}: a number comes twice"
            );
        }
    }
}

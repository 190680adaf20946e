//! Sessions that go from one node to another, and nobody notices.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::common::{
    cluster::visit,
    login,
    roamer::Roamer,
    span::{Nodes, Rough, camera},
    user,
};
use hst_group::client::{GroupEvent, SessionEvent};
use hst_id::MediaType;
use hst_proto::{Command, OnlinePage, Payload, Reply, RosterPage};
use tokio::{sync::Barrier, time::sleep};

#[tokio::test(start_paused = true)]
async fn a_session_goes_on_at_another_node_and_its_client_follows_at_once() {
    let mut nodes = Nodes::announced(&Rough::new(0, 0), 2).await;
    let mut ann = nodes.roamer(0, "ann").await;
    let mut bob = nodes.roamer(1, "bob").await;
    let ending = nodes.ending(0);
    ann.until(|event| (*event == SessionEvent::Reconnected).then_some(()))
        .await;
    assert_eq!(ann.moved_to, ["ws://west/v1/signal"]);
    assert!(!ann.was_disturbed(), "{:?}", ann.events);
    let said = |text: &str| Payload::text(text);
    let sent = bob.ask(|session, now| session.user_message(now, user("ann"), said("there?")));
    assert!(matches!(sent.await, Ok(Reply::Sent { .. })));
    let came = ann.until(|event| match event {
        SessionEvent::UserMessage { body, .. } => body.as_text(),
        _ => None,
    });
    assert_eq!(came.await, "there?");
    let since = tokio::time::Instant::now();
    ann.live_until(ending).await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn of_its_place_in_a_group_nothing_changes_and_nobody_hears_of_it() {
    // The home of the group is at the node that ends, at the one that takes the session, or at a third one.
    for home in 0..3 {
        let mut nodes = Nodes::announced(&Rough::new(0, 0), 3).await;
        let mut first = nodes.roaming(home, "first").await;
        let mut ann = nodes.roaming(0, "ann").await;
        let mut bob = nodes.roaming(2, "bob").await;
        let media = camera("ann");
        let published =
            ann.ask(|session, now| session.publish(now, media.media_type, media.media.clone(), "a camera".to_owned()));
        published.await.unwrap();
        bob.ask(|session, now| session.receive(now, camera("ann")))
            .await
            .unwrap();
        for client in [&mut first, &mut ann, &mut bob] {
            client.live_until(sleep(Duration::from_millis(100))).await;
            client.events.clear();
        }
        let _ending = nodes.ending(0);
        ann.until(|event| (*event == SessionEvent::Reconnected).then_some(()))
            .await;
        bob.say("still there?").await.unwrap();
        ann.say("yes").await.unwrap();
        bob.until(|event| matches!(event, SessionEvent::Group(GroupEvent::Message(_))).then_some(()))
            .await;
        assert_eq!(ann.heard().len(), 1, "home {home}");
        assert!(!ann.was_disturbed(), "home {home}: {:?}", ann.events);
        assert!(!bob.was_disturbed(), "home {home}: {:?}", bob.events);
        // What it publishes is its own as before.
        let unpublished = ann.ask(|session, now| session.unpublish(now, MediaType::Video, media.media.clone()));
        unpublished.await.unwrap();
        let gone = bob.until(|event| match event {
            SessionEvent::Group(GroupEvent::Unpublished(media)) => Some(media.key.clone()),
            _ => None,
        });
        assert_eq!(gone.await, camera("ann"), "home {home}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_message_is_lost_or_doubled_while_a_node_ends() {
    for (seed, lost) in [(1, 0), (2, 0), (3, 20), (4, 20)] {
        let mut nodes = Nodes::announced(&Rough::new(seed, lost), 3).await;
        let mut members = Vec::new();
        for (node, name) in [(1, "bob"), (0, "ann"), (0, "amy"), (2, "cat"), (2, "dan")] {
            members.push(nodes.roaming(node, name).await);
        }
        for member in &mut members {
            member.live_until(sleep(Duration::from_millis(200))).await;
            member.events.clear();
        }
        let count = members.len();
        let finished = Arc::new(Barrier::new(count));
        let talking = members
            .into_iter()
            .enumerate()
            .map(|(number, member)| tokio::spawn(talk(number, member, finished.clone())));
        let talking: Vec<_> = talking.collect();
        // tidy: allowed, because time is virtual
        sleep(Duration::from_millis(300 * seed)).await;
        let _ending = nodes.ending(0);
        let mut talked = Vec::new();
        for member in talking {
            talked.push(member.await.unwrap());
        }
        for (number, (member, _)) in talked.iter().enumerate() {
            assert!(!member.was_disturbed(), "seed {seed}, {number}: {:?}", member.events);
            let heard = member.heard();
            assert!(
                heard.is_sorted_by_key(|(seq, _)| *seq),
                "seed {seed}, {number}: not in order"
            );
            let words: BTreeSet<_> = heard.iter().map(|(_, word)| word.clone()).collect();
            assert_eq!(words.len(), heard.len(), "seed {seed}, {number}: heard twice");
            let said = |(other, (_, said)): (usize, &(Roamer, Vec<String>))| {
                said.iter().filter(|_| other != number).cloned().collect::<Vec<_>>()
            };
            let all: BTreeSet<_> = talked.iter().enumerate().flat_map(said).collect();
            assert_eq!(words, all, "seed {seed}, {number}");
        }
    }
}

/// Says a hundred words, and stays until everybody has heard everything. Gives what was said.
async fn talk(number: usize, mut member: Roamer, finished: Arc<Barrier>) -> (Roamer, Vec<String>) {
    let mut said = Vec::new();
    for word in 0..150 {
        let word = format!("{number}-{word}");
        member.say(&word).await.unwrap();
        said.push(word);
    }
    member.live_until(finished.wait()).await;
    // tidy: allowed, because time is virtual
    member.live_until(sleep(Duration::from_secs(3))).await;
    (member, said)
}

#[tokio::test(start_paused = true)]
async fn the_user_is_online_all_the_time_and_his_place_is_nobody_elses() {
    let everybody = OnlinePage {
        after: None,
        limit: 500,
    };
    let mut nodes = Nodes::announced(&Rough::new(5, 20), 3).await;
    let mut watcher = nodes.roamer(1, "watcher").await;
    let mut ann = nodes.roaming(0, "ann").await;
    for client in [&mut watcher, &mut ann] {
        let page = everybody.clone();
        client.ask(|session, now| session.online_page(now, page)).await.unwrap();
        client.live_until(sleep(Duration::from_millis(500))).await;
        client.events.clear();
    }
    let network = nodes.network.clone();
    let other = tokio::spawn(async move {
        for _ in 0..60 {
            let mut other = visit(&network, "north").await;
            let refused = other.ask(Command::Login(login("ann"))).await.unwrap_err();
            assert_eq!(refused.code, 1_000_008, "{refused:?}");
        }
    });
    let ending = nodes.ending(0);
    ann.live_until(ending).await.unwrap();
    watcher.live_until(other).await.unwrap();
    let is_presence = |event: &SessionEvent| matches!(event, SessionEvent::Presence(_));
    assert!(!watcher.events.iter().any(is_presence), "{:?}", watcher.events);
    assert!(!ann.events.iter().any(is_presence), "{:?}", ann.events);
    // She is told of others as before.
    let dan = nodes.roamer(2, "dan").await;
    let came = ann.until(|event| match event {
        SessionEvent::Presence(change) => Some((change.user.clone(), change.online)),
        _ => None,
    });
    assert_eq!(came.await, (user("dan"), true));
    drop(dan);
}

#[tokio::test(start_paused = true)]
async fn who_watches_everybody_or_some_is_told_of_them_by_the_next_node() {
    // Of everybody, and of those up to the first, who is all that she has seen.
    for (limit, told) in [(500, vec!["zoe", "a"]), (1, vec!["a"])] {
        let mut nodes = Nodes::announced(&Rough::new(0, 0), 2).await;
        let _first = nodes.roamer(1, "aaa").await;
        let mut ann = nodes.roamer(0, "ann").await;
        let page = OnlinePage { after: None, limit };
        let page = ann.ask(|session, now| session.online_page(now, page)).await.unwrap();
        assert!(matches!(page, Reply::Online(page) if page.more == (limit == 1)));
        let ending = nodes.ending(0);
        ann.live_until(ending).await.unwrap();
        assert!(!ann.was_disturbed(), "{:?}", ann.events);
        let _zoe = nodes.roamer(1, "zoe").await;
        let _a = nodes.roamer(1, "a").await;
        let is_told_of = |event: &SessionEvent, name| match event {
            SessionEvent::Presence(change) => (change.user == user(name)).then_some(change.online),
            _ => None,
        };
        assert!(ann.until(|event| is_told_of(event, "a")).await, "limit {limit}");
        let of_all = ann.events.iter().filter_map(|event| match event {
            SessionEvent::Presence(change) => Some(change.user.as_str()),
            _ => None,
        });
        assert_eq!(of_all.collect::<Vec<_>>(), told, "limit {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_dies_in_the_midst_nobody_is_there_twice_and_everybody_goes_on() {
    for delay in 0..24 {
        let mut nodes = Nodes::announced(&Rough::new(delay, 20), 3).await;
        let mut cat = nodes.roaming(2, "cat").await;
        let mut ann = nodes.roaming(0, "ann").await;
        ann.live_until(sleep(Duration::from_millis(200))).await;
        let _ending = nodes.ending(0);
        ann.live_until(sleep(Duration::from_millis(delay * 10))).await;
        nodes.kill(1);
        tokio::join!(
            ann.live_until(sleep(Duration::from_secs(25))),
            cat.live_until(sleep(Duration::from_secs(25)))
        );
        let page = RosterPage { after: None, limit: 10 };
        let roster = cat.ask(|session, now| session.roster(now, page)).await.unwrap();
        let Reply::Roster(roster) = roster else {
            panic!("{roster:?}")
        };
        assert_eq!(roster.members, [user("ann")], "delay {delay}");
        ann.events.clear();
        cat.say("there?").await.unwrap();
        ann.until(|event| matches!(event, SessionEvent::Group(GroupEvent::Message(_))).then_some(()))
            .await;
        ann.live_until(sleep(Duration::from_secs(1))).await;
        assert_eq!(ann.heard().len(), 1, "delay {delay}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_nodes_do_not_hear_each_other_sessions_end_as_without_them() {
    let mut nodes = Nodes::announced(&Rough::new(0, 100), 2).await;
    let mut ann = nodes.roamer(0, "ann").await;
    let ending = nodes.ending(0);
    ann.live_until(ending).await.unwrap();
    ann.until(|event| (*event == SessionEvent::Reconnected).then_some(()))
        .await;
    assert!(ann.moved_to.is_empty());
    assert!(ann.events.contains(&SessionEvent::Discontinuity), "{:?}", ann.events);
}

#[tokio::test(start_paused = true)]
async fn who_was_away_is_told_where_his_session_is() {
    let mut nodes = Nodes::announced(&Rough::new(0, 0), 2).await;
    let mut ann = nodes.roaming(0, "ann").await;
    ann.live_until(sleep(Duration::from_millis(100))).await;
    ann.events.clear();
    ann.cut();
    let _ending = nodes.ending(0);
    ann.until(|event| (*event == SessionEvent::Reconnected).then_some(()))
        .await;
    assert!(!ann.was_disturbed(), "{:?}", ann.events);
    ann.say("here again").await.unwrap();
}

//! Groups whose members come by several nodes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use common::{Client, cluster::visit, config, user};
use hst_cluster::{Bus, Filter, NodeId, RequestError, Subject, Subscription, Unavailable, memory::MemoryCluster};
use hst_id::MediaRef;
use hst_proto::{
    Audience, Class, Command, Event, Failure, Invite, InviteAnswer, InviteOutcome, OnlinePage, Payload, Reply, ToGroup,
};
use hst_server::{RunningServer, Server, signal::memory::MemoryNetwork};
use tokio::{
    sync::Barrier,
    time::{Instant, sleep, timeout},
};

/// Longer than anything takes that goes well, in virtual time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A bus that loses some of what groups say to each other, of a hundred messages so many.
#[derive(Debug, Clone)]
struct Rough {
    inner: MemoryCluster,
    lost: u64,
    dice: Arc<AtomicU64>,
}

impl Rough {
    fn new(seed: u64, lost: u64) -> Self {
        Self {
            inner: MemoryCluster::default(),
            lost,
            dice: Arc::new(AtomicU64::new(seed)),
        }
    }

    /// SplitMix64.
    fn roll(&self) -> u64 {
        let mut mixed = self.dice.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[async_trait]
impl Bus for Rough {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable> {
        match subject.as_str().starts_with("pipe.") && self.roll() % 100 < self.lost {
            true => Ok(()),
            false => self.inner.publish(subject, payload).await,
        }
    }

    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable> {
        self.inner.subscribe(filter).await
    }

    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        self.inner.request(subject, payload, timeout).await
    }
}

/// Nodes of one cluster, and the network that leads to them.
struct Nodes {
    network: MemoryNetwork,
    servers: Vec<Option<RunningServer>>,
}

impl Nodes {
    const NAMES: [&str; 3] = ["east", "west", "north"];

    async fn start(count: usize) -> Self {
        Self::on(&Rough::new(0, 0), count).await
    }

    async fn on(bus: &Rough, count: usize) -> Self {
        let network = MemoryNetwork::default();
        let mut servers = Vec::new();
        for name in &Self::NAMES[..count] {
            let (directory, bus) = (Arc::new(bus.inner.clone()), Arc::new(bus.clone()));
            let server = Server::new(config()).without_media().without_sockets();
            let server = server.cluster(directory, bus, NodeId::parse(name).unwrap());
            let server = server.listener(network.bind(name).unwrap());
            servers.push(Some(server.start().await.unwrap()));
        }
        Self { network, servers }
    }

    async fn logged_in(&self, node: usize, user: &str) -> Client {
        visit(&self.network, Self::NAMES[node]).await.logged_in(user).await
    }

    async fn member(&self, node: usize, user: &str) -> Client {
        let mut client = self.logged_in(node, user).await;
        client.join("g").await;
        client
    }

    /// Without a word to anybody.
    fn kill(&mut self, node: usize) {
        drop(self.servers[node].take());
    }

    async fn shut_down(&mut self, node: usize) {
        self.servers[node].take().unwrap().shutdown().await;
    }
}

fn text(text: &str, to: Audience) -> Command {
    Command::Message(ToGroup {
        body: Payload::text(text),
        to,
        class: Class::Reliable,
    })
}

/// Says it to all, and waits where it goes too fast.
async fn say(client: &mut Client, words: &str) -> Result<u64, Failure> {
    loop {
        match client.ask(text(words, Audience::All)).await {
            Ok(Reply::Sent { seq }) => return Ok(seq),
            Ok(other) => panic!("not sent: {other:?}"),
            Err(Failure {
                retry_after: Some(pause),
                ..
            }) => {
                // tidy: allowed, because time is virtual
                sleep(Duration::from_millis(pause.into())).await;
            }
            Err(why) => return Err(why),
        }
    }
}

/// The next event that is wanted; others are passed over.
async fn until<T>(client: &mut Client, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
    let found = async {
        loop {
            let event = client.event().await;
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    };
    timeout(PATIENCE, found).await.expect("it does not come")
}

fn message(event: &Event) -> Option<(u64, String)> {
    match event {
        Event::Message(message) => Some((message.seq, message.body.as_text().unwrap())),
        _ => None,
    }
}

fn camera(user_name: &str) -> MediaRef {
    MediaRef {
        user: user(user_name),
        media_type: hst_id::MediaType::Video,
        media: "cam".parse().unwrap(),
    }
}

fn publish() -> Command {
    Command::Publish {
        media_type: hst_id::MediaType::Video,
        media: "cam".parse().unwrap(),
        name: "the camera".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn members_of_three_nodes_see_each_other_come_and_go() {
    let nodes = Nodes::start(3).await;
    let mut ann = nodes.member(0, "ann").await;
    let mut bob = nodes.logged_in(1, "bob").await;
    let joined = bob.join("g").await;
    assert_eq!(joined.members, [user("ann")]);
    assert!(matches!(ann.event().await, Event::MemberJoined { user } if user.as_str() == "bob"));
    let mut cat = nodes.logged_in(2, "cat").await;
    assert_eq!(cat.join("g").await.members, [user("ann"), user("bob")]);
    for other in [&mut ann, &mut bob] {
        assert!(matches!(other.event().await, Event::MemberJoined { user } if user.as_str() == "cat"));
    }
    bob.ask(Command::Leave {}).await.unwrap();
    for other in [&mut ann, &mut cat] {
        assert!(matches!(other.event().await, Event::MemberLeft { user } if user.as_str() == "bob"));
    }
    // A session that ends has left, too, and he may come by any node at once.
    cat.ask(Command::Exit {}).await.unwrap();
    assert!(matches!(ann.event().await, Event::MemberLeft { user } if user.as_str() == "cat"));
    let mut cat = nodes.logged_in(1, "cat").await;
    cat.join("g").await;
    assert_eq!(bob.join("g").await.members, [user("ann"), user("cat")]);
}

#[tokio::test(start_paused = true)]
async fn everybody_gets_all_messages_in_one_order_by_whichever_node_they_come() {
    let nodes = Nodes::start(3).await;
    let mut clients = Vec::new();
    for number in 0..9 {
        clients.push(nodes.member(number % 3, &format!("user-{number}")).await);
    }
    let talking = clients.into_iter().enumerate().map(|(number, mut client)| {
        tokio::spawn(async move {
            let mut own = Vec::new();
            for word in 0..50 {
                own.push(say(&mut client, &format!("{number}-{word}")).await.unwrap());
            }
            (client, own)
        })
    });
    let talking: Vec<_> = talking.collect();
    let mut all = Vec::new();
    for client in talking {
        all.push(client.await.unwrap());
    }
    for (client, own) in &mut all {
        let mut heard = Vec::new();
        while heard.len() < 8 * 50 {
            heard.push(until(client, message).await.0);
        }
        assert!(heard.is_sorted(), "{heard:?}");
        heard.extend(own.iter());
        heard.sort_unstable();
        assert_eq!(heard, (1..=9 * 50).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_reaches_its_audience_and_nobody_else_on_any_node() {
    let nodes = Nodes::start(2).await;
    let mut ann = nodes.member(0, "ann").await;
    let mut bob = nodes.member(1, "bob").await;
    let mut cat = nodes.member(1, "cat").await;
    let mut dan = nodes.member(0, "dan").await;
    for (audience, heard) in [
        (Audience::Only(vec![user("bob"), user("dan")]), [true, false, true]),
        (Audience::Except(vec![user("bob")]), [false, true, true]),
    ] {
        ann.ask(text("some", audience)).await.unwrap();
        ann.ask(text("all", Audience::All)).await.unwrap();
        for (client, heard) in [&mut bob, &mut cat, &mut dan].into_iter().zip(heard) {
            let first = until(client, message).await.1;
            assert_eq!(first, if heard { "some" } else { "all" });
            if heard {
                assert_eq!(until(client, message).await.1, "all");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rights_are_judged_where_the_group_is_and_acts_reach_every_node() {
    let nodes = Nodes::start(2).await;
    let mut ann = nodes.member(0, "ann").await;
    let mut bob = nodes.member(1, "bob").await;
    ann.ask(publish()).await.unwrap();
    let seen = until(&mut bob, |event| match event {
        Event::Published(media) => Some(media.key.clone()),
        _ => None,
    });
    assert_eq!(seen.await, camera("ann"));
    bob.ask(Command::Receive(camera("ann"))).await.unwrap();
    let kick = |name: &str| Command::Kick {
        user: user(name),
        ban: None,
    };
    // A token of the development App has no right to act on others.
    assert_eq!(bob.ask(kick("ann")).await.unwrap_err().code, 1_000_108);
    ann.ask(Command::Unpublish {
        media_type: hst_id::MediaType::Video,
        media: "cam".parse().unwrap(),
    })
    .await
    .unwrap();
    until(&mut bob, |event| matches!(event, Event::Unpublished(_)).then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn presence_messages_and_invites_find_users_of_other_nodes() {
    let nodes = Nodes::start(3).await;
    let mut ann = nodes.logged_in(0, "ann").await;
    let mut bob = nodes.logged_in(1, "bob").await;
    let page = OnlinePage { after: None, limit: 9 };
    let Ok(Reply::Online(online)) = ann.ask(Command::Online(page)).await else {
        panic!("nobody is online")
    };
    assert_eq!(online.total, 2);
    let mut cat = nodes.logged_in(2, "cat").await;
    let changed = |event: &Event| match event {
        Event::Presence { changes } => Some((changes[0].user.clone(), changes[0].online)),
        _ => None,
    };
    assert_eq!(until(&mut ann, changed).await, (user("cat"), true));

    let body = Payload::text("hello");
    let to_bob = Command::UserMessage {
        user: user("bob"),
        body,
    };
    ann.ask(to_bob).await.unwrap();
    until(&mut bob, |event| {
        matches!(event, Event::UserMessage { .. }).then_some(())
    })
    .await;

    let invite = Invite {
        invite: 7,
        group: "g".parse().unwrap(),
        users: vec![user("bob"), user("cat"), user("dan")],
        extend_info: None,
    };
    match ann.ask(Command::Invite(invite)).await {
        Ok(Reply::Invited(invited)) => assert_eq!(invited.offline, [user("dan")]),
        other => panic!("{other:?}"),
    }
    let rings = |event: &Event| match event {
        Event::Invited(invitation) => Some(invitation.invite),
        _ => None,
    };
    let answer = InviteAnswer {
        invite: until(&mut bob, rings).await,
        accept: true,
        extend_info: None,
    };
    bob.ask(Command::AnswerInvite(answer)).await.unwrap();
    until(&mut cat, rings).await;
    cat.ask(Command::Exit {}).await.unwrap();
    let ended = |event: &Event| match event {
        Event::InviteAnswered(result) => Some((result.user.clone(), result.outcome)),
        _ => None,
    };
    assert_eq!(until(&mut ann, ended).await, (user("bob"), InviteOutcome::Accepted));
    assert_eq!(until(&mut ann, ended).await, (user("cat"), InviteOutcome::Offline));
}

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
    settled(&mut bob, &["cat"], &[]).await;
    settled(&mut cat, &["bob"], &[camera("bob")]).await;
    assert_eq!(until(&mut cat, message).await, (number, "after".to_owned()));
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

/// Says it, and again where nobody knows whether it was said.
async fn say_again(client: &mut Client, words: &str) -> u64 {
    loop {
        match say(client, words).await {
            Ok(number) => return number,
            Err(why) => assert_eq!(why.code, 302, "{why:?}"),
        }
    }
}

/// Waits until a member is told that the group is so.
async fn settled(client: &mut Client, members: &[&str], media: &[MediaRef]) {
    let members: Vec<_> = members.iter().map(|name| user(name)).collect();
    let found = until(client, |event| match event {
        Event::Snapshot(now) => Some((
            now.members.clone(),
            now.media.iter().map(|it| it.key.clone()).collect::<Vec<_>>(),
        )),
        _ => None,
    });
    assert_eq!(found.await, (members, media.to_vec()));
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

/// Says again and again that he is there.
async fn stay_until<T>(client: &mut Client, done: impl Future<Output = T>) {
    let mut done = std::pin::pin!(done);
    while timeout(Duration::from_secs(5), &mut done).await.is_err() {
        client.ask(Command::Ping {}).await.unwrap();
    }
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

#[tokio::test(start_paused = true)]
async fn who_does_not_read_on_another_node_holds_nobody_up() {
    let nodes = Nodes::start(2).await;
    let mut ann = nodes.member(0, "ann").await;
    let _deaf = nodes.member(1, "deaf").await;
    let mut bob = nodes.member(1, "bob").await;
    let words = "word ".repeat(1_000);
    let hears = tokio::spawn(async move {
        for _ in 0..200 {
            until(&mut bob, message).await;
        }
    });
    let since = Instant::now();
    for _ in 0..200 {
        say(&mut ann, &words).await.unwrap();
    }
    hears.await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_members_of_three_nodes_hear_each_message_once() {
    let nodes = Nodes::start(3).await;
    let mut clients = Vec::new();
    for number in 0..1000 {
        clients.push(nodes.member(number % 3, &format!("user-{number}")).await);
    }
    for speaker in [0, 1, 2] {
        let number = say(&mut clients[speaker], "hello").await.unwrap();
        for (at, client) in clients.iter_mut().enumerate().filter(|(at, _)| *at != speaker) {
            let heard = until(client, message).await;
            assert_eq!(heard, (number, "hello".to_owned()), "client {at}");
        }
    }
}

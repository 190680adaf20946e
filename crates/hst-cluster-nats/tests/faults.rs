//! What the seams promise holds while servers crash, hang, and lose what they had stored.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod support;

use std::{collections::BTreeMap, time::Duration};

use hst_cluster::{
    Bus, Delivery, Directory, Entry, Filter, Key, Prefix, RequestError, Subject, Unavailable, Watch, WatchEvent,
    WriteError,
};
use hst_cluster_nats::{Auth, Nats, Options};
use support::{Server, within};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::yield_now, time::Instant};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn subject(text: &str) -> Subject {
    Subject::parse(text).unwrap()
}

async fn connect(server: &Server) -> Nats {
    Nats::connect(Options::new([server.url()])).await.unwrap()
}

/// Until the node has noticed that its server is gone.
async fn cut_off(nats: &Nats) {
    within(async {
        while nats.publish(&subject("x"), "x".into()).await == Ok(()) {
            yield_now().await;
        }
    })
    .await;
}

/// Creates as soon as that is possible.
async fn create_at_last(nats: &Nats, at: &Key) -> Entry {
    within(async {
        loop {
            match nats.create(at, "x".into()).await {
                Ok(_) | Err(WriteError::Conflict) => return nats.get(at).await.unwrap().unwrap(),
                Err(WriteError::Unavailable | WriteError::Unknown) => yield_now().await,
            }
        }
    })
    .await
}

/// What a watcher knows as soon as it has heard of `last`, and whether it was told to begin anew.
async fn known_with(
    watch: &mut dyn Watch,
    mut known: BTreeMap<Key, Entry>,
    last: &Key,
) -> (BTreeMap<Key, Entry>, bool) {
    within(async {
        let (mut anew, mut synced) = (false, true);
        while !synced || !known.contains_key(last) {
            match watch.next().await {
                WatchEvent::Put(entry) => drop(known.insert(entry.key.clone(), entry)),
                WatchEvent::Deleted { key, .. } => drop(known.remove(&key)),
                WatchEvent::Synced => synced = true,
                WatchEvent::Resync => {
                    (anew, synced) = (true, false);
                    known.clear();
                }
            }
        }
        (known, anew)
    })
    .await
}

async fn synced(watch: &mut dyn Watch) -> BTreeMap<Key, Entry> {
    within(async {
        let mut known = BTreeMap::new();
        loop {
            match watch.next().await {
                WatchEvent::Put(entry) => drop(known.insert(entry.key.clone(), entry)),
                WatchEvent::Synced => return known,
                other => panic!("{other:?}"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_watch_begins_anew_when_its_server_was_away_and_has_what_it_had() {
    let mut server = Server::start().await;
    let (one, other) = (connect(&server).await, connect(&server).await);
    one.create(&key("a.1"), "x".into()).await.unwrap();
    let mut watch = other.watch(&key("a").beneath()).await.unwrap();
    let known = synced(&mut *watch).await;
    assert!(known.contains_key(&key("a.1")));

    server.kill().await;
    server.restart().await;
    let last = create_at_last(&one, &key("a.2")).await;
    let (known, anew) = known_with(&mut *watch, known, &last.key).await;
    assert!(anew);
    assert_eq!(
        known.into_values().collect::<Vec<_>>(),
        one.list(&key("a").beneath()).await.unwrap()
    );
    // And it goes on from there.
    let revision = one.create(&key("a.3"), "x".into()).await.unwrap();
    assert!(matches!(within(watch.next()).await, WatchEvent::Put(entry) if entry.revision == revision));
}

#[tokio::test]
async fn a_watch_begins_anew_when_its_server_has_lost_everything() {
    let mut server = Server::start().await;
    let (one, other) = (connect(&server).await, connect(&server).await);
    for number in 0..10_u64 {
        one.create(&key("a").with(&number), "x".into()).await.unwrap();
    }
    let mut watch = other.watch(&Prefix::all()).await.unwrap();
    let known = synced(&mut *watch).await;
    assert_eq!(known.len(), 10);

    server.kill().await;
    server.empty();
    server.restart().await;
    // The bucket is made anew by whoever comes first, and its revisions begin at 1 again.
    let last = create_at_last(&one, &key("b")).await;
    let (known, anew) = known_with(&mut *watch, known, &last.key).await;
    assert!(anew);
    assert_eq!(known.into_values().collect::<Vec<_>>(), [last]);
    let revision = one.create(&key("c"), "x".into()).await.unwrap();
    assert!(matches!(within(watch.next()).await, WatchEvent::Put(entry) if entry.revision == revision));
}

#[tokio::test]
async fn a_watch_survives_one_server_after_the_other() {
    let mut server = Server::start().await;
    let (one, other) = (connect(&server).await, connect(&server).await);
    let mut watch = other.watch(&Prefix::all()).await.unwrap();
    let mut known = synced(&mut *watch).await;
    for round in 0..5_u64 {
        server.kill().await;
        server.restart().await;
        let last = create_at_last(&one, &key("a").with(&round)).await;
        (known, _) = known_with(&mut *watch, known, &last.key).await;
        assert_eq!(known.len() as u64, round + 1);
    }
}

/// As when a server dies between storing a change and telling of it, and nothing comes behind that would show the hole.
#[tokio::test]
async fn a_watch_misses_no_change_whose_news_is_lost() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("deaf.conf");
    let users =
        r#"authorization { users: [ { user: ann, password: x, permissions: { subscribe: { deny: "hst.kv.>" } } } ] }"#;
    std::fs::write(&config, users).unwrap();
    let server = Server::with(&["-c", config.to_str().unwrap()]).await;
    let mut options = Options::new([server.url()]);
    options.auth = Auth::User {
        name: "ann".to_owned(),
        password: "x".to_owned(),
    };
    let nats = Nats::connect(options).await.unwrap();
    let mut watch = nats.watch(&Prefix::all()).await.unwrap();
    let mut known = synced(&mut *watch).await;
    for change in 0..2_u64 {
        let at = key("a").with(&change);
        nats.create(&at, "x".into()).await.unwrap();
        let anew;
        (known, anew) = known_with(&mut *watch, known, &at).await;
        assert!(anew);
        assert_eq!(known.len() as u64, change + 1);
    }
}

/// Its revisions begin anew, so that they say nothing about which is the newer.
#[tokio::test]
async fn a_watch_notices_that_the_bucket_is_another_one() {
    let server = Server::start().await;
    let nats = connect(&server).await;
    let mut watch = nats.watch(&Prefix::all()).await.unwrap();
    let mut known = synced(&mut *watch).await;
    for change in 0..3_u64 {
        let at = key("a").with(&change);
        nats.create(&at, "x".into()).await.unwrap();
        (known, _) = known_with(&mut *watch, known, &at).await;
    }
    let raw = async_nats::connect(server.url()).await.unwrap();
    raw.request("$JS.API.STREAM.DELETE.KV_hst", "".into()).await.unwrap();
    for change in 3..9_u64 {
        nats.create(&key("a").with(&change), "x".into()).await.unwrap();
    }
    let (known, anew) = known_with(&mut *watch, known, &key("a.8")).await;
    assert!(anew);
    assert_eq!(
        known.into_values().collect::<Vec<_>>(),
        nats.list(&Prefix::all()).await.unwrap()
    );
}

#[tokio::test]
async fn without_a_server_everything_fails_at_once_and_nothing_is_written_later() {
    let mut server = Server::start().await;
    let nats = connect(&server).await;
    let revision = nats.create(&key("a"), "1".into()).await.unwrap();
    server.kill().await;
    cut_off(&nats).await;

    let begun = Instant::now();
    assert_eq!(nats.create(&key("b"), "x".into()).await, Err(WriteError::Unavailable));
    assert_eq!(
        nats.update(&key("a"), "2".into(), revision).await,
        Err(WriteError::Unavailable)
    );
    assert_eq!(nats.delete(&key("a"), revision).await, Err(WriteError::Unavailable));
    assert_eq!(nats.get(&key("a")).await, Err(Unavailable));
    assert_eq!(nats.list(&Prefix::all()).await, Err(Unavailable));
    assert_eq!(nats.watch(&Prefix::all()).await.err(), Some(Unavailable));
    assert_eq!(nats.publish(&subject("a"), "x".into()).await, Err(Unavailable));
    assert_eq!(nats.subscribe(&subject("a").into()).await.err(), Some(Unavailable));
    let asked = nats.request(&subject("a"), "x".into(), Duration::from_secs(60)).await;
    assert_eq!(asked, Err(RequestError::Unavailable));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());

    server.restart().await;
    create_at_last(&nats, &key("c")).await;
    let entries = nats.list(&Prefix::all()).await.unwrap();
    let found: Vec<_> = entries
        .iter()
        .map(|entry| (entry.key.as_str(), &entry.value[..]))
        .collect();
    assert_eq!(found, [("a", &b"1"[..]), ("c", b"x")]);
}

/// It is connected, but nothing comes back: what is not known must not look like a refusal.
#[tokio::test]
async fn a_write_to_a_server_that_hangs_is_unknown_and_may_have_happened() {
    let server = Server::start().await;
    let nats = connect(&server).await;
    server.hang().await;
    let begun = Instant::now();
    assert_eq!(
        within(nats.create(&key("a"), "x".into())).await,
        Err(WriteError::Unknown)
    );
    assert_eq!(within(nats.get(&key("a"))).await, Err(Unavailable));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    server.go_on().await;
    let entry = create_at_last(&nats, &key("a")).await;
    assert_eq!(entry.value, "x");
}

#[tokio::test]
async fn a_subscription_survives_its_server_and_tells_that_something_may_be_missing() {
    let mut server = Server::start().await;
    let (one, other) = (connect(&server).await, connect(&server).await);
    let mut listener = other.subscribe(&subject("a").into()).await.unwrap();
    one.publish(&subject("a"), "before".into()).await.unwrap();
    assert!(matches!(within(listener.next()).await, Delivery::Message(message) if message.payload == "before"));

    server.kill().await;
    server.restart().await;
    assert_eq!(within(listener.next()).await, Delivery::Gap);
    let ask = async {
        while one.request(&subject("a"), "after".into(), Duration::from_secs(1)).await != Ok("heard".into()) {
            yield_now().await;
        }
    };
    let answer = async {
        loop {
            if let Delivery::Message(message) = listener.next().await {
                assert_eq!(message.payload, "after");
                other.publish(&message.reply.unwrap(), "heard".into()).await.unwrap();
            }
        }
    };
    within(async {
        tokio::select! {
            () = ask => {}
            () = answer => unreachable!("it goes on"),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_who_does_not_read_costs_a_bounded_number_of_messages() {
    const SENT: u64 = 20_000;
    let server = Server::start().await;
    let (one, other) = (connect(&server).await, connect(&server).await);
    let mut slow = other.subscribe(&subject("a").into()).await.unwrap();
    let mut swift = other.subscribe(&subject("a").into()).await.unwrap();
    let send = async {
        for number in 0..SENT {
            one.publish(&subject("a"), number.to_string().into()).await.unwrap();
            // In step with the swift one, so that only the slow one is slow.
            if number % 1000 == 999 {
                while !matches!(swift.next().await, Delivery::Message(message) if message.payload == number.to_string())
                {
                }
            }
        }
    };
    within(send).await;
    assert_eq!(within(slow.next()).await, Delivery::Gap);
    let mut heard = 0;
    within(async {
        loop {
            match slow.next().await {
                Delivery::Message(message) if message.payload == (SENT - 1).to_string() => return,
                Delivery::Message(_) => heard += 1,
                // The last ones come while we read.
                Delivery::Gap => {}
            }
        }
    })
    .await;
    assert!(heard < SENT / 2, "{heard} waited");
}

#[tokio::test]
async fn who_listens_to_all_hears_no_answers_and_nothing_of_the_directory() {
    let server = Server::start().await;
    let (one, other) = (connect(&server).await, connect(&server).await);
    let mut all = other.subscribe(&Filter::from(Prefix::all())).await.unwrap();
    let mut door = other.subscribe(&subject("door").into()).await.unwrap();
    let revision = one.create(&key("a"), "x".into()).await.unwrap();
    one.delete(&key("a"), revision).await.unwrap();
    let answer = async {
        let Delivery::Message(message) = door.next().await else {
            panic!("a gap")
        };
        other.publish(&message.reply.unwrap(), "!".into()).await.unwrap();
    };
    let at = subject("door");
    let (answered, ()) = tokio::join!(one.request(&at, "?".into(), support::PATIENCE), answer);
    assert_eq!(answered, Ok("!".into()));
    one.publish(&subject("end"), "".into()).await.unwrap();
    for expected in ["door", "end"] {
        let Delivery::Message(message) = within(all.next()).await else {
            panic!("a gap")
        };
        assert_eq!(message.subject, subject(expected));
    }
}

/// Each try is counted by a server that throws everybody out.
#[tokio::test]
async fn a_node_that_is_thrown_out_tries_again_ever_more_slowly() {
    let mut server = Server::start().await;
    let nats = connect(&server).await;
    server.kill().await;
    let listener = within(async {
        loop {
            match TcpListener::bind(("127.0.0.1", server.port())).await {
                Ok(listener) => return listener,
                Err(_) => yield_now().await,
            }
        }
    })
    .await;
    let mut tries = Vec::new();
    within(async {
        while tries.len() < 7 {
            drop(listener.accept().await.unwrap());
            tries.push(Instant::now());
        }
    })
    .await;
    // Half of each pause is certain: 50, 100, 200 ms and so on, of which the first may have passed before.
    let pauses: Vec<Duration> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (number, pause) in pauses.iter().enumerate() {
        assert!(*pause >= Duration::from_millis(25 << number), "{pauses:?}");
    }
    drop(listener);
    server.restart().await;
    create_at_last(&nats, &key("a")).await;
}

#[tokio::test]
async fn what_is_deleted_leaves_nothing_in_the_store() {
    let server = Server::start().await;
    let nats = connect(&server).await;
    for number in 0..20_u64 {
        let at = key("a").with(&number);
        let revision = nats.create(&at, "x".into()).await.unwrap();
        nats.delete(&at, revision).await.unwrap();
    }
    let raw = async_nats::connect(server.url()).await.unwrap();
    within(async {
        loop {
            let info = raw.request("$JS.API.STREAM.INFO.KV_hst", "".into()).await.unwrap();
            let info: serde_json::Value = serde_json::from_slice(&info.payload).unwrap();
            if info["state"]["messages"] == 0 {
                return;
            }
        }
    })
    .await;
    assert_eq!(nats.get(&key("a.0")).await, Ok(None));
    nats.create(&key("a.0"), "x".into()).await.unwrap();
}

/// The server would throw the whole node out for it.
#[tokio::test]
async fn what_is_too_long_is_not_sent_and_the_connection_lives_on() {
    let server = Server::start().await;
    let nats = connect(&server).await;
    let long = vec![0; 2 * 1024 * 1024];
    let created = nats.create(&key("a"), long.clone().into()).await;
    assert_eq!(created, Err(WriteError::Unavailable));
    assert_eq!(nats.publish(&subject("a"), long.into()).await, Err(Unavailable));
    nats.create(&key("a"), "x".into()).await.unwrap();
}

//! After the storm: everything is as everybody believes, and nothing is left behind by those who go.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hst_cluster::{Bus as _, Delivery, Directory as _, Prefix, Subject, Subscription, simulated::Weather};
use hst_group::client::State;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{citizen::Citizen, ledger::Ledger, world::World};

/// Within so long everybody knows how things are: a session waits for its client for a minute, whom it may have taken 15 s to
/// miss.
const SETTLED: Duration = Duration::from_secs(100);
/// Within so long everything that is asked is done, and everybody has heard of it.
const SHORT: Duration = Duration::from_secs(8);

type Lives = JoinSet<Citizen>;

/// When everybody knows how things are, after a storm that is over by then.
pub(super) fn settled(calm: Instant) -> Instant {
    calm + Weather::LATENESS + SETTLED
}

/// Holds what there is after a storm against the laws.
pub(super) async fn settle(world: &World, ledger: &Ledger, lives: Lives, settled: Instant) {
    let citizens = lives.join_all().await;
    let late = settled.elapsed();
    assert!(
        late < Duration::from_secs(1),
        "somebody had an answer {late:?} too late"
    );
    all_agree(world, ledger, &citizens).await;

    let said = settled + SHORT;
    let citizens = each(citizens, said, async |citizen| {
        if state(citizen) == State::Joined {
            let said = citizen.say().await;
            assert!(said.is_ok(), "{}: {said:?}", who(citizen));
        }
    });
    let citizens = citizens.await;
    let citizens = each(citizens, said + SHORT, async |citizen| {
        if state(citizen).is_online() {
            let online = citizen.online().await;
            assert!(online.is_ok(), "{}: {online:?}", who(citizen));
            citizen.seen = online.unwrap();
        }
    });
    let citizens = citizens.await;
    let present: BTreeSet<_> = citizens
        .iter()
        .filter(|it| state(it).is_online())
        .map(|it| it.user.clone())
        .collect();
    for citizen in citizens.iter().filter(|it| state(it).is_online()) {
        assert_eq!(citizen.seen, present, "{} sees who is online", who(citizen));
    }
    let faults = ledger.faults();
    assert!(faults.is_empty(), "{faults:#?}");

    let gone = said + 2 * SHORT;
    let citizens = each(citizens, gone, async |citizen| {
        if state(citizen).is_online() {
            citizen.exit().await;
        }
    });
    let citizens = citizens.await;
    nothing_is_left(world).await;

    let firsts = citizens.into_iter().filter(|it| it.device == 0).collect();
    let citizens = each(firsts, gone + SHORT, async |citizen| {
        assert!(citizen.log_in(false).await, "{} is kept out", who(citizen));
        let joined = citizen.join("g").await;
        assert!(joined.is_ok(), "{}: {joined:?}", who(citizen));
    });
    all_agree(world, ledger, &citizens.await).await;
}

/// Has all do something at once, and live on until then.
async fn each(
    citizens: Vec<Citizen>,
    until: Instant,
    what: impl AsyncFn(&mut Citizen) + Copy + 'static,
) -> Vec<Citizen> {
    let mut doing = tokio::task::LocalSet::new();
    let tasks: Vec<_> = citizens
        .into_iter()
        .map(|mut citizen| {
            doing.spawn_local(async move {
                what(&mut citizen).await;
                citizen.rest_until(until).await;
                citizen
            })
        })
        .collect();
    (&mut doing).await;
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

fn state(citizen: &Citizen) -> State {
    citizen.engine.as_ref().map_or(State::Inited, |engine| engine.state())
}

fn who(citizen: &Citizen) -> String {
    citizen
        .engine
        .as_ref()
        .map_or_else(|| citizen.user.clone(), |engine| engine.name.clone())
}

/// Who believes to be logged in is, and nobody else; who believes to be in a group is seen there by all, and nobody else.
async fn all_agree(world: &World, ledger: &Ledger, citizens: &[Citizen]) {
    let mut online = BTreeMap::new();
    let mut groups = BTreeMap::<&str, BTreeSet<String>>::new();
    for citizen in citizens {
        let Some(engine) = &citizen.engine else { continue };
        match engine.state() {
            State::Inited => continue,
            State::LoggedIn => {}
            State::Joined => _ = groups.entry(engine.group).or_default().insert(citizen.user.clone()),
            other => panic!("{} is {other} still: {}", engine.name, ledger.last_of(&engine.name)),
        }
        if let Some(other) = online.insert(citizen.user.clone(), engine.name.clone()) {
            panic!(
                "{other} and {} are both logged in: {} and {}",
                engine.name,
                ledger.last_of(&other),
                ledger.last_of(&engine.name)
            );
        }
    }
    for citizen in citizens {
        let Some(engine) = citizen.engine.as_ref().filter(|it| it.state() == State::Joined) else {
            continue;
        };
        let mut others = groups[engine.group].clone();
        others.remove(&citizen.user);
        assert_eq!(
            engine.others,
            others,
            "{} sees who is in {}: {}",
            engine.name,
            engine.group,
            ledger.last_of(&engine.name)
        );
    }
    let logins = entries(world, Prefix::logins()).await;
    let users: Vec<_> = online.keys().cloned().collect();
    let named: Vec<_> = logins
        .iter()
        .map(|key| key.split('.').nth(2).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        named, users,
        "the directory has {logins:?}, and logged in are {online:?}"
    );
    let homes = entries(world, Prefix::groups()).await;
    let named: Vec<_> = homes
        .iter()
        .map(|key| key.split('.').nth(2).unwrap_or_default())
        .collect();
    let joined: Vec<_> = groups.keys().copied().collect();
    let counts = counts(world).await;
    assert_eq!(named, joined, "the directory has {homes:?}, and nodes say {counts:?}");
    assert_eq!(counts.sessions, online.len() as u64, "sessions: {online:?}");
    assert_eq!(counts.home_groups, groups.len() as u64, "homes of groups: {groups:?}");
}

async fn nothing_is_left(world: &World) {
    let logins = entries(world, Prefix::logins()).await;
    let homes = entries(world, Prefix::groups()).await;
    let said = counts(world).await;
    assert!(
        logins.is_empty() && homes.is_empty() && said == Said::default(),
        "the directory has {logins:?} and {homes:?}, and nodes say {said:?}"
    );
}

async fn entries(world: &World, prefix: Prefix) -> Vec<String> {
    let entries = world.cluster.truth().list(&prefix).await.unwrap();
    for entry in &entries {
        tracing::debug!("at the end: {} {}", entry.key, String::from_utf8_lossy(&entry.value));
    }
    entries.iter().map(|entry| entry.key.as_str().to_owned()).collect()
}

/// What nodes say that they have.
#[derive(Debug, Default, PartialEq, Eq, serde::Deserialize)]
struct Said {
    sessions: u64,
    groups: u64,
    home_groups: u64,
}

/// Of all nodes together, by what each says next.
async fn counts(world: &World) -> Said {
    #[derive(serde::Deserialize)]
    struct Beat {
        node: String,
        #[serde(flatten)]
        said: Said,
    }
    let beats = Subject::parse("beats").unwrap();
    let listener = world.cluster.node(world.nodes);
    let mut beats: Box<dyn Subscription> = listener.subscribe(&beats.into()).await.unwrap();
    let mut heard = BTreeMap::new();
    let all = async {
        while heard.len() < world.nodes {
            if let Delivery::Message(message) = beats.next().await {
                let beat: Beat = serde_json::from_slice(&message.payload).unwrap();
                heard.insert(beat.node, beat.said);
            }
        }
    };
    let came = timeout(Duration::from_secs(5), all).await;
    assert!(came.is_ok(), "only these live: {heard:?}");
    let mut sum = Said::default();
    for said in heard.into_values() {
        sum.sessions += said.sessions;
        sum.groups += said.groups;
        sum.home_groups += said.home_groups;
    }
    sum
}

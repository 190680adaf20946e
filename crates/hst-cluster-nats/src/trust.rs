//! Whether what the servers promise can be believed.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use hst_cluster::{Revision, WriteError};
use tokio::time::sleep;

use crate::{
    ConnectError,
    link::Link,
    names::Names,
    stream::{Config, Storage, Stream},
};

/// Tells of each change where it is stored (`republish`), and in which order.
const NEEDED: Version = (2, 9);
/// Before it, of many who write over one revision of a replicated stream several win.
const REPLICABLE: Version = (2, 12);
/// Each round of a server that cannot be trusted fails nearly always, so a few rounds find it.
const ROUNDS: usize = 5;
const RACERS: usize = 40;
/// What a round leaves behind is gone after a minute.
const AGE: u64 = 60_000_000_000;

/// How often a race is begun that cannot begin, and the pause between.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(250);

type Version = (u32, u32);

/// Refuses servers on which the directory's laws would not hold.
pub(crate) async fn check(link: &Link, names: &Names, replicas: u8) -> Result<(), ConnectError> {
    let version = link.version();
    let known = parse(&version);
    if known < Some(NEEDED) {
        return Err(ConnectError::TooOld(version));
    }
    if replicas > 1 {
        if known < Some(REPLICABLE) {
            return Err(ConnectError::NotReplicable { version, replicas });
        }
        race(link, names, replicas).await?;
    }
    Ok(())
}

/// Lets many write over one revision: exactly one may win. The version says nothing about the other servers of the
/// cluster, and nothing about faults that nobody knows yet.
async fn race(link: &Link, names: &Names, replicas: u8) -> Result<(), ConnectError> {
    let base = format!("{}.{replicas}", names.probe());
    let config = Config {
        name: format!("{}_{replicas}", names.probe().replace('.', "_")),
        subjects: vec![format!("{base}.>")],
        storage: Storage::Memory,
        num_replicas: replicas,
        max_msgs_per_subject: 1,
        max_age: AGE,
        allow_direct: false,
        republish: None,
    };
    let stream = Stream::open(link.clone(), config).await?;
    for _ in 0..ROUNDS {
        let (place, expected) = begin(&stream, &base).await?;
        let written = join_all((0..RACERS).map(|_| write(&stream, &place, expected))).await;
        match written.iter().filter(|written| written.is_ok()).count() {
            1 => {}
            0 => return Err(ConnectError::NotReady),
            winners => {
                return Err(ConnectError::RaceLost {
                    racers: RACERS,
                    winners,
                });
            }
        }
    }
    Ok(())
}

/// The place of a race, which stands there once. Servers that have just begun need a moment until the stream has a leader.
async fn begin(stream: &Stream, base: &str) -> Result<(String, Revision), ConnectError> {
    for _ in 0..TRIES {
        // Nodes that start at the same moment have each their own place.
        let place = format!("{base}.{:016x}", rand::random::<u64>());
        if let Ok(revision) = write(stream, &place, Revision::OWN).await {
            return Ok((place, revision));
        }
        sleep(PAUSE).await;
    }
    Err(ConnectError::NotReady)
}

async fn write(stream: &Stream, place: &str, expected: Revision) -> Result<Revision, WriteError> {
    stream.write(place, Some(Bytes::new()), expected).await
}

/// Its first two numbers.
fn parse(version: &str) -> Option<Version> {
    let mut numbers = version.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Options,
        support::{Program, Server, cluster},
    };

    #[test]
    fn versions_are_compared_as_numbers_and_an_odd_one_is_too_old() {
        assert!(parse("2.8.4") < Some(NEEDED));
        assert!(parse("2.9.10") >= Some(NEEDED) && parse("2.9.10") < Some(REPLICABLE));
        assert!(parse("2.15.1-RC.1") >= Some(REPLICABLE));
        assert!(parse("3.0.0") >= Some(REPLICABLE));
        assert!(parse("dev") < Some(NEEDED));
    }

    /// Version 2.9 lets several win when it is replicated.
    #[tokio::test]
    async fn servers_on_which_several_win_are_found_out() {
        let servers = cluster(Program::Debian).await;
        let names = Names::parse("hst").unwrap();
        let link = Link::open(&Options::new(servers.iter().map(Server::url)), &names)
            .await
            .unwrap();
        let raced = race(&link, &names, 3).await;
        assert!(matches!(raced, Err(ConnectError::RaceLost { .. })), "{raced:?}");
        assert!(race(&link, &names, 1).await.is_ok());
    }
}

//! A node that ends while its members are seen and heard.

use std::time::{Duration, Instant};

use hst_rtc::{Event, GroupEvent, MediaType, RemoteMedia};
use hst_tests::house::within;
use tokio::{task::JoinHandle, time::timeout};

use crate::{Cluster, show};

/// The longest pause that the drain of a node may cost, however busy the machine is. What it costs on an idle one is in
/// `docs/performance.md`.
const LONGEST: Duration = Duration::from_millis(1_000);

/// Reads a media until it is told to end; gives when each frame came.
fn look(mut media: RemoteMedia, until: Instant) -> JoinHandle<Vec<Instant>> {
    tokio::spawn(async move {
        let mut came = Vec::new();
        while Instant::now() < until && within("a frame", media.read()).await.is_some() {
            came.push(Instant::now());
        }
        came
    })
}

/// The longest pause between two frames.
fn longest(came: &[Instant]) -> Duration {
    came.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_moved_to_another_node_is_seen_and_sees_the_others_all_the_time() {
    // The node that ends is that of a member, or the group's home as well.
    for ending in [1, 0] {
        let mut cluster = Cluster::of(3).await;
        let mut members = Vec::new();
        for (node, name) in [(0, "bob"), (1, "ann"), (2, "cat")] {
            members.push(cluster.nodes[node].member(name, "g").await);
        }
        for member in &members {
            show(member).await;
        }
        let until = Instant::now() + Duration::from_secs(14);
        let mut looking = Vec::new();
        for (at, member) in members.iter_mut().enumerate() {
            for _ in 0..4 {
                let media = member.published().await;
                let remote = within("receiving", member.engine.receive(media.clone())).await.unwrap();
                looking.push((at, media, look(remote, until)));
            }
        }
        let mut events: Vec<_> = members.iter().map(|member| member.engine.events()).collect();
        tokio::time::sleep(Duration::from_secs(4)).await; // tidy: allowed, because real media flow meanwhile
        let house = cluster.nodes.remove(ending);
        let since = Instant::now();
        house.server.shutdown().await;
        eprintln!("node {ending} has ended within {:?}", since.elapsed());
        for (at, media, looked) in looking {
            let came = looked.await.unwrap();
            let kind = if media.media_type == MediaType::Audio {
                "sound"
            } else {
                "picture"
            };
            let gap = longest(&came);
            eprintln!(
                "node {ending} ends: member {at} gets {kind} of {}: longest pause {gap:?}",
                media.user
            );
            assert!(gap < LONGEST, "{kind} of {} at {at}: {gap:?}", media.user);
        }
        for events in &mut events {
            while let Ok(Some(event)) = timeout(Duration::ZERO, events.recv()).await {
                let is_noticed = matches!(
                    event,
                    Event::Group(GroupEvent::MemberLeft(_) | GroupEvent::MemberJoined(_) | GroupEvent::Unpublished(_))
                        | Event::Discontinuity
                );
                assert!(!is_noticed, "{event:?}");
            }
        }
    }
}

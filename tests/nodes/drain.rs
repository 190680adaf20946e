//! A node that ends while its members are seen and heard.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hst_rtc::{Event, GroupEvent, MediaType, RemoteMedia};
use hst_tests::house::within;
use tokio::{sync::watch, time::timeout};

use crate::{Cluster, show};

/// The longest pause that the drain of a node may cost, however busy the machine is. What it costs on an idle one is in
/// `docs/performance.md`.
pub(crate) const LONGEST: Duration = Duration::from_millis(1_000);

/// So many frames of each media are looked at before a node ends, and so many behind that: at least a second of sound, and two of
/// the picture.
const FRAMES: usize = 60;

/// When each frame of a media came, so far.
pub(crate) type Came = watch::Receiver<Vec<Instant>>;

/// Reads a media to its end.
pub(crate) fn look(mut media: RemoteMedia) -> Came {
    let (tell, came) = watch::channel(Vec::new());
    tokio::spawn(async move {
        while media.read().await.is_some() && !tell.is_closed() {
            tell.send_modify(|came| came.push(Instant::now()));
        }
    });
    came
}

/// Waits for so many frames more.
pub(crate) async fn see_more(came: &mut Came) {
    let wanted = came.borrow().len() + FRAMES;
    let seen = within("frames", came.wait_for(|came| came.len() >= wanted)).await;
    assert!(seen.is_ok(), "the media has ended");
}

/// The longest pause between two frames.
pub(crate) fn longest(came: &[Instant]) -> Duration {
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
        let mut looking = Vec::new();
        for (at, member) in members.iter_mut().enumerate() {
            for _ in 0..4 {
                let media = member.published().await;
                let remote = within("receiving", member.engine.receive(media.clone())).await.unwrap();
                looking.push((at, media, look(remote)));
            }
        }
        let mut events: Vec<_> = members.iter().map(|member| member.engine.events()).collect();
        join_all(looking.iter_mut().map(|(.., came)| see_more(came))).await;
        let house = cluster.nodes.remove(ending);
        let since = Instant::now();
        house.server.shutdown().await;
        eprintln!("node {ending} has ended within {:?}", since.elapsed());
        join_all(looking.iter_mut().map(|(.., came)| see_more(came))).await;
        for (at, media, came) in looking {
            let came = came.borrow();
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

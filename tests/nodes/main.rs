//! Several nodes that are one platform: servers in one process, a real NATS between them, and real media.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../crates/hst-cluster-nats/tests/support/mod.rs"]
mod support;

mod drain;
mod failures;
mod media;
mod neighbour;
mod next;
mod prepared;
mod registered;
mod versions;

use hst_rtc::{MediaRef, MediaType, RemoteMedia};
use hst_tests::house::{House, Member, live, within};
use support::Server as NatsServer;

/// Nodes, and the NATS server that they share.
struct Cluster {
    nats: NatsServer,
    nodes: Vec<House>,
}

impl Cluster {
    async fn of(count: usize) -> Self {
        let nats = NatsServer::start().await;
        let mut nodes = Vec::new();
        for number in 1..=count {
            nodes.push(House::node(&nats.url(), &format!("n{number}")).await);
        }
        Self { nats, nodes }
    }
}

/// Publishes the film, with its sound.
async fn show(member: &Member) {
    let engine = &member.engine;
    within("publishing", async {
        engine.publish(MediaType::Video, "film", live("film.ivf").await).await?;
        engine.publish(MediaType::Audio, "voice", live("film.ogg").await).await
    })
    .await
    .unwrap();
}

/// Waits until the picture of the film is published, and receives it.
async fn watch(member: &mut Member) -> RemoteMedia {
    let picture: MediaRef = loop {
        let media = member.published().await;
        if media.media_type == MediaType::Video {
            break media;
        }
    };
    within("receiving", member.engine.receive(picture)).await.unwrap()
}

/// Reads so many frames, which come without a long pause.
async fn see(film: &mut RemoteMedia, frames: usize) {
    for _ in 0..frames {
        within("a frame", film.read()).await.unwrap();
    }
}

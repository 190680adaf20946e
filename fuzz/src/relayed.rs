use std::{
    num::NonZero,
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
};

use hst_sfu_worker::{Config, MediaPlane, PeerId, RELAY_VERSIONS, Relay, RelayOut, Room};
use tokio::runtime::Runtime;

/// One that is answered as long as there is somebody to answer it.
const OFFER: &str = include_str!("../seeds/offer/sound");

/// What two other nodes say to a room that has branches there, each piece behind a byte that says which of them and one how long it
/// is. The room lives on, and what it says to either can be read.
pub fn relayed(data: &[u8]) {
    static PLANE: OnceLock<MediaPlane> = OnceLock::new();
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let plane = PLANE.get_or_init(|| {
        let workers = NonZero::<usize>::MIN;
        let config = Config::default();
        let (plane, _) = MediaPlane::start(Config { workers, ..config }).expect("a media plane on loopback");
        plane
    });
    let runtime = RUNTIME.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime")
    });
    runtime.block_on(between(plane, data));
}

async fn between(plane: &MediaPlane, data: &[u8]) {
    let (room, mut ways) = (plane.open_room(), [plane.relay(), plane.relay()]);
    for (relay, _) in &ways {
        relay.meet(&room).await;
    }
    let mut rest = data;
    while let Some((&[who, len], behind)) = rest.split_first_chunk() {
        let (piece, behind) = behind.split_at(usize::from(len).min(behind.len()));
        rest = behind;
        // One that is garbled is for whoever carries it to mind.
        let _ = ways[usize::from(who & 1)].0.deliver(&room, [piece]).await;
        read_all(plane, &room, &mut ways).await;
    }
    for (relay, _) in &ways {
        relay.part(&room).await;
    }
    read_all(plane, &room, &mut ways).await;
    let answer = room.offer(PeerId(1), 1, OFFER.to_owned(), Vec::new()).await;
    assert!(answer.is_ok(), "{answer:?}");
}

async fn read_all(plane: &MediaPlane, room: &Room, ways: &mut [(Relay, RelayOut)]) {
    // The answer comes when the room's thread has done what it was told before, and said what there is to say.
    room.stats().await;
    let (reader, _) = plane.relay();
    let nowhere = plane.open_room();
    for (_, out) in ways {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(batch)) = pin!(out.next()).poll(&mut context) {
            for outgoing in batch {
                for version in RELAY_VERSIONS {
                    let mut written = Vec::new();
                    outgoing.write(version, &mut written);
                    let read = reader.deliver(&nowhere, [&written[..]]).await;
                    assert_eq!(read, Ok(()), "{}", written.escape_ascii());
                }
            }
        }
    }
}

use std::{num::NonZero, sync::OnceLock};

use hst_sfu_worker::{Config, Line, LineRole, MediaPlane, OfferError, PeerId, Room, TrackId};
use tokio::runtime::Runtime;

/// An offer of a client to a whole media plane, and the same once more on the same connection.
pub fn offer(data: &[u8]) {
    static PLANE: OnceLock<(MediaPlane, Room)> = OnceLock::new();
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let Ok(sdp) = std::str::from_utf8(data) else { return };
    let (_, room) = PLANE.get_or_init(|| {
        let workers = NonZero::<usize>::MIN;
        let (plane, _) = MediaPlane::start(Config {
            workers,
            ..Config::default()
        })
        .expect("a media plane on loopback");
        let room = plane.open_room();
        (plane, room)
    });
    let runtime = RUNTIME.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime")
    });
    let line = |mid: &str, role| Line::new(mid.to_owned(), role);
    let lines = vec![
        line("0", LineRole::Send { track: TrackId(1) }),
        line("1", LineRole::Receive { track: TrackId(1) }),
    ];
    runtime.block_on(async {
        let peer = PeerId(1);
        for lines in [lines.clone(), vec![], lines] {
            match room.offer(peer, 1, sdp.to_owned(), lines).await {
                Ok(answer) => assert!(answer.starts_with("v=0\r\n")),
                // Nobody shuts it down: a thread of it has panicked, over this offer or after the one before.
                Err(OfferError::Stopped) => panic!("the media plane is gone"),
                Err(_) => {}
            }
        }
        room.remove_peer(peer).await;
    });
}

//! Retransmission in both directions, over a path that loses one packet in nine.

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use hst_media::{
    Codec, FrameReader, Kind, MediaEngine, MediaPeer, PeerConfig, PeerEvent, PeerEvents, PeerState, TrackInfo,
    contract::{Counterpart, Route, frame},
};
use tokio::time::timeout;

use crate::{Engine, server::Server};

/// Frames that are on their way at once: a lost packet is noticed only by those that come after it.
const UNDER_WAY: usize = 6;
const PICTURES: u32 = 150;

async fn open(server: &Server, number: u32, route: Route, codec: Codec) -> (Box<dyn MediaPeer>, PeerEvents, Writer) {
    let (mut peer, mut events) = Engine::new().open(PeerConfig::default()).await.unwrap();
    let writer = match &route {
        Route::Send(_) => Some(peer.add_sender(TrackInfo::new(codec)).await.unwrap().1),
        Route::Receive(_) => {
            peer.add_receiver(Kind::Video).await.unwrap();
            None
        }
    };
    let offer = peer.offer().await.unwrap();
    let answer = server
        .answer(number, &offer.sdp, vec![(offer.mids[0].1.clone(), route)])
        .await;
    peer.answer(&answer).await.unwrap();
    while !matches!(events.next().await.unwrap(), PeerEvent::State(PeerState::Connected)) {}
    (peer, events, writer)
}

type Writer = Option<Box<dyn hst_media::FrameWriter>>;

#[tokio::test]
async fn every_picture_arrives_whole_in_spite_of_loss() {
    for codec in [Codec::Vp8, Codec::H264] {
        let server = Server::start().await;
        let (alice, _alice_events, writer) = open(&server, 0, Route::Send("camera".into()), codec).await;
        let (mut bob, mut bob_events, _) = open(&server, 1, Route::Receive("camera".into()), codec).await;
        let mut writer = writer.unwrap();
        server.lose(9).await;

        let film: Vec<_> = (0..PICTURES)
            .map(|number| frame(codec, number, 2500, number % 30 == 0))
            .collect();
        let mut reader: Option<Box<dyn FrameReader>> = None;
        let mut seen = Vec::new();
        for (number, picture) in film.iter().enumerate() {
            writer.write(picture.clone()).await.unwrap();
            while reader.is_none() && number > UNDER_WAY {
                if let PeerEvent::Track { reader: new, .. } = bob_events.next().await.unwrap() {
                    reader = Some(new);
                }
            }
            let Some(reader) = &mut reader else { continue };
            while number - seen.len() > UNDER_WAY {
                // A picture that is lost for good must not stop the film.
                let Ok(got) = timeout(Duration::from_millis(500), reader.read()).await else {
                    break;
                };
                seen.push(got.unwrap());
            }
        }
        let mut rest = film.iter();
        for got in &seen {
            assert!(
                rest.any(|picture| picture.data == got.data),
                "{codec}: whole, in order, and none twice"
            );
        }
        // Without retransmission one picture in four would have a hole, and cost all up to the next keyframe.
        assert!(
            seen.len() as u32 > PICTURES * 9 / 10,
            "{codec}: {} pictures",
            seen.len()
        );
        let received = bob.stats().await[0];
        assert!(received.lost < 10, "{received:?}");
        drop(alice);
    }
}

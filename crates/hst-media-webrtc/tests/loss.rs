//! Retransmission in both directions, over a path that loses one packet in nine.

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]

mod server;

use std::time::Duration;

use hst_media::{
    Codec, FrameReader, Kind, MediaEngine, MediaPeer, PeerConfig, PeerEvent, PeerEvents, PeerState, TrackInfo,
    contract::{Counterpart, Route, frame},
};
use hst_media_webrtc::WebRtcEngine;
use server::Server;
use tokio::time::timeout;

/// Frames that are on their way at once: a lost packet is noticed only by those that come after it.
const UNDER_WAY: u32 = 6;

async fn open(server: &Server, number: u32, route: Route, codec: Codec) -> (Box<dyn MediaPeer>, PeerEvents, Writer) {
    let (mut peer, mut events) = WebRtcEngine::new().open(PeerConfig::default()).await.unwrap();
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
        let (bob, mut bob_events, _) = open(&server, 1, Route::Receive("camera".into()), codec).await;
        let mut writer = writer.unwrap();
        server.lose(9).await;

        let film: Vec<_> = (0..150)
            .map(|number| frame(codec, number, 2500, number % 30 == 0))
            .collect();
        let mut reader: Option<Box<dyn FrameReader>> = None;
        let mut seen = 0;
        for number in 0..film.len() as u32 {
            writer.write(film[number as usize].clone()).await.unwrap();
            while reader.is_none() && number >= UNDER_WAY {
                if let PeerEvent::Track { reader: new, .. } = bob_events.next().await.unwrap() {
                    reader = Some(new);
                }
            }
            if let Some(reader) = reader.as_mut().filter(|_| number >= UNDER_WAY) {
                let got = timeout(Duration::from_secs(20), reader.read())
                    .await
                    .expect("nothing stalls")
                    .unwrap();
                assert!(got.data == film[seen].data, "{codec}: picture {seen} of {number}");
                seen += 1;
            }
        }
        let (sent, received) = (alice.stats()[0], bob.stats()[0]);
        assert_eq!(received.lost, 0, "all was recovered: {received:?}");
        assert!(seen >= 140 && received.packets >= 3 * seen as u64, "{received:?}");
        assert!(sent.packets >= 450, "{sent:?}");
    }
}

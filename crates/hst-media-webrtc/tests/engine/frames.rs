//! Our packets against somebody else's depacketizer, and the other way round, with real films.

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]

use std::{path::Path, time::Duration};

use hst_media::{
    Codec, Frame, FrameReader, FrameWriter, MediaEngine, MediaPeer, MediaSource, PeerConfig, PeerEvent, PeerEvents,
    PeerState, TrackInfo,
    contract::{Counterpart, Route, frame},
    open_source,
};
use tokio::time::timeout;

use crate::{Engine, server::Server};

const LIMIT: Duration = Duration::from_secs(60);
const SAMPLES: [(&str, u8); 3] = [("film.ogg", 111), ("film.ivf", 96), ("film.h264", 102)];

/// The first two seconds of a sample.
async fn frames(name: &str) -> Vec<Frame> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/media")
        .join(name);
    let mut source = open_source(path).await.unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = source.next().await.unwrap() {
        frames.push(frame);
    }
    frames.truncate(60);
    frames
}

async fn connect(
    peer: &mut dyn MediaPeer,
    events: &mut PeerEvents,
    server: &Server,
    number: u32,
    route: Route,
) -> String {
    let offer = peer.offer().await.unwrap();
    let mid = offer.mids[0].1.clone();
    let answer = server.answer(number, &offer.sdp, vec![(mid.clone(), route)]).await;
    peer.answer(&answer).await.unwrap();
    while !matches!(events.next().await.unwrap(), PeerEvent::State(PeerState::Connected)) {}
    mid
}

#[tokio::test]
async fn others_understand_our_packets() {
    for (name, _) in SAMPLES {
        let (server, mut received) = Server::start_with_frames().await;
        let frames = frames(name).await;
        let (mut peer, mut events) = Engine::new().open(PeerConfig::default()).await.unwrap();
        let codec = codec_of(name);
        let (_, mut writer): (_, Box<dyn FrameWriter>) = peer.add_sender(TrackInfo::new(codec)).await.unwrap();
        connect(peer.as_mut(), &mut events, &server, 0, Route::Send(name.into())).await;
        for frame in &frames {
            writer.write(frame.clone()).await.unwrap();
        }
        let mut first = None;
        for frame in &frames {
            let data = timeout(LIMIT, received.recv()).await.unwrap().unwrap();
            assert!(data.data[..] == frame.data[..], "{name} at {:?}", frame.time);
            let time = Duration::from_secs_f64(data.time.as_seconds());
            let start = *first.get_or_insert(time);
            assert!(
                (time - start).abs_diff(frame.time) < Duration::from_micros(50),
                "{name} at {:?}",
                frame.time
            );
        }
        peer.close().await;
    }
}

/// More than any queue or buffer on the way holds at once.
#[tokio::test]
async fn a_picture_of_hundreds_of_packets_arrives() {
    for codec in [Codec::Vp8, Codec::H264] {
        let server = Server::start().await;
        let (mut alice, mut events) = Engine::new().open(PeerConfig::default()).await.unwrap();
        let (_, mut writer) = alice.add_sender(TrackInfo::new(codec)).await.unwrap();
        connect(alice.as_mut(), &mut events, &server, 0, Route::Send("screen".into())).await;
        let (mut bob, mut events) = Engine::new().open(PeerConfig::default()).await.unwrap();
        bob.add_receiver(codec.kind()).await.unwrap();
        connect(bob.as_mut(), &mut events, &server, 1, Route::Receive("screen".into())).await;
        let film = [
            frame(codec, 0, 500_000, true),
            frame(codec, 1, 300_000, false),
            frame(codec, 2, 100, false),
        ];
        for picture in &film {
            writer.write(picture.clone()).await.unwrap();
        }
        let mut reader = track(&mut events).await;
        for picture in &film {
            let got = timeout(LIMIT, reader.read()).await.unwrap().unwrap();
            assert!(got.data == picture.data, "{codec}");
        }
    }
}

async fn track(events: &mut PeerEvents) -> Box<dyn FrameReader> {
    loop {
        if let PeerEvent::Track { reader, .. } = timeout(LIMIT, events.next()).await.unwrap().unwrap() {
            return reader;
        }
    }
}

#[tokio::test]
async fn we_understand_the_packets_of_others() {
    for (name, payload_type) in SAMPLES {
        let (server, _received) = Server::start_with_frames().await;
        let frames = frames(name).await;
        let (mut peer, mut events) = Engine::new().open(PeerConfig::default()).await.unwrap();
        let codec = codec_of(name);
        peer.add_receiver(codec.kind()).await.unwrap();
        let mid = connect(peer.as_mut(), &mut events, &server, 0, Route::Receive(name.into())).await;
        let mut reader: Option<Box<dyn FrameReader>> = None;
        for frame in &frames {
            server.write(0, &mid, payload_type, frame.clone()).await;
            while reader.is_none() {
                if let PeerEvent::Track {
                    codec: of, reader: new, ..
                } = timeout(LIMIT, events.next()).await.unwrap().unwrap()
                {
                    assert_eq!(of, codec);
                    reader = Some(new);
                }
            }
            let got = timeout(LIMIT, reader.as_mut().unwrap().read()).await.unwrap().unwrap();
            assert!(got.data == frame.data, "{name} at {:?}", frame.time);
            assert!(
                got.time.abs_diff(frame.time) < Duration::from_micros(50),
                "{name} at {:?}",
                frame.time
            );
            assert_eq!(got.keyframe, frame.keyframe);
        }
        peer.close().await;
    }
}

fn codec_of(name: &str) -> Codec {
    match name.rsplit('.').next() {
        Some("ivf") => Codec::Vp8,
        Some("h264") => Codec::H264,
        _ => Codec::Opus,
    }
}

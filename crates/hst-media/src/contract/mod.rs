//! The rules that every engine keeps, as test functions. An engine's tests stamp them out:
//!
//! ```
//! use hst_media::memory::Hub;
//!
//! hst_media::engine_contract!(async {
//!     let server = Hub::new();
//!     (server.engine(), server)
//! });
//! ```

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]

mod party;

use std::time::Duration;

use async_trait::async_trait;

use self::party::Party;
pub use crate::memory::Route;
use crate::{Codec, Direction, Frame, Kind, Level, LineId, MediaEngine, MediaError, PeerEvent, memory::Hub};

/// The other side of an engine under test: a media server that answers offers and passes frames on by key, without
/// loss.
#[async_trait]
pub trait Counterpart: Send + Sync {
    /// Answers an offer of the peer with this number, which is new to it at the peer's first offer. Sections without
    /// a route become inactive.
    async fn answer(&self, peer: u32, offer: &str, routes: Vec<(String, Route)>) -> String;
}

#[async_trait]
impl Counterpart for Hub {
    async fn answer(&self, _: u32, offer: &str, routes: Vec<(String, Route)>) -> String {
        let routes = routes.iter().map(|(mid, route)| (mid.as_str(), route.clone()));
        Hub::answer(self, offer, routes).expect("the contract offers in turn")
    }
}

/// Stamps out one test for each rule. The argument is a future that makes an engine and its counterpart.
#[macro_export]
macro_rules! engine_contract {
    ($make:expr) => {
        $crate::engine_contract!(@ $make;
            frames_come_out_whole_and_in_order
            a_writer_waits_until_its_line_works
            stopping_a_line_ends_both_its_ends
            a_stopped_section_carries_the_next_line
            whoever_begins_to_receive_makes_the_sender_be_asked_for_a_keyframe
            video_begins_with_a_keyframe
            offers_and_answers_take_turns
            an_ice_restart_changes_the_way_and_nothing_else
            closing_ends_everything
            statistics_count_what_was_carried
        );
    };
    (@ $make:expr; $($rule:ident)*) => {
        $(
            #[tokio::test]
            async fn $rule() {
                let (engine, other) = $make.await;
                let limit = std::time::Duration::from_secs(60);
                tokio::time::timeout(limit, $crate::contract::$rule(&engine, &other)).await.expect("within a minute");
            }
        )*
    };
}

/// A frame that is valid enough for its codec: `len` bytes that differ from frame to frame.
pub fn frame(codec: Codec, number: u32, len: usize, keyframe: bool) -> Frame {
    let body = |first: u8, len: usize| {
        std::iter::once(first)
            .chain((1..len).map(move |i| (i as u32 * 7 + number * 31) as u8 | 1))
            .collect::<Vec<u8>>()
    };
    let nal = |first, len| [vec![0, 0, 0, 1], body(first, len)].concat();
    let (data, duration) = match codec {
        Codec::Opus => (body(0xfc, len), Duration::from_millis(20)),
        Codec::Vp8 => (body(u8::from(!keyframe), len), Duration::from_micros(33_333)),
        _ if keyframe => (
            [nal(0x67, 12), nal(0x68, 5), nal(0x65, len)].concat(),
            Duration::from_micros(33_333),
        ),
        _ => (nal(0x41, len), Duration::from_micros(33_333)),
    };
    Frame {
        data: data.into(),
        time: duration * number,
        duration,
        keyframe: keyframe || codec == Codec::Opus,
        // Every other one is left to be guessed.
        level: (codec == Codec::Opus && number % 2 == 1).then_some(Level {
            below_loudest: number as u8 % 128,
            is_voice: number % 4 == 1,
        }),
    }
}

fn same(sent: &Frame, received: &Frame) {
    assert!(
        sent.data == received.data,
        "{} bytes became {}",
        sent.data.len(),
        received.data.len()
    );
    assert_eq!(sent.keyframe, received.keyframe);
    if sent.level.is_some() {
        assert_eq!(sent.level, received.level);
    }
    // A timestamp has the resolution of a tick.
    let off = sent.time.abs_diff(received.time);
    assert!(
        off <= Duration::from_micros(25),
        "{:?} became {:?}",
        sent.time,
        received.time
    );
}

/// What is written comes out: every byte, every keyframe mark, every time, in order, from one byte to many packets.
pub async fn frames_come_out_whole_and_in_order(engine: &dyn MediaEngine, other: &dyn Counterpart) {
    for (pair, codec, lengths) in [
        (0, Codec::Opus, [1, 3, 60, 160, 1000]),
        (1, Codec::Vp8, [1, 2, 1135, 1137, 40_000]),
        (2, Codec::H264, [2, 1139, 1141, 2277, 40_000]),
    ] {
        let key = codec.as_str();
        let mut alice = Party::open(engine, other, 2 * pair).await;
        let (_, mut writer) = alice.send(codec, key).await;
        let mut bob = Party::open(engine, other, 2 * pair + 1).await;
        let line = bob.receive(codec.kind(), key).await;
        alice.connect().await;
        bob.connect().await;

        let mut reader = None;
        for number in 0..40 {
            let sent = frame(
                codec,
                number,
                lengths[number as usize % lengths.len()],
                number % 10 == 0,
            );
            writer.write(sent.clone()).await.unwrap();
            if reader.is_none() {
                let (of, new) = bob.track(line).await;
                assert_eq!(of, codec);
                reader = Some(new);
            }
            same(&sent, &reader.as_mut().unwrap().read().await.unwrap());
        }
        alice.peer.close().await;
        bob.peer.close().await;
    }
}

/// The first frame is not lost, however early it is written.
pub async fn a_writer_waits_until_its_line_works(engine: &dyn MediaEngine, other: &dyn Counterpart) {
    let mut bob = Party::open(engine, other, 1).await;
    let line = bob.receive(Kind::Video, "camera").await;
    bob.connect().await;
    let mut alice = Party::open(engine, other, 0).await;
    let (_, mut writer) = alice.send(Codec::Vp8, "camera").await;
    let first = frame(Codec::Vp8, 0, 500, true);
    let mut writing = Box::pin(writer.write(first.clone()));
    assert!(poll_once(&mut writing).await.is_none(), "nothing is negotiated yet");
    alice.negotiate().await;
    writing.await.unwrap();
    let (_, mut reader) = bob.track(line).await;
    same(&first, &reader.read().await.unwrap());
}

/// A stopped line's writer fails and its reader ends, at once and without the other side.
pub async fn stopping_a_line_ends_both_its_ends(engine: &dyn MediaEngine, other: &dyn Counterpart) {
    let mut alice = Party::open(engine, other, 0).await;
    let (sent, mut writer) = alice.send(Codec::Opus, "voice").await;
    let mut bob = Party::open(engine, other, 1).await;
    let received = bob.receive(Kind::Audio, "voice").await;
    alice.connect().await;
    bob.connect().await;
    writer.write(frame(Codec::Opus, 0, 50, true)).await.unwrap();
    let (_, mut reader) = bob.track(received).await;
    reader.read().await.unwrap();

    bob.peer.stop_line(received).await.unwrap();
    assert!(reader.read().await.is_none());
    alice.peer.stop_line(sent).await.unwrap();
    assert!(writer.write(frame(Codec::Opus, 1, 50, true)).await.is_err());
    assert!(matches!(
        alice.peer.stop_line(sent).await,
        Err(MediaError::UnknownLine(_))
    ));

    let (early, mut unheard) = alice.send(Codec::Opus, "other voice").await;
    let mut writing = Box::pin(unheard.write(frame(Codec::Opus, 0, 50, true)));
    assert!(poll_once(&mut writing).await.is_none());
    alice.peer.stop_line(early).await.unwrap();
    assert!(writing.await.is_err(), "stopping frees a writer that waits");
}

/// Sections are used again, for another media and another codec, and nothing of the line before comes out.
pub async fn a_stopped_section_carries_the_next_line(engine: &dyn MediaEngine, other: &dyn Counterpart) {
    let mut alice = Party::open(engine, other, 0).await;
    let (first, mut camera) = alice.send(Codec::Vp8, "camera").await;
    let (_, mut screen) = alice.send(Codec::H264, "screen").await;
    let mut bob = Party::open(engine, other, 1).await;
    let received = bob.receive(Kind::Video, "camera").await;
    alice.connect().await;
    bob.connect().await;
    let before = bob.negotiate().await;
    camera.write(frame(Codec::Vp8, 0, 900, true)).await.unwrap();
    let (_, mut reader) = bob.track(received).await;
    reader.read().await.unwrap();

    // The receiver turns from the camera to the screen.
    bob.stop(received).await;
    assert!(bob.negotiate().await.is_empty());
    let next = bob.receive(Kind::Video, "screen").await;
    let after = bob.negotiate().await;
    assert_eq!(before[0].1, after[0].1, "the section is used again");
    assert_ne!(before[0].0, after[0].0, "its line is another one");
    camera.write(frame(Codec::Vp8, 1, 900, false)).await.unwrap();
    let shown = frame(Codec::H264, 0, 3000, true);
    screen.write(shown.clone()).await.unwrap();
    let (codec, mut reader) = bob.track(next).await;
    assert_eq!(codec, Codec::H264);
    same(&shown, &reader.read().await.unwrap());

    // The sender replaces its camera by another one.
    alice.stop(first).await;
    assert!(camera.write(frame(Codec::Vp8, 2, 900, false)).await.is_err());
    alice.negotiate().await;
    let (line, mut second) = alice.send(Codec::Vp8, "second camera").await;
    alice.negotiate().await;
    bob.stop(next).await;
    bob.negotiate().await;
    let last = bob.receive(Kind::Video, "second camera").await;
    bob.negotiate().await;
    let first = frame(Codec::Vp8, 0, 2500, true);
    second.write(first.clone()).await.unwrap();
    let (_, mut reader) = bob.track(last).await;
    same(&first, &reader.read().await.unwrap());
    let second_frame = frame(Codec::Vp8, 1, 2500, false);
    second.write(second_frame.clone()).await.unwrap();
    same(&second_frame, &reader.read().await.unwrap());
    assert!(
        alice
            .peer
            .stats()
            .await
            .iter()
            .any(|stats| stats.line == line && stats.frames == 2)
    );
}

/// Someone who comes late needs a keyframe, and the sender hears of it.
pub async fn whoever_begins_to_receive_makes_the_sender_be_asked_for_a_keyframe(
    engine: &dyn MediaEngine,
    other: &dyn Counterpart,
) {
    let mut alice = Party::open(engine, other, 0).await;
    let (line, mut writer) = alice.send(Codec::Vp8, "camera").await;
    alice.connect().await;
    writer.write(frame(Codec::Vp8, 0, 700, true)).await.unwrap();
    let mut bob = Party::open(engine, other, 1).await;
    bob.receive(Kind::Video, "camera").await;
    bob.connect().await;
    // Without packets nobody can miss a keyframe, so the film goes on.
    let mut number = 1;
    loop {
        writer.write(frame(Codec::Vp8, number, 700, false)).await.unwrap();
        number += 1;
        tokio::select! {
            biased;
            asked = alice.event(|event| match event {
                PeerEvent::KeyframeRequested { line } => Some(line),
                _ => None,
            }) => {
                assert_eq!(asked, line);
                return;
            }
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
}

/// A reader never sees a picture that it cannot decode.
pub async fn video_begins_with_a_keyframe(engine: &dyn MediaEngine, other: &dyn Counterpart) {
    let mut alice = Party::open(engine, other, 0).await;
    let (_, mut writer) = alice.send(Codec::H264, "camera").await;
    let mut bob = Party::open(engine, other, 1).await;
    let line = bob.receive(Kind::Video, "camera").await;
    alice.connect().await;
    bob.connect().await;
    writer.write(frame(Codec::H264, 0, 700, false)).await.unwrap();
    writer.write(frame(Codec::H264, 1, 700, false)).await.unwrap();
    let key = frame(Codec::H264, 2, 700, true);
    writer.write(key.clone()).await.unwrap();
    let (_, mut reader) = bob.track(line).await;
    assert!(reader.read().await.unwrap().data == key.data);
}

/// Offers out of turn are refused and change nothing.
pub async fn offers_and_answers_take_turns(engine: &dyn MediaEngine, other: &dyn Counterpart) {
    let mut alice = Party::open(engine, other, 0).await;
    assert!(matches!(alice.peer.offer().await, Err(MediaError::NoLines)));
    let (line, _writer) = alice.send(Codec::Opus, "voice").await;
    assert!(matches!(alice.peer.answer("").await, Err(MediaError::OutOfTurn)));
    let offer = alice.peer.offer().await.unwrap();
    assert_eq!(offer.mids.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [line]);
    assert!(matches!(alice.peer.offer().await, Err(MediaError::OutOfTurn)));
    let route = (offer.mids[0].1.clone(), Route::Send("voice".into()));
    let answer = other.answer(0, &offer.sdp, vec![route]).await;
    alice.peer.answer(&answer).await.unwrap();
    assert!(matches!(alice.peer.answer(&answer).await, Err(MediaError::OutOfTurn)));
    assert!(matches!(
        alice.peer.stop_line(LineId(77)).await,
        Err(MediaError::UnknownLine(LineId(77)))
    ));

    let mut carol = Party::open(engine, other, 2).await;
    carol.send(Codec::Opus, "voice").await;
    carol.peer.offer().await.unwrap();
    assert!(matches!(
        carol.peer.answer("this is no answer").await,
        Err(MediaError::Answer(_))
    ));
}

/// Lines, sections, writers and readers stay; the peer is connected anew.
pub async fn an_ice_restart_changes_the_way_and_nothing_else(engine: &dyn MediaEngine, other: &dyn Counterpart) {
    let mut alice = Party::open(engine, other, 0).await;
    let (_, mut voice) = alice.send(Codec::Opus, "voice").await;
    let mut bob = Party::open(engine, other, 1).await;
    let line = bob.receive(Kind::Audio, "voice").await;
    alice.connect().await;
    bob.connect().await;
    voice.write(frame(Codec::Opus, 0, 50, true)).await.unwrap();
    let (_, mut reader) = bob.track(line).await;
    reader.read().await.unwrap();

    for number in 1..3 {
        for party in [&mut alice, &mut bob] {
            let before = party.negotiate().await;
            party.peer.restart_ice().await.unwrap();
            assert_eq!(party.negotiate().await, before);
            party.connected().await;
        }
        // Both are connected, so nothing more is lost.
        let sent = frame(Codec::Opus, number, 50, true);
        voice.write(sent.clone()).await.unwrap();
        same(&sent, &reader.read().await.unwrap());
    }
    alice.peer.close().await;
    assert!(matches!(alice.peer.restart_ice().await, Err(MediaError::Closed)));
}

/// After `close` nothing waits and nothing works.
pub async fn closing_ends_everything(engine: &dyn MediaEngine, other: &dyn Counterpart) {
    let mut alice = Party::open(engine, other, 0).await;
    let (_, mut voice) = alice.send(Codec::Opus, "voice").await;
    let mut bob = Party::open(engine, other, 1).await;
    let line = bob.receive(Kind::Audio, "voice").await;
    alice.connect().await;
    bob.connect().await;
    voice.write(frame(Codec::Opus, 0, 50, true)).await.unwrap();
    let (_, mut reader) = bob.track(line).await;
    reader.read().await.unwrap();

    alice.peer.close().await;
    alice.peer.close().await;
    assert!(voice.write(frame(Codec::Opus, 1, 50, true)).await.is_err());
    assert!(matches!(alice.peer.offer().await, Err(MediaError::Closed)));
    assert!(matches!(
        alice.peer.add_receiver(Kind::Audio).await,
        Err(MediaError::Closed)
    ));
    while alice.events.next().await.is_some() {}

    drop(bob.peer);
    assert!(reader.read().await.is_none());
    while bob.events.next().await.is_some() {}
}

/// What the statistics say is what was written and read.
pub async fn statistics_count_what_was_carried(engine: &dyn MediaEngine, other: &dyn Counterpart) {
    let mut alice = Party::open(engine, other, 0).await;
    let (sent, mut voice) = alice.send(Codec::Opus, "voice").await;
    let mut bob = Party::open(engine, other, 1).await;
    let received = bob.receive(Kind::Audio, "voice").await;
    alice.connect().await;
    bob.connect().await;
    let mut reader = None;
    let last = frame(Codec::Opus, 9, 100, true);
    for number in 0..10 {
        voice.write(frame(Codec::Opus, number, 100, true)).await.unwrap();
        if reader.is_none() {
            reader = Some(bob.track(received).await.1);
        }
        reader.as_mut().unwrap().read().await.unwrap();
    }
    for (party, line, direction) in [
        (&mut alice, sent, Direction::Send),
        (&mut bob, received, Direction::Receive),
    ] {
        let stats = party.peer.stats().await;
        assert_eq!(stats.len(), 1);
        assert_eq!(
            (stats[0].line, stats[0].direction, stats[0].kind),
            (line, direction, Kind::Audio)
        );
        assert_eq!(stats[0].codec, Some(Codec::Opus));
        assert_eq!(
            (stats[0].packets, stats[0].bytes, stats[0].frames, stats[0].lost),
            (10, 1000, 10, 0)
        );
        assert_eq!(stats[0].level, last.level);
    }
}

async fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

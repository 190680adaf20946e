use std::{collections::BTreeSet, sync::Arc, time::Duration};

use hst_media::rtp::{Counters, Incoming, Packet as Received};
use hst_sfu::{Codec, Format, Formats, LineId, Output, Packet, PeerId, Router, TrackId};
use tokio::time::Instant;

/// A jump of the numbers by more than this is no loss for a receiver.
const MAX_GAP: usize = 4096;

/// What comes first in a piece of the input: how the rest of it is to be read.
type Head = [u8; 6];

/// The input as packets: a head, and as many bytes as it says.
fn pieces(mut data: &[u8]) -> impl Iterator<Item = (Head, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = data.split_first_chunk::<6>()?;
        let (piece, rest) = rest.split_at(usize::from(head[5]).min(rest.len()));
        data = rest;
        Some((*head, piece))
    })
}

/// Packets of a publisher on their way through the router: the line to its receiver begins with number 1, and never has one
/// twice, whichever encodings it was switched between.
///
/// Gaps are no matter of this one: where the publisher's numbers have some, so have the receiver's.
pub fn forwarded(data: &[u8]) {
    let (track, peer) = (TrackId(1), PeerId(2));
    let mut now = std::time::Instant::now();
    let mut router = Router::new();
    router.publish(track);
    router.set_encodings(track, 3);
    router.subscribe(now, LineId { peer, slot: 0 }, track, Formats::ALL);
    let format = Format::new(0).expect("a small number");
    let mut numbers = BTreeSet::new();
    let codecs = [Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::H264, Codec::Opus];
    for ([kind, encoding, high, low, step, _], bytes) in pieces(data) {
        let (descriptor, payload) = bytes.split_at(usize::from(kind >> 4).min(bytes.len()));
        let packet = Packet {
            encoding: encoding % 3,
            ssrc: u32::from(encoding >> 6),
            seq: u16::from_be_bytes([high, low]),
            timestamp: u32::from(step) << 24 | u32::from(high) << 8 | u32::from(low),
            codec: codecs[usize::from(kind & 0x0f) % codecs.len()],
            format,
            dependency: (!descriptor.is_empty()).then_some(descriptor),
            level: Some(step),
            payload,
        };
        now += Duration::from_millis(u64::from(step));
        router.handle_packet(now, track, &packet);
        while let Some(output) = router.poll_output() {
            if let Output::Forward(forward) = output {
                assert_eq!(forward.line.peer, peer);
                assert!(numbers.insert(forward.seq), "{} twice", forward.seq);
                assert_eq!(numbers.first(), Some(&1));
            }
        }
        router.handle_timeout(now);
    }
}

/// Packets of two cameras of which descriptors alone tell the layers, on their way to a line that goes over from one to the
/// other: what a receiver is told is a descriptor too, with the number that was meant.
pub fn described(data: &[u8]) {
    let tracks = [TrackId(1), TrackId(2)];
    let line = LineId {
        peer: PeerId(3),
        slot: 0,
    };
    let mut now = std::time::Instant::now();
    let mut router = Router::new();
    for track in tracks {
        router.publish(track);
        router.set_view(now, line.peer, track, Some(180));
    }
    let format = Format::new(0).expect("a small number");
    for ([kind, ssrc, high, low, step, _], descriptor) in pieces(data) {
        let track = tracks[usize::from(kind & 1)];
        if kind & 2 != 0 {
            router.subscribe(now, line, track, Formats::ALL);
        }
        if kind & 4 != 0 {
            router.set_sizes(track, 0, [(320, 180), (640, 360), (1280, 720)].into_iter());
        }
        let packet = Packet {
            encoding: 0,
            ssrc: u32::from(ssrc),
            seq: u16::from_be_bytes([high, low]),
            timestamp: u32::from(low) << 12,
            codec: Codec::Av1,
            format,
            dependency: Some(descriptor),
            level: None,
            payload: &[0x08],
        };
        now += Duration::from_millis(u64::from(step));
        router.handle_packet(now, track, &packet);
        while let Some(output) = router.poll_output() {
            let Output::Forward(forward) = output else { continue };
            let Some(patch) = forward.descriptor else { continue };
            let changed = patch.apply(descriptor).expect("it could be read");
            assert_eq!(patch.apply(&changed).as_ref(), Some(&changed), "once is enough");
            assert_eq!(changed[0], descriptor[0], "the same template");
            assert!(changed.len() <= descriptor.len() + 6, "{} bytes", changed.len());
        }
        router.handle_timeout(now);
    }
}

/// The payload type of sound that is not redundant.
const SOUND: u8 = 111;

/// Packets that an engine receives, in any order, until they are frames.
pub fn received(data: &[u8]) {
    let codecs = [hst_media::Codec::Vp8, hst_media::Codec::H264, hst_media::Codec::Opus];
    let codec = codecs[usize::from(data.first().copied().unwrap_or_default()) % codecs.len()];
    let mut now = Instant::now();
    let (mut incoming, _frames) = Incoming::new(codec, Arc::new(Counters::default()));
    for ([flags, far, high, low, step, _], payload) in pieces(data.get(1..).unwrap_or_default()) {
        now += Duration::from_millis(u64::from(step));
        let packet = Received {
            sequence: u64::from(u32::from_be_bytes([0, far, high, low])),
            timestamp: u32::from(low) * 3000,
            marker: flags & 1 != 0,
            level: None,
            payload: payload.to_vec().into(),
        };
        match flags & 2 {
            0 => incoming.take(now, packet),
            _ => incoming.take_redundant(now, packet, SOUND),
        }
        let feedback = incoming.advance(now);
        assert!(feedback.missing.len() <= MAX_GAP, "{}", feedback.missing.len());
    }
}

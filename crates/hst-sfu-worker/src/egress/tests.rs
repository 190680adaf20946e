//! A line to a client who decrypts what comes.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use hst_rtp::{
    Packet,
    rtcp::{Compound, Message},
    rtx,
};
use hst_sfu::{Forward, LineId, PeerId};
use hst_srtp::{Profile, Receiver, Side};
use str0m::rtp::{Extension, ExtensionMap};

use super::{Line, Outgoing, Sent, Way};
use crate::{
    handshake::Contexts,
    media::Media,
    network::Outbox,
    passed::{AUDIO_LEVEL, Ids, Passed},
    recent::Recents,
    remote::Remote,
};

mod protection;

const SSRC: u32 = 7;
const RTX: u32 = 8;
const PT: u8 = 96;
const AGAIN: u8 = 97;
const NUMBER: u8 = 3;
const LEVEL: u8 = 1;

struct Call {
    now: Instant,
    way: Way,
    line: Line,
    outbox: Outbox,
    client: Receiver,
    recents: Recents,
}

/// What the client got.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Got {
    ssrc: u32,
    payload_type: u8,
    seq: u16,
    number: Option<u16>,
    payload: Vec<u8>,
}

impl Call {
    /// `share` of what is sent may be sent again.
    fn new(share: f32) -> Self {
        let now = Instant::now();
        let (profile, exported) = (Profile::AeadAes128Gcm, vec![5; Profile::AeadAes128Gcm.exported_len()]);
        let (_, client) = hst_srtp::contexts(profile, &exported, Side::Client).unwrap();
        let mut way = Way::new(now);
        way.open(Contexts::new(profile, &exported, Side::Server).unwrap());
        way.lead_to(Some(Remote::udp(SocketAddr::from(([192, 0, 2, 1], 9)))));
        let mut line = Line::new(SSRC, Some(RTX), ("0", "somebody"), share);
        line.set_ids(ids());
        Self {
            now,
            way,
            line,
            outbox: Outbox::default(),
            client,
            recents: Recents::default(),
        }
    }

    fn send(&mut self, seq: u64) {
        let media = media(self.now, seq);
        let kept = self.recents.keep(self.now, &media);
        let outgoing = Outgoing {
            media: &media,
            kept: kept.as_ref(),
            sent: Sent::new(&media, &forward(seq)),
            payload_type: PT,
            again_type: Some(AGAIN),
            payload: None,
        };
        self.line.send(self.now, &mut self.way, &mut self.outbox, outgoing);
    }

    fn ask(&mut self, seqs: &[u16]) {
        let seqs = seqs.iter().copied();
        self.line
            .send_again(self.now, &mut self.way, &mut self.outbox, seqs, false);
    }

    fn got(&mut self) -> Vec<Got> {
        let sent = self.outbox.take();
        sent.into_iter()
            .map(|(_, mut bytes)| {
                let len = self.client.unprotect(&mut bytes).expect("it is for him").len;
                let packet = Packet::parse(&bytes[..len]).expect("a packet");
                Got {
                    ssrc: packet.header.ssrc,
                    payload_type: packet.header.payload_type,
                    seq: packet.header.seq,
                    number: packet.extension(NUMBER).and_then(hst_rtp::value::transport_seq),
                    payload: packet.payload.to_vec(),
                }
            })
            .collect()
    }
}

fn ids() -> Ids {
    let mut map = ExtensionMap::empty();
    map.set(NUMBER, Extension::TransportSequenceNumber);
    map.set(LEVEL, Extension::AudioLevel);
    Ids::of(&map)
}

fn media(now: Instant, number: u64) -> Arc<Media> {
    let mut passed = Passed::default();
    passed.push(AUDIO_LEVEL, &[0x85]).expect("it is passed on");
    let payload = number.to_be_bytes().repeat(125);
    Arc::new(Media {
        passed: Arc::new(passed),
        ..Media::picture(now, number as u16, number as u32 * 3000, &payload)
    })
}

fn forward(seq: u64) -> Forward {
    Forward {
        line: LineId {
            peer: PeerId(1),
            slot: 0,
        },
        packet: 0,
        seq,
        timestamp: seq as u32 * 3000,
        ends_picture: false,
        vp8: None,
        descriptor: None,
    }
}

#[test]
fn packets_arrive_as_they_were_sent_under_numbers_of_their_own_and_of_the_connection() {
    let mut call = Call::new(0.2);
    for seq in 65_530..65_545 {
        call.send(seq);
    }
    let got = call.got();
    assert_eq!(got.len(), 15);
    for (at, packet) in got.iter().enumerate() {
        let seq = 65_530 + at as u64;
        let expected = Got {
            ssrc: SSRC,
            payload_type: PT,
            seq: seq as u16,
            number: Some(got[0].number.unwrap() + at as u16),
            payload: seq.to_be_bytes().repeat(125),
        };
        assert_eq!(*packet, expected);
    }
}

#[test]
fn what_is_missing_is_sent_again_also_what_came_late_and_only_once_in_a_while() {
    let mut call = Call::new(0.5);
    for seq in [65_534, 65_535, 65_537, 65_538, 65_536] {
        call.send(seq);
    }
    call.got();
    call.ask(&[65_535, 0, 0, 1, 500]);
    let again = call.got();
    let originals: Vec<_> = again.iter().map(|got| rtx::read(&got.payload).unwrap()).collect();
    assert_eq!(
        originals.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        [65_535, 0, 1]
    );
    assert_eq!(originals[1].1, 65_536_u64.to_be_bytes().repeat(125));
    assert!(
        again
            .iter()
            .zip(1..)
            .all(|(got, seq)| (got.ssrc, got.payload_type, got.seq) == (RTX, AGAIN, seq))
    );

    call.ask(&[65_535]);
    assert_eq!(call.got(), [], "it is on its way");
    call.now += Duration::from_millis(50);
    call.ask(&[65_535]);
    assert_eq!(call.got().len(), 1);
    call.now += Duration::from_millis(1500);
    call.send(65_539);
    call.got();
    call.ask(&[65_535]);
    assert_eq!(call.got(), [], "nobody can show it any more");
    assert_eq!(call.line.nacks(), 4);
}

#[test]
fn who_asks_for_everything_again_and_again_gets_his_share() {
    let mut call = Call::new(0.2);
    let mut again = 0;
    for seq in 1..2000 {
        call.send(seq);
        call.got();
        for _ in 0..20 {
            call.now += Duration::from_millis(10);
            call.ask(&(0..=u16::MAX).step_by(3).collect::<Vec<_>>());
        }
        again += call.got().len();
    }
    // A quarter beside what is sent, and what there is to begin with.
    assert!((450..550).contains(&again), "{again}");
}

#[test]
fn what_was_sent_is_told_with_the_first_packet_and_each_second() {
    let mut call = Call::new(0.2);
    let told = |call: &mut Call| {
        call.line.report(call.now, &mut call.way, &mut call.outbox);
        let (_, mut bytes) = call.outbox.take().pop()?;
        let len = call.client.unprotect_rtcp(&mut bytes).expect("it is for him");
        match Compound::new(&bytes[..len]).next() {
            Some(Message::SenderReport(report)) => Some((report.ssrc, report.info.packets, report.info.octets)),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told(&mut call), None, "nothing was sent");
    call.send(1);
    call.got();
    assert_eq!(told(&mut call), Some((SSRC, 1, 1000)));
    assert_eq!(told(&mut call), None);
    call.now += Duration::from_secs(1);
    assert_eq!(told(&mut call), Some((SSRC, 1, 1000)));
}

#[test]
fn without_a_way_or_keys_nothing_leaves() {
    let mut call = Call::new(0.2);
    call.way = Way::new(call.now);
    call.send(1);
    call.way
        .lead_to(Some(Remote::udp(SocketAddr::from(([192, 0, 2, 1], 9)))));
    call.send(2);
    call.ask(&[1, 2]);
    assert!(call.outbox.take().is_empty());
    assert_eq!(call.line.packets(), 0);
}

//! A client who also receives, on a line of its own.

use hst_sfu::{Forward, LineId};
use str0m::rtp::Ssrc;

use super::*;
use crate::{egress::Sent, media::Passing, recent::Recents};

pub(super) struct Mirror {
    pub(super) pair: Pair,
    /// Of what is sent to it.
    pub(super) ssrc: Ssrc,
    recents: Recents,
}

impl Mirror {
    /// Lets a connected client receive, too.
    pub(super) fn new(mut pair: Pair) -> Self {
        let mut api = pair.client.sdp_api();
        let mid = api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        let (offer, pending) = api.apply().expect("an offer");
        let track = TrackId(1);
        let lines = [
            (pair.camera, LineRole::Send { track }),
            (mid, LineRole::Receive { track }),
        ];
        let lines = lines.map(|(mid, role)| Line::new(mid.to_string(), role));
        let offer = parse(&offer.to_sdp_string(), &lines).expect("readable");
        let (answer, _) = pair.transport.negotiate(pair.now, offer).expect("an answer");
        pair.accept(pending, &answer.to_sdp_string());
        let (_, _, line) = pair.transport.received().next().expect("it is sent to");
        let ssrc = line.ssrc().into();
        Self {
            pair,
            ssrc,
            recents: Recents::default(),
        }
    }

    /// It is sent a packet, and does not get it yet.
    pub(super) fn is_sent(&mut self, seq: u64, media: Arc<Media>) {
        let line = LineId {
            peer: PeerId(1),
            slot: 1,
        };
        let forward = Forward {
            line,
            packet: 0,
            seq,
            timestamp: seq as u32 * 3000,
            ends_picture: false,
            vp8: None,
            descriptor: None,
        };
        let Pair {
            transport,
            outbox,
            happenings,
            now,
            ..
        } = &mut self.pair;
        let queued = Queued {
            index: 0,
            slot: line.slot,
            sent: Sent::new(&media, &forward),
        };
        let passing = Passing {
            kept: self.recents.keep(*now, &media),
            media,
        };
        transport.send(*now, &[passing], [&queued].into_iter(), outbox, happenings);
    }
}

impl Pair {
    /// The packet that has come through.
    pub(super) fn taken(&mut self) -> Arc<Media> {
        let mut media = self.happenings.drain(..).filter_map(|it| match it {
            Happening::Media(media) => Some(media),
            _ => None,
        });
        media.next().expect("one has come")
    }
}

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hst_sfu::{Codec, Format, Formats, Forward, MAX_ENCODINGS, TrackId, Vp8Ids};
use str0m::{
    Rtc,
    media::{Mid, Pt, Rid, Rids},
    rtp::{ExtensionValues, RtpHeader, RtpWrite, Ssrc, Vp8Descriptor, Vp8Patch},
};

use crate::{
    LineRole,
    extension::DependencyDescriptor,
    red::{Earlier, Echo, Red, Trail},
    reports::LineReport,
    rtc::{payload_types, red_types},
};

/// How long a receiver may ask for a lost packet again, and how many are kept for that.
const RESEND_AGE: Duration = Duration::from_secs(1);
const RESEND_PACKETS: usize = 512;

/// An m-line.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) mid: Mid,
    pub(crate) role: Option<LineRole>,
    /// The SSRCs that the client sends on it at present, by encoding.
    pub(crate) received: [Option<Ssrc>; MAX_ENCODINGS],
    /// The names of the encodings that the client sends side by side, in their order: by convention the smallest first.
    /// Empty when he sends one without a name.
    pub(crate) rids: Vec<Rid>,
    /// What has come of its sound.
    pub(crate) sound: Trail,
    /// The SSRC that we send on it, for as long as it is a receiving line.
    sent: Option<Ssrc>,
    /// What we may send on it, by format.
    payload_types: Vec<Option<Pt>>,
    /// Whether its receiver reads dependency descriptors.
    reads_descriptors: bool,
    pub(crate) report: LineReport,
    /// What it has sent of its sound.
    echo: Echo,
    /// The same for sound that is sent redundantly (RED).
    red_types: Vec<Option<Pt>>,
}

/// A packet on its way through, shared by all its receivers.
#[derive(Debug)]
pub(crate) struct Media {
    pub(crate) track: TrackId,
    pub(crate) format: Format,
    pub(crate) codec: Codec,
    pub(crate) encoding: u8,
    /// What it consists of, if it is redundant sound.
    pub(crate) red: Option<Red>,
    pub(crate) header: RtpHeader,
    pub(crate) payload: Arc<[u8]>,
    pub(crate) arrived: Instant,
}

impl Media {
    /// The packets that it repeats of those that were lost just before it, the oldest first.
    pub(crate) fn repeated(&self, lost: u16) -> impl Iterator<Item = Self> {
        let earlier = self.red.iter().flat_map(move |red| red.of_lost(lost));
        earlier.map(|Earlier { distance, age, red }| Self {
            header: RtpHeader {
                sequence_number: self.header.sequence_number.wrapping_sub(distance),
                timestamp: self.header.timestamp.wrapping_sub(age),
                marker: false,
                ..self.header.clone()
            },
            payload: red.primary.clone(),
            red: Some(red),
            ..*self
        })
    }
}

/// What an offer changed for the router, in an order in which it can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Unpublish(TrackId),
    Publish {
        track: TrackId,
        slot: u16,
    },
    /// The slot's stream is over; the next one on it is new.
    Forget {
        slot: u16,
    },
    /// The slot carries nothing for now.
    Pause {
        slot: u16,
    },
    Carry {
        slot: u16,
        track: TrackId,
        formats: Formats,
    },
}

impl Slot {
    pub(crate) fn new(mid: Mid) -> Self {
        Self {
            mid,
            role: None,
            received: [None; MAX_ENCODINGS],
            rids: Vec::new(),
            sound: Trail::default(),
            sent: None,
            payload_types: Vec::new(),
            reads_descriptors: false,
            report: LineReport::default(),
            echo: Echo::default(),
            red_types: Vec::new(),
        }
    }

    /// Takes over what the offer just applied says of this m-line. `share` of what is sent may go into sending lost packets
    /// again.
    pub(crate) fn update(
        &mut self,
        slot: u16,
        declared: Option<LineRole>,
        share: f32,
        rtc: &mut Rtc,
        changes: &mut Vec<Change>,
    ) {
        let Some(media) = rtc.media(self.mid) else { return };
        let is_open = !media.disabled();
        let sends = is_open && media.direction().is_sending();
        let receives = is_open && media.direction().is_receiving();
        self.payload_types = payload_types(rtc.codec_config(), media.remote_pts());
        self.reads_descriptors = DependencyDescriptor::are_in(media.remote_extmap());
        self.red_types = red_types(rtc.codec_config(), media.remote_pts());
        self.rids = match media.rids_rx() {
            Rids::Specific(rids) => rids.clone(),
            Rids::None | Rids::Any => Vec::new(),
        };

        let mut api = rtc.direct_api();
        if !receives {
            self.received
                .iter_mut()
                .filter_map(Option::take)
                .for_each(|ssrc| _ = api.remove_stream_rx(ssrc));
        }
        let mut sent = api.stream_tx_by_mid(self.mid, None).map(|stream| stream.ssrc());
        if !sends && let Some(ssrc) = sent.take() {
            // A receiver may forget how often a stopped stream's sequence numbers wrapped, and then it can decrypt
            // nothing of it any more. So a line that starts again gets a fresh SSRC.
            api.remove_stream_tx(ssrc);
        }
        if sent != self.sent {
            if let Some(stream) = sent.and_then(|ssrc| api.stream_tx(&ssrc)) {
                stream.set_rtx_cache(RESEND_PACKETS, RESEND_AGE, Some(share));
                // Publishers pace what they send; to do it again would only delay it.
                stream.set_unpaced(true);
            }
            self.echo = Echo::default();
            changes.extend(self.sent.map(|_| Change::Forget { slot }));
            self.report = LineReport::default();
            self.sent = sent;
        }

        let role = declared.filter(|role| match role {
            LineRole::Send { .. } => receives,
            LineRole::Receive { .. } => sent.is_some(),
        });
        let old = std::mem::replace(&mut self.role, role);
        if old != role {
            self.echo = Echo::default();
            match old {
                Some(LineRole::Send { track }) => changes.push(Change::Unpublish(track)),
                Some(LineRole::Receive { .. }) => changes.push(Change::Pause { slot }),
                None => {}
            }
            if let Some(LineRole::Send { track }) = role {
                changes.push(Change::Publish { track, slot });
            }
        }
        changes.extend(self.carry(slot));
    }

    /// Lets another share of what is sent go into sending lost packets again. Those of before are forgotten, because str0m has
    /// no other way to it: what is missing of them at that moment takes a keyframe.
    pub(crate) fn limit_resends(&self, share: f32, rtc: &mut Rtc) {
        let mut api = rtc.direct_api();
        if let Some(stream) = self.sent.and_then(|ssrc| api.stream_tx(&ssrc)) {
            stream.set_rtx_cache(RESEND_PACKETS, RESEND_AGE, Some(share));
        }
    }

    /// What has to be undone when the m-line becomes another.
    pub(crate) fn retire(&self, slot: u16) -> impl Iterator<Item = Change> + use<> {
        let unpublish = match self.role {
            Some(LineRole::Send { track }) => Some(Change::Unpublish(track)),
            _ => None,
        };
        unpublish.into_iter().chain([Change::Forget { slot }])
    }

    pub(crate) fn carry(&self, slot: u16) -> Option<Change> {
        let Some(LineRole::Receive { track }) = self.role else {
            return None;
        };
        let negotiated = self.payload_types.iter().enumerate().filter(|(_, pt)| pt.is_some());
        let formats: Formats = negotiated.filter_map(|(format, _)| Format::new(format as u8)).collect();
        let formats = formats.with_descriptors(self.reads_descriptors);
        Some(Change::Carry { slot, track, formats })
    }

    /// Which of the encodings this is; `None` for one that is not forwarded.
    pub(crate) fn encoding(&self, rid: Option<Rid>) -> Option<u8> {
        let number = match rid {
            None => 0,
            Some(rid) => self.rids.iter().position(|other| *other == rid)?,
        };
        (number < MAX_ENCODINGS).then_some(number as u8)
    }

    /// Sends a packet; to who loses much, sound with more of what was before it.
    pub(crate) fn write(&mut self, rtc: &mut Rtc, media: &Media, forward: Forward, is_lossy: bool) {
        let Media { header, payload, .. } = media;
        let format = usize::from(media.format.number());
        let (Some(&Some(plain)), Some(ssrc)) = (self.payload_types.get(format), self.sent) else {
            return;
        };
        let redundant = self.red_types[format];
        let sound = media.red.as_ref().map_or(payload, |red| &red.primary);
        let with_more = match redundant.is_some() && !media.codec.is_video() {
            true => self.echo.take(forward.timestamp, sound, is_lossy.then_some(plain)),
            false => None,
        };
        let (pt, payload) = match (redundant, with_more, &media.red) {
            (Some(redundant), Some(payload), _) => (redundant, payload),
            (Some(redundant), None, Some(red)) => (redundant, red.addressed(plain)),
            _ => (plain, sound.clone()),
        };
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx(&ssrc) else { return };
        let Forward {
            seq,
            timestamp,
            ends_picture,
            vp8,
            descriptor,
            ..
        } = forward;
        let patch = vp8.and_then(|ids| vp8_patch(&payload, ids));
        let mut ext_vals = end_to_end(&header.ext_vals);
        if let Some(patch) = descriptor {
            DependencyDescriptor::pass(&header.ext_vals, &mut ext_vals, patch);
        }
        let mut write = RtpWrite::new(pt, seq.into(), timestamp, media.arrived, payload)
            .marker(header.marker || ends_picture)
            .ext_vals(ext_vals)
            .nackable(media.codec.is_video());
        if let Some(patch) = patch {
            write = write.vp8_patch(patch);
        }
        stream.write_rtp(write);
    }
}

/// The header extensions that speak from sender to receiver; the others speak from hop to hop.
fn end_to_end(values: &ExtensionValues) -> ExtensionValues {
    ExtensionValues {
        audio_level: values.audio_level,
        voice_activity: values.voice_activity,
        video_orientation: values.video_orientation,
        video_content_type: values.video_content_type,
        abs_capture_time: values.abs_capture_time,
        play_delay_min: values.play_delay_min,
        play_delay_max: values.play_delay_max,
        ..ExtensionValues::default()
    }
}

fn vp8_patch(payload: &[u8], ids: Vp8Ids) -> Option<Vp8Patch> {
    let mut patch = Vp8Descriptor::parse(payload).ok()?.patch();
    if let Some(id) = ids.picture_id {
        patch = patch.picture_id(id);
    }
    if let Some(index) = ids.tl0_pic_idx {
        patch = patch.tl0_pic_idx(index);
    }
    patch.build().ok()
}

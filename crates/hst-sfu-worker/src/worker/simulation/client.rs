use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use str0m::{
    Event, Input, Output, Rtc,
    bwe::BweKind,
    format::Codec,
    media::{KeyframeRequestKind, Mid, Pt, Rid},
    net::{Protocol, Receive},
    rtp::{ExtensionValues, RedDecoder, RedEncoder, RedundantBlock, RtpPacket, RtpWrite, Ssrc},
};

use super::{
    asking::Asker,
    in_step::Clocks,
    link::Link,
    media::{Ear, Screen, frame},
    rescue::{Guard, Rescue},
};
/// Pictures a second.
pub(super) const PICTURES: u32 = 25;
/// Packets of sound a second.
pub(super) const SOUNDS: u32 = 50;
/// How loud it is.
const LEVEL: i8 = -30;
/// The bytes of a packet of sound.
const SOUND: usize = 80;
/// How many bits in a second a network is taken to carry before that is known.
pub(super) const FIRST_BUDGET: u64 = 2_500_000;
/// What is taken up again must fit with so much to spare, in percent, and so long after the last change.
const SPARE: u64 = 125;
const SETTLED: Duration = Duration::from_secs(3);
/// The ticks of a packet of sound.
pub(super) const TICKS: u32 = 960;

/// A client in memory: its connection, its network, what it sends and what it gets.
pub(super) struct Client {
    pub(super) addr: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) rtc: Rtc,
    pub(super) up: Link,
    pub(super) down: Link,
    pub(super) wake_at: Instant,
    pub(super) camera: Option<Camera>,
    pub(super) microphone: Option<Microphone>,
    pub(super) screen: Screen,
    pub(super) ear: Ear,
    pub(super) clocks: Clocks,
    /// How often it was asked for a keyframe, and when.
    pub(super) keyframe_requests: Vec<(Instant, Option<Rid>)>,
    /// Whether it asks for a keyframe when it waits for a picture.
    pub(super) asks: bool,
    /// What it misses of its pictures.
    pub(super) asker: Asker,
    /// What protects the pictures that it sends, and what computes those that it misses, where it can do that.
    pub(super) guard: Option<Guard>,
    pub(super) rescue: Option<Rescue>,
    /// Of the pictures that it receives.
    pub(super) shown_ssrc: Option<Ssrc>,
    /// What it has to send.
    pub(super) outgoing: Vec<Vec<u8>>,
}

pub(super) struct Camera {
    pub(super) mid: Mid,
    /// What it sends side by side, the smallest first: names, and bits in a second.
    pub(super) encodings: Vec<(Option<Rid>, u32)>,
    /// How many bits in a second its network carries, as far as it knows.
    budget: u64,
    /// How many of its encodings it sends.
    active: usize,
    changed_at: Instant,
    wants_key: Vec<bool>,
    seqs: Vec<u64>,
    next_frame: u32,
    next_at: Instant,
    /// How long after it was taken a picture is sent.
    pub(super) late: Duration,
}

pub(super) struct Microphone {
    pub(super) mid: Mid,
    /// How many sounds before it each packet repeats; `None` sends plain sound.
    pub(super) repeats: Option<usize>,
    before: VecDeque<Vec<u8>>,
    pub(super) next_sound: u32,
    next_at: Instant,
}

impl Camera {
    pub(super) fn new(now: Instant, mid: Mid, encodings: Vec<(Option<Rid>, u32)>) -> Self {
        let count = encodings.len();
        Self {
            mid,
            encodings,
            budget: FIRST_BUDGET,
            active: count,
            changed_at: now,
            wants_key: vec![true; count],
            seqs: vec![1; count],
            next_frame: 0,
            next_at: now,
            late: Duration::ZERO,
        }
    }

    /// As a browser it leaves out the larger encodings that do not fit, and takes one up again when that fits well.
    fn choose(&mut self, now: Instant) {
        let needs = |count: usize| {
            self.encodings[..count]
                .iter()
                .map(|(_, rate)| u64::from(*rate))
                .sum::<u64>()
        };
        let fits = (1..=self.active)
            .rev()
            .find(|&count| needs(count) <= self.budget)
            .unwrap_or(1);
        let is_settled = now - self.changed_at >= SETTLED;
        let may_grow = fits == self.active && fits < self.encodings.len() && is_settled;
        let active = fits + usize::from(may_grow && needs(fits + 1) * SPARE <= self.budget * 100);
        if active != self.active {
            self.changed_at = now;
            self.wants_key[active.min(self.active)..].fill(true);
            self.active = active;
        }
    }
}

impl Microphone {
    pub(super) fn new(now: Instant, mid: Mid, repeats: Option<usize>) -> Self {
        Self {
            mid,
            repeats,
            before: VecDeque::new(),
            next_sound: 0,
            next_at: now,
        }
    }
}

impl Client {
    /// Its network in both directions.
    pub(super) fn links(&mut self) -> [&mut Link; 2] {
        [&mut self.up, &mut self.down]
    }

    /// When it has to do something.
    pub(super) fn next(&self) -> Instant {
        let camera = self.camera.as_ref().map(|it| it.next_at);
        let microphone = self.microphone.as_ref().map(|it| it.next_at);
        let told = self.rescue.as_ref().and_then(Rescue::next);
        [camera, microphone, told, self.asker.next()]
            .into_iter()
            .flatten()
            .fold(self.wake_at, Instant::min)
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.camera.as_ref().is_some_and(|it| it.next_at <= now) {
            self.take_picture(now);
        }
        if self.microphone.as_ref().is_some_and(|it| it.next_at <= now) {
            self.take_sound(now);
        }
        if self.wake_at <= now {
            self.input(now, Input::Timeout(now));
        }
        self.outgoing.extend(self.asker.ask(now));
        if let Some(guard) = &mut self.guard {
            guard.protect(*payload_type(&self.rtc, Codec::Vp8), &mut self.outgoing);
        }
        self.outgoing
            .extend(self.rescue.as_mut().and_then(|rescue| rescue.tell(now)));
    }

    pub(super) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let receive = Receive::new(Protocol::Udp, self.server, self.addr, bytes).expect("well-formed");
        self.input(now, Input::Receive(now, receive));
        let Some(rescue) = &mut self.rescue else { return };
        for (seq, payload) in rescue.receive(now, bytes) {
            let ssrc = rescue.ssrc.expect("the one that is protected");
            self.asker.handle_packet(now, ssrc, seq);
            self.screen.receive(now, seq, &payload);
        }
    }

    fn take_picture(&mut self, now: Instant) {
        let Some(camera) = &mut self.camera else { return };
        let pt = payload_type(&self.rtc, Codec::Vp8);
        let number = camera.next_frame;
        camera.choose(now);
        for at in 0..camera.active {
            let (rid, rate) = camera.encodings[at];
            let is_key = std::mem::take(&mut camera.wants_key[at]);
            let packets = frame(at as u8, number, is_key, rate / PICTURES);
            let count = packets.len();
            for (index, payload) in packets.into_iter().enumerate() {
                let mut api = self.rtc.direct_api();
                let stream = api.stream_tx_by_mid(camera.mid, rid).expect("a sending line");
                let seq = camera.seqs[at];
                camera.seqs[at] += 1;
                let time = number * (90_000 / PICTURES);
                let write = RtpWrite::new(pt, seq.into(), time, now - camera.late, payload).nackable(true);
                stream.write_rtp(write.marker(index + 1 == count));
            }
        }
        camera.next_frame += 1;
        camera.next_at += Duration::from_secs(1) / PICTURES;
        self.input(now, Input::Timeout(now));
    }

    fn take_sound(&mut self, now: Instant) {
        let params = self.rtc.codec_config().iter().find(|it| it.spec().codec == Codec::Opus);
        let (plain, red) = params.map(|it| (it.pt(), it.red())).expect("Opus");
        let Some(microphone) = &mut self.microphone else { return };
        let number = microphone.next_sound;
        let mut sound = number.to_be_bytes().to_vec();
        sound.resize(SOUND, 0);
        let (pt, payload) = match microphone.repeats {
            Some(_) => {
                let block = |(age, sound): (usize, &Vec<u8>)| RedundantBlock {
                    pt: *plain,
                    timestamp_offset: TICKS * age as u32,
                    payload: sound.clone(),
                };
                let count = microphone.before.len();
                let ages = (1..=count).rev();
                let blocks: Vec<_> = ages.zip(&microphone.before).map(block).collect();
                (
                    red.expect("RED was negotiated"),
                    RedEncoder::encode(*plain, &sound, &blocks),
                )
            }
            None => (plain, sound.clone()),
        };
        microphone.before.push_back(sound);
        if microphone.before.len() > microphone.repeats.unwrap_or(0) {
            microphone.before.pop_front();
        }
        let mid = microphone.mid;
        microphone.next_sound += 1;
        microphone.next_at += Duration::from_secs(1) / SOUNDS;
        let values = ExtensionValues {
            audio_level: Some(LEVEL),
            voice_activity: Some(true),
            ..ExtensionValues::default()
        };
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, None).expect("a sending line");
        let seq = u64::from(number) + 1;
        stream.write_rtp(RtpWrite::new(pt, seq.into(), number * TICKS, now, payload).ext_vals(values));
        self.input(now, Input::Timeout(now));
    }

    pub(super) fn input(&mut self, now: Instant, input: Input<'_>) {
        self.rtc.handle_input(input).expect("handled");
        loop {
            match self.rtc.poll_output().expect("polled") {
                Output::Timeout(at) => break self.wake_at = at.max(now + Duration::from_millis(1)),
                Output::Transmit(out) => self.outgoing.push(out.contents.to_vec()),
                Output::Event(Event::RtpPacket(packet)) => self.take(now, &packet),
                Output::Event(Event::KeyframeRequest(request)) => {
                    self.keyframe_requests.push((now, request.rid));
                    if let Some(camera) = &mut self.camera {
                        let at = camera.encodings.iter().position(|(rid, _)| *rid == request.rid);
                        camera.wants_key[at.expect("an encoding of ours")] = true;
                    }
                }
                Output::Event(Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. })) => {
                    if let Some(camera) = &mut self.camera {
                        camera.budget = estimate.as_u64();
                    }
                }
                Output::Event(_) => {}
            }
        }
    }

    fn take(&mut self, now: Instant, packet: &RtpPacket) {
        // What has no payload only finds out how much the network carries.
        if packet.payload.is_empty() {
            return;
        }
        let params = self.rtc.codec_config().iter().find(|it| it.spec().codec == Codec::Opus);
        let (plain, red) = params.map(|it| (it.pt(), it.red())).expect("Opus");
        let pt = packet.header.payload_type;
        if Some(pt) == red {
            for block in RedDecoder::decode(&packet.payload).expect("well-formed") {
                assert_eq!(block.pt, *plain);
                self.ear.receive(block.payload);
            }
        } else if pt == plain {
            self.clocks.hear(packet);
            self.ear.receive(&packet.payload);
        } else {
            let ssrc = packet.header.ssrc;
            if self.shown_ssrc.replace(ssrc) != Some(ssrc) {
                let mut api = self.rtc.direct_api();
                api.stream_rx(&ssrc).expect("it has come").suppress_nack(true);
            }
            self.asker.handle_packet(now, *ssrc, *packet.seq_no);
            self.clocks.see(packet);
            self.screen.receive(now, *packet.seq_no, &packet.payload);
            if self.asks && self.screen.wants_keyframe(now) {
                self.ask_for_keyframe();
            }
            return;
        }
        assert_eq!(
            packet.header.ext_vals.audio_level,
            Some(LEVEL),
            "it is told how loud it is"
        );
    }

    pub(super) fn ask_for_keyframe(&mut self) {
        let mut api = self.rtc.direct_api();
        let stream = self.shown_ssrc.and_then(|ssrc| api.stream_rx(&ssrc));
        stream
            .expect("a picture has come")
            .request_keyframe(KeyframeRequestKind::Pli);
    }
}

fn payload_type(rtc: &Rtc, codec: Codec) -> Pt {
    let params = rtc.codec_config().iter().find(|it| it.spec().codec == codec);
    params.expect("a known codec").pt()
}

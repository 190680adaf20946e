use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use mio::net::UdpSocket;
use str0m::{
    Candidate, Event, Input, Output, Rtc, RtcConfig,
    change::{SdpAnswer, SdpPendingOffer},
    format::Codec,
    media::{Direction, MediaKind, Mid, Pt},
    net::{Protocol, Receive},
    rtp::{ExtensionValues, RtpWrite},
};

use crate::{
    LoadError, Pace,
    arrival::{self, Datagram, Inbox},
    packet,
    tally::{Lines, Tally},
};

/// How loud a speaker is, in decibels: those who began first are the louder ones.
const LOUD: i8 = -20;

/// What a line carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
pub enum Kind {
    /// Opus.
    Sound,
    /// VP8.
    Picture,
}

/// A client's offer, and the names of its lines (RFC 9143) in the order in which they were asked for.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The session description.
    pub sdp: String,
    /// Of the lines that send.
    pub sends: Vec<String>,
    /// Of the lines that receive.
    pub receives: Vec<String>,
}

/// One media client: a socket, a connection, and a count of what comes.
#[derive(Debug)]
pub struct Client {
    rtc: Rtc,
    pub(crate) socket: UdpSocket,
    addr: SocketAddr,
    pending: Option<SdpPendingOffer>,
    sends: Vec<Sending>,
    lines: Lines,
    is_connected: bool,
    wake_at: Instant,
}

/// What it publishes on one line.
#[derive(Debug)]
struct Sending {
    mid: Mid,
    kind: Kind,
    number: u32,
    time: u32,
    wants_key: bool,
}

impl Client {
    /// One with a socket at this address, and the offer for its lines.
    ///
    /// # Errors
    /// The system gives no socket.
    pub fn new(ip: IpAddr, sends: &[Kind], receives: &[Kind]) -> Result<(Self, Offer), LoadError> {
        let socket = arrival::bind((ip, 0).into())?;
        let addr = socket.local_addr()?;
        let now = Instant::now();
        let config = RtcConfig::new()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true);
        let mut rtc = config.set_rtp_mode(true).build(now);
        let candidate = Candidate::host(addr, "udp").map_err(io::Error::other)?;
        rtc.add_local_candidate(candidate);

        let mut api = rtc.sdp_api();
        let mut add = |kind: &Kind, direction| {
            let media = match kind {
                Kind::Sound => MediaKind::Audio,
                Kind::Picture => MediaKind::Video,
            };
            api.add_media(media, direction, None, None, None)
        };
        let sending = |kind: &Kind, mid| Sending {
            mid,
            kind: *kind,
            number: 0,
            time: 0,
            wants_key: true,
        };
        let sends: Vec<_> = sends
            .iter()
            .map(|kind| sending(kind, add(kind, Direction::SendOnly)))
            .collect();
        let receives = receives
            .iter()
            .map(|kind| add(kind, Direction::RecvOnly).to_string())
            .collect();
        let (offer, pending) = api
            .apply()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a client needs a line"))?;
        let offer = Offer {
            sdp: offer.to_sdp_string(),
            sends: sends.iter().map(|line| line.mid.to_string()).collect(),
            receives,
        };
        let client = Self {
            rtc,
            socket,
            addr,
            pending: Some(pending),
            sends,
            lines: Lines::default(),
            is_connected: false,
            wake_at: now,
        };
        Ok((client, offer))
    }

    /// Takes the answer to its offer.
    ///
    /// # Errors
    /// It is no answer to it.
    pub fn answer(&mut self, sdp: &str) -> Result<(), LoadError> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|error| LoadError::Answer(error.to_string()))?;
        if let Some(pending) = self.pending.take() {
            let taken = self.rtc.sdp_api().accept_answer(pending, answer);
            taken.map_err(|error| LoadError::Answer(error.to_string()))?;
        }
        Ok(())
    }

    /// Whether it publishes something.
    pub(crate) fn sends(&self) -> bool {
        !self.sends.is_empty()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.is_connected
    }

    pub(crate) fn wake_at(&self) -> Instant {
        self.wake_at
    }

    /// Forgets what has come so far.
    pub(crate) fn begin_count(&mut self) {
        self.lines = Lines::default();
    }

    /// How many packets have come since then.
    pub(crate) fn received(&self) -> u64 {
        self.lines.received
    }

    pub(crate) fn add_to(&self, tally: &mut Tally) {
        self.lines.add_to(tally);
    }

    /// Sends the next packets of each of its lines. Each says when it leaves, so each leaves before the next is made.
    pub(crate) fn send(&mut self, place: usize, pace: &Pace) {
        for at in 0..self.sends.len() {
            let is_key = std::mem::take(&mut self.sends[at].wants_key);
            for index in 0..pace.burst {
                self.send_one(at, place, pace, index, is_key);
            }
            let line = &mut self.sends[at];
            let rate = match line.kind {
                Kind::Sound => 48_000,
                Kind::Picture => 90_000,
            };
            line.time = line
                .time
                .wrapping_add((pace.every.as_micros() as u64 * rate / 1_000_000) as u32);
        }
    }

    /// Sends one packet of a burst on a line.
    fn send_one(&mut self, at: usize, place: usize, pace: &Pace, index: usize, is_key: bool) {
        let line = &mut self.sends[at];
        let Some(pt) = payload_type(&self.rtc, line.kind) else {
            return;
        };
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(line.mid, None) else {
            return;
        };
        let (now, sent) = (Instant::now(), arrival::present());
        let (payload, values) = match line.kind {
            Kind::Picture => (
                packet::picture(pace.size, line.number, sent, index == 0, is_key),
                ExtensionValues::default(),
            ),
            Kind::Sound => (packet::sound(pace.size, line.number, sent), level(place)),
        };
        // Below the middle, so that nobody mistakes the first ones for the last before a wrap.
        let seq = u64::from(line.number) + 1;
        let write = RtpWrite::new(pt, seq.into(), line.time, now, payload).ext_vals(values);
        stream.write_rtp(
            write
                .marker(index + 1 == pace.burst)
                .nackable(line.kind == Kind::Picture),
        );
        line.number += 1;
        self.input(Input::Timeout(now), sent);
    }

    /// Takes what has come.
    pub(crate) fn receive(&mut self, inbox: &mut Inbox) {
        loop {
            match inbox.receive(&self.socket) {
                Ok(Datagram { source, arrived, bytes }) => {
                    if let Ok(receive) = Receive::new(Protocol::Udp, source, self.addr, bytes) {
                        self.input(Input::Receive(Instant::now(), receive), arrived);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Also a port that is closed at the other end (ICMP) is no matter of this socket.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(_) => break,
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.wake_at <= now {
            self.input(Input::Timeout(now), arrival::present());
        }
    }

    /// Takes something that has come at this time of the day.
    fn input(&mut self, input: Input<'_>, arrived: Duration) {
        if self.rtc.handle_input(input).is_err() {
            self.rtc.disconnect();
        }
        loop {
            match self.rtc.poll_output() {
                // Of a connection that is over nothing comes any more, which the count shows.
                Err(_) => break self.wake_at = Instant::now() + Duration::from_secs(1),
                Ok(Output::Timeout(at)) => break self.wake_at = at,
                Ok(Output::Transmit(out)) => {
                    // A full buffer loses a datagram, as any network may.
                    let _ = self.socket.send_to(&out.contents, out.destination);
                }
                Ok(Output::Event(Event::Connected)) => self.is_connected = true,
                // What has no payload only finds out how much the network carries.
                Ok(Output::Event(Event::RtpPacket(packet))) if !packet.payload.is_empty() => {
                    let ssrc = *packet.header.ssrc;
                    match packet::check(&packet.payload, arrived) {
                        Some((number, delay)) => {
                            let len = packet.payload.len();
                            self.lines.take(ssrc, *packet.seq_no, number, len, delay);
                        }
                        None => self.lines.take_damaged(),
                    }
                }
                Ok(Output::Event(Event::KeyframeRequest(request))) => {
                    let mut lines = self.sends.iter_mut();
                    if let Some(line) = lines.find(|line| line.mid == request.mid) {
                        line.wants_key = true;
                    }
                }
                Ok(Output::Event(_)) => {}
            }
        }
    }
}

fn payload_type(rtc: &Rtc, kind: Kind) -> Option<Pt> {
    let codec = match kind {
        Kind::Sound => Codec::Opus,
        Kind::Picture => Codec::Vp8,
    };
    let params = rtc.codec_config().find(|it| it.spec().codec == codec)?;
    Some(params.pt())
}

/// Those who speak all the time are the loudest, in the order of their places.
fn level(place: usize) -> ExtensionValues {
    ExtensionValues {
        audio_level: Some(LOUD.saturating_sub(place.min(80) as i8)),
        voice_activity: Some(true),
        ..ExtensionValues::default()
    }
}

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use hst_rtp::{
    Packet,
    rtcp::{Compound, Message, is_rtcp},
};
use hst_srtp::{Receiver, Refused};
use mio::net::UdpSocket;
use str0m::{
    Candidate, Event, Input, Output, Rtc, RtcConfig,
    change::{SdpAnswer, SdpPendingOffer},
    media::{Direction, MediaKind, Mid},
    net::{Protocol, Receive},
};

use crate::{
    LoadError, Pace, Tally, arrival,
    desk::Desk,
    dtls::{self, Keys},
    formats::Formats,
    inward::{Came, Inward},
    outward::{Sending, Way},
};

/// str0m has no media to report of.
const NEVER: Duration = Duration::from_secs(86_400 * 365);
/// How often it is told what was sent.
const REPORT: Duration = Duration::from_secs(1);
/// What a connection that is over waits for.
const OVER: Duration = Duration::from_secs(1);

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

/// One media client: a socket, a connection, and what it sends and receives. str0m connects it; media are written and read here.
#[derive(Debug)]
pub struct Client {
    rtc: Rtc,
    keys: Keys,
    pub(crate) socket: UdpSocket,
    addr: SocketAddr,
    pending: Option<SdpPendingOffer>,
    sends: Vec<Sending>,
    inward: Inward,
    media: Option<Media>,
    /// All its lines.
    mids: Vec<Mid>,
    /// Where str0m sent to last.
    last: Option<SocketAddr>,
    /// When str0m wants to be asked, and when it is told next what was sent.
    wake_at: Instant,
    report_at: Instant,
}

/// What there is once a connection has keys.
#[derive(Debug)]
struct Media {
    way: Way,
    receiver: Receiver,
    server: SocketAddr,
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
            .set_crypto_provider(dtls::provider().into())
            .set_rtcp_report_interval_audio(NEVER)
            .set_rtcp_report_interval_video(NEVER)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true);
        let mut rtc = config.set_rtp_mode(true).build(now);
        let keys = Keys::of_last();
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
        let sends: Vec<_> = sends
            .iter()
            .map(|kind| Sending::new(add(kind, Direction::SendOnly), *kind))
            .collect();
        let receives: Vec<_> = receives.iter().map(|kind| add(kind, Direction::RecvOnly)).collect();
        let (offer, pending) = api
            .apply()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a client needs a line"))?;
        let offer = Offer {
            sdp: offer.to_sdp_string(),
            sends: sends.iter().map(|line| line.mid.to_string()).collect(),
            receives: receives.iter().map(Mid::to_string).collect(),
        };
        let client = Self {
            rtc,
            keys,
            socket,
            addr,
            pending: Some(pending),
            mids: sends.iter().map(|line| line.mid).chain(receives).collect(),
            last: None,
            sends,
            inward: Inward::new(now),
            media: None,
            wake_at: now,
            report_at: now,
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
        self.inward.learn(sdp);
        Ok(())
    }

    /// Whether it publishes something.
    pub(crate) fn sends(&self) -> bool {
        !self.sends.is_empty()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.media.is_some()
    }

    /// When there is something to do.
    pub(crate) fn wake_at(&self) -> Instant {
        match self.media {
            Some(_) => self.wake_at.min(self.inward.tell_at()),
            None => self.wake_at,
        }
    }

    /// The port of its socket.
    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Forgets what has come so far.
    pub(crate) fn begin_count(&mut self) {
        self.inward.begin_count();
    }

    /// Adds what did not come since then.
    pub(crate) fn add_lost(&self, tally: &mut Tally) {
        self.inward.add_lost(tally);
    }

    /// Sends the next packets of each of its lines. Each says when it leaves, so each leaves before the next is made.
    pub(crate) fn send(&mut self, pace: &Pace, desk: &mut Desk) {
        let Some(Media { way, server, .. }) = &mut self.media else {
            return;
        };
        for line in &mut self.sends {
            let is_key = line.take_wants_key();
            for index in 0..pace.burst {
                desk.out.clear();
                line.write(&mut desk.out, way, pace, index, is_key, arrival::present());
                // A full buffer loses a datagram, as any network may.
                let _ = self.socket.send_to(&desk.out, *server);
                desk.tally.sent += 1;
            }
            line.end_burst(pace);
        }
    }

    /// Takes what has come.
    pub(crate) fn receive(&mut self, place: usize, desk: &mut Desk) {
        loop {
            let Desk {
                inbox,
                tally,
                out,
                clock,
            } = desk;
            let datagram = match inbox.receive(&self.socket) {
                Ok(datagram) => datagram,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Also a port that is closed at the other end (ICMP) is no matter of this socket.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(_) => break,
            };
            let came = Came {
                at: clock.at(datagram.arrived),
                time: datagram.arrived,
            };
            match datagram.bytes {
                // Media share the path with what connects it (RFC 7983 section 7).
                [0x80..0xc0, ..] if is_rtcp(datagram.bytes) => self.take_told(came, datagram.bytes, out),
                [0x80..0xc0, ..] => self.take_media(came, datagram.bytes, tally),
                bytes => {
                    if let Ok(receive) = Receive::new(Protocol::Udp, datagram.source, self.addr, bytes) {
                        self.input(Input::Receive(Instant::now(), receive), place);
                    }
                }
            }
        }
    }

    /// Checks, decrypts and counts a packet.
    fn take_media(&mut self, came: Came, bytes: &mut [u8], tally: &mut Tally) {
        // What comes before the handshake is over is for nobody yet.
        let Some(Media { way, receiver, .. }) = &mut self.media else {
            return;
        };
        match receiver.unprotect(bytes) {
            Ok(opened) => match Packet::parse(&bytes[..opened.len]) {
                Some(packet) => self.inward.take(came, &packet, &way.formats, tally),
                None => tally.damaged += 1,
            },
            Err(Refused::Replayed) => {}
            Err(_) => tally.damaged += 1,
        }
    }

    /// Does what a report asks for.
    fn take_told(&mut self, came: Came, bytes: &mut [u8], out: &mut Vec<u8>) {
        let Some(Media { way, receiver, server }) = &mut self.media else {
            return;
        };
        let Ok(len) = receiver.unprotect_rtcp(bytes) else {
            return;
        };
        for message in Compound::new(&bytes[..len]) {
            match message {
                Message::SenderReport(report) => self.inward.take_report(came.at, &report),
                Message::Nack(nack) => {
                    for seq in nack.seqs() {
                        let mut lines = self.sends.iter_mut();
                        out.clear();
                        if lines.any(|line| line.write_again(out, way, nack.media, seq, arrival::present())) {
                            let _ = self.socket.send_to(out, *server);
                        }
                    }
                }
                Message::Pli(pli) => self.sends.iter_mut().for_each(|line| line.ask_key(pli.media)),
                Message::Fir(fir) => {
                    for (ssrc, _) in fir.requests() {
                        self.sends.iter_mut().for_each(|line| line.ask_key(ssrc));
                    }
                }
                _ => {}
            }
        }
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, place: usize, desk: &mut Desk) {
        if self.wake_at <= now {
            self.input(Input::Timeout(now), place);
        }
        if self.is_connected() && self.inward.tell_at() <= now {
            self.tell(now, &mut desk.out);
        }
    }

    /// Tells the server what has come, and what was sent.
    fn tell(&mut self, now: Instant, out: &mut Vec<u8>) {
        let Some(Media { way, server, .. }) = &mut self.media else {
            return;
        };
        let mut send = |out: &mut Vec<u8>| {
            // Nobody sends 2^31 reports in a measurement.
            if !out.is_empty() && way.sender.protect_rtcp(out, 0).is_ok() {
                let _ = self.socket.send_to(out, *server);
            }
            out.clear();
        };
        out.clear();
        if self.report_at <= now {
            self.report_at = now + REPORT;
            for line in &self.sends {
                line.report(arrival::present(), out);
            }
        }
        self.inward.tell(now, out);
        send(out);
        while self.inward.tell_arrivals(now, out) {
            send(out);
        }
    }

    /// Lets str0m connect.
    fn input(&mut self, input: Input<'_>, place: usize) {
        if self.rtc.handle_input(input).is_err() {
            self.rtc.disconnect();
        }
        loop {
            match self.rtc.poll_output() {
                // Of a connection that is over nothing comes any more, which the count shows.
                Err(_) => break self.wake_at = Instant::now() + OVER,
                Ok(Output::Timeout(at)) => break self.wake_at = at,
                Ok(Output::Transmit(out)) => {
                    // A full buffer loses a datagram, as any network may.
                    let _ = self.socket.send_to(&out.contents, out.destination);
                    self.last = Some(out.destination);
                }
                Ok(Output::Event(Event::Connected)) => self.begin_media(place),
                Ok(Output::Event(_)) => {}
            }
        }
    }

    fn begin_media(&mut self, place: usize) {
        let Some(((sender, receiver), server)) = self.keys.contexts().zip(self.last) else {
            return;
        };
        let lines = self.sends.iter_mut();
        lines.for_each(|line| line.name(&mut self.rtc));
        let formats = Formats::of(&self.rtc, self.mids.iter().copied());
        self.media = Some(Media {
            way: Way::new(sender, formats, place),
            receiver,
            server,
        });
    }
}

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    slice,
    time::Duration,
};

use hst_media::{Foretold, MediaError, PeerEvent, rtp::Packet};
use str0m::{
    Event, IceConnectionState, Input, Output, Rtc, RtcError,
    change::{SdpAnswer, SdpPendingOffer},
    media::{KeyframeRequestKind, Mid, Pt},
    net::{Protocol, Receive, Transmit},
    rtp::{RtpPacket, RtpWrite},
};
use tokio::time::Instant;

use crate::{
    codecs,
    command::{Offered, Wanted},
    detours::Detours,
    early::{self, Early},
    ice, level,
    link::Life,
    order::PipeId,
    relay::Relay,
    section::{Carried, Section},
    way::Passage,
};

mod ways;

/// How long a packet can be sent again, and how many are kept for that.
const RESEND_AGE: Duration = Duration::from_secs(2);
const RESEND_PACKETS: usize = 1024;

/// How the answer to a connectivity check begins (RFC 8489 section 5).
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];

/// One connection, without its socket: datagrams, time and commands go in, datagrams and events come out.
///
/// After each call, drain [`poll_transmit`](Self::poll_transmit), and call [`handle_timeout`](Self::handle_timeout) at
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub(crate) struct Connection {
    rtc: Rtc,
    life: Life,
    /// The address that its socket is bound to.
    bound: SocketAddr,
    /// Which of our addresses leads to each of the other side's.
    routes: HashMap<SocketAddr, SocketAddr>,
    sections: HashMap<Mid, Section>,
    offer: Option<String>,
    pending: Option<SdpPendingOffer>,
    restarting: bool,
    has_keys: bool,
    /// For the first offer.
    foretold: Option<Foretold>,
    /// Of a connection that began before the answer to the first offer.
    early: Option<Early>,
    /// The server's password, while its first response is foreseen: see [`foresee`](Self::foresee).
    foreseen: Option<String>,
    /// Whether that response was believed, and nothing real has come over UDP since.
    is_believed: bool,
    /// What has been sent over UDP while it was only believed.
    unproved: Vec<Vec<u8>>,
    is_sought: bool,
    detours: Detours,
    relays: Vec<Relay>,
    wake_at: Instant,
    /// Drained by the driver after every call, so it holds what one call gives rise to.
    transmits: VecDeque<Transmit>,
}

impl Connection {
    pub(crate) fn new(
        rtc: Rtc,
        life: Life,
        bound: SocketAddr,
        foretold: Option<Foretold>,
        relays: Vec<Relay>,
        now: Instant,
    ) -> Self {
        Self {
            rtc,
            life,
            bound,
            routes: HashMap::new(),
            sections: HashMap::new(),
            offer: None,
            pending: None,
            restarting: false,
            has_keys: false,
            foretold,
            early: None,
            foreseen: None,
            is_believed: false,
            unproved: Vec::new(),
            is_sought: false,
            detours: Detours::new(now),
            relays,
            wake_at: now,
            transmits: VecDeque::new(),
        }
    }

    /// Whether it can still do anything.
    pub(crate) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    /// Describes the sections as they are wanted. When nothing has changed the description of before holds, word for
    /// word (RFC 3264 section 8).
    ///
    /// With the first one, connecting begins, if that was foretold.
    pub(crate) fn offer(
        &mut self,
        now: Instant,
        sections: Vec<Wanted>,
        restart_ice: bool,
    ) -> Result<Offered, MediaError> {
        let mut changes = self.rtc.sdp_api();
        let mids = sections
            .into_iter()
            .map(|wanted| match wanted.mid {
                None => changes.add_media(wanted.kind, wanted.direction, None, None, None),
                Some(mid) => {
                    changes.set_direction(mid, wanted.direction);
                    mid
                }
            })
            .collect();
        if restart_ice {
            changes.ice_restart(false);
        }
        self.restarting = restart_ice;
        if let Some((offer, pending)) = changes.apply() {
            self.offer = Some(offer.to_sdp_string());
            self.pending = Some(pending);
        }
        let sdp = self.offer.clone().ok_or(MediaError::NoLines)?;
        if let Some(foretold) = self.foretold.take() {
            self.connect_early(now, foretold)?;
        }
        Ok(Offered { sdp, mids })
    }

    /// Takes the answer to the last offer.
    pub(crate) fn answer(&mut self, now: Instant, sdp: &str, lines: Vec<(Mid, Carried)>) -> Result<(), MediaError> {
        let begun = self.early.as_ref().is_some_and(|early| !early.is_answered());
        let text = match begun {
            true => Cow::Owned(early::without_candidates(sdp)),
            false => Cow::Borrowed(sdp),
        };
        let answer = SdpAnswer::from_sdp_string(&text).map_err(|e| MediaError::Answer(e.into()))?;
        if begun && let Some(credentials) = ice::credentials(sdp) {
            // If they are not those that were foretold, the checks are to be made anew.
            self.rtc.direct_api().set_remote_ice_credentials(credentials);
        }
        if let Some(pending) = self.pending.take() {
            let taken = self.rtc.sdp_api().accept_answer(pending, answer);
            taken.map_err(|e| MediaError::Answer(e.into()))?;
        }
        let is_first = begun || !self.is_sought;
        let restarts = std::mem::take(&mut self.restarting);
        if restarts || !self.is_sought {
            self.early = None;
            self.find_routes(ice::candidates(sdp));
            self.foreseen = self.foreseeable(sdp);
            self.seek(now);
        }
        if restarts || is_first {
            self.detours.plan(now, ice::plans(sdp, &self.relays));
        }
        let mut api = self.rtc.direct_api();
        for (mid, section) in &mut self.sections {
            let line = lines.iter().find(|(of, _)| of == mid);
            section.carry(line.map(|(_, carried)| carried.clone()));
        }
        for (mid, carried) in lines {
            self.sections.entry(mid).or_insert_with(|| {
                if let Some(stream) = api.stream_tx_by_mid(mid, None) {
                    stream.set_rtx_cache(RESEND_PACKETS, RESEND_AGE, None);
                }
                let mut section = Section::default();
                section.carry(Some(carried));
                section
            });
        }
        // Each call makes one check, and the first ones need not wait for each other.
        for _ in 0..=self.routes.len() {
            self.handle_timeout(now);
        }
        let early = self.early.as_mut().filter(|_| begun);
        let held = early.map(|early| early.answered(&ice::candidates(sdp)));
        for (source, bytes) in held.unwrap_or_default() {
            self.receive(now, source, &bytes);
        }
        Ok(())
    }

    /// A section carries nothing any more.
    pub(crate) fn stop(&mut self, mid: Mid) {
        if let Some(section) = self.sections.get_mut(&mid) {
            section.carry(None);
        }
    }

    pub(crate) fn write(&mut self, now: Instant, mid: Mid, pt: Pt, packets: Vec<Packet>) {
        let redundant = codecs::redundant(self.rtc.codec_config(), pt);
        let mut api = self.rtc.direct_api();
        let (Some(stream), Some(section)) = (api.stream_tx_by_mid(mid, None), self.sections.get_mut(&mid)) else {
            return;
        };
        let nackable = stream.rtx().is_some();
        for packet in packets {
            let (sequence, timestamp) = (packet.sequence.into(), packet.timestamp);
            let (pt, payload) = match redundant {
                Some(redundant) => (redundant, section.echo.payload(timestamp, &packet.payload, *pt)),
                None => (pt, packet.payload),
            };
            let write = RtpWrite::new(pt, sequence, timestamp, now.into_std(), &payload[..])
                .marker(packet.marker)
                .ext_vals(level::values(packet.level))
                .nackable(nackable);
            stream.write_rtp(write);
        }
        self.handle_timeout(now);
    }

    /// A datagram has come over UDP.
    pub(crate) fn receive(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        let Some(source) = self.apparent(source, bytes) else {
            return;
        };
        let destination = self.routes.get(&source).copied().unwrap_or(self.bound);
        let passage = Passage {
            protocol: Protocol::Udp,
            source,
            destination,
        };
        self.take(now, passage, bytes, None);
    }

    /// A datagram has come over UDP, or over a pipe.
    fn take(&mut self, now: Instant, passage: Passage, bytes: &[u8], over: Option<PipeId>) {
        let Passage {
            protocol,
            source,
            destination,
        } = passage;
        // What cannot be parsed is noise.
        let Ok(receive) = Receive::new(protocol, source, destination, bytes) else {
            return;
        };
        let input = Input::Receive(now.into_std(), receive);
        if self.rtc.accepts(&input) {
            self.drive(now, input);
            // Only an answer to a check shows that the other side hears us, too (RFC 7675 section 5.1).
            if bytes.starts_with(&BINDING_SUCCESS) {
                self.life.hear(now);
                self.heard(now, over);
            }
        }
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.drive(now, Input::Timeout(now.into_std()));
        for (mid, section) in &mut self.sections {
            if section.advance(now) {
                request_keyframe(&mut self.rtc, *mid);
            }
        }
        let lost = self.detours.handle_timeout(now);
        self.lose(lost);
        self.life.handle_timeout(now);
    }

    /// Says goodbye, as far as that is possible.
    pub(crate) fn close(&mut self, now: Instant) {
        if self.rtc.close().is_ok() {
            self.drive(now, Input::Timeout(now.into_std()));
        }
        self.end();
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// Where a datagram has to go.
    pub(crate) fn destinations<'a>(&'a self, transmit: &'a Transmit) -> &'a [SocketAddr] {
        match &self.early {
            Some(early) => early.destinations(&transmit.destination),
            None => slice::from_ref(&transmit.destination),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Instant {
        let deadlines = self.sections.values().filter_map(Section::deadline);
        let ways = self.life.deadline().into_iter().chain(self.detours.deadline());
        deadlines.chain(ways).fold(self.wake_at, Instant::min)
    }

    /// Gives an input to str0m and takes all of its output. An error is the end: str0m cannot be used after it.
    fn drive(&mut self, now: Instant, input: Input<'_>) {
        if let Err(error) = self.try_drive(now, input) {
            tracing::debug!(%error, "the media connection failed");
            self.rtc.disconnect();
        }
        if !self.rtc.is_alive() {
            self.end();
        }
    }

    fn try_drive(&mut self, now: Instant, input: Input<'_>) -> Result<(), RtcError> {
        self.rtc.handle_input(input)?;
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => {
                    self.wake_at = at.into();
                    return Ok(());
                }
                Output::Transmit(transmit) => {
                    let Some(transmit) = self.route(transmit) else { continue };
                    match self.foresee(&transmit) {
                        Some(response) => {
                            let Transmit {
                                source, destination, ..
                            } = transmit;
                            let receive = Receive::new(Protocol::Udp, destination, source, &response)?;
                            self.rtc.handle_input(Input::Receive(now.into_std(), receive))?;
                        }
                        None => self.transmit(transmit),
                    }
                }
                Output::Event(event) => self.handle_event(now, event),
            }
        }
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => {
                self.has_keys = true;
                self.life.connect(now);
            }
            Event::IceConnectionStateChange(IceConnectionState::Connected | IceConnectionState::Completed)
                if self.has_keys =>
            {
                self.life.connect(now);
            }
            Event::RtpPacket(packet) => self.handle_packet(now, packet),
            Event::KeyframeRequest(request) => {
                if let Some(line) = self.sections.get(&request.mid).and_then(Section::line) {
                    self.life.events.send(PeerEvent::KeyframeRequested { line });
                }
            }
            Event::MediaEgressStats(stats) => {
                if let (Some(section), Some(remote)) = (self.sections.get_mut(&stats.mid), &stats.remote) {
                    section.reported(remote);
                }
            }
            Event::PeerStats(stats) => {
                // What the server answers to connectivity checks is there on lines that only receive, too.
                let pair = stats
                    .selected_candidate_pair
                    .and_then(|pair| pair.current_round_trip_time);
                if let Some(time) = pair.or(stats.rtt) {
                    self.sections.values().for_each(|section| section.measured(time));
                }
            }
            Event::Closed => self.end(),
            _ => {}
        }
    }

    fn handle_packet(&mut self, now: Instant, packet: RtpPacket) {
        let mut api = self.rtc.direct_api();
        let Some(mid) = api.stream_rx(&packet.header.ssrc).map(|stream| stream.mid()) else {
            return;
        };
        if let Some(section) = self.sections.get_mut(&mid) {
            section.receive(now, packet, &self.life.events);
            if section.advance(now) {
                request_keyframe(&mut self.rtc, mid);
            }
        }
    }

    fn end(&mut self) {
        self.sections.clear();
        self.detours.close();
        self.life.end();
    }
}

fn request_keyframe(rtc: &mut Rtc, mid: Mid) {
    if let Some(stream) = rtc.direct_api().stream_rx_by_mid(mid, None) {
        stream.request_keyframe(KeyframeRequestKind::Pli);
    }
}

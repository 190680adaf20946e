use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    slice,
    time::Duration,
};

use hst_media::{Foretold, MediaError, PeerEvent, rtp::Packet};
use str0m::{
    Candidate, Event, IceConnectionState, IceCreds, Input, Output, Rtc, RtcError,
    change::{SdpAnswer, SdpPendingOffer},
    media::{KeyframeRequestKind, Mid, Pt},
    net::{Protocol, Receive, Transmit},
    rtp::{RtpPacket, RtpWrite},
};
use tokio::time::Instant;

use crate::{
    command::{Offered, Wanted},
    early::{self, Early},
    ice,
    link::Life,
    section::{Carried, Section},
};

/// How long a packet can be sent again, and how many are kept for that.
const RESEND_AGE: Duration = Duration::from_secs(2);
const RESEND_PACKETS: usize = 1024;

/// The most places where the other side is looked for before it has answered.
const MAX_PLACES: usize = 16;

/// After so many calls str0m has made two checks.
const ROUNDS_TO_A_CHECK: usize = 4;

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
    wake_at: Instant,
    /// Drained by the driver after every call, so it holds what one call gives rise to.
    transmits: VecDeque<Transmit>,
}

impl Connection {
    pub(crate) fn new(rtc: Rtc, life: Life, bound: SocketAddr, foretold: Option<Foretold>, now: Instant) -> Self {
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
        if std::mem::take(&mut self.restarting) || self.routes.is_empty() {
            self.early = None;
            self.find_routes(ice::candidates(sdp));
            self.foreseen = self.foreseeable(sdp);
            self.life.seek(now);
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
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, None) else {
            return;
        };
        let nackable = stream.rtx().is_some();
        for packet in packets {
            let (sequence, payload) = (packet.sequence.into(), packet.payload.as_ref());
            let write = RtpWrite::new(pt, sequence, packet.timestamp, now.into_std(), payload)
                .marker(packet.marker)
                .nackable(nackable);
            stream.write_rtp(write);
        }
        self.handle_timeout(now);
    }

    /// A datagram has come.
    pub(crate) fn receive(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        let source = match &mut self.early {
            Some(early) => match early.source(source, bytes) {
                Some(source) => source,
                None => return,
            },
            None => source,
        };
        let destination = self.routes.get(&source).copied().unwrap_or(self.bound);
        // What cannot be parsed is noise.
        let Ok(receive) = Receive::new(Protocol::Udp, source, destination, bytes) else {
            return;
        };
        let input = Input::Receive(now.into_std(), receive);
        if self.rtc.accepts(&input) {
            // Only an answer to a check shows that the other side hears us, too (RFC 7675 section 5.1).
            if bytes.starts_with(&BINDING_SUCCESS) {
                self.life.hear(now);
            }
            self.drive(now, input);
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
        deadlines.chain(self.life.deadline()).fold(self.wake_at, Instant::min)
    }

    /// Learns from which of our addresses the system reaches each of the other side's, as the network is now.
    fn find_routes(&mut self, remotes: Vec<SocketAddr>) {
        self.routes.clear();
        for remote in remotes {
            let route = ice::source_to(remote, self.bound);
            let Ok(local) = route.inspect_err(|error| tracing::debug!(%remote, %error, "no way there")) else {
                continue;
            };
            self.routes.insert(remote, local);
            if let Ok(candidate) = Candidate::host(local, "udp") {
                self.rtc.add_local_candidate(candidate);
            }
        }
    }

    /// Begins to connect before there is an answer.
    fn connect_early(&mut self, now: Instant, foretold: Foretold) -> Result<(), MediaError> {
        let Foretold {
            ufrag,
            password,
            mut addresses,
        } = foretold;
        addresses.truncate(MAX_PLACES);
        self.find_routes(addresses.clone());
        addresses.retain(|address| self.routes.contains_key(address));
        let Some(early) = Early::new(addresses) else {
            return Ok(());
        };
        let failed = |error: RtcError| MediaError::Engine(error.into());
        let remote = Candidate::host(early.place(), "udp").map_err(|e| failed(RtcError::Ice(e)))?;
        self.rtc.add_remote_candidate(remote);
        let mut api = self.rtc.direct_api();
        let pass = password.clone();
        api.set_remote_ice_credentials(IceCreds { ufrag, pass });
        // As the answer will have it: who offers both parts is given this one (RFC 5763 section 5).
        api.start_dtls(true).map_err(failed)?;
        self.foreseen = Some(password);
        self.early = Some(early);
        self.life.seek(now);
        // Each call makes one check at most, and the first one is answered here. Who may get the handshake is proved by a
        // check, so that one has to come first.
        for _ in 0..ROUNDS_TO_A_CHECK {
            if self.transmits.iter().any(is_check) {
                break;
            }
            self.handle_timeout(now);
        }
        self.transmits
            .make_contiguous()
            .sort_by_key(|transmit| !is_check(transmit));
        Ok(())
    }

    /// The server's password, where there is nothing to find out: it has one address, and answers whoever knows it.
    fn foreseeable(&self, sdp: &str) -> Option<String> {
        let is_first = !self.has_keys && self.routes.len() == 1;
        ice::lite_password(sdp).filter(|_| is_first).map(str::to_owned)
    }

    /// The response to the first check of the only way there is, before it was sent.
    ///
    /// So the check that nominates and the first flight of DTLS leave at once, and connecting takes a round trip less.
    /// Nothing is believed for longer than that: the nominating check is a real one, and it is its responses that keep
    /// the peer alive.
    fn foresee(&mut self, transmit: &Transmit) -> Option<Vec<u8>> {
        let password = self.foreseen.take()?;
        ice::response_to(&transmit.contents, transmit.source, &password)
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
                // A way that the system would not take from that address is none.
                Output::Transmit(transmit) if self.routes.get(&transmit.destination) != Some(&transmit.source) => {}
                Output::Transmit(transmit) => match self.foresee(&transmit) {
                    Some(response) => {
                        let Transmit {
                            source, destination, ..
                        } = transmit;
                        let receive = Receive::new(Protocol::Udp, destination, source, &response)?;
                        self.rtc.handle_input(Input::Receive(now.into_std(), receive))?;
                    }
                    None => self.transmits.push_back(transmit),
                },
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
        self.life.end();
    }
}

/// The first byte tells the protocols apart (RFC 9443).
fn is_check(transmit: &Transmit) -> bool {
    transmit.contents.first().is_some_and(|&first| first < 2)
}

fn request_keyframe(rtc: &mut Rtc, mid: Mid) {
    if let Some(stream) = rtc.direct_api().stream_rx_by_mid(mid, None) {
        stream.request_keyframe(KeyframeRequestKind::Pli);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hst_media::peer_events;
    use str0m::{
        RtcConfig,
        media::{Direction, MediaKind},
    };
    use tokio::sync::watch;

    use super::*;
    use crate::link::Link;

    #[tokio::test(start_paused = true)]
    async fn with_what_is_foretold_a_check_and_then_the_handshake_leave_with_the_offer() {
        let places = [7882, 7883].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let foretold = Foretold {
            ufrag: "n".repeat(32),
            password: "p".repeat(32),
            addresses: places.to_vec(),
        };
        let now = Instant::now();
        let provider = Arc::new(str0m::crypto::from_feature_flags());
        let rtc = RtcConfig::new().set_crypto_provider(provider).build(now.into_std());
        let (events, _told) = peer_events();
        let life = Life::new(events, watch::Sender::new(Link::Waiting), now);
        let bound = ([0, 0, 0, 0], 4711).into();
        let mut connection = Connection::new(rtc, life, bound, Some(foretold), now);
        let wanted = Wanted {
            mid: None,
            kind: MediaKind::Audio,
            direction: Direction::RecvOnly,
        };
        connection.offer(now, vec![wanted], false).unwrap();
        let sent: Vec<_> = std::iter::from_fn(|| connection.poll_transmit()).collect();
        let first_bytes: Vec<_> = sent.iter().map(|transmit| transmit.contents[0]).collect();
        // A binding request, and a record of a handshake.
        assert_eq!(first_bytes, [0, 22]);
        for transmit in &sent {
            assert_eq!(connection.destinations(transmit), places);
        }
    }
}

//! How a connection finds the other side: over UDP, at once and before the answer where that is possible, or by a detour.

use std::{net::SocketAddr, slice};

use hst_media::{Foretold, MediaError};
use str0m::{
    Candidate, IceCreds, RtcError,
    net::{Protocol, Transmit},
};
use tokio::time::Instant;

use super::Connection;
use crate::{
    detours::Lost,
    early::Early,
    ice,
    order::{Order, PipeId},
    way::{Given, Passage},
};

/// The most places where the other side is looked for before it has answered.
const MAX_PLACES: usize = 16;

/// After so many calls str0m has made two checks.
const ROUNDS_TO_A_CHECK: usize = 4;

/// How many datagrams are sent again that went where nothing was proved: a first flight of DTLS has fewer. Further ones are
/// left to whoever has sent them.
const MAX_UNPROVED: usize = 8;

impl Connection {
    /// Learns from which of our addresses the system reaches each of the other side's, as the network is now.
    pub(super) fn find_routes(&mut self, remotes: Vec<SocketAddr>) {
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
    pub(super) fn connect_early(&mut self, now: Instant, foretold: Foretold) -> Result<(), MediaError> {
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
        self.seek(now);
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
    pub(super) fn foreseeable(&self, sdp: &str) -> Option<String> {
        let is_first = !self.has_keys && self.routes.len() == 1;
        ice::lite_password(sdp).filter(|_| is_first).map(str::to_owned)
    }

    /// The response to the first check of the only way there is, before it was sent.
    ///
    /// So the check that nominates and the first flight of DTLS leave at once, and connecting takes a round trip less.
    /// Nothing is believed for longer than that: the nominating check is a real one, and it is its responses that keep
    /// the peer alive.
    pub(super) fn foresee(&mut self, transmit: &Transmit) -> Option<Vec<u8>> {
        let password = self.foreseen.take()?;
        let response = ice::response_to(&transmit.contents, transmit.source, &password);
        self.is_believed = response.is_some();
        response
    }

    /// A way to the other side is looked for from now on.
    pub(super) fn seek(&mut self, now: Instant) {
        self.is_sought = true;
        self.is_believed = false;
        self.unproved.clear();
        self.life.seek(now);
        self.detours.seek(now);
    }

    /// Where a datagram of str0m goes; gives it back if that is UDP.
    pub(super) fn route(&mut self, transmit: Transmit) -> Option<Transmit> {
        let to = match &self.early {
            Some(early) => early.destinations(&transmit.destination),
            None => slice::from_ref(&transmit.destination),
        };
        if self.detours.send(&transmit, to) {
            return None;
        }
        // A way that the system would not take from that address is none.
        let is_way =
            transmit.proto == Protocol::Udp && self.routes.get(&transmit.destination) == Some(&transmit.source);
        is_way.then_some(transmit)
    }

    /// Sends over UDP.
    pub(super) fn transmit(&mut self, transmit: Transmit) {
        if self.is_believed && !is_check(&transmit) && self.unproved.len() < MAX_UNPROVED {
            self.unproved.push(transmit.contents.to_vec());
        }
        self.transmits.push_back(transmit);
    }

    /// The other side has answered a check, over UDP or over a pipe.
    pub(super) fn heard(&mut self, now: Instant, over: Option<PipeId>) {
        let is_believed = std::mem::take(&mut self.is_believed);
        let unproved = std::mem::take(&mut self.unproved);
        let worse = self.detours.heard(over);
        if !worse.is_empty() {
            self.forget(worse);
            self.handle_timeout(now);
        }
        let Some(pipe) = over.filter(|_| is_believed) else {
            return;
        };
        self.doubt();
        self.handle_timeout(now);
        // The handshake has begun over UDP, and would not be repeated before a second has passed.
        let places: Vec<_> = self.routes.keys().copied().collect();
        for bytes in unproved {
            self.detours.send_over(pipe, &bytes, &places);
        }
    }

    /// What was foreseen over UDP has not come true: those ways are to be checked like any other.
    fn doubt(&mut self) {
        let ours = self
            .routes
            .values()
            .filter_map(|&local| Candidate::host(local, "udp").ok());
        for candidate in ours.collect::<Vec<_>>() {
            self.forget([candidate.clone()]);
            self.rtc.add_local_candidate(candidate);
        }
    }

    fn forget(&mut self, candidates: impl IntoIterator<Item = Candidate>) {
        let mut api = self.rtc.direct_api();
        for candidate in candidates {
            api.invalidate_candidate(&candidate);
        }
    }

    /// A pipe stands; this is our end of it.
    pub(crate) fn pipe_opened(&mut self, now: Instant, pipe: PipeId, local: SocketAddr) {
        let given = self.detours.opened(now, pipe, local);
        self.accept(now, pipe, given);
    }

    /// A message has come over a pipe.
    pub(crate) fn pipe_received(&mut self, now: Instant, pipe: PipeId, bytes: Vec<u8>) {
        let given = self.detours.receive(now, pipe, bytes);
        self.accept(now, pipe, given);
    }

    /// A pipe has ended by itself, or never stood.
    pub(crate) fn pipe_ended(&mut self, now: Instant, pipe: PipeId) {
        let lost = self.detours.end(now, pipe);
        self.lose(lost);
    }

    pub(super) fn lose(&mut self, lost: impl IntoIterator<Item = Lost>) {
        for Lost { candidate, was_in_use } in lost {
            self.forget(candidate);
            if was_in_use {
                self.life.fail();
            }
        }
    }

    /// Where a datagram of the server comes from for str0m; `None` if it was kept for later.
    pub(super) fn apparent(&mut self, source: SocketAddr, bytes: &[u8]) -> Option<SocketAddr> {
        match &mut self.early {
            Some(early) => early.source(source, bytes),
            None => Some(source),
        }
    }

    fn accept(&mut self, now: Instant, pipe: PipeId, given: Given) {
        if let Some((local, remote)) = given.candidates {
            self.rtc.add_local_candidate(local);
            if let Some(remote) = remote {
                self.rtc.add_remote_candidate(remote);
            }
            // Each call makes one check, and the new one need not wait for the others.
            for _ in 0..=self.routes.len() + 1 {
                self.handle_timeout(now);
            }
        }
        if let Some((passage, bytes)) = given.datagram {
            let source = match passage.protocol {
                Protocol::Udp => self.apparent(passage.source, &bytes),
                _ => Some(passage.source),
            };
            if let Some(source) = source {
                self.take(now, Passage { source, ..passage }, &bytes, Some(pipe));
            }
        }
        if given.is_over {
            self.pipe_ended(now, pipe);
        }
    }

    /// What is asked of the sockets beside the one for UDP.
    pub(crate) fn poll_order(&mut self) -> Option<Order> {
        self.detours.poll_order()
    }
}

/// The first byte tells the protocols apart (RFC 9443).
fn is_check(transmit: &Transmit) -> bool {
    transmit.contents.first().is_some_and(|&first| first < 2)
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
    use crate::{
        command::Wanted,
        link::{Life, Link},
    };

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
        let mut connection = Connection::new(rtc, life, bound, Some(foretold), Vec::new(), now);
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

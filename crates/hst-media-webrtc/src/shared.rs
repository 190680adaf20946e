use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use hst_media::{LineId, PeerEvent, PeerEventSender, PeerState, rtp::Counters};
use rtc::{rtcp::reception_report::ReceptionReport, rtp_transceiver::RTCRtpTransceiverId};
use tokio::sync::watch;
use webrtc::{
    media_stream::track_remote::TrackRemote,
    peer_connection::{PeerConnectionEventHandler, RTCPeerConnectionState},
};

use crate::pump::{Receiving, pump};

/// How far the connection has come, as far as writers care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Not connected yet.
    Waiting,
    /// Has been connected, and may come back if it is not at this moment.
    Up,
    /// Will not come back.
    Gone,
}

/// What a peer and the stack's callbacks share. The callbacks run on the stack's own task, which must never wait, so
/// these are locks held for a few instructions and never across an `await`.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) events: PeerEventSender,
    pub(crate) link: watch::Sender<Link>,
    senders: Mutex<HashMap<u32, Sender>>,
    receivers: Mutex<HashMap<RTCRtpTransceiverId, Arc<Receiving>>>,
}

/// The line that a sending SSRC carries now.
#[derive(Debug)]
struct Sender {
    line: LineId,
    clock_rate: u32,
    counters: Arc<Counters>,
    /// Losses are reported as a total of the SSRC: what it was when this line began, and what it is now.
    lost_before: u32,
    lost: u32,
}

impl Shared {
    pub(crate) fn new(events: PeerEventSender) -> Self {
        Self {
            events,
            link: watch::Sender::new(Link::Waiting),
            senders: Mutex::default(),
            receivers: Mutex::default(),
        }
    }

    pub(crate) fn add_sender(&self, ssrc: u32, line: LineId, clock_rate: u32, counters: Arc<Counters>) {
        let mut senders = lock(&self.senders);
        let lost = senders.get(&ssrc).map_or(0, |before| before.lost);
        senders.insert(
            ssrc,
            Sender {
                line,
                clock_rate,
                counters,
                lost_before: lost,
                lost,
            },
        );
    }

    pub(crate) fn add_receiver(&self, transceiver: RTCRtpTransceiverId, receiving: Arc<Receiving>) {
        lock(&self.receivers).insert(transceiver, receiving);
    }

    pub(crate) fn receiver(&self, transceiver: RTCRtpTransceiverId) -> Option<Arc<Receiving>> {
        lock(&self.receivers).get(&transceiver).cloned()
    }

    pub(crate) fn keyframe_requested(&self, ssrc: u32) {
        let line = lock(&self.senders).get(&ssrc).map(|sender| sender.line);
        if let Some(line) = line {
            self.events.send(PeerEvent::KeyframeRequested { line });
        }
    }

    pub(crate) fn reported(&self, report: &ReceptionReport) {
        if let Some(sender) = lock(&self.senders).get_mut(&report.ssrc) {
            sender.lost = report.total_lost;
            sender
                .counters
                .set_lost(report.total_lost.saturating_sub(sender.lost_before).into());
            sender
                .counters
                .set_jitter(f64::from(report.jitter) / f64::from(sender.clock_rate));
        }
    }

    /// The end of everything: nobody waits for this peer any more.
    pub(crate) fn close(&self) {
        self.link.send_replace(Link::Gone);
        for receiving in lock(&self.receivers).values() {
            receiving.carry(None);
        }
        self.events.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked while holding it left a whole map behind.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The callbacks of the stack.
pub(crate) struct Handler(pub(crate) Arc<Shared>);

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        tracing::debug!(%state, "media connection");
        let state = match state {
            RTCPeerConnectionState::Connecting => PeerState::Connecting,
            RTCPeerConnectionState::Connected => PeerState::Connected,
            RTCPeerConnectionState::Disconnected => PeerState::Disconnected,
            RTCPeerConnectionState::Failed => PeerState::Failed,
            RTCPeerConnectionState::Closed => PeerState::Closed,
            _ => return,
        };
        match state {
            PeerState::Connected => _ = self.0.link.send_replace(Link::Up),
            PeerState::Closed => _ = self.0.link.send_replace(Link::Gone),
            // An ICE restart may help even where the stack itself has given up.
            PeerState::Connecting | PeerState::Disconnected | PeerState::Failed => {}
        }
        self.0.events.send(PeerEvent::State(state));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        tokio::spawn(pump(track, self.0.clone()));
    }
}

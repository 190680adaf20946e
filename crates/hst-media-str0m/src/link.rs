use std::time::Duration;

use hst_media::{PeerEvent, PeerEventSender, PeerState};
use tokio::{sync::watch, time::Instant};

/// After how long without a sign of life a peer is [`Disconnected`](PeerState::Disconnected).
const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);
/// After how long more it is [`Failed`](PeerState::Failed).
const FAILED_AFTER: Duration = Duration::from_secs(10);

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

/// Whether the other side is there, and who is told of it.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) events: PeerEventSender,
    link: watch::Sender<Link>,
    state: Option<PeerState>,
    /// When the other side last showed that it hears us, or was first waited for.
    heard: Instant,
}

impl Life {
    pub(crate) fn new(events: PeerEventSender, link: watch::Sender<Link>, now: Instant) -> Self {
        Self {
            events,
            link,
            state: None,
            heard: now,
        }
    }

    /// A way to the other side is looked for from now on.
    pub(crate) fn seek(&mut self, now: Instant) {
        self.heard = now;
        self.turn(PeerState::Connecting);
    }

    /// There is a way, and the keys are agreed on.
    pub(crate) fn connect(&mut self, now: Instant) {
        self.heard = now;
        self.link.send_replace(Link::Up);
        self.turn(PeerState::Connected);
    }

    /// The other side has shown that it hears us.
    pub(crate) fn hear(&mut self, now: Instant) {
        self.heard = now;
        if self.state == Some(PeerState::Disconnected) {
            self.turn(PeerState::Connected);
        }
    }

    /// The way there is gone, and everybody knows.
    pub(crate) fn fail(&mut self) {
        if self.state != Some(PeerState::Closed) {
            self.turn(PeerState::Failed);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state? {
            PeerState::Connected => Some(self.heard + DISCONNECTED_AFTER),
            PeerState::Connecting | PeerState::Disconnected => Some(self.heard + DISCONNECTED_AFTER + FAILED_AFTER),
            PeerState::Failed | PeerState::Closed => None,
        }
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        let next = match self.state {
            Some(PeerState::Connected) => PeerState::Disconnected,
            _ => PeerState::Failed,
        };
        self.turn(next);
    }

    /// It is over.
    pub(crate) fn end(&mut self) {
        self.link.send_replace(Link::Gone);
        self.turn(PeerState::Closed);
        self.events.close();
    }

    fn turn(&mut self, state: PeerState) {
        if self.state.replace(state) != Some(state) {
            tracing::debug!(?state, "media connection");
            self.events.send(PeerEvent::State(state));
        }
    }
}

#[cfg(test)]
mod tests {
    use hst_media::{PeerEvents, peer_events};

    use super::*;

    async fn state(events: &mut PeerEvents) -> PeerState {
        match events.next().await {
            Some(PeerEvent::State(state)) => state,
            other => panic!("{other:?} is no state"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_disconnects_and_then_fails_and_a_word_in_between_mends() {
        let (sender, mut events) = peer_events();
        let start = Instant::now();
        let mut life = Life::new(sender, watch::Sender::new(Link::Waiting), start);
        assert_eq!(life.deadline(), None);
        life.seek(start);
        life.connect(start);
        assert_eq!(state(&mut events).await, PeerState::Connected);
        life.handle_timeout(start + DISCONNECTED_AFTER);
        assert_eq!(state(&mut events).await, PeerState::Disconnected);
        let word = start + Duration::from_secs(9);
        life.hear(word);
        assert_eq!(state(&mut events).await, PeerState::Connected);
        life.handle_timeout(word + DISCONNECTED_AFTER);
        life.handle_timeout(word + DISCONNECTED_AFTER + FAILED_AFTER);
        assert_eq!(state(&mut events).await, PeerState::Failed);
        assert_eq!(life.deadline(), None);
    }
}

use std::time::Duration;

use hst_media::PeerState;
use tokio::time::Instant;

/// For so long an interrupted transport may come back by itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// For so long an ICE restart may take to bring it back, with the way to the server and back.
const RESTART_TIME: Duration = Duration::from_secs(10);

/// What helps a media transport in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Another way to the same end: nothing else changes.
    RestartIce,
    /// A new transport, when that did not help.
    Replace,
}

/// When a transport needs help, and which: the cheap remedy first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// On its way for the first time; its engine says when that fails.
    #[default]
    Connecting,
    Connected,
    Interrupted {
        until: Instant,
    },
    Restarting {
        until: Instant,
    },
}

impl Recovery {
    pub(crate) fn handle_state(&mut self, now: Instant, state: PeerState) -> Option<Remedy> {
        match (state, *self) {
            (PeerState::Connected, _) => *self = Self::Connected,
            // It is being helped already, and its time will tell.
            (_, Self::Restarting { .. }) => {}
            (PeerState::Failed, _) => return Some(self.restart(now)),
            (PeerState::Disconnected, Self::Connecting | Self::Connected) => {
                *self = Self::Interrupted { until: now + PATIENCE };
            }
            _ => {}
        }
        None
    }

    /// The network may be another one now.
    pub(crate) fn handle_network_change(&mut self, now: Instant) -> Option<Remedy> {
        (*self != Self::Connected).then(|| self.restart(now))
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Remedy> {
        match *self {
            Self::Interrupted { until } if until <= now => Some(self.restart(now)),
            Self::Restarting { until } if until <= now => Some(Remedy::Replace),
            _ => None,
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match *self {
            Self::Interrupted { until } | Self::Restarting { until } => Some(until),
            Self::Connecting | Self::Connected => None,
        }
    }

    fn restart(&mut self, now: Instant) -> Remedy {
        *self = Self::Restarting {
            until: now + RESTART_TIME,
        };
        Remedy::RestartIce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn connected() -> (Recovery, Instant) {
        let (mut recovery, now) = (Recovery::default(), Instant::now());
        assert_eq!(recovery.handle_state(now, PeerState::Connecting), None);
        assert_eq!(recovery.handle_state(now, PeerState::Connected), None);
        assert_eq!(recovery.poll_timeout(), None);
        (recovery, now)
    }

    #[test]
    fn an_interruption_of_less_than_five_seconds_needs_no_help() {
        let (mut recovery, now) = connected();
        assert_eq!(recovery.handle_state(now, PeerState::Disconnected), None);
        assert_eq!(recovery.poll_timeout(), Some(now + 5 * SECOND));
        assert_eq!(recovery.handle_timeout(now + 4 * SECOND), None);
        assert_eq!(recovery.handle_state(now + 4 * SECOND, PeerState::Connected), None);
        assert_eq!(recovery.handle_timeout(now + 5 * SECOND), None);
    }

    #[test]
    fn ice_is_restarted_first_and_the_transport_replaced_only_when_that_does_not_help() {
        for state in [PeerState::Disconnected, PeerState::Failed] {
            let (mut recovery, mut now) = connected();
            if recovery.handle_state(now, state).is_none() {
                now += 5 * SECOND;
                assert_eq!(recovery.handle_timeout(now), Some(Remedy::RestartIce));
            }
            // What the engine makes of the old way does not matter any more.
            for state in [PeerState::Connecting, PeerState::Failed, PeerState::Disconnected] {
                assert_eq!(recovery.handle_state(now + SECOND, state), None);
            }
            assert_eq!(recovery.poll_timeout(), Some(now + 10 * SECOND));
            let mut helped = recovery;
            assert_eq!(helped.handle_state(now + 9 * SECOND, PeerState::Connected), None);
            assert_eq!(helped.handle_timeout(now + 10 * SECOND), None);
            assert_eq!(recovery.handle_timeout(now + 10 * SECOND), Some(Remedy::Replace));
        }
    }

    #[test]
    fn another_network_helps_only_a_transport_that_is_not_connected() {
        let (mut recovery, now) = connected();
        assert_eq!(recovery.handle_network_change(now), None);
        recovery.handle_state(now, PeerState::Disconnected);
        assert_eq!(recovery.handle_network_change(now), Some(Remedy::RestartIce));
        assert_eq!(
            recovery.handle_network_change(now + SECOND),
            Some(Remedy::RestartIce),
            "yet another one"
        );
        assert_eq!(recovery.poll_timeout(), Some(now + 11 * SECOND));
    }
}

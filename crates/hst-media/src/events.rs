use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{LineId, PeerEvent, PeerState};

/// Makes the stream of one peer's events: the engine keeps the sender, the owner of the peer gets the receiver.
///
/// It is a mailbox rather than a queue, because an engine must never wait for a slow owner, nor lose what he needs:
/// a newer state replaces one that nobody has read, a line asks for a keyframe once however often the other side
/// repeats it, and each line has at most one unread track. So it holds no more than the lines in use.
pub fn peer_events() -> (PeerEventSender, PeerEvents) {
    let mailbox = Arc::new(Mailbox::default());
    (
        PeerEventSender {
            mailbox: mailbox.clone(),
        },
        PeerEvents { mailbox },
    )
}

/// The engine's end of a peer's events. The stream ends when it is closed or dropped.
#[derive(Debug)]
pub struct PeerEventSender {
    mailbox: Arc<Mailbox>,
}

impl PeerEventSender {
    /// Puts an event in; never waits. After [`close`](Self::close) it does nothing.
    pub fn send(&self, event: PeerEvent) {
        let mut letters = self.mailbox.lock();
        if letters.closed {
            return;
        }
        match event {
            PeerEvent::State(state) => letters.state = Some(state),
            PeerEvent::Track { line, .. } => {
                letters.tracks.retain(|(unread, _)| *unread != line);
                letters.tracks.push_back((line, event));
            }
            PeerEvent::KeyframeRequested { line } => {
                if !letters.keyframes.contains(&line) {
                    letters.keyframes.push_back(line);
                }
            }
        }
        drop(letters);
        self.mailbox.changed.notify_one();
    }

    /// Ends the stream; what is unread can still be read.
    pub fn close(&self) {
        self.mailbox.lock().closed = true;
        self.mailbox.changed.notify_one();
    }
}

impl Drop for PeerEventSender {
    fn drop(&mut self) {
        self.close();
    }
}

/// The events of one peer, made by [`peer_events`].
#[derive(Debug)]
pub struct PeerEvents {
    mailbox: Arc<Mailbox>,
}

impl PeerEvents {
    /// The next event, or `None` after the peer has been closed and everything is read. States come first and only
    /// the latest is kept.
    ///
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<PeerEvent> {
        loop {
            {
                let mut letters = self.mailbox.lock();
                if let Some(event) = letters.take() {
                    return Some(event);
                }
                if letters.closed {
                    return None;
                }
            }
            // A letter put in between leaves a permit, so this returns at once.
            self.mailbox.changed.notified().await;
        }
    }
}

/// A lock and not a channel, because putting in replaces what is already there.
#[derive(Debug, Default)]
struct Mailbox {
    letters: Mutex<Letters>,
    changed: Notify,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Letters> {
        // Whoever panicked while holding it left whole letters behind.
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Letters {
    state: Option<PeerState>,
    tracks: VecDeque<(LineId, PeerEvent)>,
    keyframes: VecDeque<LineId>,
    closed: bool,
}

impl Letters {
    fn take(&mut self) -> Option<PeerEvent> {
        if let Some(state) = self.state.take() {
            return Some(PeerEvent::State(state));
        }
        if let Some((_, track)) = self.tracks.pop_front() {
            return Some(track);
        }
        self.keyframes
            .pop_front()
            .map(|line| PeerEvent::KeyframeRequested { line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unread_state_gives_way_to_a_newer_one() {
        let (sender, mut events) = peer_events();
        sender.send(PeerEvent::State(PeerState::Connecting));
        sender.send(PeerEvent::State(PeerState::Connected));
        assert!(matches!(
            events.next().await,
            Some(PeerEvent::State(PeerState::Connected))
        ));
        drop(sender);
        assert!(events.next().await.is_none());
    }

    #[tokio::test]
    async fn a_line_asks_for_a_keyframe_once_until_that_is_read() {
        let (sender, mut events) = peer_events();
        let line = LineId(3);
        sender.send(PeerEvent::KeyframeRequested { line });
        sender.send(PeerEvent::KeyframeRequested { line });
        assert!(matches!(
            events.next().await,
            Some(PeerEvent::KeyframeRequested { line: LineId(3) })
        ));
        sender.send(PeerEvent::KeyframeRequested { line });
        assert!(matches!(events.next().await, Some(PeerEvent::KeyframeRequested { .. })));
        sender.close();
        assert!(events.next().await.is_none());
    }

    #[tokio::test]
    async fn what_is_put_in_wakes_a_waiting_reader() {
        let (sender, mut events) = peer_events();
        let reader = tokio::spawn(async move { events.next().await });
        tokio::task::yield_now().await;
        sender.send(PeerEvent::State(PeerState::Failed));
        assert!(matches!(
            reader.await.unwrap(),
            Some(PeerEvent::State(PeerState::Failed))
        ));
    }
}

//! What keeps the media of a session when their transport has trouble.

use std::{collections::BTreeSet, time::Duration};

use hst_media::{LineId, MediaError, PeerEvent, PeerState};
use tokio::time::{Instant, sleep_until};

use super::{MediaLink, Round, kind_of};
use crate::{
    recovery::Remedy,
    transport::{Transport, TransportNews},
};

/// How long the transport of before may carry on at most: a little less than the server keeps its end.
const OVERLAP: Duration = Duration::from_secs(12);
/// How long it carries on when the new one is connected: until pictures have begun there.
const SETTLE: Duration = Duration::from_millis(500);

/// A transport that another one is about to replace.
#[derive(Debug)]
pub(crate) struct Former {
    transport: Transport,
    /// When it is to be looked at again, and when it is over whatever is the case.
    until: Instant,
    at_last: Instant,
    /// The lines of the new one on which something has come.
    pub(super) flowing: BTreeSet<LineId>,
}

/// Something that concerns it.
#[derive(Debug)]
pub(crate) enum FormerNews {
    Nothing,
    /// A receiver cannot decode what is sent by it.
    KeyframeRequested,
    /// It may have had its time.
    Due,
    /// It is over.
    Over,
}

/// The next thing that concerns it; pending while there is none. Cancel-safe.
pub(super) async fn next_of(former: &mut Option<Former>) -> FormerNews {
    let Some(former) = former else {
        return std::future::pending().await;
    };
    tokio::select! {
        news = former.transport.next() => match news {
            TransportNews::Event(PeerEvent::KeyframeRequested { .. }) => FormerNews::KeyframeRequested,
            // Nothing goes by it any more.
            TransportNews::Event(PeerEvent::State(PeerState::Failed | PeerState::Closed | PeerState::Disconnected)) => {
                FormerNews::Over
            }
            TransportNews::Event(_) => FormerNews::Nothing,
            TransportNews::Ended | TransportNews::Due => FormerNews::Over,
        },
        () = sleep_until(former.until) => FormerNews::Due,
    }
}

impl MediaLink {
    /// The peer is connected in another way than before.
    pub(crate) async fn handle_state(&mut self, state: PeerState) -> Result<(), MediaError> {
        if state == PeerState::Connected {
            self.note_replaced();
        }
        let transport = self.transport.as_mut();
        let remedy = transport.and_then(|it| it.recovery.handle_state(Instant::now(), state));
        self.help(remedy).await
    }

    /// Time has passed for a transport in trouble.
    pub(crate) async fn handle_due(&mut self) -> Result<(), MediaError> {
        let transport = self.transport.as_mut();
        let remedy = transport.and_then(|it| it.recovery.handle_timeout(Instant::now()));
        self.help(remedy).await
    }

    /// The network may be another one than before, as when signalling had to connect anew.
    pub(crate) async fn network_changed(&mut self) -> Result<(), MediaError> {
        let transport = self.transport.as_mut();
        let remedy = transport.and_then(|it| it.recovery.handle_network_change(Instant::now()));
        self.help(remedy).await
    }

    /// The server's end is gone: replaces the peer by a new one with the same media, if it is still the one of this
    /// generation.
    pub(crate) async fn transport_lost(&mut self, generation: u32) -> Result<(), MediaError> {
        if generation == self.generation {
            self.handle_ended().await
        } else {
            Ok(())
        }
    }

    /// The peer is over: replaces it by a new one with the same media.
    pub(crate) async fn handle_ended(&mut self) -> Result<(), MediaError> {
        if self.transport.is_some() {
            self.reopen().await
        } else {
            Ok(())
        }
    }

    async fn help(&mut self, remedy: Option<Remedy>) -> Result<(), MediaError> {
        let Some(remedy) = remedy else { return Ok(()) };
        if remedy == Remedy::RestartIce
            && let Some(transport) = &mut self.transport
            && transport.peer.restart_ice().await.is_ok()
        {
            // The next round of offer and answer does it.
            self.changed();
            return Ok(());
        }
        self.reopen().await
    }

    /// The node that has the peer of this generation is not that of the session any more: all media get a new peer, and those
    /// of the old one go on until it carries them.
    pub(crate) async fn move_over(&mut self, generation: u32) -> Result<(), MediaError> {
        if generation != self.generation {
            return Ok(());
        }
        self.end_former().await;
        if let Some(old) = self.transport.take() {
            self.former = Some(Former {
                transport: old,
                until: Instant::now() + OVERLAP,
                at_last: Instant::now() + OVERLAP,
                flowing: BTreeSet::new(),
            });
        }
        self.reopen().await?;
        if self.transport.is_none() {
            self.end_former().await;
        }
        Ok(())
    }

    /// Something has happened to the peer of before, or it has had its time.
    pub(crate) async fn handle_former(&mut self, news: FormerNews) {
        match news {
            // What it still sends and receives goes the way that it went.
            FormerNews::Nothing => {}
            FormerNews::KeyframeRequested => {
                for sending in self.sends.values() {
                    sending.keyframe_wanted.notify_one();
                }
            }
            FormerNews::Due if self.prolong_former() => {}
            FormerNews::Due => self.end_former().await,
            FormerNews::Over => self.end_former().await,
        }
    }

    /// Keeps the peer of before a little longer, if something still goes by it: a source that gives no picture to begin with
    /// when it is asked may give one by itself.
    fn prolong_former(&mut self) -> bool {
        let Some(former) = &mut self.former else { return false };
        let sends = self.sends.values().any(|sending| sending.lines.is_filled());
        let mut lines = self.receives.values().map(|receiving| receiving.line);
        let receives = lines.any(|line| !former.flowing.contains(&line));
        let may_go_on = (sends || receives) && former.until < former.at_last;
        if may_go_on {
            former.until = former.at_last.min(former.until + SETTLE);
        }
        may_go_on
    }

    /// The peer of before is not needed any more: whoever sends goes over to the new one.
    pub(super) async fn end_former(&mut self) {
        if let Some(mut former) = self.former.take() {
            former.transport.peer.close().await;
        }
    }

    /// The new peer carries what it is to carry, as far as anybody knows: the old one is kept a moment longer, for what is on its
    /// way.
    fn note_replaced(&mut self) {
        let Some(former) = &mut self.former else { return };
        former.until = former.until.min(Instant::now() + SETTLE);
        for sending in self.sends.values() {
            sending.lines.ready();
            // It goes over with a picture that receivers can begin with.
            sending.keyframe_wanted.notify_one();
        }
    }

    /// Replaces the peer by a new one with the same media.
    pub(super) async fn reopen(&mut self) -> Result<(), MediaError> {
        if let Some(mut old) = self.transport.take() {
            old.peer.close().await;
        }
        self.spares.clear();
        self.round = Round::Settled;
        if self.sends.is_empty() && self.receives.is_empty() {
            return Ok(());
        }
        self.open().await?;
        let Some(Transport { peer, .. }) = &mut self.transport else {
            return Ok(());
        };
        for sending in self.sends.values_mut() {
            let (line, writer) = peer.add_sender(sending.info).await?;
            sending.line = line;
            // The pump takes it when its old line fails.
            sending.lines.put(writer);
        }
        for (key, receiving) in &mut self.receives {
            receiving.line = peer.add_receiver(kind_of(key.media_type)).await?;
        }
        self.changed();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hst_id::{MediaId, MediaRef, MediaType, UserId};
    use hst_media::memory::{Hub, Route};
    use tokio::sync::{broadcast, oneshot};

    use super::*;

    /// A link that receives a film.
    async fn watching(hub: &Hub) -> MediaLink {
        let mut link = MediaLink::new(Arc::new(hub.engine()), broadcast::channel(1).0);
        let key = MediaRef {
            user: UserId::parse("ann").expect("a name"),
            media_type: MediaType::Video,
            media: MediaId::parse("film").expect("a name"),
        };
        let (outcome, _) = oneshot::channel();
        link.receive(key, outcome)
            .await
            .map_err(|(error, _)| error)
            .expect("a line");
        negotiate(&mut link, hub).await;
        link
    }

    /// A round of offer and answer, if one is due; its offer.
    async fn negotiate(link: &mut MediaLink, hub: &Hub) -> Option<hst_proto::Offer> {
        let offer = link.next_offer().await.expect("an engine that works")?;
        link.offered(1);
        let routes = offer
            .lines
            .iter()
            .map(|line| (line.mid.as_str(), Route::Receive("film".into())));
        let answer = hub.answer(&offer.sdp, routes).expect("an offer of this hub");
        link.answered(1, Ok(answer)).await.expect("an answer that fits");
        Some(offer)
    }

    async fn hear(link: &mut MediaLink) {
        let news = link.transport.as_mut().expect("a transport").next().await;
        if let TransportNews::Event(PeerEvent::State(state)) = news {
            link.handle_state(state).await.expect("an engine that works");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn another_network_restarts_ice_unless_media_flow() {
        let hub = Hub::new();
        let mut link = watching(&hub).await;
        hear(&mut link).await;
        link.network_changed().await.expect("an engine that works");
        assert_eq!(negotiate(&mut link, &hub).await, None, "all is well");

        hub.cut_off(PeerState::Disconnected);
        hear(&mut link).await;
        link.network_changed().await.expect("an engine that works");
        let offer = negotiate(&mut link, &hub).await.expect("a restart");
        assert_eq!(offer.generation, 1);
        assert!(offer.sdp.ends_with("with ICE restart 1"), "{}", offer.sdp);
    }
}

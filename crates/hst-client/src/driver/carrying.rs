//! The media of the group: what is published and received, and the transport that carries it.

use hst_group::client::{Refusal, State};
use hst_id::MediaRef;
use hst_media::{Foretold, MediaError, MediaSource, PeerEvent, PeerState, SourceError};
use hst_proto::{ErrorCode, Offer, Prepare, Reply, RequestId};
use tokio::time::Instant;
use tracing::debug;

use super::{Driver, Waiter, now, tell};
use crate::{
    Error, Event, RemoteMedia, command::Outcome, encryption::sealable, media::stopped, pump::OwnMedia,
    transport::TransportNews,
};

/// The protocol's words as the engine takes them.
fn foretold(of: hst_proto::Foretold) -> Foretold {
    Foretold {
        ufrag: of.ufrag,
        password: of.password,
        addresses: of.addresses,
    }
}

impl Driver {
    pub(super) async fn prepare(&mut self, group: String, outcome: Outcome<Reply>) {
        if let Err(refusal) = self.session.must_prepare(&group) {
            return tell(outcome, Err(refusal.into()));
        }
        self.turn_to(group).await;
        tell(
            outcome,
            self.media.prepare().await.map(|()| Reply::Done {}).map_err(Error::from),
        );
    }

    /// A transport that was prepared for another group is of no use.
    pub(super) async fn turn_to(&mut self, group: String) {
        if self.prepared.as_ref() != Some(&group) {
            self.media.close(&stopped()).await;
            self.learn_ice_servers();
            self.media.foretold = self.session.take_foretold().map(foretold);
            self.prepared = Some(group);
        }
    }

    /// What a join under way takes along.
    pub(super) async fn begin_media(&mut self, group: String, receives: Vec<(MediaRef, Outcome<RemoteMedia>)>) {
        self.turn_to(group).await;
        if self.early_media
            && let Err(error) = self.media.prepare().await
        {
            // Whoever wants media will hear of it.
            debug!(%error, "media are not prepared");
        }
        for (key, outcome) in receives {
            let sent = self.session.receive_with_join(now(), key.clone());
            self.receive_as(sent, key, outcome).await;
        }
    }

    pub(super) async fn publish(&mut self, key: OwnMedia, source: Box<dyn MediaSource>, outcome: Outcome<()>) {
        if self.media.is_published(&key) {
            let message = format!("{} {} is published already: stop it first", key.0, key.1);
            return tell(outcome, Err(Error::local(ErrorCode::OperationFailed, message)));
        }
        let codec = source.info().codec;
        if self.media.encryption.is_some() && sealable(codec).is_none() {
            let message = format!("{codec} cannot be encrypted from end to end: publish VP8 or Opus");
            return tell(outcome, Err(Error::local(ErrorCode::OperationFailed, message)));
        }
        match self.session.publish(now(), key.0, key.1.clone(), String::new()) {
            Ok(id) => match self.media.publish(key.clone(), source, outcome).await {
                Ok(()) => {
                    self.waiting.insert(id, Waiter::Publish(key));
                }
                Err((error, outcome)) => {
                    self.withdraw(key);
                    tell(outcome, Err(error.into()));
                }
            },
            Err(refusal) => tell(outcome, Err(refusal.into())),
        }
    }

    pub(super) async fn receive(&mut self, key: MediaRef, outcome: Outcome<RemoteMedia>) {
        if self.media.is_received(&key) {
            let message = format!("{key} is received already: stop it first");
            return tell(outcome, Err(Error::local(ErrorCode::OperationFailed, message)));
        }
        let sent = self.session.receive(now(), key.clone());
        self.receive_as(sent, key, outcome).await;
    }

    /// Gives a media a line that the group was asked for.
    pub(super) async fn receive_as(
        &mut self,
        sent: Result<RequestId, Refusal>,
        key: MediaRef,
        outcome: Outcome<RemoteMedia>,
    ) {
        match sent {
            Ok(id) => match self.media.receive(key.clone(), outcome).await {
                Ok(()) => {
                    self.waiting.insert(id, Waiter::Receive(key));
                }
                Err((error, outcome)) => {
                    // The group was just asked for it; where the join is still under way it ends with an offer without it.
                    let _ = self.session.stop_receive(now(), key);
                    tell(outcome, Err(error.into()));
                }
            },
            Err(refusal) => tell(outcome, Err(refusal.into())),
        }
    }

    pub(super) async fn handle_transport(&mut self, news: TransportNews) {
        let kept = match news {
            TransportNews::Event(PeerEvent::State(state)) => {
                self.tell(Event::Transport(state));
                self.media.handle_state(state).await
            }
            TransportNews::Event(PeerEvent::Track { line, codec, reader }) => {
                self.media.arrived(line, codec, reader);
                Ok(())
            }
            TransportNews::Event(PeerEvent::KeyframeRequested { line }) => {
                self.media.keyframe_requested(line);
                Ok(())
            }
            TransportNews::Event(_) => Ok(()),
            TransportNews::Due => self.media.handle_due().await,
            TransportNews::Ended => self.media.handle_ended().await,
        };
        self.check_transport(kept).await;
    }

    pub(super) async fn tell_levels(&mut self, now: Instant) {
        let lines = self.media.lines(self.session.user()).await;
        let events = self
            .levels
            .iter_mut()
            .flat_map(|it| it.measure(now, &lines, &self.bounds));
        for event in events.collect::<Vec<_>>() {
            self.tell(event);
        }
    }

    pub(super) async fn handle_source_ended(&mut self, key: OwnMedia, result: Result<(), SourceError>) {
        self.media.stop_publish(&key, &stopped()).await;
        self.withdraw(key.clone());
        let (media_type, media) = key;
        self.tell(Event::SourceEnded {
            media_type,
            media,
            fault: result.err().map(|e| e.to_string()),
        });
    }

    pub(super) async fn check_transport(&mut self, kept: Result<(), MediaError>) {
        if let Err(error) = kept {
            self.give_up_media(&format!("the media transport cannot be made again: {error}"))
                .await;
        }
    }

    /// Ends all media but stays in the group.
    pub(super) async fn give_up_media(&mut self, why: &str) {
        debug!(why, "media given up");
        self.media.close(&Refusal::local(ErrorCode::OperationFailed, why)).await;
        self.tell(Event::Transport(PeerState::Closed));
    }

    /// Takes an announcement back without anybody waiting for the outcome.
    pub(super) fn withdraw(&mut self, (media_type, media): OwnMedia) {
        // Outside a group there is nothing to take back.
        let _ = self.session.unpublish(now(), media_type, media);
    }

    /// Carries out what the state machine wants, until it wants nothing more.
    pub(super) async fn settle(&mut self) {
        loop {
            while let Some(output) = self.session.poll_output() {
                self.handle_output(output).await;
            }
            match self.media.next_offer().await {
                Ok(Some(offer)) => match self.offer(offer) {
                    Ok(id) => {
                        self.media.offered(id);
                        self.waiting.insert(id, Waiter::Offer);
                    }
                    Err(refusal) => self.media.close(&refusal).await,
                },
                Ok(None) => return,
                Err(error) => self.give_up_media(&format!("the media engine failed: {error}")).await,
            }
        }
    }

    /// Outside a group, an offer is for the one that is prepared.
    pub(super) fn offer(&mut self, offer: Offer) -> Result<RequestId, Refusal> {
        match &self.prepared {
            Some(group) if self.session.state() == State::LoggedIn => {
                let Offer { generation, sdp, .. } = offer;
                let group = group.clone();
                let prepare = Prepare { group, generation, sdp };
                self.session.prepare(now(), prepare)
            }
            _ => self.session.offer(now(), offer),
        }
    }
}

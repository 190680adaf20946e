use std::{collections::BTreeMap, sync::Arc};

use hst_group::client::Refusal;
use hst_id::{MediaRef, MediaType};
use hst_media::{
    Codec, Foretold, FrameReader, Kind, LineId, MediaEngine, MediaError, MediaPeer, MediaSource, PeerConfig,
    SourceError, TrackInfo,
};
use hst_proto::{ErrorCode, Line, Offer, RequestId, Role};
use tokio::{
    sync::{Notify, broadcast, mpsc},
    task::{AbortHandle, JoinSet},
};

use crate::{
    Event, RemoteMedia,
    command::Outcome,
    encryption::{Encryption, Opener, Sealed, sealable},
    progress::Progress,
    pump::{LineSlot, OwnMedia, Pumped, pump},
    remote::READER_CAPACITY,
    stats::Meter,
    transport::{Transport, TransportNews},
};

mod figures;
mod rescue;

use self::rescue::Former;
pub(crate) use self::rescue::FormerNews;

/// The media of one session: what is sent and received, over one peer at a time, and the round of offer and answer
/// that brings both ends to agree.
///
/// A media is *settled* when the server has taken its announcement and answered an offer with its line; only then
/// does the caller hear of it.
#[derive(Debug)]
pub(crate) struct MediaLink {
    engine: Arc<dyn MediaEngine>,
    pub(crate) config: PeerConfig,
    transport: Option<Transport>,
    /// The one before it, at the node that the session has left: it carries on until the present one does.
    former: Option<Former>,
    /// For the next peer, if that is the first one for its group.
    pub(crate) foretold: Option<Foretold>,
    /// Counts the peers of this engine's life.
    generation: u32,
    sends: BTreeMap<OwnMedia, Sending>,
    receives: BTreeMap<MediaRef, Receiving>,
    /// Lines of the present peer on which something may arrive, but that nothing was asked for yet.
    spares: Vec<(Kind, LineId)>,
    round: Round,
    pumps: JoinSet<Pumped>,
    /// Of the media whose figures were asked for last.
    meters: BTreeMap<MediaRef, Meter>,
    /// What the group's media are encrypted with, if they are.
    pub(crate) encryption: Option<Encryption>,
    events: broadcast::Sender<Event>,
}

#[derive(Debug)]
struct Sending {
    info: TrackInfo,
    line: LineId,
    lines: Arc<LineSlot>,
    keyframe_wanted: Arc<Notify>,
    pump: AbortHandle,
    progress: Progress<()>,
}

#[derive(Debug)]
struct Receiving {
    line: LineId,
    readers: mpsc::Sender<(Codec, Box<dyn FrameReader>)>,
    progress: Progress<RemoteMedia>,
}

/// What happens to media by itself.
#[derive(Debug)]
pub(crate) enum News {
    Transport(TransportNews),
    /// Of the transport before it.
    Former(FormerNews),
    /// A source has ended, or failed.
    SourceEnded(OwnMedia, Result<(), SourceError>),
}

/// Where the exchange of offer and answer stands. Changes made while an answer is due go into the next round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Settled,
    Due,
    Offered { id: RequestId, changed: bool },
}

impl MediaLink {
    pub(crate) fn new(engine: Arc<dyn MediaEngine>, events: broadcast::Sender<Event>) -> Self {
        Self {
            engine,
            config: PeerConfig::default(),
            transport: None,
            former: None,
            foretold: None,
            generation: 0,
            sends: BTreeMap::new(),
            receives: BTreeMap::new(),
            spares: Vec::new(),
            round: Round::Settled,
            pumps: JoinSet::new(),
            meters: BTreeMap::new(),
            encryption: None,
            events,
        }
    }

    /// The next thing that happens here by itself. Cancel-safe.
    pub(crate) async fn next(&mut self) -> News {
        let Self {
            transport,
            former,
            pumps,
            ..
        } = self;
        tokio::select! {
            news = next_of(transport) => News::Transport(news),
            news = rescue::next_of(former) => News::Former(news),
            (key, result) = next_ended(pumps) => News::SourceEnded(key, result),
        }
    }

    pub(crate) fn is_published(&self, key: &OwnMedia) -> bool {
        self.sends.contains_key(key)
    }

    pub(crate) fn is_received(&self, key: &MediaRef) -> bool {
        self.receives.contains_key(key)
    }

    /// Connects before anything is wanted, with a line for a sound and one for a picture to come.
    pub(crate) async fn prepare(&mut self) -> Result<(), MediaError> {
        if self.transport.is_some() {
            return Ok(());
        }
        let peer = self.open().await?;
        let mut spares = Vec::new();
        for kind in [Kind::Audio, Kind::Video] {
            spares.push((kind, peer.add_receiver(kind).await?));
        }
        self.spares = spares;
        self.changed();
        Ok(())
    }

    /// Gives a media a line and feeds it from its source.
    pub(crate) async fn publish(
        &mut self,
        key: OwnMedia,
        source: Box<dyn MediaSource>,
        outcome: Outcome<()>,
    ) -> Result<(), (MediaError, Outcome<()>)> {
        let info = source.info();
        let source = match (&self.encryption, sealable(info.codec)) {
            (None, _) => source,
            (Some(encryption), Some(codec)) => Box::new(Sealed {
                source,
                codec,
                encryption: encryption.clone(),
            }),
            (Some(_), None) => return Err((MediaError::NotSealable(info.codec), outcome)),
        };
        let added = match self.open().await {
            Ok(peer) => peer.add_sender(info).await,
            Err(error) => Err(error),
        };
        let (line, writer) = match added {
            Ok(added) => added,
            Err(error) => return Err((error, outcome)),
        };
        let lines = Arc::new(LineSlot::default());
        lines.put(writer);
        let keyframe_wanted = Arc::new(Notify::new());
        let pump = self
            .pumps
            .spawn(pump(key.clone(), source, lines.clone(), keyframe_wanted.clone()));
        self.sends.insert(
            key,
            Sending {
                info,
                line,
                lines,
                keyframe_wanted,
                pump,
                progress: Progress::new((), outcome),
            },
        );
        self.changed();
        Ok(())
    }

    /// Gives another member's media a line to arrive on.
    pub(crate) async fn receive(
        &mut self,
        key: MediaRef,
        outcome: Outcome<RemoteMedia>,
    ) -> Result<(), (MediaError, Outcome<RemoteMedia>)> {
        let line = match self.line_for(kind_of(key.media_type)).await {
            Ok(line) => line,
            Err(error) => return Err((error, outcome)),
        };
        let (readers, queue) = mpsc::channel(READER_CAPACITY);
        let opener = self.encryption.clone();
        let opener = opener.map(|encryption| Opener::new(key.clone(), encryption, self.events.clone()));
        let remote = RemoteMedia::new(key.clone(), queue, opener);
        self.receives.insert(
            key,
            Receiving {
                line,
                readers,
                progress: Progress::new(remote, outcome),
            },
        );
        self.changed();
        Ok(())
    }

    /// The server's word on an announcement.
    pub(crate) async fn published(&mut self, key: &OwnMedia, result: Result<(), Refusal>) {
        match result {
            Ok(()) => {
                if let Some(sending) = self.sends.get_mut(key) {
                    sending.progress.announced = true;
                    sending.progress.advance();
                }
            }
            Err(why) => self.stop_publish(key, &why).await,
        }
    }

    /// The server's word on what is to be received.
    pub(crate) async fn received(&mut self, key: &MediaRef, result: Result<(), Refusal>) {
        match result {
            Ok(()) => {
                if let Some(receiving) = self.receives.get_mut(key) {
                    receiving.progress.announced = true;
                    receiving.progress.advance();
                }
            }
            Err(why) => self.stop_receive(key, &why).await,
        }
    }

    pub(crate) async fn stop_publish(&mut self, key: &OwnMedia, why: &Refusal) {
        if let Some(sending) = self.sends.remove(key) {
            sending.pump.abort();
            self.stop_line(sending.line).await;
            sending.progress.fail(why);
        }
    }

    pub(crate) async fn stop_receive(&mut self, key: &MediaRef, why: &Refusal) {
        if let Some(receiving) = self.receives.remove(key) {
            self.stop_line(receiving.line).await;
            receiving.progress.fail(why);
        }
    }

    /// Ends everything.
    pub(crate) async fn close(&mut self, why: &Refusal) {
        for (_, sending) in std::mem::take(&mut self.sends) {
            sending.pump.abort();
            sending.progress.fail(why);
        }
        for (_, receiving) in std::mem::take(&mut self.receives) {
            receiving.progress.fail(why);
        }
        self.round = Round::Settled;
        self.spares.clear();
        self.end_former().await;
        if let Some(mut transport) = self.transport.take() {
            transport.peer.close().await;
        }
    }

    /// The offer that is due, if one is. [`offered`](Self::offered) must follow.
    pub(crate) async fn next_offer(&mut self) -> Result<Option<Offer>, MediaError> {
        let (Round::Due, Some(transport)) = (self.round, &mut self.transport) else {
            return Ok(None);
        };
        let offer = transport.peer.offer().await?;
        let lines = offer
            .mids
            .into_iter()
            .filter_map(|(line, mid)| {
                Some(Line {
                    role: self.role(line)?,
                    mid,
                })
            })
            .collect();
        Ok(Some(Offer {
            generation: self.generation,
            sdp: offer.sdp,
            lines,
        }))
    }

    /// The offer has gone out under this number.
    pub(crate) fn offered(&mut self, id: RequestId) {
        self.round = Round::Offered { id, changed: false };
    }

    /// The server's answer to an offer. A refused one costs the media that were new in it; the others get a new peer,
    /// because this one's description is stuck half-way.
    pub(crate) async fn answered(&mut self, id: RequestId, answer: Result<String, Refusal>) -> Result<(), MediaError> {
        let Round::Offered { id: due, changed } = self.round else {
            return Ok(());
        };
        let (true, Some(transport)) = (due == id, &mut self.transport) else {
            return Ok(());
        };
        self.round = if changed { Round::Due } else { Round::Settled };
        let taken = match &answer {
            Ok(sdp) => transport.peer.answer(sdp).await,
            Err(_) => Ok(()),
        };
        if let (Ok(_), Ok(())) = (&answer, &taken) {
            // Lines that were added behind this offer are settled by the next one.
            if !changed {
                self.settle();
            }
            return Ok(());
        }
        let why = match (answer, taken) {
            (Err(why), _) => why,
            (_, Err(error)) => Refusal::local(ErrorCode::OperationFailed, format!("the media engine failed: {error}")),
            (Ok(_), Ok(())) => return Ok(()),
        };
        let fresh: Vec<_> = self
            .sends
            .iter()
            .filter(|(_, s)| !s.progress.negotiated)
            .map(|(k, _)| k.clone())
            .collect();
        for key in fresh {
            self.stop_publish(&key, &why).await;
        }
        let fresh: Vec<_> = self
            .receives
            .iter()
            .filter(|(_, r)| !r.progress.negotiated)
            .map(|(k, _)| k.clone())
            .collect();
        for key in fresh {
            self.stop_receive(&key, &why).await;
        }
        self.reopen().await
    }

    /// Media has arrived on a line.
    pub(crate) fn arrived(&mut self, line: LineId, codec: Codec, reader: Box<dyn FrameReader>) {
        if let Some(former) = &mut self.former {
            former.flowing.insert(line);
        }
        if let Some(receiving) = self.receives.values().find(|r| r.line == line) {
            // When the application reads nothing at all, this reader's frames are dropped like all others.
            let _ = receiving.readers.try_send((codec, reader));
        }
    }

    /// A receiver cannot decode what a line sends.
    pub(crate) fn keyframe_requested(&self, line: LineId) {
        if let Some(sending) = self.sends.values().find(|s| s.line == line) {
            sending.keyframe_wanted.notify_one();
        }
    }

    async fn open(&mut self) -> Result<&mut Box<dyn MediaPeer>, MediaError> {
        let transport = match self.transport.take() {
            Some(transport) => transport,
            None => {
                let config = PeerConfig {
                    foretold: self.foretold.take(),
                    ..self.config.clone()
                };
                let transport = Transport::open(&*self.engine, config).await?;
                self.generation += 1;
                transport
            }
        };
        Ok(&mut self.transport.insert(transport).peer)
    }

    /// A line to receive on.
    async fn line_for(&mut self, kind: Kind) -> Result<LineId, MediaError> {
        let spare = self.spares.iter().position(|(of, _)| *of == kind);
        match spare {
            Some(spare) => Ok(self.spares.swap_remove(spare).1),
            None => self.open().await?.add_receiver(kind).await,
        }
    }

    async fn stop_line(&mut self, line: LineId) {
        if let Some(transport) = &mut self.transport {
            // A line that the peer does not know is stopped already.
            let _ = transport.peer.stop_line(line).await;
            self.changed();
        }
    }

    fn changed(&mut self) {
        self.round = match self.round {
            Round::Settled | Round::Due => Round::Due,
            Round::Offered { id, .. } => Round::Offered { id, changed: true },
        };
    }

    fn settle(&mut self) {
        for sending in self.sends.values_mut() {
            sending.progress.negotiated = true;
            sending.progress.advance();
        }
        for receiving in self.receives.values_mut() {
            receiving.progress.negotiated = true;
            receiving.progress.advance();
        }
    }

    fn role(&self, line: LineId) -> Option<Role> {
        let sent = self.sends.iter().find(|(_, s)| s.line == line);
        if let Some(((media_type, media), _)) = sent {
            return Some(Role::Send {
                media_type: *media_type,
                media: media.clone(),
            });
        }
        self.receives
            .iter()
            .find(|(_, r)| r.line == line)
            .map(|(key, _)| Role::Receive(key.clone()))
    }
}

/// Why a media is over that was neither refused nor lost.
pub(crate) fn stopped() -> Refusal {
    Refusal::local(ErrorCode::OperationFailed, "the media was stopped")
}

async fn next_of(transport: &mut Option<Transport>) -> TransportNews {
    match transport {
        Some(transport) => transport.next().await,
        None => std::future::pending().await,
    }
}

async fn next_ended(pumps: &mut JoinSet<Pumped>) -> Pumped {
    loop {
        match pumps.join_next().await {
            Some(Ok(pumped)) => return pumped,
            // One that was stopped.
            Some(Err(_)) => {}
            None => return std::future::pending().await,
        }
    }
}

fn kind_of(media_type: MediaType) -> Kind {
    match media_type {
        MediaType::Audio => Kind::Audio,
        _ => Kind::Video,
    }
}

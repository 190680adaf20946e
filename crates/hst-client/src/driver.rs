use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    pin::Pin,
    sync::Arc,
};

use bytes::Bytes;
use hst_access::{AccessDiscovery, AccessError, AccessPoints};
use hst_group::client::{GroupEvent, LoginOptions, Output, Refusal, Session, SessionEvent, State};
use hst_id::MediaRef;
use hst_media::{IceServer, MediaError, MediaSource, PeerEvent, PeerState, SourceError};
use hst_proto::{ErrorCode, Offer, Prepare, Reply, RequestId};
use hst_signal::{ConnectError, SignalTransport};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, sleep_until},
};
use tracing::{debug, info};

use crate::{
    ClientBuilder, Error, Event, RemoteMedia,
    command::{Command, Outcome},
    encryption::sealable,
    link::{Link, LinkNews},
    media::{MediaLink, News, stopped},
    pump::OwnMedia,
    transport::TransportNews,
};

mod keys;

use keys::{Exchange, Secret};

/// The one task of an initialised engine: it owns the state machine, the connection and the media, and asks and
/// tells everybody else over channels. It ends when nobody can ask it any more, which is `destroy`.
pub(crate) struct Driver {
    session: Session,
    transport: Arc<dyn SignalTransport>,
    events: broadcast::Sender<Event>,
    media: MediaLink,
    early_media: bool,
    /// The group that the media transport is for.
    prepared: Option<String>,
    access: Option<AccessPoints>,
    discovery: Option<Discovery>,
    link: Link,
    waiting: HashMap<RequestId, Waiter>,
    /// What the media of a group are encrypted under that is joined now.
    key: Option<Secret>,
    /// How the members of the present group come to their keys, where they see to it themselves.
    exchange: Option<Exchange>,
}

/// `init` under way.
struct Discovery {
    task: Pin<Box<dyn Future<Output = Result<AccessPoints, AccessError>> + Send>>,
    outcome: Outcome<Reply>,
}

/// Who waits for the outcome of a request.
enum Waiter {
    Caller(Outcome<Reply>),
    Publish(OwnMedia),
    Receive(MediaRef),
    Offer,
    Letter,
}

/// What woke the driver.
enum Wake {
    Asked(Option<Command>),
    Discovered(Result<AccessPoints, AccessError>),
    Link(LinkNews),
    Media(News),
    Timeout,
}

impl Driver {
    pub(crate) fn new(parts: ClientBuilder, events: broadcast::Sender<Event>) -> Self {
        Self {
            session: Session::new(seed()),
            transport: parts.transport,
            media: MediaLink::new(parts.media, events.clone()),
            events,
            early_media: parts.early_media,
            prepared: None,
            access: None,
            discovery: None,
            link: Link::default(),
            waiting: HashMap::new(),
            key: None,
            exchange: None,
        }
    }

    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            match self.wait(&mut commands).await {
                Wake::Asked(None) => break,
                Wake::Asked(Some(command)) => self.handle_command(command).await,
                Wake::Discovered(result) => self.handle_discovered(result),
                Wake::Link(LinkNews::Connected(result)) => self.handle_connected(result),
                Wake::Link(LinkNews::Frame(frame)) => self.session.handle_frame(now(), &frame),
                Wake::Link(LinkNews::Ended(end)) => {
                    self.session
                        .handle_disconnected(now(), &format!("the connection ended: {end}"));
                }
                Wake::Media(News::Transport(news)) => self.handle_transport(news).await,
                Wake::Media(News::SourceEnded(key, result)) => self.handle_source_ended(key, result).await,
                Wake::Timeout => self.session.handle_timeout(now()),
            }
            self.settle().await;
        }
        self.session.destroy(now());
        self.settle().await;
    }

    async fn wait(&mut self, commands: &mut mpsc::Receiver<Command>) -> Wake {
        let deadline = self.session.poll_timeout();
        tokio::select! {
            command = commands.recv() => Wake::Asked(command),
            result = discovered(&mut self.discovery) => Wake::Discovered(result),
            news = self.link.next() => Wake::Link(news),
            news = self.media.next() => Wake::Media(news),
            () = until(deadline) => Wake::Timeout,
        }
    }

    async fn handle_command(&mut self, command: Command) {
        let now = now();
        match command {
            Command::Init { access, outcome } => self.init(access, outcome),
            Command::Login { options, outcome } => self.login(options, outcome),
            Command::Prepare { group, outcome } => self.prepare(group, outcome).await,
            Command::Join {
                group,
                receives,
                outcome,
            } => {
                let sent = self.session.join(now, &group);
                if sent.is_ok() {
                    self.enter(&group);
                    self.begin_media(group, receives).await;
                }
                self.await_reply(sent, outcome);
            }
            Command::Leave { outcome } => {
                let sent = self.session.leave(now);
                self.await_reply(sent, outcome);
            }
            Command::Exit { outcome } => {
                let sent = self.session.exit(now);
                self.await_reply(sent, outcome);
            }
            Command::Publish {
                media_type,
                media,
                source,
                outcome,
            } => {
                self.publish((media_type, media), source, outcome).await;
            }
            Command::StopPublish {
                media_type,
                media,
                outcome,
            } => {
                let key = (media_type, media);
                let sent = self.session.unpublish(now, media_type, key.1.clone());
                if sent.is_ok() {
                    self.media.stop_publish(&key, &stopped()).await;
                }
                self.await_reply(sent, outcome);
            }
            Command::Receive { key, outcome } => self.receive(key, outcome).await,
            Command::StopReceive { key, outcome } => {
                let sent = self.session.stop_receive(now, key.clone());
                if sent.is_ok() {
                    self.media.stop_receive(&key, &stopped()).await;
                }
                self.await_reply(sent, outcome);
            }
            Command::Ask { ask, outcome } => {
                let sent = ask(&mut self.session, now);
                self.await_reply(sent, outcome);
            }
            Command::Encrypt { change, outcome } => tell(outcome, self.change_key(change)),
            Command::Stats { outcome } => tell(outcome, Ok(self.media.stats(self.session.user()))),
        }
    }

    fn init(&mut self, access: Arc<dyn AccessDiscovery>, outcome: Outcome<Reply>) {
        match self.session.init() {
            Ok(()) => {
                self.discovery = Some(Discovery {
                    task: Box::pin(async move { access.discover(None).await }),
                    outcome,
                })
            }
            Err(refusal) => tell(outcome, Err(refusal.into())),
        }
    }

    fn handle_discovered(&mut self, result: Result<AccessPoints, AccessError>) {
        let Some(Discovery { outcome, .. }) = self.discovery.take() else {
            return;
        };
        self.session.handle_inited(result.is_ok());
        let result = result.map(|points| {
            self.media.config.ice_servers = points.ice_servers().iter().map(ice_server).collect();
            self.access = Some(points);
            Reply::Done {}
        });
        tell(outcome, result.map_err(Error::from));
    }

    fn login(&mut self, options: LoginOptions, outcome: Outcome<Reply>) {
        let sent = self.session.login(now(), options);
        self.await_reply(sent, outcome);
    }

    fn handle_connected(&mut self, result: Result<(), ConnectError>) {
        match result {
            Ok(()) => info!("connected to the signalling service"),
            Err(error) => self
                .session
                .handle_disconnected(now(), &format!("no signalling service can be reached: {error}")),
        }
    }

    async fn prepare(&mut self, group: String, outcome: Outcome<Reply>) {
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
    async fn turn_to(&mut self, group: String) {
        if self.prepared.as_ref() != Some(&group) {
            self.media.close(&stopped()).await;
            self.prepared = Some(group);
        }
    }

    /// What a join under way takes along.
    async fn begin_media(&mut self, group: String, receives: Vec<(MediaRef, Outcome<RemoteMedia>)>) {
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

    async fn publish(&mut self, key: OwnMedia, source: Box<dyn MediaSource>, outcome: Outcome<()>) {
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

    async fn receive(&mut self, key: MediaRef, outcome: Outcome<RemoteMedia>) {
        if self.media.is_received(&key) {
            let message = format!("{key} is received already: stop it first");
            return tell(outcome, Err(Error::local(ErrorCode::OperationFailed, message)));
        }
        let sent = self.session.receive(now(), key.clone());
        self.receive_as(sent, key, outcome).await;
    }

    /// Gives a media a line that the group was asked for.
    async fn receive_as(&mut self, sent: Result<RequestId, Refusal>, key: MediaRef, outcome: Outcome<RemoteMedia>) {
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

    async fn handle_transport(&mut self, news: TransportNews) {
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

    async fn handle_source_ended(&mut self, key: OwnMedia, result: Result<(), SourceError>) {
        self.media.stop_publish(&key, &stopped()).await;
        self.withdraw(key.clone());
        let (media_type, media) = key;
        self.tell(Event::SourceEnded {
            media_type,
            media,
            fault: result.err().map(|e| e.to_string()),
        });
    }

    async fn check_transport(&mut self, kept: Result<(), MediaError>) {
        if let Err(error) = kept {
            self.give_up_media(&format!("the media transport cannot be made again: {error}"))
                .await;
        }
    }

    /// Ends all media but stays in the group.
    async fn give_up_media(&mut self, why: &str) {
        debug!(why, "media given up");
        self.media.close(&Refusal::local(ErrorCode::OperationFailed, why)).await;
        self.tell(Event::Transport(PeerState::Closed));
    }

    /// Takes an announcement back without anybody waiting for the outcome.
    fn withdraw(&mut self, (media_type, media): OwnMedia) {
        // Outside a group there is nothing to take back.
        let _ = self.session.unpublish(now(), media_type, media);
    }

    /// Carries out what the state machine wants, until it wants nothing more.
    async fn settle(&mut self) {
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
    fn offer(&mut self, offer: Offer) -> Result<RequestId, Refusal> {
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

    async fn handle_output(&mut self, output: Output) {
        match output {
            Output::Send(frame) => self.send(frame),
            Output::Answered { id, result } => self.handle_answered(id, result).await,
            Output::Connect => {
                if let Some(points) = &self.access {
                    self.link.connect(self.transport.clone(), points.signal());
                }
            }
            Output::Event(event) if self.attend_to_keys(&event) => {}
            Output::Event(event) => {
                if let SessionEvent::Group(GroupEvent::Unpublished(media)) = &event {
                    self.media.stop_receive(&media.key, &stopped()).await;
                }
                self.tell(event.into());
            }
            Output::Reconnected => {
                let kept = self.media.network_changed().await;
                self.check_transport(kept).await;
            }
            Output::RenewMedia => {
                let kept = self.media.handle_ended().await;
                self.check_transport(kept).await;
            }
            Output::TransportLost(generation) => {
                let kept = self.media.transport_lost(generation).await;
                self.check_transport(kept).await;
            }
            Output::CloseMedia => {
                self.prepared = None;
                self.media.close(&stopped()).await;
            }
            Output::Disconnect => self.link.close(),
            Output::Lost(why) => self.tell(Event::Ended(why)),
        }
    }

    async fn handle_answered(&mut self, id: RequestId, result: Result<Reply, Refusal>) {
        match self.waiting.remove(&id) {
            Some(Waiter::Caller(outcome)) => tell(outcome, result.map_err(Error::from)),
            Some(Waiter::Publish(key)) => self.media.published(&key, result.map(|_| ())).await,
            Some(Waiter::Receive(key)) => self.media.received(&key, result.map(|_| ())).await,
            Some(Waiter::Letter) => self.letter_sent(id),
            Some(Waiter::Offer) => {
                let answer = result.and_then(|reply| match reply {
                    Reply::Answer { sdp } => Ok(sdp),
                    _ => Err(Refusal::local(
                        ErrorCode::ServerInternal,
                        "the server answered an offer with something else",
                    )),
                });
                if let Err(error) = self.media.answered(id, answer).await {
                    self.give_up_media(&format!("the media engine failed: {error}")).await;
                }
            }
            None => {}
        }
    }

    fn send(&mut self, frame: Bytes) {
        if self.link.send(frame).is_err() {
            self.session
                .handle_disconnected(now(), "the server does not read what is sent");
        }
    }

    fn await_reply(&mut self, sent: Result<RequestId, Refusal>, outcome: Outcome<Reply>) {
        match sent {
            Ok(id) => {
                self.waiting.insert(id, Waiter::Caller(outcome));
            }
            Err(refusal) => tell(outcome, Err(refusal.into())),
        }
    }

    fn tell(&self, event: Event) {
        // Nobody may be listening.
        let _ = self.events.send(event);
    }
}

fn tell<T>(outcome: Outcome<T>, result: Result<T, Error>) {
    // The caller may have given up.
    let _ = outcome.send(result);
}

/// What spreads the tries of many engines to reconnect: each process and each engine has another.
fn seed() -> u64 {
    RandomState::new().hash_one(0)
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

async fn until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(deadline) => sleep_until(Instant::from_std(deadline)).await,
        None => std::future::pending().await,
    }
}

async fn discovered(discovery: &mut Option<Discovery>) -> Result<AccessPoints, AccessError> {
    match discovery {
        Some(discovery) => (&mut discovery.task).await,
        None => std::future::pending().await,
    }
}

fn ice_server(server: &hst_access::IceServer) -> IceServer {
    IceServer {
        urls: server.urls.clone(),
        username: server.username.clone().unwrap_or_default(),
        credential: server.credential.clone().unwrap_or_default(),
    }
}

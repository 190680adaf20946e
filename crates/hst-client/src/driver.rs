use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    pin::Pin,
    sync::Arc,
};

use bytes::Bytes;
use hst_access::{AccessDiscovery, AccessError, AccessPoints};
use hst_group::client::{GroupEvent, LoginOptions, Output, Refusal, Session, SessionEvent};
use hst_id::MediaRef;
use hst_media::IceServer;
use hst_proto::{ErrorCode, Reply, RequestId};
use hst_signal::{ConnectError, SignalTransport};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, sleep_until},
};
use tracing::info;

use crate::{
    ClientBuilder, Error, Event,
    command::{Command, Outcome},
    levels::Levels,
    link::{Link, LinkNews},
    media::{MediaLink, News, stopped},
    pump::OwnMedia,
    stats::Bounds,
};

mod carrying;
mod keys;

use keys::{Exchange, Secret};

/// The one task of an initialised engine: it owns the state machine, the connection and the media, and asks and
/// tells everybody else over channels. It ends when nobody can ask it any more, which is `destroy`.
pub(crate) struct Driver {
    session: Session,
    transport: Arc<dyn SignalTransport>,
    events: broadcast::Sender<Event>,
    media: MediaLink,
    bounds: Bounds,
    /// How loud everybody is, where that is asked for.
    levels: Option<Levels>,
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
    Levels(Instant),
    Timeout,
}

impl Driver {
    pub(crate) fn new(parts: ClientBuilder, events: broadcast::Sender<Event>) -> Self {
        Self {
            session: Session::new(seed()),
            transport: parts.transport,
            media: MediaLink::new(parts.media, events.clone()),
            events,
            bounds: Bounds::default(),
            levels: None,
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
                Wake::Media(News::Former(news)) => self.media.handle_former(news).await,
                Wake::Media(News::SourceEnded(key, result)) => self.handle_source_ended(key, result).await,
                Wake::Levels(now) => self.tell_levels(now).await,
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
            now = levels_due(&mut self.levels) => Wake::Levels(now),
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
            Command::Stats { outcome } => {
                let stats = self.media.stats(self.session.user(), &self.bounds).await;
                tell(outcome, Ok(stats));
            }
            Command::MeasureLevels { on, outcome } => {
                match on {
                    true => _ = self.levels.get_or_insert_with(Levels::new),
                    false => self.levels = None,
                }
                tell(outcome, Ok(()));
            }
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
            self.access = Some(points);
            self.learn_ice_servers();
            Reply::Done {}
        });
        tell(outcome, result.map_err(Error::from));
    }

    /// The next peer is helped by those that everybody may use, and by those of the session.
    fn learn_ice_servers(&mut self) {
        let everybody = self.access.iter().flat_map(|points| points.ice_servers());
        let own = self.session.ice_servers().iter().map(|server| IceServer {
            urls: server.urls.clone(),
            username: server.username.clone(),
            credential: server.credential.clone(),
        });
        self.media.config.ice_servers = everybody.map(ice_server).chain(own).collect();
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

    async fn handle_output(&mut self, output: Output) {
        match output {
            Output::Send(frame) => self.send(frame),
            Output::Answered { id, result } => self.handle_answered(id, result).await,
            Output::Connect => {
                if let Some(points) = &self.access {
                    self.link.connect(self.transport.clone(), points.signal());
                }
            }
            Output::Moved(signal) => self.link.follow(signal),
            Output::MoveMedia(generation) => {
                self.learn_ice_servers();
                let kept = self.media.move_over(generation).await;
                self.check_transport(kept).await;
            }
            Output::Event(event) if self.attend_to_keys(&event) => {}
            Output::Event(event) => {
                match &event {
                    SessionEvent::Group(event) => self.bounds.handle(event),
                    SessionEvent::Discontinuity => self.bounds.distrust(),
                    _ => {}
                }
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
                self.learn_ice_servers();
                self.see_group_again();
                let kept = self.media.handle_ended().await;
                self.check_transport(kept).await;
            }
            Output::TransportLost(generation) => {
                let kept = self.media.transport_lost(generation).await;
                self.check_transport(kept).await;
            }
            Output::CloseMedia => {
                self.prepared = None;
                self.bounds.clear();
                if let Some(levels) = &mut self.levels {
                    levels.forget();
                }
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

async fn levels_due(levels: &mut Option<Levels>) -> Instant {
    match levels {
        Some(levels) => levels.due().await,
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

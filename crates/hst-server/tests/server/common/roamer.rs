//! A client with the state machine of an engine, which goes where its session goes.

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    time::Duration,
};

use hst_group::client::{GroupEvent, LoginOptions, Output, Refusal, Session, SessionEvent};
use hst_proto::{Audience, Class, Payload, Reply, RequestId, ToGroup};
use hst_server::{DEV_APP_ID, signal::memory::MemoryNetwork};
use hst_signal::{SignalConnection, SignalTransport as _};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{
    span::{Nodes, PATIENCE},
    token,
};

/// One engine, and everything that it has been told.
pub(crate) struct Roamer {
    pub(crate) session: Session,
    network: MemoryNetwork,
    /// The nodes that it comes by, the first of them that answers.
    pub(crate) hosts: Vec<String>,
    /// Where its session is by the platform's word.
    pub(crate) moved_to: Vec<String>,
    connection: Option<SignalConnection>,
    answers: HashMap<RequestId, Result<Reply, Refusal>>,
    /// In their order.
    pub(crate) events: VecDeque<SessionEvent>,
    /// How many events there were whenever it was told how its group is.
    pub(crate) snapshots: Vec<usize>,
    /// Generations of media transports that are to be replaced.
    pub(crate) moves: Vec<u32>,
    /// Why its session has ended although it did not ask for that.
    pub(crate) lost: Option<Refusal>,
    /// How long anything may take.
    pub(crate) patience: Duration,
}

/// How long a node may take to let a connection in, and to read a frame.
const CONNECT: Duration = Duration::from_secs(5);

impl Roamer {
    /// One that knows these nodes. Its own chances come from `seed`.
    pub(crate) fn new(network: &MemoryNetwork, hosts: Vec<String>, seed: u64) -> Self {
        let mut roamer = Self {
            session: Session::new(seed),
            network: network.clone(),
            hosts,
            moved_to: Vec::new(),
            connection: None,
            answers: HashMap::new(),
            events: VecDeque::new(),
            snapshots: Vec::new(),
            moves: Vec::new(),
            lost: None,
            patience: PATIENCE,
        };
        roamer.session.init().unwrap();
        roamer.session.handle_inited(true);
        roamer
    }

    pub(crate) async fn logged_in(network: &MemoryNetwork, home: &str, user: &str) -> Self {
        let others = Nodes::NAMES.iter().filter(|&name| *name != home);
        let hosts = [&home].into_iter().chain(others).map(|&name| name.to_owned());
        let mut roamer = Self::new(network, hosts.collect(), 7);
        let options = LoginOptions::new(DEV_APP_ID, token(), user);
        roamer.ask(|session, now| session.login(now, options)).await.unwrap();
        roamer
    }

    pub(crate) async fn join(&mut self, group: &str) {
        self.ask(|session, now| session.join(now, group)).await.unwrap();
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(
        &mut self,
        verb: impl FnOnce(&mut Session, std::time::Instant) -> Result<RequestId, Refusal>,
    ) -> Result<Reply, Refusal> {
        let id = verb(&mut self.session, now())?;
        let patience = self.patience;
        let answered = async {
            loop {
                self.perform().await;
                if let Some(answer) = self.answers.remove(&id) {
                    return answer;
                }
                self.turn().await;
            }
        };
        let answer = timeout(patience, answered).await;
        answer.unwrap_or_else(|_| panic!("not answered while {}", self.session.state()))
    }

    /// Says something to all in its group, and waits where it goes too fast. Gives its number.
    pub(crate) async fn say(&mut self, words: &str) -> Result<u64, Refusal> {
        loop {
            let message = ToGroup {
                body: Payload::text(words),
                to: Audience::All,
                class: Class::Reliable,
            };
            match self.ask(|session, now| session.message(now, message)).await {
                Ok(Reply::Sent { seq }) => return Ok(seq),
                Ok(other) => panic!("not sent: {other:?}"),
                Err(Refusal {
                    retry_after: Some(pause),
                    ..
                }) => {
                    // tidy: allowed, because time is virtual
                    let paused = sleep(pause.max(Duration::from_millis(1)));
                    self.live_until(paused).await;
                }
                Err(why) => return Err(why),
            }
        }
    }

    /// Takes what comes, until something else has happened.
    pub(crate) async fn live_until<T>(&mut self, done: impl Future<Output = T>) -> T {
        let mut done = std::pin::pin!(done);
        loop {
            self.perform().await;
            tokio::select! {
                outcome = &mut done => return outcome,
                () = self.turn() => {}
            }
        }
    }

    /// Takes what comes, until the first event that is wanted.
    pub(crate) async fn until<T>(&mut self, mut wanted: impl FnMut(&SessionEvent) -> Option<T>) -> T {
        let patience = self.patience;
        let found = async {
            let mut seen = 0;
            loop {
                self.perform().await;
                while let Some(event) = self.events.get(seen) {
                    seen += 1;
                    if let Some(found) = wanted(event) {
                        return found;
                    }
                }
                self.turn().await;
            }
        };
        timeout(patience, found).await.expect("it does not come")
    }

    /// The messages of its group that it was told, with their numbers, in their order.
    pub(crate) fn heard(&self) -> Vec<(u64, String)> {
        let messages = self.events.iter().filter_map(|event| match event {
            SessionEvent::Group(GroupEvent::Message(message)) => Some((message.seq, message.body.as_text().unwrap())),
            _ => None,
        });
        messages.collect()
    }

    /// Whether it was told of anybody's coming or going, or that something may be missing.
    pub(crate) fn was_disturbed(&self) -> bool {
        self.events.iter().any(|event| {
            matches!(
                event,
                SessionEvent::Discontinuity
                    | SessionEvent::Group(
                        GroupEvent::MemberJoined(_)
                            | GroupEvent::MemberLeft(_)
                            | GroupEvent::Unpublished(_)
                            | GroupEvent::Removed(_)
                    )
            )
        })
    }

    /// Loses its connection without a word.
    pub(crate) fn cut(&mut self) {
        self.connection = None;
        self.session.handle_disconnected(now(), "cut");
    }

    /// Waits for one thing to happen. Cancel-safe.
    async fn turn(&mut self) {
        let due = self.session.poll_timeout().map(Instant::from_std);
        let timer = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        let connection = &mut self.connection;
        let frame = async {
            match connection {
                Some(connection) => connection.receiver.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            frame = frame => match frame {
                Ok(frame) => self.session.handle_frame(now(), &frame),
                Err(_) => {
                    self.connection = None;
                    self.session.handle_disconnected(now(), "it has ended");
                }
            },
            () = timer => self.session.handle_timeout(now()),
        }
    }

    async fn perform(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Connect => self.connect().await,
                Output::Moved(signal) => self.moved_to = signal,
                Output::Send(frame) => {
                    if let Some(connection) = &mut self.connection {
                        // That it has ended is heard from the receiver, and that nobody reads from nobody's answer.
                        let _ = timeout(CONNECT, connection.sender.send(frame)).await;
                    }
                }
                Output::Answered { id, result } => _ = self.answers.insert(id, result),
                Output::Event(event) => self.events.push_back(event),
                Output::MoveMedia(generation) => self.moves.push(generation),
                Output::Disconnect => self.connection = None,
                Output::RenewMedia => self.snapshots.push(self.events.len()),
                Output::Lost(why) => self.lost = Some(why),
                Output::TransportLost(_) | Output::Reconnected | Output::CloseMedia => {}
            }
        }
    }

    async fn connect(&mut self) {
        let moved_to = self.moved_to.iter().map(|address| host(address));
        for host in moved_to.chain(self.hosts.clone()).collect::<Vec<_>>() {
            let url = format!("memory://{host}");
            if let Ok(Ok(connection)) = timeout(CONNECT, self.network.connect(&url)).await {
                self.connection = Some(connection);
                return;
            }
        }
        self.connection = None;
        self.session.handle_disconnected(now(), "nobody answers");
    }
}

/// The node that an address leads to.
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or_default().to_owned()
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

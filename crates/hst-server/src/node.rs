use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hst_cluster::{
    Bus, Delivery, Directory, Entry, Key, Message, NodeId, NodeRecord, NodeState, Owner, Prefix, RequestError,
    Revision, Subject, Unavailable, memory::MemoryCluster, pipe::Pipes, register, unregister,
};
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{EventBody, Failure};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    StartError,
    admin::{ConsumptionAsk, GroupAnswer, GroupAsk, StreamsAsk},
    groups::Key as GroupKey,
    handle::{SessionId, Word},
    hub::Hub,
    questions::{self, Unanswered, not_understood},
    versions::{SPOKEN, Stranger},
};

/// How long another node may take to end a session.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a node that speaks otherwise may take to show that it lives.
const LIFE_SIGN: Duration = Duration::from_secs(2);

/// This server among the nodes of its cluster, and the way to the others.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) bus: Arc<dyn Bus>,
    /// To the groups of other nodes.
    pub(crate) pipes: Pipes,
    pub(crate) name: NodeId,
    /// Random, and the same for as long as the process lives.
    pub(crate) boot: u64,
    /// Of its present life.
    epoch: Arc<AtomicU64>,
    /// Whether there is no other node.
    pub(crate) is_alone: bool,
}

/// What nodes say to each other.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NodeMessage {
    /// Tell a session of the receiving node something.
    Tell {
        /// Which session.
        session: u64,
        /// What.
        event: Box<RawValue>,
    },
    /// End a session of the receiving node; the answer comes when it has ended.
    End {
        /// Which session.
        session: u64,
        /// What its client is told.
        why: Failure,
    },
    /// A user has gone: nobody need ring him any more.
    Offline {
        /// His App.
        app: AppId,
        /// Who.
        user: UserId,
    },
    /// Look at a group of the receiving node, or act on it; the answer is what came of it, or nothing if it is not there.
    Group {
        /// Its App.
        app: AppId,
        /// Which group.
        group: GroupId,
        /// What is asked.
        ask: GroupAsk,
    },
    /// A record was written: act by it. The answer comes when the receiving node does.
    Record {
        /// Where it stands in the directory.
        key: String,
        /// What stands there.
        value: Box<RawValue>,
        /// Since which write.
        revision: u64,
    },
    /// Give everything to other nodes; the answer comes when that has begun.
    Drain {},
    /// Say what these Apps have used in groups of the receiving node.
    Consumption(ConsumptionAsk),
    /// Say what flows in a group at the receiving node.
    Streams(StreamsAsk),
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("owner", &self.owner())
            .finish_non_exhaustive()
    }
}

impl Node {
    /// The only node of a cluster in memory.
    pub(crate) async fn alone() -> Result<Self, StartError> {
        let cluster = MemoryCluster::default();
        let node = NodeId::parse("local").expect("letters are a name");
        let joined = Self::join(Arc::new(cluster.clone()), Arc::new(cluster), node).await?;
        Ok(Self {
            is_alone: true,
            ..joined
        })
    }

    /// Registers as a node, unless one lives with which it could not speak.
    pub(crate) async fn join(
        directory: Arc<dyn Directory>,
        bus: Arc<dyn Bus>,
        node: NodeId,
    ) -> Result<Self, StartError> {
        let mut boot = [0; 8];
        aws_lc_rs::rand::fill(&mut boot).map_err(|_| Unavailable)?;
        let boot = u64::from_le_bytes(boot);
        let epoch = register(&*directory, &node, boot, SPOKEN).await?;
        let own = Owner {
            node: node.clone(),
            epoch,
            boot,
        };
        let joined = Self {
            pipes: Pipes::new(bus.clone(), &own),
            directory,
            bus,
            name: node,
            boot,
            epoch: Arc::new(AtomicU64::new(epoch.number())),
            is_alone: false,
        };
        // Looked for once it is registered, so that of two that begin at a time one sees the other.
        match joined.stranger().await? {
            None => Ok(joined),
            Some(Stranger { node, speaks }) => {
                joined.leave().await;
                Err(StartError::Versions {
                    node,
                    theirs: speaks,
                    own: SPOKEN,
                })
            }
        }
    }

    /// A node that lives and shares no version with this one.
    async fn stranger(&self) -> Result<Option<Stranger>, Unavailable> {
        for (life, NodeRecord { speaks, .. }) in self.records().await? {
            if speaks.shared(SPOKEN).is_none() {
                let asked = self
                    .bus
                    .request(&Self::pings(&life), bytes::Bytes::new(), LIFE_SIGN)
                    .await;
                // What nobody answers for is left of a crash.
                if asked != Err(RequestError::NoResponders) {
                    let node = life.node;
                    return Ok(Some(Stranger { node, speaks }));
                }
            }
        }
        Ok(None)
    }

    /// Its present life, to which belongs what it claims.
    pub(crate) fn owner(&self) -> Owner {
        Owner {
            node: self.name.clone(),
            epoch: Revision::new(self.epoch.load(Ordering::Relaxed)),
            boot: self.boot,
        }
    }

    /// Begins another life.
    pub(crate) async fn begin_anew(&self) -> Result<(), Unavailable> {
        let epoch = register(&*self.directory, &self.name, self.boot, SPOKEN).await?;
        self.epoch.store(epoch.number(), Ordering::Relaxed);
        Ok(())
    }

    /// Its life ends, and with it whatever it may hold still.
    pub(crate) async fn leave(&self) {
        if let Err(error) = unregister(&*self.directory, &self.owner()).await {
            tracing::warn!(%error, "other nodes will have to find out that this one has ended");
        }
    }

    /// The present lives of all other nodes but those that were declared dead, and what each of them does.
    pub(crate) async fn others(&self) -> Result<Vec<(Owner, NodeState)>, Unavailable> {
        let records = self.records().await?.into_iter();
        Ok(records.map(|(life, record)| (life, record.state)).collect())
    }

    async fn records(&self) -> Result<Vec<(Owner, NodeRecord)>, Unavailable> {
        let entries = self.directory.list(&Prefix::nodes()).await?;
        let life = |entry: &Entry| {
            let record = NodeRecord::read(entry).filter(|record| record.state != NodeState::Fenced)?;
            let life = Owner {
                node: NodeId::parse(entry.key.as_str().strip_prefix(Prefix::nodes().as_str())?).ok()?,
                epoch: record.epoch,
                boot: record.boot,
            };
            (!self.is(&life)).then_some((life, record))
        };
        Ok(entries.iter().filter_map(life).collect())
    }

    /// Whether this node is the owner, in whichever of its lives.
    pub(crate) fn is(&self, owner: &Owner) -> bool {
        owner.boot == self.boot
    }

    /// Where a node's process is asked whether it lives.
    pub(crate) fn pings(owner: &Owner) -> Subject {
        Self::subject(&owner.node).with(&owner.boot)
    }

    /// Where it hears what others ask of it.
    pub(crate) fn subject(node: &NodeId) -> Subject {
        Subject::parse(&format!("node.{node}")).expect("a node's name is a part")
    }

    fn everybody() -> Subject {
        Subject::parse("nodes").expect("letters are a part")
    }
}

impl Hub {
    /// Tells a session on whichever node something, if it is still there.
    pub(crate) async fn tell_session(&self, owner: &Owner, session: SessionId, event: &EventBody) {
        if self.node.is(owner) {
            match (self.sessions.get(session), self.sessions.elsewhere(session)) {
                // One that has ended meanwhile needs to know nothing.
                (Some(handle), _) => _ = handle.tell(Word::Event(event.clone())),
                (None, Some((to, session))) => self.tell_elsewhere(&to, session, event).await,
                (None, None) => {}
            }
            return;
        }
        self.tell_elsewhere(owner, session, event).await;
    }

    async fn tell_elsewhere(&self, owner: &Owner, session: SessionId, event: &EventBody) {
        let event = RawValue::from_string(event.as_json().to_owned()).expect("an event is JSON");
        let session = session.0;
        self.say(&Node::subject(&owner.node), &NodeMessage::Tell { session, event })
            .await;
    }

    /// Ends a session on whichever node, and waits until it has, but not for long.
    pub(crate) async fn end_session(&self, owner: &Owner, session: SessionId, why: Failure) {
        if self.node.is(owner) {
            return self.end_own(session, why).await;
        }
        let session = session.0;
        let message = NodeMessage::End { session, why }.encode();
        let asked = self.node.ask(&Node::subject(&owner.node), message, END_TIMEOUT).await;
        if let Err(error) = asked {
            tracing::warn!(node = %owner.node, %error, "a session elsewhere may still be there");
        }
    }

    /// Asks something about a group of another node. `None`: it is not there.
    ///
    /// # Errors
    /// That node does not answer, or nobody understands it.
    pub(crate) async fn ask_node(
        &self,
        owner: &Owner,
        (app, group): &GroupKey,
        ask: GroupAsk,
        patience: Duration,
    ) -> Result<Option<GroupAnswer>, Unanswered> {
        let (app, group) = (app.clone(), group.clone());
        let message = NodeMessage::Group { app, group, ask }.encode();
        let to = Node::subject(&owner.node);
        questions::read(&self.node.ask(&to, message, patience).await?)
    }

    async fn end_own(&self, session: SessionId, why: Failure) {
        if let Some(handle) = self.sessions.get(session) {
            handle.end(why);
            let _ = tokio::time::timeout(END_TIMEOUT, handle.ended()).await;
        } else if let Some((to, session)) = self.sessions.elsewhere(session) {
            Box::pin(self.end_session(&to, session, why)).await;
        }
    }

    /// Has another node give everything away.
    ///
    /// # Errors
    /// It does not answer: whether it has begun is not known.
    pub(crate) async fn drain_other(&self, node: &NodeId) -> Result<(), Unanswered> {
        let message = NodeMessage::Drain {}.encode();
        let to = Node::subject(node);
        self.node.ask(&to, message, END_TIMEOUT).await.map(|_| ())
    }

    /// A user has no session any more, on any node.
    pub(crate) async fn tell_offline(&self, app: AppId, user: UserId) {
        self.say(&Node::everybody(), &NodeMessage::Offline { app, user }).await;
    }

    async fn say(&self, to: &Subject, message: &NodeMessage) {
        if let Err(error) = self.node.bus.publish(to, message.encode()).await {
            tracing::warn!(%to, %error, "another node was not told");
        }
    }

    /// Does what other nodes ask of this one, until the server ends.
    pub(crate) async fn listen_to_nodes(self: Arc<Self>) -> Result<(), Unavailable> {
        for subject in [Node::subject(&self.node.name), Node::everybody()] {
            let mut subscription = self.node.bus.subscribe(&subject.into()).await?;
            let hub = self.clone();
            self.life.spawn(async move {
                loop {
                    let delivery = tokio::select! {
                        delivery = subscription.next() => delivery,
                        () = hub.life.draining() => return,
                    };
                    match delivery {
                        Delivery::Message(message) => hub.clone().hear(message),
                        Delivery::Gap => tracing::warn!("messages of other nodes were lost"),
                    }
                }
            });
        }
        Ok(())
    }

    /// Answers another node, if it wants an answer.
    fn answer_node(self: &Arc<Self>, reply: Option<Subject>, answer: bytes::Bytes) {
        let hub = self.clone();
        self.life.spawn(async move {
            if let Some(reply) = reply {
                // Who asks and hears nothing asks again, or goes without.
                let _ = hub.node.bus.publish(&reply, answer).await;
            }
        });
    }

    fn hear(self: Arc<Self>, message: Message) {
        let said = match serde_json::from_slice(&message.payload) {
            Ok(said) => said,
            Err(error) => {
                tracing::warn!(%error, "another node said what is not understood");
                return self.answer_node(message.reply, not_understood(&error));
            }
        };
        match said {
            NodeMessage::Tell { session, event } => {
                let Ok(event) = EventBody::from_json(event.get()) else {
                    return tracing::warn!("another node tells a session what is not understood");
                };
                let session = SessionId(session);
                if let Some(handle) = self.sessions.get(session) {
                    let _ = handle.tell(Word::Event(event));
                } else if let Some((to, session)) = self.sessions.elsewhere(session) {
                    let hub = self.clone();
                    self.life
                        .spawn(async move { hub.tell_elsewhere(&to, session, &event).await });
                }
            }
            NodeMessage::End { session, why } => self.clone().life.spawn(async move {
                self.end_own(SessionId(session), why).await;
                if let Some(reply) = message.reply {
                    let _ = self.node.bus.publish(&reply, bytes::Bytes::new()).await;
                }
            }),
            NodeMessage::Group { app, group, ask } => self.clone().life.spawn(async move {
                let answer = self.ask_own(&(app, group), ask).await.ok();
                if let Some(reply) = message.reply {
                    let answer = serde_json::to_vec(&answer).expect("names and media are JSON");
                    let _ = self.node.bus.publish(&reply, answer.into()).await;
                }
            }),
            NodeMessage::Offline { app, user } => self.ringing.user_offline(app, user),
            NodeMessage::Drain {} => {
                self.begin_drain();
                self.answer_node(message.reply, bytes::Bytes::new());
            }
            NodeMessage::Record { key, value, revision } => {
                let answer = match self.registry.hear(&key, &value, revision) {
                    true => bytes::Bytes::new(),
                    false => not_understood(&key),
                };
                self.answer_node(message.reply, answer);
            }
            NodeMessage::Consumption(ask) => self.clone().life.spawn(async move {
                match self.own_consumption(ask).await {
                    Ok(used) => self.answer_node(message.reply, used.to_bytes()),
                    Err(error) => tracing::warn!(%error, "what was consumed here could not be told"),
                }
            }),
            NodeMessage::Streams(ask) => self.clone().life.spawn(async move {
                match self.own_streams(ask).await {
                    Ok(streams) => self.answer_node(message.reply, streams.to_bytes()),
                    Err(error) => tracing::warn!(%error, "what flows in a group here could not be told"),
                }
            }),
        }
    }
}

impl NodeMessage {
    pub(crate) fn encode(&self) -> bytes::Bytes {
        serde_json::to_vec(self)
            .expect("names, numbers and events are JSON")
            .into()
    }
}

/// Where the logins of an App are in the directory.
pub(crate) fn logins_of(app: &AppId) -> Prefix {
    Key::parse("login").expect("letters are a part").with(app).beneath()
}

/// Where the logins of one user are.
pub(crate) fn logins_of_user(app: &AppId, user: &UserId) -> Prefix {
    Key::parse("login")
        .expect("letters are a part")
        .with(app)
        .with(user)
        .beneath()
}

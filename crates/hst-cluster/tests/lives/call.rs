//! The crate's own functions, made to stop at each request to the directory.

use std::{
    collections::VecDeque,
    future::{Future, pending},
    num::NonZeroU8,
    ops::ControlFlow,
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use bytes::Bytes;
use hst_cluster::{
    Claim, Directory, Entry, Key, Login, NodeId, Outcome, Owner, Policy, Prefix, Revision, Step, Unavailable, Versions,
    Watch, WriteError, fence, register, release, sweep,
};

/// One of the crate's functions with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Register { node: NodeId, boot: u64 },
    Claim { policy: Policy, login: Login },
    Release { revision: Revision },
    Fence(Owner),
    Sweep(Owner),
}

/// What it returned.
#[derive(Debug, Clone)]
pub(crate) enum Done {
    Registered(Revision),
    Claimed(Outcome),
    Released,
    Fenced(bool),
    Swept,
}

/// What it asks the directory for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    Put {
        key: Key,
        value: Bytes,
        expected: Option<Revision>,
    },
    Delete {
        key: Key,
        expected: Revision,
    },
    Get(Key),
    List(Prefix),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Put(Result<Revision, WriteError>),
    Deleted(Result<(), WriteError>),
    Read(Option<Entry>),
    Listed(Vec<Entry>),
}

/// A call that is half-way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Running {
    /// A state machine already.
    Claim(Box<Claim>),
    /// A future can be neither copied nor compared, but it does the same whenever it is given the same answers: so those
    /// are what is kept of it, and it runs from its beginning each time.
    Replayed { call: Call, answers: Vec<Answer> },
}

/// The only place of which there is talk.
pub(crate) const PLACE: &str = "login.app.ann.web.0";

fn base() -> Key {
    Key::parse("login.app.ann.web").unwrap()
}

impl Question {
    pub(crate) fn is_write(&self) -> bool {
        matches!(self, Self::Put { .. } | Self::Delete { .. })
    }

    /// The answer that says nothing.
    pub(crate) fn unknown(&self) -> Answer {
        match self {
            Self::Put { .. } => Answer::Put(Err(WriteError::Unknown)),
            Self::Delete { .. } => Answer::Deleted(Err(WriteError::Unknown)),
            Self::Get(_) | Self::List(_) => unreachable!("only writes are in doubt"),
        }
    }
}

impl Running {
    pub(crate) fn new(call: Call) -> Self {
        match call {
            Call::Claim { policy, login } => Self::Claim(Box::new(Claim::new(base(), NonZeroU8::MIN, policy, login))),
            call => Self::Replayed {
                call,
                answers: Vec::new(),
            },
        }
    }

    pub(crate) fn handle(&mut self, answer: Answer) {
        match self {
            Self::Claim(claim) => claim.handle(match answer {
                Answer::Put(written) => hst_cluster::Answer::Written(written),
                Answer::Read(entry) => hst_cluster::Answer::Read(Ok(entry)),
                other => unreachable!("{other:?}"),
            }),
            Self::Replayed { answers, .. } => answers.push(answer),
        }
    }

    /// What it asks next, or what it returns.
    pub(crate) fn poll(&self) -> ControlFlow<Done, Question> {
        match self {
            Self::Claim(claim) => match claim.poll() {
                ControlFlow::Break(outcome) => ControlFlow::Break(Done::Claimed(outcome)),
                ControlFlow::Continue(step) => ControlFlow::Continue(step.into()),
            },
            Self::Replayed { call, answers } => replay(call, answers),
        }
    }
}

impl From<Step> for Question {
    fn from(step: Step) -> Self {
        match step {
            Step::Create { key, value } => Self::Put {
                key,
                value,
                expected: None,
            },
            Step::Update { key, value, expected } => Self::Put {
                key,
                value,
                expected: Some(expected),
            },
            Step::Get { key } => Self::Get(key),
        }
    }
}

fn replay(call: &Call, answers: &[Answer]) -> ControlFlow<Done, Question> {
    let tape = Tape {
        answers: Mutex::new(answers.iter().cloned().collect()),
        asked: Mutex::default(),
    };
    let run = pin!(call.clone().run(&tape));
    match run.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => ControlFlow::Break(done.expect("a few lost answers are borne")),
        Poll::Pending => {
            let asked = tape.asked.lock().unwrap().take();
            ControlFlow::Continue(asked.expect("it waits for an answer"))
        }
    }
}

impl Call {
    async fn run(self, directory: &dyn Directory) -> Result<Done, Unavailable> {
        Ok(match self {
            Self::Register { node, boot } => {
                Done::Registered(register(directory, &node, boot, Versions::UNSAID).await?)
            }
            Self::Release { revision } => {
                release(directory, &base().with(&0), revision).await?;
                Done::Released
            }
            Self::Fence(life) => Done::Fenced(fence(directory, &life).await?),
            Self::Sweep(life) => {
                sweep(directory, &Prefix::logins(), &life).await?;
                Done::Swept
            }
            Self::Claim { .. } => unreachable!("it is a state machine already"),
        })
    }
}

/// Plays the answers, and then writes down the question that has none.
#[derive(Debug)]
struct Tape {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Option<Question>>,
}

impl Tape {
    async fn ask(&self, question: Question) -> Answer {
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(answer) => answer,
            None => {
                *self.asked.lock().unwrap() = Some(question);
                pending().await
            }
        }
    }

    async fn put(&self, key: &Key, value: Bytes, expected: Option<Revision>) -> Result<Revision, WriteError> {
        let key = key.clone();
        match self.ask(Question::Put { key, value, expected }).await {
            Answer::Put(written) => written,
            other => unreachable!("{other:?}"),
        }
    }
}

#[async_trait]
impl Directory for Tape {
    async fn create(&self, key: &Key, value: Bytes) -> Result<Revision, WriteError> {
        self.put(key, value, None).await
    }

    async fn update(&self, key: &Key, value: Bytes, expected: Revision) -> Result<Revision, WriteError> {
        self.put(key, value, Some(expected)).await
    }

    async fn delete(&self, key: &Key, expected: Revision) -> Result<(), WriteError> {
        let key = key.clone();
        match self.ask(Question::Delete { key, expected }).await {
            Answer::Deleted(deleted) => deleted,
            other => unreachable!("{other:?}"),
        }
    }

    async fn get(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        match self.ask(Question::Get(key.clone())).await {
            Answer::Read(entry) => Ok(entry),
            other => unreachable!("{other:?}"),
        }
    }

    async fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Unavailable> {
        match self.ask(Question::List(prefix.clone())).await {
            Answer::Listed(entries) => Ok(entries),
            other => unreachable!("{other:?}"),
        }
    }

    async fn watch(&self, _: &Prefix) -> Result<Box<dyn Watch>, Unavailable> {
        unreachable!("what a node follows is in the world")
    }
}

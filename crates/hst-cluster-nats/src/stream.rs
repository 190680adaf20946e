use std::{collections::BTreeMap, time::Duration};

use async_nats::HeaderMap;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use hst_cluster::{RequestError, Revision, Unavailable, WriteError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    ConnectError,
    link::{Link, PATIENCE},
};

/// For how long a JetStream that does not answer is asked again at the start: its servers may have started this moment,
/// too, and choose a leader first.
const ELECTION: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(250);

/// JetStream's `err_code`s that ask for something else than giving up.
mod code {
    /// No leader yet, and not all servers known yet.
    pub(super) const ELECTING: [u32; 3] = [10005, 10008, 10009];
    pub(super) const NO_MESSAGE: u32 = 10037;
    pub(super) const NOT_ENABLED: u32 = 10076;
    pub(super) const NOT_ENABLED_FOR_ACCOUNT: u32 = 10039;
    pub(super) const NO_STREAM: u32 = 10059;
    /// Somebody else wrote: it is stored already, or it is on its way to the replicas.
    pub(super) const OTHER_REVISION: [u32; 2] = [10071, 10164];
}

/// A stream that keeps the last message of each subject, asked in the words of JetStream's API over plain requests: of
/// the few answers that matter it has to know the codes.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    link: Link,
    config: Config,
}

/// What makes the stream what it is; all else is left to the servers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) name: String,
    pub(crate) subjects: Vec<String>,
    pub(crate) storage: Storage,
    pub(crate) num_replicas: u8,
    /// One: there is no history.
    pub(crate) max_msgs_per_subject: i64,
    /// Nanoseconds; 0 is for ever.
    #[serde(default)]
    pub(crate) max_age: u64,
    /// Not: any replica would answer, however old what it knows.
    #[serde(default)]
    pub(crate) allow_direct: bool,
    /// Where each change is published once it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) republish: Option<Republish>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Storage {
    File,
    Memory,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Republish {
    pub(crate) src: String,
    pub(crate) dest: String,
}

/// The last message of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) revision: Revision,
    /// `None`: it says that nothing stands there.
    pub(crate) value: Option<Bytes>,
}

/// How far the stream has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    /// When it was made; another time is another stream.
    pub(crate) created: String,
    pub(crate) last: u64,
}

impl Stream {
    /// Makes it, if it is not there.
    pub(crate) async fn open(link: Link, config: Config) -> Result<Self, ConnectError> {
        let stream = Self { link, config };
        let deadline = Instant::now() + ELECTION;
        loop {
            match stream.ensure().await {
                Ok(info) => return stream.config.compare(&info.config).map(|()| stream),
                Err(refused) if refused.may_pass() && Instant::now() < deadline => sleep(PAUSE).await,
                Err(refused) => return Err(refused.into()),
            }
        }
    }

    /// Writes, if the last message of the subject has the revision `expected`; 0 is none.
    pub(crate) async fn write(
        &self,
        subject: &str,
        value: Option<Bytes>,
        expected: Revision,
    ) -> Result<Revision, WriteError> {
        match self.write_once(subject, value.clone(), expected).await {
            // The stream itself is gone, or moves: with it went whatever stood there.
            Err(Refused::Request(RequestError::NoResponders)) => {
                self.ensure().await.map_err(|_| WriteError::Unavailable)?;
                self.write_once(subject, value, expected).await
            }
            written => written,
        }
        .map_err(|refused| match refused {
            Refused::Api { err_code, .. } if code::OTHER_REVISION.contains(&err_code) => WriteError::Conflict,
            Refused::Request(RequestError::Timeout) | Refused::Unreadable => WriteError::Unknown,
            Refused::Request(RequestError::NoResponders | RequestError::Unavailable) => WriteError::Unavailable,
            Refused::Api { err_code, description } => {
                tracing::warn!(err_code, description, "the directory refuses a write");
                WriteError::Unavailable
            }
        })
    }

    /// As the stream's leader knows it.
    pub(crate) async fn read(&self, subject: &str) -> Result<Option<Last>, Unavailable> {
        let query = json!({ "last_by_subj": subject });
        match self.ask_again("STREAM.MSG.GET", &query).await {
            Ok(Got { message }) => message.read().map(Some).ok_or(Unavailable),
            Err(Refused::Api {
                err_code: code::NO_MESSAGE,
                ..
            }) => Ok(None),
            Err(_) => Err(Unavailable),
        }
    }

    /// The subjects beneath `filter` that have a message, as the leader knows them.
    pub(crate) async fn subjects(&self, filter: &str) -> Result<Vec<String>, Unavailable> {
        let mut subjects = BTreeMap::new();
        loop {
            let query = json!({ "subjects_filter": filter, "offset": subjects.len() });
            let info: Info = self.ask_again("STREAM.INFO", &query).await.map_err(|_| Unavailable)?;
            let page = info.state.subjects.unwrap_or_default();
            let is_last = page.is_empty() || subjects.len() + page.len() >= info.total;
            subjects.extend(page);
            if is_last {
                return Ok(subjects.into_keys().collect());
            }
        }
    }

    pub(crate) async fn tail(&self) -> Result<Tail, Unavailable> {
        let info: Info = self
            .ask_again("STREAM.INFO", &json!({}))
            .await
            .map_err(|_| Unavailable)?;
        Ok(Tail {
            created: info.created,
            last: info.state.last_seq,
        })
    }

    /// Takes a message away, if it still stands there. Whether that succeeds does not matter.
    pub(crate) async fn forget(&self, revision: Revision) {
        let query = json!({ "seq": revision.number(), "no_erase": true });
        let forgotten: Result<serde::de::IgnoredAny, _> = self.ask("STREAM.MSG.DELETE", &query).await;
        if let Err(refused) = forgotten {
            tracing::debug!(?refused, "a mark of what was deleted stays");
        }
    }

    async fn write_once(&self, subject: &str, value: Option<Bytes>, expected: Revision) -> Result<Revision, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Expected-Last-Subject-Sequence", expected.number().to_string());
        if value.is_none() {
            headers.insert("KV-Operation", "DEL");
        }
        let answer = self
            .link
            .request(subject.to_owned(), headers, value.unwrap_or_default(), PATIENCE);
        let stored: Stored = Refused::read(&answer.await.map_err(Refused::Request)?)?;
        Ok(Revision::new(stored.seq))
    }

    /// What the stream is; it is made if it is not there.
    async fn ensure(&self) -> Result<Info, Refused> {
        match self.ask("STREAM.INFO", &json!({})).await {
            Err(Refused::Api {
                err_code: code::NO_STREAM,
                ..
            }) => {
                let config = serde_json::to_value(&self.config).expect("names and numbers are JSON");
                self.ask("STREAM.CREATE", &config).await
            }
            answer => answer,
        }
    }

    /// Asks, and makes the stream if that is what is wrong.
    async fn ask_again<T: DeserializeOwned>(&self, what: &str, query: &serde_json::Value) -> Result<T, Refused> {
        match self.ask(what, query).await {
            Err(Refused::Api {
                err_code: code::NO_STREAM,
                ..
            }) => {
                self.ensure().await?;
                self.ask(what, query).await
            }
            answer => answer,
        }
    }

    async fn ask<T: DeserializeOwned>(&self, what: &str, query: &serde_json::Value) -> Result<T, Refused> {
        let subject = format!("$JS.API.{what}.{}", self.config.name);
        let answer = self
            .link
            .request(subject, HeaderMap::new(), query.to_string().into(), PATIENCE);
        Refused::read(&answer.await.map_err(Refused::Request)?)
    }
}

impl Config {
    /// Whether what `stands` there is what we ask for.
    fn compare(&self, stands: &Self) -> Result<(), ConnectError> {
        let differs = [
            ("number of replicas", self.num_replicas == stands.num_replicas),
            ("list of subjects", self.subjects == stands.subjects),
            ("storage", self.storage == stands.storage),
            (
                "length of history",
                self.max_msgs_per_subject == stands.max_msgs_per_subject,
            ),
            ("age limit", self.max_age == stands.max_age),
            ("rule on direct reads", self.allow_direct == stands.allow_direct),
            ("place for its changes", self.republish == stands.republish),
        ];
        match differs.into_iter().find(|(_, same)| !same) {
            None => Ok(()),
            Some((what, _)) => Err(ConnectError::OtherStream {
                name: self.name.clone(),
                what,
            }),
        }
    }
}

/// Why a question has no answer.
#[derive(Debug)]
enum Refused {
    Request(RequestError),
    Api { err_code: u32, description: String },
    Unreadable,
}

impl Refused {
    fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Self> {
        match serde_json::from_slice(answer) {
            Ok(Answer::Refused { error }) => Err(Self::Api {
                err_code: error.err_code,
                description: error.description,
            }),
            Ok(Answer::Done(done)) => Ok(done),
            Err(error) => {
                tracing::warn!(%error, "an answer of the NATS server cannot be read");
                Err(Self::Unreadable)
            }
        }
    }

    /// While the servers of a cluster find each other nobody answers, or somebody says so.
    fn may_pass(&self) -> bool {
        match self {
            Self::Request(why) => *why != RequestError::NoResponders,
            Self::Api { err_code, .. } => code::ELECTING.contains(err_code),
            Self::Unreadable => false,
        }
    }
}

impl From<Refused> for ConnectError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Request(RequestError::NoResponders)
            | Refused::Api {
                err_code: code::NOT_ENABLED | code::NOT_ENABLED_FOR_ACCOUNT,
                ..
            } => Self::NoJetStream,
            Refused::Api { err_code, description } => Self::Refused {
                code: err_code,
                description,
            },
            Refused::Request(_) | Refused::Unreadable => Self::NotReady,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Refused { error: ApiError },
    Done(T),
}

#[derive(Deserialize)]
struct ApiError {
    #[serde(default)]
    err_code: u32,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Stored {
    seq: u64,
}

#[derive(Deserialize)]
struct Info {
    config: Config,
    created: String,
    state: State,
    /// Of the subjects, on all pages.
    #[serde(default)]
    total: usize,
}

#[derive(Deserialize)]
struct State {
    last_seq: u64,
    subjects: Option<BTreeMap<String, u64>>,
}

#[derive(Deserialize)]
struct Got {
    message: StoredMessage,
}

#[derive(Deserialize)]
struct StoredMessage {
    seq: u64,
    /// Base64, like `hdrs`.
    #[serde(default)]
    data: String,
    #[serde(default)]
    hdrs: String,
}

impl StoredMessage {
    fn read(self) -> Option<Last> {
        let headers = BASE64_STANDARD.decode(&self.hdrs).ok()?;
        let value = match is_mark(&headers) {
            true => None,
            false => Some(BASE64_STANDARD.decode(&self.data).ok()?.into()),
        };
        Some(Last {
            revision: Revision::new(self.seq),
            value,
        })
    }
}

/// Only what takes an entry away says what it does.
fn is_mark(headers: &[u8]) -> bool {
    let mut lines = headers.split(|byte| *byte == b'\n');
    lines.any(|line| line.to_ascii_lowercase().starts_with(b"kv-operation:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(answer: &str) -> Option<Last> {
        Refused::read::<Got>(answer.as_bytes()).ok()?.message.read()
    }

    #[test]
    fn a_stored_message_is_an_entry_or_a_mark() {
        let entry = got(r#"{"type":"x","message":{"subject":"$KV.hst.a","seq":7,"data":"eA==","time":""}}"#).unwrap();
        assert_eq!((entry.revision, entry.value), (Revision::new(7), Some("x".into())));
        let empty = got(r#"{"message":{"seq":7}}"#).unwrap();
        assert_eq!(empty.value, Some(Bytes::new()));
        let headers = BASE64_STANDARD.encode("NATS/1.0\r\nKV-Operation: DEL\r\n\r\n");
        let mark = got(&format!(r#"{{"message":{{"seq":8,"hdrs":"{headers}"}}}}"#)).unwrap();
        assert_eq!(mark.value, None);
        assert_eq!(got(r#"{"message":{"seq":7,"data":"?"}}"#), None);
    }

    #[test]
    fn a_refusal_is_read_before_anything_else() {
        let refused = Refused::read::<Stored>(br#"{"error":{"code":400,"err_code":10164},"stream":"KV_hst","seq":0}"#);
        assert!(matches!(refused, Err(Refused::Api { err_code: 10164, .. })));
        assert!(matches!(Refused::read::<Stored>(b"+OK"), Err(Refused::Unreadable)));
    }
}

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

use crate::{Command, DecodeError, Event, Failure, Reply, Request, RequestId};

/// Where the parser's words are cut off, in bytes.
const MAX_REASON: usize = 256;

/// One frame from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client asks, or says what has come")]
pub enum ClientFrame {
    /// Asks for something.
    Request(Request),
    /// All frames of the session up to this number have come.
    Got(u64),
}

/// One frame from the server.
///
/// A session numbers what it will send again after a lost connection, from 1 and without gaps. What has no number is not
/// sent again: the answers to `login`, `resume` and `ping`, and messages that may be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a frame answers or tells")]
pub enum ServerFrame {
    /// The answer to a request.
    Reply {
        /// The request's number.
        re: RequestId,
        /// The frame's own number.
        seq: Option<u64>,
        /// What came of it.
        result: Result<Reply, Failure>,
    },
    /// Something that happened.
    Event {
        /// The frame's own number.
        seq: Option<u64>,
        /// What.
        event: Event,
    },
}

/// An event encoded once, for any number of sessions, by [`encode_event`].
#[derive(Debug, Clone)]
pub struct EventBody(Bytes);

impl EventBody {
    /// The event as JSON, for another node of the platform.
    pub fn as_json(&self) -> &str {
        std::str::from_utf8(&self.0).expect("JSON is UTF-8")
    }

    /// Takes an event from another node.
    ///
    /// # Errors
    /// [`DecodeError::Frame`] when this version does not know it.
    pub fn from_json(json: &str) -> Result<Self, DecodeError> {
        let event: Event = serde_json::from_str(json).map_err(|e| not_a_frame(&e))?;
        Ok(encode_event(&event))
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

/// Among other JSON, for another node of the platform.
impl Serialize for EventBody {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let json: &RawValue = serde_json::from_slice(&self.0).map_err(ser::Error::custom)?;
        json.serialize(to)
    }
}

impl<'de> Deserialize<'de> for EventBody {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(from)?;
        Self::from_json(json.get()).map_err(de::Error::custom)
    }
}

/// The wire shape of a server's frame: either `re` with one of `ok` and `err`, or `ev`.
#[derive(Default, Serialize, Deserialize)]
struct ServerWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    re: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ok: Option<Reply>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    err: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ev: Option<Event>,
}

/// A client's frame before its command is understood.
#[derive(Deserialize)]
struct ClientWire<'a> {
    id: Option<RequestId>,
    #[serde(rename = "do", borrow)]
    command: Option<&'a RawValue>,
    got: Option<u64>,
}

/// Reads a client's frame.
///
/// # Errors
/// [`DecodeError::Command`] when only the command is at fault, so that the request can be refused by its number.
pub fn decode_client(frame: &[u8]) -> Result<ClientFrame, DecodeError> {
    match serde_json::from_slice(frame).map_err(|e| not_a_frame(&e))? {
        ClientWire {
            id: Some(id),
            command: Some(command),
            got: None,
        } => serde_json::from_str::<Command>(command.get())
            .map(|command| ClientFrame::Request(Request { id, command }))
            .map_err(|e| DecodeError::Command { id, reason: words(&e) }),
        ClientWire {
            id: None,
            command: None,
            got: Some(got),
        } => Ok(ClientFrame::Got(got)),
        ClientWire {
            id: Some(id),
            command: None,
            got: None,
        } => Err(DecodeError::Command {
            id,
            reason: "nothing is asked".to_owned(),
        }),
        _ => Err(DecodeError::Frame {
            reason: "neither a request nor word of what has come".to_owned(),
        }),
    }
}

/// Writes a client's request.
pub fn encode_client(request: &Request) -> Bytes {
    to_bytes(request)
}

/// Writes a client's word of what has come.
pub fn encode_got(seq: u64) -> Bytes {
    format!("{{\"got\":{seq}}}").into()
}

/// Reads a server's frame.
///
/// # Errors
/// [`DecodeError::Frame`] when it is neither a reply nor an event that this version knows.
pub fn decode_server(frame: &[u8]) -> Result<ServerFrame, DecodeError> {
    let ServerWire { re, ok, err, seq, ev } = serde_json::from_slice(frame).map_err(|e| not_a_frame(&e))?;
    match (re, ok, err, ev) {
        (Some(re), Some(reply), None, None) => Ok(ServerFrame::Reply {
            re,
            seq,
            result: Ok(reply),
        }),
        (Some(re), None, Some(failure), None) => Ok(ServerFrame::Reply {
            re,
            seq,
            result: Err(failure),
        }),
        (None, None, None, Some(event)) => Ok(ServerFrame::Event { seq, event }),
        _ => Err(DecodeError::Frame {
            reason: "neither a reply nor an event".to_owned(),
        }),
    }
}

/// Writes the answer to a request that went well, without a number of its own.
pub fn encode_reply(re: RequestId, reply: Reply) -> Bytes {
    to_bytes(&ServerWire {
        re: Some(re),
        ok: Some(reply),
        ..ServerWire::default()
    })
}

/// Writes the refusal of a request, without a number of its own.
pub fn encode_failure(re: RequestId, failure: Failure) -> Bytes {
    to_bytes(&ServerWire {
        re: Some(re),
        err: Some(failure),
        ..ServerWire::default()
    })
}

/// Gives an encoded answer its own number.
pub fn number_reply(seq: u64, reply: &Bytes) -> Bytes {
    splice(&format!("{{\"seq\":{seq},"), &reply[1..], "")
}

/// Writes an event once, for all who will be told.
pub fn encode_event(event: &Event) -> EventBody {
    EventBody(to_bytes(event))
}

/// Makes one session's frame of an encoded event; without a number it is one that may be lost.
pub fn frame_event(seq: Option<u64>, body: &EventBody) -> Bytes {
    match seq {
        Some(seq) => splice(&format!("{{\"seq\":{seq},\"ev\":"), &body.0, "}"),
        None => splice("{\"ev\":", &body.0, "}"),
    }
}

fn splice(head: &str, body: &[u8], tail: &str) -> Bytes {
    let mut frame = Vec::with_capacity(head.len() + body.len() + tail.len());
    frame.extend_from_slice(head.as_bytes());
    frame.extend_from_slice(body);
    frame.extend_from_slice(tail.as_bytes());
    frame.into()
}

fn to_bytes(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value)
        .expect("wire types have string keys and no failing serializer")
        .into()
}

fn not_a_frame(e: &serde_json::Error) -> DecodeError {
    DecodeError::Frame { reason: words(e) }
}

/// The parser's words. They may repeat the peer's, and are for logs and answers: printable ones, and not many.
fn words(e: &serde_json::Error) -> String {
    let mut words = String::new();
    for c in e.to_string().chars() {
        if words.len() >= MAX_REASON {
            break;
        }
        match c {
            ' '..='~' => words.push(c),
            _ => words.extend(c.escape_default()),
        }
    }
    words
}

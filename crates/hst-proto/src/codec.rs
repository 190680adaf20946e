use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Command, DecodeError, Event, Failure, Reply, Request, RequestId};

/// Where the parser's words are cut off, in bytes.
const MAX_REASON: usize = 256;

/// One frame from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a frame answers or tells")]
pub enum ServerFrame {
    /// The answer to a request.
    Reply {
        /// The request's number.
        re: RequestId,
        /// What came of it.
        result: Result<Reply, Failure>,
    },
    /// Something that happened.
    Event {
        /// Its number in the session, counted from 1 without gaps.
        seq: u64,
        /// What.
        event: Event,
    },
}

/// An event encoded once, for any number of sessions, by [`encode_event`].
#[derive(Debug, Clone)]
pub struct EventBody(Bytes);

/// The wire shape of a server's frame: either `re` with one of `ok` and `err`, or `seq` with `ev`.
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

/// A request before its command is understood.
#[derive(Deserialize)]
struct ClientWire<'a> {
    id: RequestId,
    #[serde(rename = "do", borrow)]
    command: &'a RawValue,
}

/// Reads a client's frame.
///
/// # Errors
/// [`DecodeError::Command`] when only the command is at fault, so that the request can be refused by its number.
pub fn decode_client(frame: &[u8]) -> Result<Request, DecodeError> {
    let wire: ClientWire<'_> = serde_json::from_slice(frame).map_err(|e| not_a_frame(&e))?;
    let id = wire.id;
    let command: Command =
        serde_json::from_str(wire.command.get()).map_err(|e| DecodeError::Command { id, reason: words(&e) })?;
    Ok(Request { id, command })
}

/// Writes a client's frame.
pub fn encode_client(request: &Request) -> Bytes {
    to_bytes(request)
}

/// Reads a server's frame.
///
/// # Errors
/// [`DecodeError::Frame`] when it is neither a reply nor an event that this version knows.
pub fn decode_server(frame: &[u8]) -> Result<ServerFrame, DecodeError> {
    let wire: ServerWire = serde_json::from_slice(frame).map_err(|e| not_a_frame(&e))?;
    match wire {
        ServerWire {
            re: Some(re),
            ok: Some(reply),
            err: None,
            seq: None,
            ev: None,
        } => Ok(ServerFrame::Reply { re, result: Ok(reply) }),
        ServerWire {
            re: Some(re),
            ok: None,
            err: Some(failure),
            seq: None,
            ev: None,
        } => Ok(ServerFrame::Reply {
            re,
            result: Err(failure),
        }),
        ServerWire {
            re: None,
            ok: None,
            err: None,
            seq: Some(seq),
            ev: Some(event),
        } => Ok(ServerFrame::Event { seq, event }),
        _ => Err(DecodeError::Frame {
            reason: "neither a reply nor an event".to_owned(),
        }),
    }
}

/// Writes the answer to a request that went well.
pub fn encode_reply(re: RequestId, reply: Reply) -> Bytes {
    to_bytes(&ServerWire {
        re: Some(re),
        ok: Some(reply),
        ..ServerWire::default()
    })
}

/// Writes the refusal of a request.
pub fn encode_failure(re: RequestId, failure: Failure) -> Bytes {
    to_bytes(&ServerWire {
        re: Some(re),
        err: Some(failure),
        ..ServerWire::default()
    })
}

/// Writes an event once, for all who will be told.
pub fn encode_event(event: &Event) -> EventBody {
    EventBody(to_bytes(event))
}

/// Makes one session's frame of an encoded event.
pub fn frame_event(seq: u64, body: &EventBody) -> Bytes {
    let mut frame = format!("{{\"seq\":{seq},\"ev\":").into_bytes();
    frame.reserve_exact(body.0.len() + 1);
    frame.extend_from_slice(&body.0);
    frame.push(b'}');
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

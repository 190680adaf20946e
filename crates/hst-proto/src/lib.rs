#![doc = include_str!("../README.md")]

mod code;
mod codec;
mod error;
mod event;
mod limits;
mod payload;
mod reply;
mod request;

pub use code::ErrorCode;
pub use codec::{
    EventBody, ServerFrame, decode_client, decode_server, encode_client, encode_event, encode_failure, encode_reply,
    frame_event,
};
pub use error::DecodeError;
pub use event::Event;
pub use limits::{HEARTBEAT, MAX_DEPTH, MAX_LINES, MAX_MESSAGE, MAX_NAME_TEXT, MAX_SDP, PEER_TIMEOUT, VERSION};
pub use payload::Payload;
pub use reply::{Failure, Joined, LoggedIn, Media, Reply};
pub use request::{Command, Line, Login, Offer, Request, RequestId, Role};

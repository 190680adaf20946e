#![doc = include_str!("../README.md")]

mod engine;
mod platform;
pub mod presets;

pub use engine::RtcEngine;
pub use hst_client::{
    Audience, AudioLevel, Class, Client, ClientBuilder, Error, ErrorCode, Event, Events, GroupEvent, GroupKey,
    GroupMessage, Invitation, Invite, InviteAnswer, InviteCancel, InviteEnd, InviteEnded, InviteOutcome, InviteResult,
    KeyError, Limit, LoginOptions, Media, MediaStats, OnlineTerminal, OnlineUser, Payload, PresenceChange, Priority,
    Quality, Reason, Refusal, RemoteMedia, Roster, State, ToGroup,
};
pub use hst_id::{AppId, GroupId, InvalidName, MediaId, MediaRef, MediaType, TerminalType, UserId};
pub use presets::Preset;

/// The seam of access discovery.
pub use hst_access as access;
/// Access discovery over HTTP.
#[cfg(feature = "http")]
pub use hst_access_http as access_http;
/// Microphone, speaker, camera and screen.
#[cfg(feature = "devices")]
pub use hst_devices as devices;
/// The seam of the media pipeline, with file sources and sinks.
pub use hst_media as media;
/// The seam of signalling.
pub use hst_signal as signal;
/// Signalling over WebSocket.
#[cfg(feature = "ws")]
pub use hst_signal_ws as signal_ws;

#![doc = include_str!("../README.md")]

mod engine;
pub mod presets;

pub use engine::RtcEngine;
pub use hst_client::{
    Client, ClientBuilder, Error, ErrorCode, Event, Events, GroupEvent, LoginOptions, Media, MediaStats, Payload,
    Refusal, RemoteMedia, State,
};
pub use hst_id::{AppId, GroupId, InvalidName, MediaId, MediaRef, MediaType, TerminalType, UserId};
pub use presets::Preset;

/// The seam of access discovery.
pub use hst_access as access;
/// The seam of the media pipeline, with file sources and sinks.
pub use hst_media as media;
/// The seam of signalling.
pub use hst_signal as signal;

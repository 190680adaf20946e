#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod command;
mod connection;
mod driver;
mod encryption;
mod error;
mod event;
mod levels;
mod link;
mod media;
mod platform;
mod progress;
mod pump;
mod race;
mod recovery;
mod remote;
mod speaker;
mod stats;
mod transport;

pub use builder::ClientBuilder;
pub use client::Client;
pub use error::Error;
pub use event::{Event, Events};
pub use hst_e2ee::{GroupKey, KeyError};
pub use hst_group::client::{GroupEvent, LoginOptions, Refusal, State};
pub use hst_proto::{
    Audience, Class, ErrorCode, GroupMessage, Invitation, Invite, InviteAnswer, InviteCancel, InviteEnd, InviteEnded,
    InviteOutcome, InviteResult, Media, OnlineTerminal, OnlineUser, Payload, PresenceChange, Priority, Roster, ToGroup,
};
pub use hst_quality::{Limit, Quality, Reason};
pub use levels::AudioLevel;
pub use remote::RemoteMedia;
pub use stats::MediaStats;

#![doc = include_str!("../README.md")]

mod access_tokens;
mod apps;
mod ask;
mod certificate;
mod config;
mod config_file;
mod error;
mod events;
mod follow;
mod greeting;
mod group;
mod groups;
mod handle;
mod http;
mod hub;
mod life;
mod line;
mod logins;
mod media;
mod membership;
mod network;
mod node;
mod origin;
mod outbox;
mod pace;
mod server;
mod session;
mod sessions;
mod sign_in;

pub use config::{App, Config, DEV_APP_ID, DEV_APP_SECRET, Tls};
pub use error::{ConfigError, StartError};
pub use hst_auth as auth;
pub use hst_signal as signal;
pub use hst_store as store;
pub use origin::{InvalidOrigin, Origin};
pub use server::{Addresses, RunningServer, Server};

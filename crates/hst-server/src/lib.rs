#![doc = include_str!("../README.md")]

mod admission;
mod apps;
mod certificate;
mod config;
mod config_file;
mod connection;
mod connections;
mod error;
mod group;
mod groups;
mod http;
mod hub;
mod life;
mod logins;
mod media;
mod membership;
mod network;
mod origin;
mod outbox;
mod pace;
mod refusal;
mod server;
mod subnet;

pub use config::{App, Config, DEV_APP_ID, DEV_APP_SECRET, Tls};
pub use connections::{Connections, ProxyHeader};
pub use error::{ConfigError, StartError};
pub use hst_auth as auth;
pub use hst_signal as signal;
pub use origin::{InvalidOrigin, Origin};
pub use server::{Addresses, RunningServer, Server};
pub use subnet::{InvalidSubnet, Subnet};

#![doc = include_str!("../README.md")]

mod app;
mod apps;
mod ban;
mod bounded;
mod column;
mod consumption;
mod developer;
mod error;
mod migrations;
mod name;
mod private;
mod random;
mod reset_key;
mod revocation;
mod secrets;
mod service;
mod settings;
mod store;
mod text;
mod until;
mod webhook;

pub use app::App;
pub use ban::{Ban, BanReason, MAX_BANS};
pub use bounded::Bounded;
pub use consumption::{Consumption, Day};
pub use developer::{Developer, DeveloperId, FirstDeveloper};
pub use error::{InvalidValue, StoreError};
pub use hst_auth::{Devices, LoginPolicy};
pub use name::AppName;
pub use revocation::{MAX_REVOCATIONS, Revocation, Revocations, TokenId};
pub use secrets::AppSecrets;
pub use service::{Service, Services};
pub use settings::{AppSettings, History, Limits, MaxMembers, MessageBytes, TokenRules};
pub use store::{FILE_NAME, Store};
pub use until::Until;
pub use webhook::{Webhook, WebhookSecret, WebhookUrl};

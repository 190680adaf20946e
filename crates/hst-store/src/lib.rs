#![doc = include_str!("../README.md")]

mod app;
mod apps;
mod ban;
mod bounded;
mod column;
mod consumption;
mod developer;
mod error;
mod login;
mod migrations;
mod name;
mod private;
mod random;
mod revocation;
mod secrets;
mod service;
mod settings;
mod store;
mod text;
mod until;
mod webhook;

pub use app::App;
pub use ban::{Ban, BanReason};
pub use bounded::Bounded;
pub use consumption::{Consumption, Day};
pub use developer::{Developer, DeveloperId, FirstDeveloper};
pub use error::{InvalidValue, StoreError};
pub use login::{Devices, LoginPolicy};
pub use name::AppName;
pub use revocation::{Revocation, Revocations, TokenId};
pub use secrets::AppSecrets;
pub use service::{Service, Services};
pub use settings::{AppSettings, History, Limits, MaxMembers, MessageBytes, TokenRules};
pub use store::{FILE_NAME, Store};
pub use until::Until;
pub use webhook::{Webhook, WebhookSecret, WebhookUrl};

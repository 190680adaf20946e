#![doc = include_str!("../README.md")]

mod builder;
mod counters;
mod endpoint;
mod error;
mod event;
#[doc(hidden)]
pub mod fuzzed;
mod guard;
mod http;
mod network;
mod queue;
mod resolver;
mod retry_after;
mod secret;
mod signature;
mod url;
mod webhooks;
mod worker;

pub use builder::WebhooksBuilder;
pub use counters::Counters;
pub use endpoint::Endpoint;
pub use error::{VerifyError, WebhookError};
pub use event::EventId;
pub use guard::AddressGuard;
pub use hst_id::AppId;
pub use resolver::{Resolver, SystemResolver};
pub use secret::WebhookSecret;
pub use signature::{TOLERANCE, WebhookHeaders, verify};
pub use url::WebhookUrl;
pub use webhooks::Webhooks;

#![doc = include_str!("../README.md")]

mod claims;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
mod grants;
mod issue;
mod json;
mod jwt;
mod key;
mod legacy;
mod login;
#[cfg(feature = "mock")]
pub mod mock;
mod named;
mod secret;
mod secrets;
mod time;
mod verify;

pub use claims::{Claims, TokenFormat};
pub use error::{IssueError, KeyError, TokenError};
pub use grants::{Grants, Right, Scope, UnknownRight};
pub use hst_id::*;
pub use issue::{TokenIssuer, TokenRequest};
pub use key::{AppKeys, KeyRing};
pub use login::{Devices, LoginPolicy, UnknownLoginPolicy};
pub use named::Named;
pub use secret::AppSecret;
pub use time::UnixMillis;
pub use verify::{MAX_TOKEN_BYTES, TokenVerifier};

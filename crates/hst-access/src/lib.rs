#![doc = include_str!("../README.md")]

mod cached;
#[cfg(feature = "contract")]
pub mod contract;
mod discovery;
mod error;
mod first_of;
#[cfg(feature = "mock")]
pub mod mock;
mod points;
mod static_access;

pub use cached::Cached;
pub use discovery::AccessDiscovery;
pub use error::AccessError;
pub use first_of::FirstOf;
pub use hst_id::{AppId, InvalidName};
pub use points::{AccessPoints, IceServer};
pub use static_access::StaticAccess;

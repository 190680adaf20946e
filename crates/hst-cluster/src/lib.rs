#![doc = include_str!("../README.md")]

mod amend;
mod bus;
mod claim;
#[cfg(feature = "contract")]
pub mod contract;
mod directory;
mod drive;
mod entry;
mod error;
mod login;
pub mod memory;
#[cfg(feature = "mock")]
pub mod mock;
mod name;
mod node;
pub mod pipe;
mod register;
#[cfg(feature = "simulated")]
pub mod simulated;
mod versions;

pub use amend::{amend, fence, unregister};
pub use bus::{Bus, Delivery, Filter, Message, Subscription};
pub use claim::{Answer, Claim, Outcome, Policy, Step, Verdict};
pub use directory::{Directory, Watch, WatchEvent};
pub use drive::{claim, release, sweep, sweep_dead, withdraw, withdraw_from};
pub use entry::{Entry, Revision};
pub use error::{InvalidKey, RequestError, Unavailable, WriteError};
pub use login::Login;
pub use name::{Key, Part, Prefix, Subject};
pub use node::{NodeId, NodeRecord, NodeState, Owner, is_dead, is_dead_by};
pub use register::register;
pub use versions::Versions;

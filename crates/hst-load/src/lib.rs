#![doc = include_str!("../README.md")]

mod arrival;
mod client;
mod crowd;
mod delays;
mod desk;
mod dtls;
mod error;
mod formats;
mod inward;
mod limit;
mod outward;
mod overflow;
mod packet;
mod processor;
mod seen;
mod tally;

pub use client::{Client, Kind, Offer};
pub use crowd::{Crowd, Pace};
pub use delays::Delays;
pub use error::LoadError;
pub use limit::{Audience, Limit, limit};
pub use overflow::overflowed;
pub use processor::Processors;
pub use tally::Tally;

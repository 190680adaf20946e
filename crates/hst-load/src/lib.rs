#![doc = include_str!("../README.md")]

mod arrival;
mod client;
mod crowd;
mod delays;
mod error;
mod limit;
mod packet;
mod processor;
mod seen;
mod tally;

pub use client::{Client, Kind, Offer};
pub use crowd::{Crowd, Pace};
pub use delays::Delays;
pub use error::LoadError;
pub use limit::{Audience, Limit, limit};
pub use tally::Tally;

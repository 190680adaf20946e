#![doc = include_str!("../README.md")]

mod answer;
mod client;
mod error;
#[doc(hidden)]
pub mod fuzzed;
mod http;
mod url;

pub use error::InvalidAccessUrl;
pub use http::HttpAccess;

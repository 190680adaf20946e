//! The gateway for backends, over real HTTP, with engines that see what it does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apps;
mod away;
mod consumption;
mod credentials;
mod document;
mod engine;
mod events;
mod first_start;
mod groups;
mod hostile;
mod house;
mod http;
mod matrix;
mod nodes;
mod platform;
mod users;

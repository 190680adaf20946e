//! The server from outside: everything but the gateway for backends, and what measures the memory of its process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod common;
mod config;
mod declared_dead;
mod extremes;
mod handover;
mod hostile;
mod http;
mod kept;
mod logs;
mod metrics;
mod outlive;
mod platform;
mod races;
mod relay;
mod resume;
mod sessions;
mod simulation;
mod span;
mod tls;
mod webhooks;

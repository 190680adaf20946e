//! The server and its users on hosts that are made of network namespaces. Needs root and iproute2.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod demo;
mod loss;
mod namespace;

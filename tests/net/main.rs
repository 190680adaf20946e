//! The server and its users on hosts that are made of network namespaces. Needs root, iproute2 and nftables.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod demo;
mod lan;
mod loss;
mod namespace;
mod nodes;
mod one_port;
mod people;
mod platform;

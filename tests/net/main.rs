//! The server and its users on hosts that are made of network namespaces. Needs root and iproute2.

mod demo;
mod namespace;

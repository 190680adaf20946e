//! What holds for a room on one thread, held by a room whose peers are each on another one.

#![allow(clippy::duplicate_mod, reason = "each of these brings the house along")]

#[path = "../holding.rs"]
mod holding;
#[path = "../media_plane.rs"]
mod media_plane;
#[path = "../membership.rs"]
mod membership;
#[path = "../restart.rs"]
mod restart;

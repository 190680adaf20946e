//! Tokens through the public door: what is accepted, what is refused, and by which answer.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod issue;
mod jwt;
mod keys;
mod legacy;
mod lifetime;
mod properties;
mod rotation;
mod signature;
mod support;
mod tampering;
mod timing;

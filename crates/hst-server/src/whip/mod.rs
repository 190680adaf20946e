//! Publishing and playing by one HTTP request: WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep).
//!
//! A resource is an ordinary session of the platform, to which a task of this process is the client: it logs in, joins,
//! publishes or receives, and offers, in the protocol that every client speaks. So whatever holds for a session holds for
//! it too: tokens and their end, rights, bans, limits, presence, webhooks, and who may remove it.

mod client;
mod encodings;
mod fragment;
pub(crate) mod fuzzed;
mod outline;
mod plan;
mod refusal;
mod resources;
mod stream;

pub(crate) use plan::Plan;
pub(crate) use refusal::Refusal;
pub(crate) use resources::Resources;
pub(crate) use stream::{Patched, Wish, begin};

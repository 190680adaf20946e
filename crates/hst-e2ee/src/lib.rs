#![doc = include_str!("../README.md")]

mod codec;
mod cryptor;
mod error;
mod exchange;
mod group_key;
mod key_ring;
mod letter;
mod replay;
mod sframe;

pub use codec::Codec;
pub use cryptor::{FrameCryptor, MAX_SENDERS, Session};
pub use error::{KeyError, OpenError, SealError};
pub use exchange::{Errand, KeyExchange, MAX_KEYS};
pub use group_key::{GroupKey, MIN_KEY_LEN, PASSPHRASE_ROUNDS};
pub use key_ring::{KEPT_KEYS, KeyRing, RATCHET_WINDOW};
pub use letter::Letter;
pub use replay::{ReplayWindow, WINDOW};
pub use sframe::{Header, SframeKey};

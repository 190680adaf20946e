#![doc = include_str!("../README.md")]

mod allocation;
mod channel;
mod credentials;
mod crypto;
mod framing;
mod message;
mod nonce;
mod peers;
mod question;
mod relay;
mod throttle;
mod tunnel;

pub use credentials::{Credentials, LIFETIME, Secret};
pub use framing::{MAX_MESSAGE, TooLong, Unframer};
pub use peers::Peers;
pub use question::Question;
pub use relay::{AllocationId, Client, Output, Relay};
pub use tunnel::{MAX_TUNNEL_PEERS, Tunnel, TunnelOutput};

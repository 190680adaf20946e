#![doc = include_str!("../README.md")]

mod any;
mod close;
mod connection;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
mod limits;
pub mod memory;
#[cfg(feature = "mock")]
pub mod mock;
mod pin;
#[cfg(feature = "tls")]
pub mod tls;
mod transport;
mod url;

pub use any::AnyTransport;
pub use close::{CloseCode, CloseReason};
pub use connection::{SignalConnection, SignalReceiver, SignalSender};
pub use error::{AcceptError, ConnectError, NameTaken, RecvEnd, SendError};
pub use limits::{Limits, MAX_FRAME};
pub use pin::{CertificatePin, InvalidPin};
pub use transport::{SignalListener, SignalTransport};
pub use url::SignalUrl;

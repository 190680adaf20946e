//! The client's end: [`Session`] is one engine, from `init` to `destroy`.

mod event;
mod refusal;
mod request;
mod session;
mod state;

pub use event::GroupEvent;
pub use refusal::Refusal;
pub use session::{LoginOptions, Output, REPLY_TIMEOUT, Session};
pub use state::State;

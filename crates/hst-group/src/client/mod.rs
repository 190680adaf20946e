//! The client's end: [`Session`] is one engine, from `init` to `destroy`.

mod backoff;
mod book;
mod event;
mod options;
mod presence;
mod refusal;
mod request;
mod session;
mod state;

pub use event::{GroupEvent, SessionEvent};
pub use options::LoginOptions;
pub use refusal::Refusal;
pub use session::{Output, REPLY_TIMEOUT, Session};
pub use state::State;

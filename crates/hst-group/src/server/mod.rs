//! The server's end: [`Session`] is one engine, over all its connections; [`Group`] is one room.

mod backlog;
mod group;
mod member;
mod output;
mod permissions;
mod rate;
mod session;

pub use group::{Group, Rules};
pub use output::{
    Governance, GroupOutput, GroupRequest, Happening, MediaCommand, MemberId, Recipients, ToMember, TrackId, TrackLine,
    TrackRole,
};
pub use permissions::Permissions;
pub use session::{
    CloseWhy, LOGIN_DEADLINE, Session, SessionOutput, SignIn, SignedIn, TOKEN_WARNING, UserRequest,
};

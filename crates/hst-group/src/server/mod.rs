//! The server's end: [`Session`] is one connection, [`Group`] is one room.

mod group;
mod member;
mod output;
mod permissions;
mod session;

pub use group::Group;
pub use output::{GroupOutput, GroupRequest, MediaCommand, MemberId, ToMember, TrackId, TrackLine, TrackRole};
pub use permissions::Permissions;
pub use session::{CloseWhy, LOGIN_DEADLINE, Session, SessionOutput, SignIn};

//! The server's end: [`Session`] is one connection, [`Group`] is one room, [`Presence`] is who is online, and
//! [`Invites`] is what rings.

mod group;
mod invites;
mod member;
mod output;
mod permissions;
mod presence;
mod session;

pub use group::Group;
pub use invites::{InviteOutput, Inviter, Invites};
pub use output::{GroupOutput, GroupRequest, MediaCommand, MemberId, ToMember, TrackId, TrackLine, TrackRole};
pub use permissions::Permissions;
pub use presence::{Presence, Tell, WatcherId};
pub use session::{CloseWhy, LOGIN_DEADLINE, Session, SessionOutput, SignIn};

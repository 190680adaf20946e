//! The server's end: [`Session`] is one engine, over all its connections; [`Group`] is one room; [`Presence`] is who is
//! online; [`Invites`] is what rings.

mod backlog;
mod board;
mod group;
mod invites;
mod member;
mod output;
mod permissions;
mod presence;
mod rate;
mod session;

pub use board::BlankBoard;
pub use group::{Filling, Group, Keep, Kept, Rules, Seat, Stamp, Standing};
pub use invites::{InviteOutput, Inviter, Invites};
pub use output::{
    Governance, GroupOutput, GroupRequest, Happening, MediaCommand, MemberId, Recipients, ToMember, TrackId, TrackLine,
    TrackRole,
};
pub use permissions::Permissions;
pub use presence::{Presence, Tell, WatcherId};
pub use session::{
    CloseWhy, LOGIN_DEADLINE, PackedSession, Session, SessionOutput, SignIn, SignedIn, TOKEN_WARNING, UserRequest,
};

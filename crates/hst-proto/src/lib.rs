#![doc = include_str!("../README.md")]

mod board;
mod code;
mod codec;
mod error;
mod event;
mod failure;
mod group;
mod invite;
mod limits;
mod message;
mod offer;
mod payload;
mod presence;
mod priority;
mod reply;
mod request;
mod session;

pub use board::{
    ActId, BoardAct, BoardPage, BoardPart, Draw, Drawing, Drawn, Figure, FigureKind, NewBoard, Sketch, Sketched,
};
pub use code::ErrorCode;
pub use codec::{
    ClientFrame, EventBody, ServerFrame, decode_client, decode_server, encode_client, encode_event, encode_failure,
    encode_got, encode_reply, frame_event, number_reply,
};
pub use error::DecodeError;
pub use event::Event;
pub use failure::Failure;
pub use group::{Joined, Media, Members, Roster, RosterPage};
pub use invite::{
    Invitation, Invite, InviteAnswer, InviteCancel, InviteEnd, InviteEnded, InviteOutcome, InviteResult, Invited,
};
pub use limits::{
    GOT_EVERY, HEARTBEAT, MAX_AUTHORS, MAX_BEHIND, MAX_BOARD_PAGES, MAX_BOARDS, MAX_DEPTH, MAX_DISTANCE, MAX_FIGURES,
    MAX_HEIGHT, MAX_IMAGE, MAX_LINES, MAX_LISTED, MAX_MESSAGE, MAX_MESSAGE_LIMIT, MAX_NAME_TEXT, MAX_PAGE, MAX_POINTS,
    MAX_SDP, MAX_TOUCHED, MESSAGES_PER_SECOND, PEER_TIMEOUT, RESUME_WINDOW, VERSION,
};
pub use message::{Audience, Class, GroupMessage, ToGroup};
pub use offer::{Line, Offer, Prepare, Role};
pub use payload::Payload;
pub use presence::{Online, OnlinePage, OnlineTerminal, OnlineUser, PresenceChange};
pub use priority::Priority;
pub use reply::Reply;
pub use request::{Command, Request, RequestId};
pub use session::{Foretold, IceServer, LoggedIn, Login, Previous, Resume, Resumed};

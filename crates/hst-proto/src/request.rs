use std::fmt;

use hst_id::{MediaId, MediaRef, MediaType, TerminalType};
use serde::{Deserialize, Serialize};

use crate::Payload;

/// A client's own number for one request; the reply names it again.
pub type RequestId = u32;

/// One frame from a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Echoed by the reply. A client does not use a number again while its reply is due.
    pub id: RequestId,
    /// What is asked.
    #[serde(rename = "do")]
    pub command: Command,
}

/// Everything that a client can ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: a new command is a new protocol version"
)]
pub enum Command {
    /// Identifies the session; the only command that is taken before login. Answered by `logged_in`.
    Login(Login),
    /// Enters a group, which is made when nobody is in it yet. Answered by `joined`.
    Join {
        /// The text of a group id, checked by the server.
        group: String,
    },
    /// Leaves the group; everything published and received there ends. Answered by `done`.
    Leave {},
    /// Ends the session, and the group membership with it. Answered by `done`, then the connection closes.
    Exit {},
    /// Announces a media of one's own to the group. Answered by `done`.
    Publish {
        /// What it carries.
        #[serde(rename = "type")]
        media_type: MediaType,
        /// Which of one's own of that type.
        media: MediaId,
        /// A free text shown to the others.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
    },
    /// Takes an announcement back. Answered by `done`, also when there is no such media.
    Unpublish {
        /// What it carried.
        #[serde(rename = "type")]
        media_type: MediaType,
        /// Which of one's own of that type.
        media: MediaId,
    },
    /// Wants another member's media. Answered by `done`; it flows once an offer names a line for it.
    Receive(MediaRef),
    /// Wants it no more. Answered by `done`, also when it was not received.
    StopReceive(MediaRef),
    /// Sets up or changes the media transport. Answered by `answer`.
    Offer(Offer),
    /// Sends a message to all other members of the group. Answered by `sent`.
    Message {
        /// Any JSON value of up to [`MAX_MESSAGE`](crate::MAX_MESSAGE) bytes, nested up to
        /// [`MAX_DEPTH`](crate::MAX_DEPTH) deep.
        body: Payload,
    },
    /// Says that the client is alive. Answered by `done`.
    Ping {},
}

/// Who logs in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The protocol that the client speaks: [`VERSION`](crate::VERSION).
    pub protocol: u16,
    /// The text of an App ID, checked by the server.
    pub app: String,
    /// A token of that App.
    pub token: String,
    /// The text of a User ID, checked by the server.
    pub user: String,
    /// The class of this terminal.
    #[serde(default)]
    pub terminal: TerminalType,
    /// The organisation inside the App that bounds presence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub company: String,
    /// Whether an earlier login of the same user and terminal gives way.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// A free text shown to others, such as a nickname.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extend_info: String,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl fmt::Debug for Login {
    /// Keeps the token out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("protocol", &self.protocol)
            .field("app", &self.app)
            .field("token", &"Token(…)")
            .field("user", &self.user)
            .field("terminal", &self.terminal)
            .field("company", &self.company)
            .field("force", &self.force)
            .finish_non_exhaustive()
    }
}

/// A WebRTC offer and the meaning of its m-lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Counts the client's peer connections; a higher number replaces the server's end by a fresh one.
    pub generation: u32,
    /// The session description, opaque to signalling (RFC 8866).
    pub sdp: String,
    /// What each m-line carries; a line that is not named carries nothing.
    pub lines: Vec<Line>,
}

/// One m-line of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LineWire")]
pub struct Line {
    /// Its media identification tag (RFC 9143).
    pub mid: String,
    /// What it carries.
    #[serde(flatten)]
    pub role: Role,
}

/// What an m-line carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a line sends or receives")]
pub enum Role {
    /// A media of one's own that is published.
    Send {
        /// What it carries.
        #[serde(rename = "type")]
        media_type: MediaType,
        /// Which of one's own of that type.
        media: MediaId,
    },
    /// Another member's media that is received.
    Receive(MediaRef),
}

/// A line as it is read. A flattened [`Role`] would be the first that comes, and silent about a second.
#[derive(Deserialize)]
struct LineWire {
    mid: String,
    send: Option<OwnMedia>,
    receive: Option<MediaRef>,
}

#[derive(Deserialize)]
struct OwnMedia {
    #[serde(rename = "type")]
    media_type: MediaType,
    media: MediaId,
}

impl TryFrom<LineWire> for Line {
    type Error = &'static str;

    fn try_from(line: LineWire) -> Result<Self, Self::Error> {
        let role = match (line.send, line.receive) {
            (Some(OwnMedia { media_type, media }), None) => Role::Send { media_type, media },
            (None, Some(media)) => Role::Receive(media),
            _ => return Err("a line either sends or receives"),
        };
        Ok(Self { mid: line.mid, role })
    }
}

use hst_id::{MediaId, MediaRef, MediaType};
use serde::{Deserialize, Serialize};

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

/// An offer for the group that is to be joined next. Nothing is carried before that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepare {
    /// The text of a group id, checked by the server.
    pub group: String,
    /// As of an [`Offer`]; offers in the group go on with it.
    pub generation: u32,
    /// The session description.
    pub sdp: String,
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

use hst_sfu::TrackId;

/// What a client uses one m-line of its offer for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The `a=mid` of the m-line.
    pub mid: String,
    /// What it carries.
    pub role: LineRole,
    /// Of what is received, what is to be played in step: sound and picture of one number are (RFC 8830: they are tracks of one
    /// stream). `None` goes by itself.
    pub stream: Option<u64>,
}

impl Line {
    /// One that goes by itself.
    pub fn new(mid: impl Into<String>, role: LineRole) -> Self {
        Self {
            mid: mid.into(),
            role,
            stream: None,
        }
    }
}

/// What an m-line carries, seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineRole {
    /// The client publishes this track.
    Send {
        /// The track; no other peer of the room may be publishing it.
        track: TrackId,
    },
    /// The client receives this track, from its first packet on if it is not published yet.
    Receive {
        /// The track.
        track: TrackId,
    },
}

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{Codec, FrameReader, FrameWriter, Kind, Level, MediaError, TrackInfo};

/// One connection for media: lines in both directions, negotiated by offers that this side makes and answers that the
/// other side gives.
///
/// A *line* is one stream in one direction (an `m=` section of the session description). Lines are added and stopped
/// at any time; the next [`offer`](Self::offer) tells the other side. A stopped line's section becomes inactive there,
/// and once that has been answered it silently carries the next line of its kind.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MediaPeer: fmt::Debug + Send + 'static {
    /// Adds a line to send on. Its writer waits until the line is negotiated and the peer connected.
    ///
    /// # Errors
    /// [`MediaError::Closed`] or [`MediaError::Engine`].
    async fn add_sender(&mut self, info: TrackInfo) -> Result<(LineId, Box<dyn FrameWriter>), MediaError>;

    /// Adds a line to receive on. What arrives is announced by [`PeerEvent::Track`], once its codec is known.
    ///
    /// # Errors
    /// [`MediaError::Closed`] or [`MediaError::Engine`].
    async fn add_receiver(&mut self, kind: Kind) -> Result<LineId, MediaError>;

    /// Stops a line at once: its writer fails and its reader ends. The id is never used again.
    ///
    /// # Errors
    /// [`MediaError::UnknownLine`], [`MediaError::Closed`] or [`MediaError::Engine`].
    async fn stop_line(&mut self, line: LineId) -> Result<(), MediaError>;

    /// Makes the next offer restart ICE (RFC 8445 section 9, RFC 9429 section 5.2.3.1): once that is answered, a way to
    /// the other side is looked for anew, over the network of that moment. Lines, keys and numbers stay as they are; what
    /// is written before there is a way may be lost. Whatever state the peer was in, it is
    /// [`Connected`](PeerState::Connected) anew when the way is found.
    ///
    /// # Errors
    /// [`MediaError::Closed`] or [`MediaError::Engine`].
    async fn restart_ice(&mut self) -> Result<(), MediaError>;

    /// Describes the lines as they are now, for the other side to answer. Waits for no candidate.
    ///
    /// # Errors
    /// [`MediaError::OutOfTurn`] while an offer is unanswered, [`MediaError::NoLines`], [`MediaError::Closed`] or [`MediaError::Engine`].
    async fn offer(&mut self) -> Result<Offer, MediaError>;

    /// Takes the other side's answer to the last offer; the lines of that offer work from here on.
    ///
    /// # Errors
    /// [`MediaError::OutOfTurn`] without an offer, [`MediaError::Answer`] or [`MediaError::Closed`].
    async fn answer(&mut self, sdp: &str) -> Result<(), MediaError>;

    /// What each line in use has carried so far. Nothing is measured for it beside what is counted anyway.
    async fn stats(&mut self) -> Vec<LineStats>;

    /// Ends everything: writers fail, readers and the stream of events end. Calling it again does nothing; dropping
    /// the peer does the same without waiting.
    async fn close(&mut self);
}

/// A line of one peer, never used twice in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u32);

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.0)
    }
}

/// An offer, ready to be sent to the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The session description (RFC 8866).
    pub sdp: String,
    /// Every line in use with the `a=mid` of its section (RFC 5888); a section that is not named here is inactive.
    pub mids: Vec<(LineId, String)>,
}

/// How a peer is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeerState {
    /// Looking for a way to the other side, or shaking hands.
    Connecting,
    /// Media flows.
    Connected,
    /// Nothing has been heard for a few seconds; it may come back by itself.
    Disconnected,
    /// It will not come back by itself: restart ICE, or open a new peer.
    Failed,
    /// Closed by this side or by the other.
    Closed,
}

/// Something that happened to a peer.
#[derive(Debug)]
#[non_exhaustive]
pub enum PeerEvent {
    /// It is connected in another way than before.
    State(PeerState),
    /// Media arrives on a line that receives. A second one for the same line means that the other side changed the
    /// codec; the reader before has ended.
    Track {
        /// The line that [`MediaPeer::add_receiver`] gave.
        line: LineId,
        /// How its frames are encoded.
        codec: Codec,
        /// Where its frames come out. Read it without delay: frames that nobody fetches are dropped.
        reader: Box<dyn FrameReader>,
    },
    /// The other side cannot decode without a keyframe on a line that sends.
    KeyframeRequested {
        /// The line that [`MediaPeer::add_sender`] gave.
        line: LineId,
    },
}

/// Which way a line carries media, seen from this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From here to the other side.
    Send,
    /// From the other side to here.
    Receive,
}

/// What one line has carried since it was added.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LineStats {
    /// The line.
    pub line: LineId,
    /// Which way it carries.
    pub direction: Direction,
    /// Sound or picture.
    pub kind: Kind,
    /// How its frames are encoded; unknown until something has arrived.
    pub codec: Option<Codec>,
    /// RTP packets, without retransmissions.
    pub packets: u64,
    /// Bytes of encoded media in them.
    pub bytes: u64,
    /// Whole frames written to it or read from it.
    pub frames: u64,
    /// Packets that never arrived, as the other side reports them when sending. The sound of one may be there all the same,
    /// because later packets repeat it; then it is among the frames.
    pub lost: u64,
    /// How unevenly packets arrive (RFC 3550 section 6.4.1), in seconds: as the other side reports it when sending.
    pub jitter: f64,
    /// To the other side and back; unknown until it was measured.
    pub round_trip: Option<Duration>,
    /// Width and height in pixels of the last keyframe, where it can be read.
    pub size: Option<(u16, u16)>,
    /// How often a picture that arrives stood still: its next frame came after three times the usual time, and 150 ms after
    /// the usual time at least, as W3C's webrtc-stats has it. After five seconds it was no freeze but a pause.
    pub freezes: u64,
    /// For how long all together.
    pub frozen: Duration,
    /// How loud its sound was last, as its publisher tells or it is guessed here; unknown of pictures, and of what tells nothing.
    pub level: Option<Level>,
}

impl LineStats {
    /// A line that has carried nothing yet.
    pub fn new(line: LineId, direction: Direction, kind: Kind) -> Self {
        Self {
            line,
            direction,
            kind,
            codec: None,
            packets: 0,
            bytes: 0,
            frames: 0,
            lost: 0,
            jitter: 0.0,
            round_trip: None,
            size: None,
            freezes: 0,
            frozen: Duration::ZERO,
            level: None,
        }
    }
}

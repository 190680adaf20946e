use clap::ValueEnum;

/// What an App may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Service {
    /// Cameras.
    Video,
    /// Sound.
    Audio,
    /// Shared screens.
    Screen,
    /// Messages between users and in groups.
    Messages,
    /// Who is online, and invitations.
    Presence,
    /// Recording.
    Record,
    /// Terminals in WeChat.
    Wechat,
}

impl Service {
    /// The platform's number for it.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Video => 3,
            Self::Audio => 4,
            Self::Screen => 5,
            Self::Messages => 6,
            Self::Presence => 7,
            Self::Record => 8,
            Self::Wechat => 9,
        }
    }
}

/// Whether an App's users may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Status {
    /// They may.
    Online,
    /// They may not, and who is in is put out.
    Offline,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}

/// What a media carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A shared screen.
    Screen,
    /// Sound.
    Audio,
    /// A camera.
    Video,
    /// Data.
    Data,
    /// A white board.
    Board,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Screen, Self::Audio, Self::Video, Self::Data, Self::Board];

    /// The platform's number for it.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Screen => 0,
            Self::Audio => 1,
            Self::Video => 2,
            Self::Data => 3,
            Self::Board => 4,
        }
    }

    /// What such a number is called here.
    pub(super) fn name(number: u64) -> String {
        let kind = Self::ALL.into_iter().find(|kind| kind.number() == number);
        let value = kind.and_then(|kind| kind.to_possible_value());
        value.map_or_else(|| number.to_string(), |value| value.get_name().to_owned())
    }
}

/// Numbers of the platform for what went wrong. Below 1000: as an engine reports it; from 1000000 on: as the
/// signalling service reports it, which an engine translates with [`engine`](Self::engine).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum ErrorCode {
    /// An argument breaks its rule.
    InvalidArgument = 1,
    /// Not initialised, or the call does not fit the engine's present state.
    NotInitialised = 2,
    /// A camera, microphone or screen could not be opened.
    Device = 4,
    /// The network does not reach the service.
    Connect = 30,
    /// Not in a group.
    NotInGroup = 31,
    /// The token was not accepted.
    Authentication = 32,
    /// The App does not exist or is switched off.
    NoSuchApp = 33,
    /// The same User ID is logged in already.
    AlreadyLoggedIn = 34,
    /// Not logged in.
    NotLoggedIn = 35,
    /// Not allowed to publish or receive video.
    NoVideoPermission = 71,
    /// Not allowed to publish or receive audio.
    NoAudioPermission = 72,
    /// There is no such screen share at present.
    NoScreenShare = 73,
    /// A fault inside the server.
    ServerInternal = 301,
    /// The operation could not be carried out.
    OperationFailed = 302,
    /// The token failed its check.
    TokenRefused = 1_000_000,
    /// There is no such App.
    UnknownApp = 1_000_001,
    /// The App is switched off.
    AppOffline = 1_000_002,
    /// The session has not logged in.
    SessionNotLoggedIn = 1_000_003,
    /// The App or the token does not include video.
    NoVideoService = 1_000_004,
    /// The App or the token does not include audio.
    NoAudioService = 1_000_005,
    /// The User ID breaks its rule.
    IllegalUserId = 1_000_006,
    /// The same user is online on the same class of terminal.
    LoginConflict = 1_000_008,
    /// The App or the token does not include screen share.
    NoScreenShareService = 1_000_009,
    /// The user is in this group already.
    JoinedTwice = 1_000_010,
    /// The App or the token does not include messages.
    NoMessageService = 1_000_020,
    /// Too many messages to users.
    UnicastLimit = 1_000_021,
    /// Too many messages to groups.
    MulticastLimit = 1_000_022,
    /// The App does not include presence.
    NoPresenceService = 1_000_023,
    /// The session cannot be resumed: it is over, or the secret is not its own.
    SessionGone = 1_000_100,
    /// The group has as many members as it may have.
    GroupFull = 1_000_101,
    /// The group takes no newcomers.
    GroupLocked = 1_000_102,
    /// The user may not come in for some time.
    Banned = 1_000_103,
    /// Somebody who administers has removed the user.
    KickedOut = 1_000_104,
    /// The right to be here was taken away.
    Revoked = 1_000_105,
    /// The token's time is over.
    TokenExpired = 1_000_106,
    /// The other user is not online.
    UserOffline = 1_000_107,
    /// The token gives no right to administer.
    NotAdmin = 1_000_108,
    /// The client did not read what was sent to it.
    SlowReader = 1_000_109,
    /// There is no such invite, or it is over.
    NoSuchInvite = 1_000_110,
    /// The group is on another node of the platform.
    GroupElsewhere = 1_000_111,
    /// There is no such white board, or it is not published.
    NoSuchBoard = 1_000_112,
    /// The group has as many white boards as it may have, or the board holds as much as it may.
    BoardFull = 1_000_113,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 42] = [
        Self::InvalidArgument,
        Self::NotInitialised,
        Self::Device,
        Self::Connect,
        Self::NotInGroup,
        Self::Authentication,
        Self::NoSuchApp,
        Self::AlreadyLoggedIn,
        Self::NotLoggedIn,
        Self::NoVideoPermission,
        Self::NoAudioPermission,
        Self::NoScreenShare,
        Self::ServerInternal,
        Self::OperationFailed,
        Self::TokenRefused,
        Self::UnknownApp,
        Self::AppOffline,
        Self::SessionNotLoggedIn,
        Self::NoVideoService,
        Self::NoAudioService,
        Self::IllegalUserId,
        Self::LoginConflict,
        Self::NoScreenShareService,
        Self::JoinedTwice,
        Self::NoMessageService,
        Self::UnicastLimit,
        Self::MulticastLimit,
        Self::NoPresenceService,
        Self::SessionGone,
        Self::GroupFull,
        Self::GroupLocked,
        Self::Banned,
        Self::KickedOut,
        Self::Revoked,
        Self::TokenExpired,
        Self::UserOffline,
        Self::NotAdmin,
        Self::SlowReader,
        Self::NoSuchInvite,
        Self::GroupElsewhere,
        Self::NoSuchBoard,
        Self::BoardFull,
    ];

    /// The number on the wire.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The code of a number, when it is a known one.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// What an engine reports to its application for a number that the signalling service sent. Numbers without a
    /// translation stay as they are.
    pub fn engine(number: u32) -> u32 {
        let translated = match Self::from_number(number) {
            Some(Self::TokenRefused | Self::Revoked | Self::TokenExpired) => Self::Authentication,
            Some(Self::UnknownApp | Self::AppOffline) => Self::NoSuchApp,
            Some(Self::SessionNotLoggedIn) => Self::NotLoggedIn,
            Some(Self::NoVideoService) => Self::NoVideoPermission,
            Some(Self::NoAudioService) => Self::NoAudioPermission,
            Some(Self::LoginConflict | Self::JoinedTwice) => Self::AlreadyLoggedIn,
            _ => return number,
        };
        translated.number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_finds_its_code() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(code));
        }
        assert_eq!(ErrorCode::from_number(0), None);
    }

    #[test]
    fn engines_translate_the_codes_of_signalling() {
        let expected = [
            (1_000_000, 32),
            (1_000_001, 33),
            (1_000_002, 33),
            (1_000_003, 35),
            (1_000_004, 71),
            (1_000_005, 72),
            (1_000_008, 34),
            (1_000_010, 34),
            (1_000_105, 32),
            (1_000_106, 32),
            (1_000_006, 1_000_006),
            (4711, 4711),
        ];
        for (signalling, engine) in expected {
            assert_eq!(ErrorCode::engine(signalling), engine);
        }
    }
}

use std::fmt;

use hst_proto::ErrorCode;

use super::Refusal;

/// Where an engine stands between `init` and `destroy`. A call that fails leads back to the last stable state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the platform's state machine is closed")]
pub enum State {
    /// Before `init`, and after `destroy`.
    Uninit,
    /// `init` is under way.
    Initing,
    /// Ready to log in.
    Inited,
    /// `login` is under way.
    LoggingIn,
    /// Logged in, in no group.
    LoggedIn,
    /// `join_group` is under way.
    Joining,
    /// In a group.
    Joined,
    /// `leave_group` is under way.
    Leaving,
    /// `exit` is under way.
    Exiting,
}

impl State {
    /// Whether the engine is logged in, in a group or not.
    pub fn is_online(self) -> bool {
        matches!(self, Self::LoggedIn | Self::Joining | Self::Joined | Self::Leaving)
    }

    /// Refuses a call that needs another state, with the code and the words that tell which call is missing.
    pub(super) fn must_be(self, needed: Self, call: &str) -> Result<(), Refusal> {
        if self == needed {
            return Ok(());
        }
        let (code, advice) = match (self, needed) {
            (Self::Uninit, Self::Uninit) => return Ok(()),
            (Self::Uninit, _) => (ErrorCode::NotInitialised, "call init first"),
            (_, Self::Uninit) => (ErrorCode::NotInitialised, "the engine is initialised already"),
            (Self::Initing, _) => (ErrorCode::NotInitialised, "wait until init has finished"),
            (Self::Inited, Self::LoggedIn) => (ErrorCode::NotLoggedIn, "log in first"),
            (Self::Inited | Self::LoggedIn, Self::Joined) => (ErrorCode::NotInGroup, "join a group first"),
            (Self::Joined, Self::LoggedIn) => (ErrorCode::NotInitialised, "leave the present group first"),
            (s, Self::Inited) if s.is_online() => (ErrorCode::NotInitialised, "this engine is logged in already"),
            (s, _) if s.is_under_way() => (ErrorCode::NotInitialised, "wait until the call under way has finished"),
            _ => (ErrorCode::NotInitialised, "the engine's state does not allow it"),
        };
        Err(Refusal::local(
            code,
            format!("{call} is not possible while {self}: {advice}"),
        ))
    }

    fn is_under_way(self) -> bool {
        matches!(
            self,
            Self::Initing | Self::LoggingIn | Self::Joining | Self::Leaving | Self::Exiting
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uninit => "not initialised",
            Self::Initing => "initialising",
            Self::Inited => "initialised",
            Self::LoggingIn => "logging in",
            Self::LoggedIn => "logged in",
            Self::Joining => "joining a group",
            Self::Joined => "in a group",
            Self::Leaving => "leaving the group",
            Self::Exiting => "exiting",
        })
    }
}

use std::{io, path::PathBuf};

use hst_auth::{InvalidName, IssueError, KeyError, TokenError};
use hst_rtc::{
    Refusal,
    media::{SinkError, SourceError},
};
use thiserror::Error;

use crate::bench::BenchError;

/// Why a command failed, as the user reads it.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error("no App Secret: give it by --app-secret, or unseen by others in the variable HST_APP_SECRET")]
    NoSecret,
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    EncryptionKey(#[from] hst_rtc::KeyError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Engine(#[from] hst_rtc::Error),
    #[error("no server: give it by --server, such as http://127.0.0.1:7880, or in the variable HST_SERVER")]
    NoServer,
    #[error("the server is no URL: give it like https://rtc.example.org")]
    ServerUrl,
    #[error(
        "no developer: give --developer and --developer-secret, or unseen by others the variables HST_DEVELOPER and \
         HST_DEVELOPER_SECRET"
    )]
    NoDeveloper,
    #[error("the Developer ID {0}")]
    Developer(InvalidName),
    #[error("{server} can't be reached: {reason}")]
    Unreachable { server: String, reason: String },
    #[error("{server} is no server of this platform: {reason}")]
    NotPlatform { server: String, reason: &'static str },
    #[error("refused with {code}: {message}{advice}")]
    Denied {
        code: u64,
        message: String,
        advice: &'static str,
    },
    #[error("the session has ended: {0}")]
    Ended(Refusal),
    #[error("{file} can't be published: {fault}", file = file.display())]
    Source { file: PathBuf, fault: SourceError },
    #[cfg(feature = "devices")]
    #[error("the {kind} can't be used: {fault}")]
    Device {
        kind: &'static str,
        fault: hst_rtc::devices::DeviceError,
    },
    #[error("a recording can't be written: {0}")]
    Sink(#[from] SinkError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("the result can't be written: {0}")]
    Output(#[from] io::Error),
}

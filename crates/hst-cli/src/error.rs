use std::{io, path::PathBuf};

use hst_auth::{IssueError, KeyError, TokenError};
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
    Issue(#[from] IssueError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Engine(#[from] hst_rtc::Error),
    #[error("the session has ended: {0}")]
    Ended(Refusal),
    #[error("{file} can't be published: {fault}", file = file.display())]
    Source { file: PathBuf, fault: SourceError },
    #[error("a recording can't be written: {0}")]
    Sink(#[from] SinkError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("the result can't be written: {0}")]
    Output(#[from] io::Error),
}

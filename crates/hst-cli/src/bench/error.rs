use std::{io, path::PathBuf};

use hst_proto::Failure;
use hst_rtc::{
    access::AccessError,
    access_http::InvalidAccessUrl,
    signal::{ConnectError, RecvEnd, SendError},
};
use thiserror::Error;

/// Why nothing was measured, or what came out of it that may not be.
#[derive(Debug, Error)]
pub(crate) enum BenchError {
    #[error("{program} can't be started: {fault}; build it, or name a running server by --access", program = program.display())]
    Start { program: PathBuf, fault: io::Error },
    #[error("{program} doesn't say where it listens", program = program.display())]
    NotReady { program: PathBuf },
    #[error("{needed} files have to be open at once, but only {allowed} may be: first `ulimit -n {needed}`")]
    OpenFiles { needed: usize, allowed: usize },
    #[error("the Access URL is no good: {0}")]
    Url(#[from] InvalidAccessUrl),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("Access names no signalling over ws://, which is what is measured")]
    NoWebSocket,
    #[error("the server can't be reached: {0}")]
    Connect(#[from] ConnectError),
    #[error("the server takes nothing more: {0}")]
    Send(#[from] SendError),
    #[error("a connection ended too early: {0}")]
    Ended(#[from] RecvEnd),
    #[error("the server says no: {message} (code {code})", message = .0.message, code = .0.code)]
    Refused(Failure),
    #[error("the server doesn't speak the protocol")]
    NotProtocol,
    #[error("{missing} of {expected} messages didn't arrive in {seconds} s")]
    Missing {
        missing: usize,
        expected: usize,
        seconds: u64,
    },
    #[error("this machine was too slow to count: {0} messages came and were not seen")]
    Blind(u64),
    #[error("a promise is broken: messages were lost, duplicated, reordered or leaked")]
    Broken,
    #[error("there is no folder for the server's database: {0}")]
    Folder(io::Error),
    #[error("{0} clients didn't come back into their groups")]
    Away(usize),
    #[error("{0} clients were not connected for media")]
    Unconnected(usize),
    #[error("{program} doesn't answer an offer", program = program.display())]
    NoAnswer { program: PathBuf },
    #[error("another program can be measured only where one publishes and all others receive")]
    NoBroadcast,
    #[error("this system doesn't say how busy a server is, so its load can't be chosen")]
    NoTimes,
    #[error("nats-server ends before it is ready, or takes too long")]
    NoNats,
    #[error("a node's metrics can't be read: {0}")]
    Metrics(reqwest::Error),
    #[error("{missing} did not notice in {seconds} s that a node is dead, or did not come back")]
    Unnoticed { missing: usize, seconds: u64 },
    #[error(transparent)]
    Load(#[from] hst_load::LoadError),
    #[error("a socket of this machine fails: {0}")]
    Socket(#[from] io::Error),
}

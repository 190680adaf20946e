use std::{io, path::PathBuf};

use thiserror::Error;

/// Why there is no cluster to work with. Each variant says what to do about it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Not one of the addresses in the options, or none at all.
    #[error("`{0}` is no address of a NATS server: give it like nats://10.0.0.5:4222 or tls://nats.example.com")]
    Address(String),
    /// Nothing that a bucket can be called.
    #[error("`{0}` is no name for a bucket: take 1 to 128 of letters, digits, '_' and '-'")]
    Name(String),
    /// A file that the options name.
    #[error("cannot use the file {}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        why: io::Error,
    },
    /// None of the servers could be spoken to.
    #[error("no NATS server can be reached ({0}): see whether one runs at these addresses, and its TLS")]
    Unreachable(String),
    /// The servers do not let us in.
    #[error("the NATS server refuses these credentials: see its accounts, and `auth` in the options")]
    Unauthorized,
    /// A server of before 2.9, which lacks what this stands on.
    #[error("the NATS server has version {0}: 2.9 or later is needed")]
    TooOld(String),
    /// The server carries messages, but stores nothing.
    #[error(
        "the NATS server stores nothing: switch JetStream on, with `-js` or a block `jetstream` in its configuration"
    )]
    NoJetStream,
    /// A replicated bucket on a server whose compare-and-set is known to fail when it is replicated.
    #[error(
        "{replicas} replicas are not safe on a NATS server of version {version}, where two writers may both win: \
         update the servers to 2.12 or later, or ask for 1 replica"
    )]
    NotReplicable {
        /// Of the server.
        version: String,
        /// How many were asked for.
        replicas: u8,
    },
    /// A replicated bucket on servers whose compare-and-set was just seen to fail.
    #[error(
        "of {racers} who wrote over one revision {winners} succeeded, so no claim would be safe on these servers: update \
         all of them to one version of 2.12 or later, or ask for 1 replica"
    )]
    RaceLost {
        /// How many wrote at once.
        racers: usize,
        /// How many were told that they had written.
        winners: usize,
    },
    /// The bucket stands there in another shape, made by somebody else or with other options.
    #[error(
        "the stream {name} stands there with another {what}: ask for what it has, or change it (`nats stream edit {name}`), \
         or take another name for the bucket"
    )]
    OtherStream {
        /// The stream that is the bucket.
        name: String,
        /// What differs.
        what: &'static str,
    },
    /// The servers refuse to make or to show the bucket.
    #[error("the NATS server refuses: {description} (error {code})")]
    Refused {
        /// JetStream's `err_code`.
        code: u32,
        /// In its words.
        description: String,
    },
    /// The servers are there, but JetStream does not answer: its cluster has no leader.
    #[error("JetStream does not answer: see whether more than half of its servers run and know each other")]
    NotReady,
}

//! `hst bench`: what a server bears, and whether it keeps its promises while connections break.

mod bare;
mod beside;
mod case;
mod churn;
mod cluster;
mod crowd;
mod cutter;
mod dice;
mod engine;
mod error;
mod fanout;
mod forward;
mod join;
mod lead;
mod ledger;
mod limit;
mod machine;
mod measure;
mod process;
mod reconnect;
mod report;
mod restart;
mod signal;
mod stage;
mod target;
mod turns;
mod wire;

use clap::Subcommand;

pub(crate) use error::BenchError;

use crate::error::CliError;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Log many users in who then do nothing: how fast, and what memory each takes.
    Signal(signal::Options),
    /// Speak to all in a large group: how long until everybody has heard it.
    Fanout(fanout::Options),
    /// Send media to many: what a packet costs the server, beside what it costs this machine at least.
    Forward(forward::Options),
    /// Encrypt and send the same packets, and nothing else: what this machine can do at most.
    Limit(limit::Options),
    /// Let receivers of media come and go: whether the server keeps any memory of them.
    Churn(churn::Options),
    /// Join over links of different length: how long until the first media, and how many round trips of it are the link's.
    Join(join::Options),
    /// Break the connections of engines that write to each other, and account for every message.
    Reconnect(reconnect::Options),
    /// Kill a server under its engines and start it again: how long until all are in their groups again.
    Restart(restart::Options),
    /// Run several nodes, kill one, and see what it costs: logins, messages and media that cross, and who is back when.
    Cluster(cluster::Options),
    /// The server with nothing in it that others are measured against.
    #[command(hide = true)]
    Bare,
}

pub(crate) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Signal(options) => signal::run(options).await,
        Command::Fanout(options) => fanout::run(options).await,
        Command::Forward(options) => forward::run(options).await,
        Command::Limit(options) => limit::run(options),
        Command::Churn(options) => churn::run(options).await,
        Command::Join(options) => join::run(options).await,
        Command::Reconnect(options) => reconnect::run(options).await,
        Command::Restart(options) => restart::run(options).await,
        Command::Cluster(options) => cluster::run(options).await,
        Command::Bare => Ok(bare::serve().await?),
    }
}

//! `hst bench`: what a server bears, and whether it keeps its promises while connections break.

mod bare;
mod cutter;
mod dice;
mod error;
mod ledger;
mod machine;
mod process;
mod reconnect;
mod report;
mod target;

use clap::Subcommand;

pub(crate) use error::BenchError;

use crate::error::CliError;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Break the connections of engines that write to each other, and account for every message.
    Reconnect(reconnect::Options),
    /// The server with nothing in it that others are measured against.
    #[command(hide = true)]
    Bare,
}

pub(crate) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Reconnect(options) => reconnect::run(options).await,
        Command::Bare => Ok(bare::serve().await?),
    }
}

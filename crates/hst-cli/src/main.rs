#![doc = include_str!("../README.md")]

mod admin;
mod bench;
mod error;
mod join;
mod media;
mod token;

use std::{
    io::{self, Write},
    process::ExitCode,
    time::SystemTime,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::error::CliError;

/// The platform from a terminal.
#[derive(Parser)]
#[command(name = "hst", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure a server.
    #[command(subcommand)]
    Bench(bench::Command),
    /// List the devices of this machine that can take part in a group.
    #[cfg(feature = "devices")]
    Devices,
    /// Join a group, publish files into it and record what the others publish.
    Join(Box<join::JoinOptions>),
    /// Look after Apps, groups and users, as a developer's backend does.
    Admin(Box<admin::AdminOptions>),
    /// Make a token or read one.
    #[command(subcommand)]
    Token(token::Command),
}

fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If even that can't be said, the exit code still says it.
            let _ = writeln!(io::stderr(), "hst: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Bench(command) => {
            log_errors();
            tokio::runtime::Runtime::new()?.block_on(bench::run(command))
        }
        #[cfg(feature = "devices")]
        Command::Devices => Ok(join::list_devices()?),
        Command::Join(options) => {
            log_errors();
            tokio::runtime::Runtime::new()?.block_on(join::run(*options))
        }
        Command::Admin(options) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(admin::run(*options))
        }
        Command::Token(command) => Ok(writeln!(io::stdout(), "{}", command.run(SystemTime::now().into())?)?),
    }
}

/// Logs to standard error: errors, unless `RUST_LOG` says otherwise.
fn log_errors() {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error")))
        .init();
}

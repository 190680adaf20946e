//! The program: reads what it is told, starts the server, says where it is, and ends it when asked to.

mod announce;
mod options;

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use hst_server::Server;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::{announce::announcement, options::Options};

/// What is told where `RUST_LOG` says nothing else. str0m warns of what it has to report before it sends anything: it never does.
const LOG: &str = "info,str0m::rtp_::srtp=error";

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal()).init();
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "hst-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let json = options.json;
    let config = options.into_config()?;
    let announce = announcement(&config);
    let server = Server::new(config).start().await?;
    // Nobody may be reading, and that is no reason not to serve.
    let _ = io::stdout().write_all(announce(&server, json).as_bytes());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("shutting down");
    tokio::select! {
        () = server.shutdown() => {}
        // Asked twice: at once.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

//! `hst admin`: what a developer's backend does with Apps, groups and users, by hand.

mod access;
mod call;
mod command;
mod gateway;
mod show;
mod words;

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

use self::{access::Access, command::Command, gateway::Gateway};
use crate::error::CliError;

/// Look after Apps, groups and users, as a developer's backend does.
#[derive(Args)]
pub(crate) struct AdminOptions {
    #[command(flatten)]
    access: Access,
    /// Print the server's answer as JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Asks the server, and prints what it says.
pub(crate) async fn run(options: AdminOptions) -> Result<(), CliError> {
    let AdminOptions { access, json, command } = options;
    let gateway = Gateway::new(&access.server()?)?;
    let Some(call) = command.call() else {
        let token = gateway.access_token(&access.credentials()?).await?;
        return Ok(writeln!(io::stdout(), "{token}")?);
    };
    let token = match access.access_token() {
        Some(token) => token,
        None => gateway.access_token(&access.credentials()?).await?,
    };
    let answer = gateway.ask(&call, &token).await?;
    let text = match json {
        true => serde_json::to_string_pretty(&Value::Object(answer)).expect("a JSON value is JSON"),
        false => command.show(&answer),
    };
    Ok(writeln!(io::stdout(), "{text}")?)
}

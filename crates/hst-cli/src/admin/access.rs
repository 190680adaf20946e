use std::{env, time::SystemTime};

use clap::Args;
use hst_auth::{AppId, AppSecret, TokenIssuer, TokenRequest};

use crate::error::CliError;

/// Where the server is, and who asks it.
#[derive(Args)]
pub(crate) struct Access {
    /// The server, such as http://127.0.0.1:7880; or the variable HST_SERVER.
    #[arg(long, value_name = "URL", global = true, help_heading = "Access")]
    server: Option<String>,
    /// The Developer ID; or the variable HST_DEVELOPER.
    #[arg(long, value_name = "ID", global = true, help_heading = "Access")]
    developer: Option<String>,
    /// The Developer Secret; others on this machine can see it here, but not in the variable HST_DEVELOPER_SECRET.
    #[arg(long, value_name = "SECRET", global = true, help_heading = "Access")]
    developer_secret: Option<String>,
    /// An access token to use instead of getting a new one; or the variable HST_ACCESS_TOKEN.
    #[arg(
        long,
        value_name = "TOKEN",
        global = true,
        help_heading = "Access",
        conflicts_with = "developer_secret"
    )]
    access_token: Option<String>,
}

impl Access {
    pub(super) fn server(&self) -> Result<String, CliError> {
        given(self.server.as_ref(), "HST_SERVER").ok_or(CliError::NoServer)
    }

    /// An access token that was given. A secret on the command line says that a new one is wanted.
    pub(super) fn access_token(&self) -> Option<String> {
        match &self.developer_secret {
            Some(_) => None,
            None => given(self.access_token.as_ref(), "HST_ACCESS_TOKEN"),
        }
    }

    /// What an access token is given for: the Developer ID, and a token made with the Developer Secret as an App's are
    /// made with its own. The secret stays here.
    pub(super) fn credentials(&self) -> Result<String, CliError> {
        let id = given(self.developer.as_ref(), "HST_DEVELOPER").ok_or(CliError::NoDeveloper)?;
        let secret = given(self.developer_secret.as_ref(), "HST_DEVELOPER_SECRET").ok_or(CliError::NoDeveloper)?;
        let id = AppId::parse(&id).map_err(CliError::Developer)?;
        let issuer = TokenIssuer::legacy_001(id.clone(), &AppSecret::parse(&secret)?);
        let token = issuer.issue(&TokenRequest::default(), SystemTime::now().into())?;
        Ok(format!("{id}.{token}"))
    }
}

/// Read here and not by the argument parser, which would repeat a mistaken secret in its message.
fn given(argument: Option<&String>, variable: &str) -> Option<String> {
    let present = |text: &String| !text.is_empty();
    argument.cloned().or_else(|| env::var(variable).ok()).filter(present)
}

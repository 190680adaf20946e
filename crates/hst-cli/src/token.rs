//! `hst token`: what an app's backend does with tokens, by hand.

use std::{env, time::SystemTime};

use clap::{Args, Subcommand, ValueEnum};
use hst_auth::{
    AppId, AppKeys, AppSecret, GroupId, KeyRing, LoginPolicy, TokenIssuer, TokenRequest, TokenVerifier, UnixMillis,
    UserId,
};

use crate::error::CliError;

const SECRET_VARIABLE: &str = "HST_APP_SECRET";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print a new token, and nothing else.
    Create {
        #[command(flatten)]
        app: App,
        /// The user it is for.
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// The group it is for; without it, any.
        #[arg(long, value_name = "ID")]
        group: Option<GroupId>,
        /// What a login by it means to earlier ones of the user: refuse, replace or devices:N; for a JWT, and without it
        /// what the app says.
        #[arg(long, value_name = "POLICY")]
        login: Option<LoginPolicy>,
        /// How long it is valid, such as 30s, 10m, 1h or 7d.
        #[arg(long, value_name = "TIME", default_value = "1h")]
        ttl: humantime::Duration,
        /// How it is written.
        #[arg(long, value_enum, default_value_t = Format::Legacy001)]
        format: Format,
    },
    /// Print what a token says as JSON, or why it is no good.
    Verify {
        #[command(flatten)]
        app: App,
        /// The token, of either format.
        token: String,
    },
}

#[derive(Args, Clone)]
pub(crate) struct App {
    /// The app's id.
    #[arg(long, value_name = "ID")]
    app_id: AppId,
    /// The app's secret; others on this machine can see it here, but not in the variable HST_APP_SECRET.
    #[arg(long, value_name = "SECRET")]
    app_secret: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// The platform's own format: encrypted, not signed, and binding nobody unless the server is told to.
    #[value(name = "001")]
    Legacy001,
    /// A signed JSON Web Token, which binds its user and group.
    Jwt,
}

impl Command {
    /// What to print.
    pub(crate) fn run(self, now: UnixMillis) -> Result<String, CliError> {
        match self {
            Self::Create {
                app,
                user,
                group,
                login,
                ttl,
                format,
            } => {
                let secret = app.secret()?;
                let issuer = match format {
                    Format::Legacy001 => TokenIssuer::legacy_001(app.app_id, &secret),
                    Format::Jwt => TokenIssuer::jwt(app.app_id, &secret),
                };
                let lifetime = Some(ttl.into());
                Ok(issuer.issue(
                    &TokenRequest {
                        user: Some(user),
                        group,
                        login,
                        lifetime,
                        ..TokenRequest::default()
                    },
                    now,
                )?)
            }
            Self::Verify { app, token } => {
                let ring = KeyRing::from_iter([(app.app_id.clone(), AppKeys::from_secret(&app.secret()?))]);
                let claims = ring.verify(&app.app_id, &token, now)?;
                Ok(serde_json::to_string_pretty(&claims).expect("claims are plain data"))
            }
        }
    }
}

impl App {
    pub(crate) fn id(&self) -> &str {
        self.app_id.as_str()
    }

    /// A token to join with.
    pub(crate) fn token(&self, user: &UserId, group: &GroupId) -> Result<String, CliError> {
        let request = TokenRequest {
            user: Some(user.clone()),
            group: Some(group.clone()),
            ..TokenRequest::default()
        };
        let issuer = TokenIssuer::legacy_001(self.app_id.clone(), &self.secret()?);
        Ok(issuer.issue(&request, SystemTime::now().into())?)
    }

    /// Read here and not by the argument parser, which would repeat a mistaken secret in its message.
    fn secret(&self) -> Result<AppSecret, CliError> {
        let text = self
            .app_secret
            .clone()
            .or_else(|| env::var(SECRET_VARIABLE).ok())
            .ok_or(CliError::NoSecret)?;
        Ok(AppSecret::parse(&text)?)
    }
}

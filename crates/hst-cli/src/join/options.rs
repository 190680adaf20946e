use std::{env, fmt, path::PathBuf};

use clap::Args;
use hst_rtc::{GroupId, GroupKey, KeyError, UserId};

use crate::{error::CliError, media::Engine, token::App};

/// Names the passphrase where no one else sees it.
const PASSPHRASE_VARIABLE: &str = "HST_PASSPHRASE";

/// Join a group, publish files into it and record what the others publish.
#[derive(Args, Clone)]
pub(crate) struct JoinOptions {
    /// The address of the Access service, such as http://127.0.0.1:7880.
    #[arg(long, value_name = "URL")]
    pub(crate) access: String,
    #[command(flatten)]
    app: App,
    /// A token of the app; without it, one is made of the secret.
    #[arg(long, value_name = "TOKEN", conflicts_with = "app_secret")]
    token: Option<String>,
    /// The user to join as.
    #[arg(long, value_name = "ID")]
    pub(crate) user: UserId,
    /// The group to join.
    #[arg(long, value_name = "ID")]
    pub(crate) group: GroupId,
    /// The passphrase of a group that is encrypted from end to end; others on this machine can see it here, but not in the
    /// variable HST_PASSPHRASE.
    #[arg(long, value_name = "TEXT")]
    passphrase: Option<String>,
    /// What carries the media.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) engine: Engine,
    /// A file to publish over and over: IVF (VP8), H.264 Annex B, or Ogg (Opus). May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) publish: Vec<PathBuf>,
    #[cfg(feature = "devices")]
    #[command(flatten)]
    pub(crate) devices: super::devices::DeviceOptions,
    /// The folder to record every received media into.
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    /// How long to stay, such as 10s or 5m; until Ctrl-C when not given.
    #[arg(long, value_name = "TIME")]
    pub(crate) duration: Option<humantime::Duration>,
    /// Print one JSON object at the end instead of live progress and a table.
    #[arg(long)]
    pub(crate) json: bool,
}

impl JoinOptions {
    /// The token that was given, or one made of the secret.
    pub(crate) fn token(&self) -> Result<String, CliError> {
        match &self.token {
            Some(token) => Ok(token.clone()),
            None => self.app.token(&self.user, &self.group),
        }
    }

    /// The key of the group, where it has one; making it takes some tenths of a second.
    pub(crate) fn key(&self) -> Result<Option<(u8, GroupKey)>, KeyError> {
        let passphrase = self.passphrase.clone().or_else(|| env::var(PASSPHRASE_VARIABLE).ok());
        let key = passphrase.map(|passphrase| GroupKey::from_passphrase(&passphrase, self.group.as_str()));
        Ok(key.transpose()?.map(|key| (0, key)))
    }

    /// The App ID.
    pub(crate) fn app_id(&self) -> &str {
        self.app.id()
    }
}

impl fmt::Debug for JoinOptions {
    /// Keeps the token and the secret out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinOptions")
            .field("access", &self.access)
            .field("app_id", &self.app_id())
            .field("user", &self.user)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

use std::{
    collections::HashSet,
    fs,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use hst_auth::{AppKeys, AppSecret, TokenFormat};
use hst_id::AppId;
use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;

use crate::{App, Config, ConfigError, Connections, Origin, Tls};

/// The file as it is written. A key that is not here is an error: a setting that was misspelt must not be passed over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bind: Option<SocketAddr>,
    node_ips: Option<Vec<IpAddr>>,
    workers: Option<NonZeroUsize>,
    public_url: Option<Origin>,
    token_service: Option<bool>,
    tls: Option<Spanned<TlsTable>>,
    connections: Option<Connections>,
    #[serde(default)]
    apps: Vec<AppTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsTable {
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(default)]
    self_signed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppTable {
    id: Spanned<AppId>,
    secret: Secret,
    #[serde(default)]
    name: String,
    tokens: Option<Vec<Format>>,
    #[serde(default)]
    bind_tokens: bool,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
enum Format {
    #[serde(rename = "001")]
    Legacy001,
    #[serde(rename = "jwt")]
    Jwt,
}

/// A secret whose errors do not repeat it.
struct Secret(AppSecret);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from)? {
            toml::Value::String(text) => AppSecret::parse(&text).map(Self).map_err(D::Error::custom),
            _ => Err(D::Error::custom("a secret is a text in quotes")),
        }
    }
}

impl Config {
    /// Reads a TOML file over this configuration: what the file names replaces what was set, and its Apps join those
    /// that are known.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`]; [`ConfigError::Line`] for the first line that is not understood.
    pub fn with_file(self, path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        self.with_toml(&text, path)
    }

    /// Reads the text of a TOML file over this configuration. `path` names it in errors; relative names of files in
    /// it start from its folder.
    ///
    /// # Errors
    /// [`ConfigError::Line`] for the first line that is not understood.
    pub fn with_toml(mut self, text: &str, path: &Path) -> Result<Self, ConfigError> {
        let invalid = |at: usize, reason: &str| ConfigError::Line {
            path: path.to_owned(),
            line: 1 + text.as_bytes()[..at.min(text.len())]
                .iter()
                .filter(|&&b| b == b'\n')
                .count(),
            reason: reason.to_owned(),
        };
        let file: File =
            toml::from_str(text).map_err(|e| invalid(e.span().map_or(text.len(), |s| s.start), e.message()))?;

        self.bind = file.bind.unwrap_or(self.bind);
        self.node_ips = file.node_ips.unwrap_or(self.node_ips);
        self.workers = file.workers.or(self.workers);
        self.public_url = file.public_url.or(self.public_url);
        self.token_service = file.token_service.unwrap_or(self.token_service);
        self.connections = file.connections.unwrap_or(self.connections);
        if let Some(table) = file.tls {
            let at = table.span().start;
            self.tls = tls(table.into_inner(), path)
                .ok_or_else(|| invalid(at, "[tls] has either both cert and key or self_signed = true"))?;
        }
        let mut listed = HashSet::new();
        for table in file.apps {
            let (at, app) = (table.id.span().start, app(table));
            if !listed.insert(app.id.clone()) {
                return Err(invalid(at, "this App is listed twice"));
            }
            self.apps.retain(|known| known.id != app.id);
            self.apps.push(app);
        }
        Ok(self)
    }
}

fn tls(table: TlsTable, path: &Path) -> Option<Tls> {
    let folder = path.parent().unwrap_or(Path::new(""));
    match table {
        TlsTable {
            cert: Some(cert),
            key: Some(key),
            self_signed: false,
        } => Some(Tls::Files {
            cert: folder.join(cert),
            key: folder.join(key),
        }),
        TlsTable {
            cert: None,
            key: None,
            self_signed: true,
        } => Some(Tls::SelfSigned),
        _ => None,
    }
}

fn app(table: AppTable) -> App {
    let Secret(secret) = table.secret;
    let mut app = App {
        name: table.name,
        enabled: table.enabled,
        ..App::new(table.id.into_inner(), &secret)
    };
    if table.bind_tokens {
        app.keys = AppKeys::from_secret(&secret).bind_001_names();
    }
    if let Some(formats) = table.tokens {
        let formats = formats.into_iter().map(|format| match format {
            Format::Legacy001 => TokenFormat::Legacy001,
            Format::Jwt => TokenFormat::Jwt,
        });
        app.tokens = formats.collect();
    }
    app
}

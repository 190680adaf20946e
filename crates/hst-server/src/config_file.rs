use std::{
    collections::HashSet,
    fmt::Display,
    fs,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
};

use hst_auth::{AppSecret, UnixMillis};
use hst_cluster::NodeId;
use hst_cluster_nats::{Auth, Options as Nats};
use hst_id::AppId;
use hst_store::{AppName, History, LoginPolicy, MaxMembers, MessageBytes, Service, Webhook, WebhookSecret, WebhookUrl};
use hst_webhook::{AddressGuard, WebhookError};
use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;

use crate::{App, ClusterConfig, Config, ConfigError, Connections, Gateway, Origin, Tls};

/// The file as it is written. A key that is not here is an error: a setting that was misspelt must not be passed over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bind: Option<SocketAddr>,
    node_ips: Option<Vec<IpAddr>>,
    stun_server: Option<String>,
    turn: Option<SocketAddr>,
    workers: Option<NonZeroUsize>,
    public_url: Option<Origin>,
    gateway_weight: Option<u32>,
    #[serde(default)]
    gateways: Vec<Gateway>,
    token_service: Option<bool>,
    data_dir: Option<PathBuf>,
    metrics: Option<SocketAddr>,
    #[serde(default)]
    webhook_allow: Vec<Spanned<String>>,
    #[serde(default)]
    webhook_deny: Vec<Spanned<String>>,
    tls: Option<Spanned<TlsTable>>,
    connections: Option<Connections>,
    cluster: Option<Spanned<ClusterTable>>,
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
struct ClusterTable {
    nats: Vec<String>,
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
    credentials: Option<PathBuf>,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    name: Option<String>,
    replicas: Option<u8>,
    node: Option<NodeId>,
    link: Option<SocketAddr>,
    link_rate: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppTable {
    id: Spanned<AppId>,
    secret: Secret,
    previous_secret: Option<PreviousTable>,
    name: Option<Text<AppName>>,
    tokens: Option<Vec<Format>>,
    #[serde(default)]
    bind_tokens: bool,
    #[serde(default = "yes")]
    enabled: bool,
    services: Option<Vec<ServiceName>>,
    login: Option<Text<LoginPolicy>>,
    max_members: Option<Number<MaxMembers>>,
    max_message: Option<Number<MessageBytes>>,
    history: Option<Number<History>>,
    webhook: Option<WebhookTable>,
}

/// The secret before, while users change over to the present one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PreviousTable {
    secret: Secret,
    /// Unix time in seconds.
    until: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookTable {
    url: Text<WebhookUrl>,
    secret: HookSecret,
}

/// A text with a rule of its own.
struct Text<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A number with bounds of its own.
struct Number<T>(T);

impl<'de, T: TryFrom<u32, Error: Display>> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::try_from(u32::deserialize(from)?).map(Self).map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ServiceName {
    Video,
    Audio,
    Screen,
    Messages,
    Presence,
    Record,
    WeChat,
}

impl From<ServiceName> for Service {
    fn from(name: ServiceName) -> Self {
        match name {
            ServiceName::Video => Self::Video,
            ServiceName::Audio => Self::Audio,
            ServiceName::Screen => Self::ScreenShare,
            ServiceName::Messages => Self::Messages,
            ServiceName::Presence => Self::Presence,
            ServiceName::Record => Self::Record,
            ServiceName::WeChat => Self::WeChat,
        }
    }
}

fn yes() -> bool {
    true
}

#[derive(PartialEq, Eq, Deserialize)]
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

/// The same for the secret of a webhook.
struct HookSecret(WebhookSecret);

impl<'de> Deserialize<'de> for HookSecret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from)? {
            toml::Value::String(text) => WebhookSecret::parse(&text).map(Self).map_err(D::Error::custom),
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
        self.turn = file.turn.or(self.turn);
        self.stun_server = file.stun_server.or(self.stun_server);
        self.workers = file.workers.or(self.workers);
        self.public_url = file.public_url.or(self.public_url);
        self.gateway_weight = file.gateway_weight.unwrap_or(self.gateway_weight);
        self.gateways.extend(file.gateways);
        self.token_service = file.token_service.unwrap_or(self.token_service);
        self.metrics = file.metrics.or(self.metrics);
        if let Some(data_dir) = file.data_dir {
            self.data_dir = Some(folder_of(path).join(data_dir));
        }
        self.connections = file.connections.unwrap_or(self.connections);
        if let Some(table) = file.tls {
            let at = table.span().start;
            self.tls = tls(table.into_inner(), path)
                .ok_or_else(|| invalid(at, "[tls] has either both cert and key or self_signed = true"))?;
        }
        if let Some(table) = file.cluster {
            let at = table.span().start;
            self.cluster = Some(cluster(table.into_inner(), path).map_err(|reason| invalid(at, reason))?);
        }
        type Change = fn(AddressGuard, &str) -> Result<AddressGuard, WebhookError>;
        let allow: Change = AddressGuard::allow;
        for (networks, change) in [(file.webhook_allow, allow), (file.webhook_deny, AddressGuard::deny)] {
            for network in networks {
                let guard = change(self.webhook_guard, network.get_ref());
                self.webhook_guard = guard.map_err(|error| invalid(network.span().start, &error.to_string()))?;
            }
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

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

fn tls(table: TlsTable, path: &Path) -> Option<Tls> {
    let folder = folder_of(path);
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

fn cluster(table: ClusterTable, path: &Path) -> Result<ClusterConfig, &'static str> {
    let folder = folder_of(path);
    let mut nats = Nats::new(table.nats);
    nats.auth = match (table.user, table.password, table.token, table.credentials) {
        (None, None, None, None) => Auth::None,
        (Some(name), Some(password), None, None) => Auth::User { name, password },
        (None, None, Some(token), None) => Auth::Token(token),
        (None, None, None, Some(file)) => Auth::Credentials(folder.join(file)),
        _ => return Err("[cluster] has user and password, or token, or credentials, or none of them"),
    };
    nats.tls.roots = table.ca.map(|file| folder.join(file));
    nats.tls.identity = match (table.cert, table.key) {
        (None, None) => None,
        (Some(cert), Some(key)) => Some((folder.join(cert), folder.join(key))),
        _ => return Err("[cluster] has both cert and key, or neither"),
    };
    nats.name = table.name.unwrap_or(nats.name);
    nats.replicas = table.replicas.unwrap_or(nats.replicas);
    let mut cluster = ClusterConfig::new(nats);
    cluster.node = table.node.unwrap_or(cluster.node);
    cluster.link = table.link;
    cluster.link_rate = table.link_rate.unwrap_or(cluster.link_rate);
    Ok(cluster)
}

fn app(table: AppTable) -> App {
    let Secret(secret) = table.secret;
    let mut app = App::new(table.id.into_inner(), &secret);
    if let Some(PreviousTable { secret, until }) = table.previous_secret {
        app.secrets = app.secrets.with_previous(secret.0, UnixMillis::from_secs(until));
    }
    let settings = &mut app.settings;
    settings.online = table.enabled;
    settings.tokens.bind_001_names = table.bind_tokens;
    if let Some(formats) = table.tokens {
        settings.tokens.accepts_001 = formats.contains(&Format::Legacy001);
        settings.tokens.accepts_jwt = formats.contains(&Format::Jwt);
    }
    if let Some(services) = table.services {
        settings.services = services.into_iter().map(|name| (name.into(), None)).collect();
    }
    if let Some(Text(name)) = table.name {
        settings.name = name;
    }
    if let Some(Text(login)) = table.login {
        settings.login = login;
    }
    if let Some(Number(max)) = table.max_members {
        settings.limits.max_members = max;
    }
    if let Some(Number(max)) = table.max_message {
        settings.limits.message_bytes = max;
    }
    if let Some(Number(history)) = table.history {
        settings.limits.history = history;
    }
    settings.webhook = table.webhook.map(|WebhookTable { url, secret }| Webhook {
        url: url.0,
        secret: secret.0,
    });
    app
}

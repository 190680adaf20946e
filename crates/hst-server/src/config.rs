use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
};

use hst_auth::AppSecret;
use hst_id::AppId;
use hst_store::{AppName, AppSecrets, AppSettings};
use hst_webhook::AddressGuard;
use serde::Deserialize;

use crate::{ClusterConfig, Connections, Origin, StartError, hooks};

/// The App of development, with [`DEV_APP_SECRET`]: known to everybody.
pub const DEV_APP_ID: &str = "7a02a8217cd541f990152ea666ee24bf";
/// The secret of [`DEV_APP_ID`].
pub const DEV_APP_SECRET: &str = "42de63b19db7fda7";

/// The port of HTTP and of QUIC; the media threads have those behind it.
pub(crate) const DEFAULT_PORT: u16 = 7880;
/// The weight of a gateway of which nothing else is said: there are lower and higher ones.
const DEFAULT_WEIGHT: u32 = 100;

/// How the server is to run.
///
/// The default listens on this machine only and knows no App. [`dev`](Self::dev) knows one;
/// [`with_toml`](Self::with_toml) reads a file over either.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where HTTP (TCP) and QUIC (UDP) listen; the media threads have the ports behind it, of UDP and TCP, or those
    /// behind 7880 where it is below 1024, as browsers take no media from there. Port 0 picks a free one for each.
    pub bind: SocketAddr,
    /// The addresses at which clients reach the media threads; empty: found out from `bind` and this machine.
    pub node_ips: Vec<IpAddr>,
    /// The STUN server (`HOST:PORT`) that is asked at the start at which addresses the world sees this machine; what it
    /// answers is told to clients beside the others. `None`: nobody is asked.
    pub stun_server: Option<String>,
    /// How many media threads there are; `None`: one a core.
    pub workers: Option<NonZeroUsize>,
    /// Where clients see the server, when it stands behind a proxy; `None`: what their request says.
    pub public_url: Option<Origin>,
    /// How many clients Access sends here, in proportion to the weights of the other gateways. 0: only who finds no other.
    pub gateway_weight: u32,
    /// Further gateways that Access names, which are no nodes of the cluster.
    pub gateways: Vec<Gateway>,
    /// How HTTP and WebSocket are encrypted.
    pub tls: Tls,
    /// Where the relay for clients that do not reach the media (TURN) listens for UDP; over TCP and TLS it is at the port
    /// of HTTP. `None`: there is no relay.
    pub turn: Option<SocketAddr>,
    /// Where Prometheus finds `GET /metrics`; `None`: nowhere. Whoever reaches it learns how busy the server is.
    pub metrics: Option<SocketAddr>,
    /// How many connections there may be, and of whom.
    pub connections: Connections,
    /// Who may use the server, beside the Apps in the database.
    pub apps: Vec<App>,
    /// The folder of the database; `None`: it is in memory, and forgotten when the server ends.
    pub data_dir: Option<PathBuf>,
    /// Whether `POST /generate/token` makes tokens for whoever knows an App's secret; for trying things out.
    pub token_service: bool,
    /// The addresses that webhooks may call: public ones, unless it says otherwise.
    pub webhook_guard: AddressGuard,
    /// How it takes its place among the nodes of a cluster; `None`: it is alone.
    pub cluster: Option<ClusterConfig>,
    /// Whether it is for development: it makes a developer, also without a folder for the database.
    pub dev: bool,
    /// Whether the development App may be reached from other machines.
    pub dev_open: bool,
}

/// A way into the platform that no node announces: a proxy in front of some of them, for example.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Where clients see it.
    pub url: Origin,
    /// How many clients Access sends there, in proportion to the weights of the others.
    #[serde(default = "default_weight")]
    pub weight: u32,
}

/// How HTTP and WebSocket are encrypted. QUIC always is: with the same certificate, or with one made at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by design: a server must know every kind")]
pub enum Tls {
    /// Not at all.
    Off,
    /// By a certificate made at the start, for `localhost` and every address of this machine.
    SelfSigned,
    /// By the certificate chain and the key in these PEM files.
    Files {
        /// The chain, the server's own certificate first.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

/// One App of the configuration: who may use the server, by which tokens, and what for. The server does not change it.
#[derive(Debug, Clone)]
pub struct App {
    /// Its App ID.
    pub id: AppId,
    /// What its tokens are made with.
    pub secrets: AppSecrets,
    /// What its users may do.
    pub settings: AppSettings,
}

impl App {
    /// An App that is online and takes every token made with its secret.
    pub fn new(id: AppId, secret: &AppSecret) -> Self {
        let name = &id.as_str()[..id.as_str().len().min(64)];
        let name = AppName::parse(name).expect("the first 64 characters of an App ID are a name");
        let mut settings = AppSettings::new(name);
        settings.online = true;
        Self {
            id,
            secrets: AppSecrets::new(secret.clone()),
            settings,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: (Ipv4Addr::LOCALHOST, DEFAULT_PORT).into(),
            node_ips: Vec::new(),
            stun_server: None,
            workers: None,
            public_url: None,
            gateway_weight: DEFAULT_WEIGHT,
            gateways: Vec::new(),
            tls: Tls::Off,
            turn: None,
            connections: Connections::default(),
            apps: Vec::new(),
            data_dir: None,
            metrics: None,
            cluster: None,
            token_service: false,
            webhook_guard: AddressGuard::public_only(),
            dev: false,
            dev_open: false,
        }
    }
}

impl Config {
    /// Knows the development App and makes tokens.
    pub fn dev() -> Self {
        let id = AppId::parse(DEV_APP_ID).expect("the App ID of development keeps the rule");
        let secret = AppSecret::parse(DEV_APP_SECRET).expect("the secret of development has 16 characters");
        let mut app = App::new(id, &secret);
        app.settings.name = AppName::parse("development").expect("letters are a name");
        Self {
            apps: vec![app],
            token_service: true,
            dev: true,
            ..Self::default()
        }
    }

    /// Whether a server may start like this. `knows_more` is whether somebody else knows of further Apps.
    pub(crate) fn check(&self, knows_more: bool) -> Result<(), StartError> {
        if self.apps.is_empty() && self.data_dir.is_none() && !knows_more {
            return Err(StartError::NoApps);
        }
        for App { id, settings, .. } in &self.apps {
            let Some(webhook) = &settings.webhook else { continue };
            let endpoint = hooks::endpoint(webhook).map_err(|source| StartError::Webhook {
                app: id.clone(),
                source,
            })?;
            if let Some(ip) = endpoint.url.ip().filter(|&ip| !self.webhook_guard.permits(ip)) {
                return Err(StartError::WebhookAddress { app: id.clone(), ip });
            }
        }
        let exposed = !self.bind.ip().is_loopback() && self.apps.iter().any(|app| app.id.as_str() == DEV_APP_ID);
        if exposed && !self.dev_open {
            return Err(StartError::DevAppExposed { bind: self.bind });
        }
        if exposed {
            tracing::warn!(bind = %self.bind, "THE DEVELOPMENT APP IS OPEN TO OTHER MACHINES: everybody knows its secret");
        }
        Ok(())
    }

    /// The number of media threads.
    pub(crate) fn worker_count(&self) -> NonZeroUsize {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.workers.unwrap_or_else(cores)
    }
}

fn default_weight() -> u32 {
    DEFAULT_WEIGHT
}

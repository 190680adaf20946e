use std::time::SystemTime;

use clap::Args;
use hst_auth::{AppId, AppSecret, TokenIssuer, TokenRequest, UserId};
use hst_rtc::{
    access::AccessDiscovery as _,
    access_http::HttpAccess,
    signal::{Limits, SignalConnection, SignalTransport as _},
    signal_ws::WsTransport,
};

use super::{BenchError, process::Process};
use crate::error::CliError;

/// The public App of `hst-server --dev`, and its secret.
const DEV_APP: (&str, &str) = ("7a02a8217cd541f990152ea666ee24bf", "42de63b19db7fda7");

/// Which server is measured.
#[derive(Args, Clone)]
pub(crate) struct TargetOptions {
    /// The Access service of a running server; without it, one is started, and ended afterwards.
    #[arg(long, value_name = "URL")]
    access: Option<String>,
    /// The process of that server, if it is on this machine: its memory and CPU time are read.
    #[arg(long, value_name = "PID", requires = "access")]
    pid: Option<u32>,
    /// The app's id; the one of development unless said otherwise.
    #[arg(long, value_name = "ID", requires = "app_secret")]
    app_id: Option<AppId>,
    /// The app's secret.
    #[arg(long, value_name = "SECRET", requires = "app_id")]
    app_secret: Option<String>,
}

impl TargetOptions {
    /// A server in development that somebody else has started.
    pub(super) fn dev(address: &str) -> Self {
        Self {
            access: Some(format!("http://{address}")),
            pid: None,
            app_id: None,
            app_secret: None,
        }
    }
}

/// The server that is measured.
pub(super) struct Target {
    /// Where it speaks signalling: a `ws://` address.
    signal: String,
    app: AppId,
    issuer: TokenIssuer,
    transport: WsTransport,
    pid: Option<u32>,
    /// The server itself, if it was started for this.
    _process: Option<Process>,
}

impl Target {
    /// Finds the server, or starts one.
    pub(super) async fn reach(options: &TargetOptions) -> Result<Self, CliError> {
        let (id, secret) = match (&options.app_id, &options.app_secret) {
            (Some(id), Some(secret)) => (id.as_str(), secret.as_str()),
            _ => DEV_APP,
        };
        let app = AppId::parse(id).expect("an App ID that was parsed, or the one of development");
        let issuer = TokenIssuer::legacy_001(app.clone(), &AppSecret::parse(secret)?);
        let (access, pid, process) = match &options.access {
            Some(access) => (access.clone(), options.pid, None),
            None => {
                let process = Process::server("127.0.0.1:0", None).await?;
                (format!("http://{}", process.address()), process.pid(), Some(process))
            }
        };
        Ok(Self {
            signal: web_socket(&access).await?,
            app,
            issuer,
            transport: WsTransport::new(Limits::default()),
            pid,
            _process: process,
        })
    }

    /// This node and no other, whatever its Access names: a server in development that somebody else has started.
    pub(super) fn node(address: &str) -> Result<Self, CliError> {
        let (id, secret) = DEV_APP;
        let app = AppId::parse(id).expect("the App ID of development");
        Ok(Self {
            signal: format!("ws://{address}/v1/signal"),
            issuer: TokenIssuer::legacy_001(app.clone(), &AppSecret::parse(secret)?),
            app,
            transport: WsTransport::new(Limits::default()),
            pid: None,
            _process: None,
        })
    }

    /// The `ws://` address of its signalling.
    pub(super) fn signal(&self) -> &str {
        &self.signal
    }

    /// Its process, if that is known.
    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The App of its users.
    pub(super) fn app(&self) -> &AppId {
        &self.app
    }

    /// A token of the App for this user.
    pub(super) fn token(&self, user: &UserId) -> Result<String, CliError> {
        let request = TokenRequest {
            user: Some(user.clone()),
            ..TokenRequest::default()
        };
        Ok(self.issuer.issue(&request, SystemTime::now().into())?)
    }

    /// A new connection, on which nothing was said yet.
    pub(super) async fn connect(&self) -> Result<SignalConnection, BenchError> {
        Ok(self.transport.connect(&self.signal).await?)
    }
}

/// A user whom no other run at the same server has.
pub(super) fn user(index: usize) -> UserId {
    let run = std::process::id();
    UserId::parse(&format!("bench-{run}-{index}")).expect("letters, digits and dashes are a User ID")
}

/// Of the addresses that Access names, the one that can be measured and cut by bytes.
async fn web_socket(access: &str) -> Result<String, BenchError> {
    let points = HttpAccess::parse(access)?.discover(None).await?;
    let mut all = points.signal().iter();
    let found = all.find(|address| address.starts_with("ws://"));
    Ok(found.ok_or(BenchError::NoWebSocket)?.clone())
}

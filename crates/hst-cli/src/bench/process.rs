use std::{
    env,
    ffi::OsStr,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use super::{BenchError, measure::Served};

/// A server that has not said by then where it listens does not start.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A server in a process of its own, which ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Kept open, so that whatever the server says later does no harm.
    _stdout: BufReader<ChildStdout>,
    address: String,
    media: Vec<SocketAddr>,
    metrics: Option<SocketAddr>,
}

impl Process {
    /// Starts the server that lies beside this program, as for development; what it keeps is in this folder, or nowhere.
    pub(super) async fn server(bind: &str, data_dir: Option<&Path>) -> Result<Self, BenchError> {
        let mut arguments: Vec<&OsStr> = ["--dev", "--json", "--bind", bind].map(OsStr::new).to_vec();
        if let Some(folder) = data_dir {
            arguments.extend([OsStr::new("--data-dir"), folder.as_os_str()]);
        }
        Self::start(&program()?, &arguments).await
    }

    /// Starts one that has a single address for media, as a server with a public one has, and so many media threads, or one a core.
    pub(super) async fn media_server(workers: Option<usize>) -> Result<Self, BenchError> {
        let arguments = ["--dev", "--json", "--bind", "127.0.0.1:0", "--node-ip", "127.0.0.1"];
        let mut arguments = arguments.map(str::to_owned).to_vec();
        arguments.extend(workers.iter().map(|count| format!("--workers={count}")));
        Self::start(&program()?, &arguments).await
    }

    /// Starts a node of the cluster on this NATS server.
    pub(super) async fn node(nats: &str, name: &str) -> Result<Self, BenchError> {
        let local = [
            "--bind",
            "127.0.0.1:0",
            "--node-ip",
            "127.0.0.1",
            "--metrics",
            "127.0.0.1:0",
        ];
        let arguments = ["--dev", "--json", "--nats", nats, "--node", name];
        Self::start(&program()?, &[&arguments[..], &local].concat()).await
    }

    /// Starts a program that says in its first line, as `{"ready":{"http":"127.0.0.1:7880"}}`, where it listens.
    pub(super) async fn start(program: &Path, arguments: &[impl AsRef<OsStr>]) -> Result<Self, BenchError> {
        let failed = |fault| BenchError::Start {
            program: program.to_owned(),
            fault,
        };
        let mut child = Command::new(program)
            .args(arguments)
            // A line for each session would be measured too.
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut stdout = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut line = String::new();
        let said = timeout(START_TIMEOUT, stdout.read_line(&mut line)).await;
        let ready: Option<Value> = said.ok().and_then(|_| serde_json::from_str(&line).ok());
        let address = ready.as_ref().and_then(|ready| ready["ready"]["http"].as_str());
        let address = address.ok_or_else(|| BenchError::NotReady {
            program: program.to_owned(),
        })?;
        let media = ready.as_ref().and_then(|ready| ready["ready"]["media"].as_array());
        let media = media.into_iter().flatten().filter_map(|it| it.as_str()?.parse().ok());
        Ok(Self {
            address: address.to_owned(),
            media: media.collect(),
            metrics: ready
                .as_ref()
                .and_then(|it| it["ready"]["metrics"].as_str()?.parse().ok()),
            child,
            _stdout: stdout,
        })
    }

    /// Where it listens, as `host:port`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Where its media threads listen.
    pub(super) fn media(&self) -> &[SocketAddr] {
        &self.media
    }

    /// Where it tells its figures, if it does.
    pub(super) fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// What is measured of it.
    pub(super) fn served(&self) -> Served {
        Served {
            pid: self.pid(),
            ports: self.media.iter().map(SocketAddr::port).collect(),
        }
    }

    /// `None` when it is over.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it as a cut of power would: it can neither save nor tell anything. It is over when this returns.
    pub(super) async fn kill(mut self) -> Result<(), BenchError> {
        Ok(self.child.kill().await?)
    }
}

/// The server that lies beside this program.
fn program() -> Result<PathBuf, BenchError> {
    Ok(env::current_exe()?.with_file_name(format!("hst-server{}", env::consts::EXE_SUFFIX)))
}

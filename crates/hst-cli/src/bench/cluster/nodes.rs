use std::{env, path::PathBuf, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    bench::{BenchError, process::Process, target::Target},
    error::CliError,
};

/// A NATS server that is not ready by then does not start.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// What it says when it listens; a port follows.
const LISTENS: &str = "Listening for client connections on 127.0.0.1:";

/// Nodes in processes of their own, which end with this value.
pub(super) struct Nodes {
    /// Dropped before what they agree by.
    processes: Vec<Process>,
    targets: Vec<Target>,
    _nats: Option<Nats>,
}

impl Nodes {
    /// Starts them, `n1` and so on, on the NATS server that runs there or on one of their own.
    pub(super) async fn start(nats: Option<&str>, count: usize) -> Result<Self, CliError> {
        let (url, own) = match nats {
            Some(url) => (url.to_owned(), None),
            None => {
                let nats = Nats::start().await?;
                (nats.url.clone(), Some(nats))
            }
        };
        let mut processes = Vec::with_capacity(count);
        for number in 1..=count {
            processes.push(Process::node(&url, &format!("n{number}")).await?);
        }
        let targets = processes.iter().map(|it| Target::node(it.address()));
        Ok(Self {
            targets: targets.collect::<Result<_, _>>()?,
            processes,
            _nats: own,
        })
    }

    pub(super) fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// The nodes as those who log in see them, in the same order.
    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Ends the first as a cut of power would; the targets stay as they were.
    pub(super) async fn kill_first(&mut self) -> Result<(), BenchError> {
        self.processes.remove(0).kill().await
    }
}

struct Nats {
    url: String,
    _child: Child,
    /// A pipe that nobody empties would stop the server.
    drain: JoinHandle<()>,
    _store: TempDir,
}

impl Nats {
    async fn start() -> Result<Self, BenchError> {
        let (program, store) = (program(), TempDir::new().map_err(BenchError::Folder)?);
        let mut child = Command::new(&program)
            .args(["-a", "127.0.0.1", "-p", "-1", "-js", "-sd"])
            .arg(store.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|fault| BenchError::Start { program, fault })?;
        let mut log = BufReader::new(child.stderr.take().expect("it was asked for")).lines();
        let ready = async {
            let mut url = None;
            while let Ok(Some(line)) = log.next_line().await {
                if let Some((_, port)) = line.split_once(LISTENS) {
                    url = Some(format!("nats://127.0.0.1:{port}"));
                }
                if line.ends_with("Server is ready") {
                    return url;
                }
            }
            None
        };
        let url = timeout(START_TIMEOUT, ready).await.ok().flatten();
        Ok(Self {
            url: url.ok_or(BenchError::NoNats)?,
            _child: child,
            drain: tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} }),
            _store: store,
        })
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.drain.abort();
    }
}

/// Some systems keep it where only the administrator looks.
fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    let mut found = folders.map(|folder| folder.join("nats-server"));
    found.find(|path| path.is_file()).unwrap_or("nats-server".into())
}

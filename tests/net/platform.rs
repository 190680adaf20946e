//! Nodes and their NATS, each a process on a host of its own.

use std::process::Stdio;

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
};

use crate::{demo::program, lan::Lan, people::within};

/// The host of NATS; the nodes are on those behind it.
pub(crate) const NATS: usize = 0;

pub(crate) struct Platform {
    pub(crate) lan: Lan,
    /// NATS, and the nodes.
    processes: Vec<Child>,
    _store: TempDir,
}

impl Platform {
    /// Starts so many nodes, and says why not if this machine has no namespaces.
    pub(crate) async fn of(nodes: usize) -> Result<Self, String> {
        let lan = Lan::of(nodes + 1)?;
        let store = TempDir::new().unwrap();
        let mut nats = on(NATS, "nats-server");
        nats.args(["-a", &Lan::address(NATS), "-p", "4222", "-js", "-sd"])
            .arg(store.path());
        // It says on the one what nodes say on the other.
        let mut nats = nats.stderr(Stdio::piped()).spawn().unwrap();
        ready(nats.stderr.take().unwrap(), "Server is ready").await;
        let mut platform = Self {
            lan,
            processes: vec![nats],
            _store: store,
        };
        for node in 1..=nodes {
            platform.processes.push(start(node).await);
        }
        Ok(platform)
    }

    /// Where clients come in by a node.
    pub(crate) fn signal(node: usize) -> String {
        format!("ws://{}:7880/v1/signal", Lan::address(node))
    }

    /// Ends a process as a crash does.
    pub(crate) async fn kill(&mut self, host: usize) {
        self.processes[host].kill().await.unwrap();
    }

    /// Starts a node again.
    pub(crate) async fn restart(&mut self, node: usize) {
        self.processes[node] = start(node).await;
    }

    /// Stops a process without ending it, as a machine that hangs; `go_on` lets it go on.
    pub(crate) async fn hang(&self, host: usize) {
        self.signal_to(host, "-STOP").await;
    }

    pub(crate) async fn go_on(&self, host: usize) {
        self.signal_to(host, "-CONT").await;
    }

    async fn signal_to(&self, host: usize, signal: &str) {
        let id = self.processes[host].id().expect("it runs").to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await.unwrap();
        assert!(sent.success());
    }
}

/// A program on a host.
fn on(host: usize, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("ip");
    command
        .args(["netns", "exec", &Lan::name(host)])
        .arg(program)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn start(node: usize) -> Child {
    let (name, address) = (format!("n{node}"), Lan::address(node));
    let mut server = on(node, program());
    server
        .args(["--dev", "--dev-open", "--node", &name])
        .args(["--nats", &format!("nats://{}:4222", Lan::address(NATS))])
        .args(["--bind", &format!("{address}:7880"), "--node-ip", &address])
        .args(["--public-url", &format!("http://{address}:7880")])
        .env("RUST_LOG", "warn");
    let mut server = server.stdout(Stdio::piped()).spawn().unwrap();
    ready(server.stdout.take().unwrap(), "ready").await;
    server
}

/// Waits until a program says that it is ready, and reads on: a pipe that nobody empties would stop it.
async fn ready(said: impl AsyncRead + Unpin + Send + 'static, word: &'static str) {
    let mut lines = BufReader::new(said).lines();
    within("a program that is ready", async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(word) {
                return;
            }
        }
        panic!("it ended before it was ready");
    })
    .await;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

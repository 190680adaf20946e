//! NATS servers of a test's own: on ports that the system chooses, with folders of their own, and gone with the test.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file takes what it needs, and fails as a test does"
)]

use std::{
    env,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

/// Far beyond what any step takes: a test that hangs fails here.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// 2.9, as Debian has it.
    Debian,
    /// A version that may be replicated.
    Current,
}

impl Program {
    fn path(self) -> PathBuf {
        let own = env::var_os("PATH").unwrap_or_default();
        let path = match self {
            Self::Debian => env::split_paths(&own)
                .chain(["/usr/sbin".into()])
                .map(|folder| folder.join("nats-server"))
                .find(|path| path.is_file()),
            // Tests lie in target/<profile>/deps.
            Self::Current => env::current_exe()
                .unwrap()
                .ancestors()
                .nth(3)
                .map(|target| target.join("tools/nats/bin/nats-server")),
        };
        let path = path.filter(|path| path.is_file());
        path.expect("`cargo xtask test` installs nats-server")
    }
}

pub struct Server {
    program: Program,
    arguments: Vec<String>,
    port: u16,
    store: TempDir,
    process: Option<Child>,
}

impl Server {
    /// One that stands alone.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// One that stands alone, with these arguments beside the usual.
    pub async fn with(arguments: &[&str]) -> Self {
        let mut server = Self::prepare(Program::Debian, -1, arguments);
        server.restart().await;
        server
    }

    fn prepare(program: Program, port: i32, arguments: &[&str]) -> Self {
        Self {
            program,
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            port: u16::try_from(port).unwrap_or_default(),
            store: TempDir::new().unwrap(),
            process: None,
        }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a crash does.
    pub async fn kill(&mut self) {
        self.process.take().expect("it runs").kill().await.unwrap();
    }

    /// Starts it again, on the same port and with what it has stored; ready when this returns.
    pub async fn restart(&mut self) {
        let mut log = self.spawn();
        within(async {
            while let Some(line) = log.next_line().await.unwrap() {
                if let Some((_, port)) = line.split_once("Listening for client connections on 127.0.0.1:") {
                    self.port = port.parse().unwrap();
                }
                assert!(!line.contains("[FTL]"), "{line}");
                if line.ends_with("Server is ready") {
                    // A pipe that nobody empties would stop the server.
                    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
                    return;
                }
            }
            panic!("the server ends before it is ready");
        })
        .await;
    }

    fn spawn(&mut self) -> Lines<BufReader<ChildStderr>> {
        let port = if self.port == 0 {
            "-1".to_owned()
        } else {
            self.port.to_string()
        };
        let mut command = Command::new(self.program.path());
        command.args(["-a", "127.0.0.1", "-p", &port]);
        // Last, so that a test may leave JetStream out.
        if !self.arguments.iter().any(|argument| argument == "--no-jetstream") {
            command.arg("-js").arg("-sd").arg(self.store.path());
        }
        command.args(self.arguments.iter().filter(|&argument| argument != "--no-jetstream"));
        let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        self.process = Some(process);
        log
    }

    /// Takes from a server that does not run what it has stored.
    pub fn empty(&mut self) {
        assert!(self.process.is_none(), "it does not run");
        self.store = TempDir::new().unwrap();
    }

    /// Stops it without ending it, as a machine that hangs; `go_on` lets it go on.
    pub async fn hang(&self) {
        let id = self.signal("-STOP").await;
        // Its threads stop one after the other.
        let is_stopped = |status: String| status.lines().any(|line| line.starts_with("State:\tT"));
        let threads = || std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
        let statuses =
            || threads().map(|thread| std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap());
        within(async {
            while !statuses().all(is_stopped) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    pub async fn go_on(&self) {
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) -> String {
        let id = self.process.as_ref().and_then(Child::id).expect("it runs").to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .await
                .unwrap()
                .success()
        );
        id
    }
}

/// Three servers that know each other.
pub async fn cluster(program: Program) -> Vec<Server> {
    let routes = free_ports();
    let list = routes.map(|port| format!("nats://127.0.0.1:{port}")).join(",");
    let mut servers = Vec::new();
    for (number, route) in routes.iter().enumerate() {
        let (name, listen) = (format!("s{number}"), format!("nats://127.0.0.1:{route}"));
        let arguments = [
            "--name",
            &name,
            "--cluster_name",
            "test",
            "--cluster",
            &listen,
            "--routes",
            &list,
        ];
        servers.push(Server::prepare(program, -1, &arguments));
    }
    for server in &mut servers {
        server.restart().await;
    }
    servers
}

/// Each server must know the others' before it starts, so they are looked for beforehand.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("done in time")
}

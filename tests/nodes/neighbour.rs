//! A node of another version beside those of this one.

use std::{env, ffi::OsString, net::SocketAddr, process::Stdio};

use hst_tests::house::{House, Member, doors_of, visitor_of, within};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::next;

/// Names the `hst-server` of another version. Without it the neighbour is of the next version.
const PROGRAM: &str = "HST_NEIGHBOUR";

/// A node of another version.
pub(crate) struct Neighbour {
    pub(crate) http: SocketAddr,
    signal: Vec<String>,
    node: Node,
}

enum Node {
    Next(Box<House>),
    Program(Child),
}

impl Neighbour {
    pub(crate) async fn start(nats: &str, name: &str) -> Self {
        match env::var_os(PROGRAM) {
            Some(program) => Self::run(program, nats, name).await,
            None => {
                let house = next::start(nats, name).await;
                Self {
                    http: house.server.addresses().http.unwrap(),
                    signal: house.signal_urls().to_vec(),
                    node: Node::Next(Box::new(house)),
                }
            }
        }
    }

    async fn run(program: OsString, nats: &str, name: &str) -> Self {
        let mut program = Command::new(program);
        program
            .args([
                "--dev",
                "--json",
                "--bind",
                "127.0.0.1:0",
                "--node",
                name,
                "--nats",
                nats,
            ])
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = program.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = within("a neighbour that is ready", lines.next_line()).await.unwrap();
        let said: Value = serde_json::from_str(&line.expect("it ended before it was ready")).unwrap();
        // A pipe that nobody empties would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let address = |of: &str| said["ready"][of].as_str().unwrap().parse().unwrap();
        let (http, quic) = (address("http"), address("quic"));
        Self {
            http,
            signal: doors_of(http, quic).await,
            node: Node::Program(process),
        }
    }

    /// Somebody who comes by it, with an initialised engine.
    pub(crate) async fn visitor(&self) -> Member {
        visitor_of(&self.signal).await
    }

    /// Ends it as whoever runs it does.
    pub(crate) async fn end(self) {
        match self.node {
            Node::Next(house) => house.server.shutdown().await,
            Node::Program(mut process) => {
                let id = process.id().expect("it runs").to_string();
                assert!(Command::new("kill").arg(&id).status().await.unwrap().success());
                assert!(process.wait().await.unwrap().success(), "it ends well");
            }
        }
    }
}

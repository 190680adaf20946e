use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{BenchError, measure::Served};

/// A program that does not answer an offer within this does not answer it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Another program that forwards, which ends with this value. Each line that it reads is an offer, `{"offer":"…"}`, and it
/// answers each with a line `{"answer":"…"}`. Who offers first publishes one media; all others receive it.
pub(super) struct Beside {
    program: PathBuf,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Beside {
    pub(super) fn start(program: &Path) -> Result<Self, BenchError> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|fault| BenchError::Start {
                program: program.to_owned(),
                fault,
            })?;
        Ok(Self {
            program: program.to_owned(),
            stdin: child.stdin.take().expect("it was asked for"),
            stdout: BufReader::new(child.stdout.take().expect("it was asked for")),
            child,
        })
    }

    /// What is measured of it; nobody says where it listens.
    pub(super) fn served(&self) -> Served {
        Served {
            pid: self.child.id(),
            ports: Vec::new(),
        }
    }

    /// Its answer to an offer.
    pub(super) async fn answer(&mut self, offer: &str) -> Result<String, BenchError> {
        let request = format!("{}\n", json!({ "offer": offer }));
        self.stdin.write_all(request.as_bytes()).await?;
        let mut line = String::new();
        let said = timeout(PATIENCE, self.stdout.read_line(&mut line)).await;
        let reply: Option<Value> = said.ok().and_then(|_| serde_json::from_str(&line).ok());
        let answer = reply.as_ref().and_then(|reply| reply["answer"].as_str());
        let answer = answer.ok_or_else(|| BenchError::NoAnswer {
            program: self.program.clone(),
        })?;
        Ok(answer.to_owned())
    }
}

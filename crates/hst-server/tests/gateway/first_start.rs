//! How the first developer comes to be.

use std::process::Stdio;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::house::{House, start};

#[tokio::test]
async fn the_secret_is_shown_at_the_first_start_and_never_again() {
    let house = House::open().await;
    let app = house.backend().await.create_app().await;
    let House {
        server,
        developer,
        folder,
    } = house;
    server.shutdown().await;

    let server = start(&folder).await;
    assert!(server.new_developer().is_none());
    let house = House {
        server,
        developer,
        folder,
    };
    let backend = house.backend().await;
    backend.get(&format!("GET /v1/apps/{}", app.id), None).await;
}

#[tokio::test]
async fn the_program_says_it_in_its_ready_line_and_never_again() {
    let folder = tempfile::tempdir().unwrap();
    for is_first in [true, false] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_hst-server"));
        program.args([
            "--dev",
            "--json",
            "--workers",
            "1",
            "--bind",
            "127.0.0.1:0",
            "--data-dir",
        ]);
        program.arg(folder.path()).kill_on_drop(true);
        program.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = program.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).await.unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let developer = &ready["ready"]["developer"];
        assert_eq!(developer["id"].as_str().map(str::len), is_first.then_some(32), "{line}");
        assert_eq!(
            developer["secret"].as_str().map(str::len),
            is_first.then_some(16),
            "{line}"
        );
        child.kill().await.unwrap();
    }
}

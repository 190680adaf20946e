//! A guarded child ends when we do, in whatever way.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

fn guard(script: &str) -> Child {
    let mut guard = Command::new(env!("CARGO_BIN_EXE_xtask"));
    guard.args(["__guard", "sh", "-c", script]);
    guard
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    guard.spawn().expect("this program starts")
}

fn is_alive(pid: &str) -> bool {
    let mut kill = Command::new("kill");
    kill.args(["-0", pid]).stderr(Stdio::null());
    kill.status().expect("every Unix has kill").success()
}

#[test]
fn the_end_of_the_pipe_ends_the_child() {
    let mut guard = guard("echo $$; exec sleep 1000");
    let mut pid = String::new();
    BufReader::new(guard.stdout.as_mut().unwrap())
        .read_line(&mut pid)
        .unwrap();
    assert!(is_alive(pid.trim()));

    drop(guard.stdin.take());
    assert!(guard.wait().unwrap().success());
    assert!(!is_alive(pid.trim()));
}

#[test]
fn a_child_that_ends_by_itself_ends_the_guard() {
    let mut guard = guard("exit 3");
    let pipe = guard.stdin.take();
    let output = guard.wait_with_output().unwrap();
    drop(pipe);
    assert!(!output.status.success());
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("exit status: 3"), "{words}");
}

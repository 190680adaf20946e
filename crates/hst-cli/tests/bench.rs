//! `hst bench` as a user runs it, in small: it starts a server, measures it, and ends it.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::{path::Path, process::Command};

use serde_json::Value;

/// Sees to the server that is measured: whoever tests this package alone has not built it.
fn build_server() {
    let server = Path::new(env!("CARGO_BIN_EXE_hst")).with_file_name("hst-server");
    if !server.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--workspace", "--bin", "hst-server"])
            .status()
            .unwrap();
        assert!(built.success(), "hst-server is not built");
    }
}

/// The figures of a run that went well.
fn figures(arguments: &str) -> Value {
    build_server();
    let output = Command::new(env!("CARGO_BIN_EXE_hst"))
        .arg("bench")
        .args(arguments.split(' '))
        .arg("--json")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn assert_positive(figures: &Value, names: &[&str]) {
    for name in names {
        assert!(
            figures[name].as_f64().is_some_and(|value| value > 0.0),
            "{name}: {figures}"
        );
    }
}

#[test]
fn idle_sessions_are_counted_by_their_bytes() {
    let figures = figures("signal --idle 50");
    assert_eq!(figures["idle"], 50);
    assert_positive(&figures, &["logins_per_second", "login_p50_ms", "login_p99_ms"]);
    if cfg!(target_os = "linux") {
        assert_positive(&figures, &["bytes_per_idle_session", "bare_bytes_per_socket"]);
    }
}

#[test]
fn a_message_to_all_is_timed_beside_a_bare_server() {
    let figures = figures("fanout --members 20 --messages 10");
    assert_eq!((&figures["members"], &figures["messages"]), (&20.into(), &10.into()));
    assert_positive(&figures, &["p50_ms", "p99_ms", "ratio_to_bare", "ratio_to_bare_p99"]);
}

#[test]
fn no_message_is_lost_or_doubled_while_connections_break() {
    let figures = figures("reconnect --clients 10 --disconnects 20 --messages 500");
    for (name, expected) in [
        ("lost", 0),
        ("duplicated", 0),
        ("reordered", 0),
        ("leaked", 0),
        ("disconnects", 20),
    ] {
        assert_eq!(figures[name], expected, "{name}: {figures}");
    }
    let count = |name: &str| figures[name].as_u64().unwrap();
    assert_eq!(count("acked") + count("refused") + count("unknown"), 500);
    assert!(count("delivered") >= 9 * count("acked"), "{figures}");
    assert_positive(&figures, &["acked", "seconds"]);
}

#[test]
fn the_round_trips_of_joining_are_counted() {
    let figures = figures("join --rtt 0,200 --runs 3");
    assert_positive(&figures, &["p50_ms_rtt0", "p95_ms_rtt0"]);
    let count = |name: &str| figures[name].as_f64().unwrap();
    // Two, and one; a machine that is busy with other things adds to that. It was three and two once.
    let (cold, warm) = (count("round_trips_cold"), count("round_trips_warm"));
    assert!((1.5..2.8).contains(&cold) && (0.5..1.8).contains(&warm), "{figures}");
}

#[test]
fn whoever_was_there_is_there_again_after_the_server_was_killed() {
    let figures = figures("restart --clients 25");
    assert_eq!((&figures["clients"], &figures["lost"]), (&25.into(), &0.into()));
    assert_positive(&figures, &["ready_ms", "back_p50_ms", "back_p99_ms", "all_back_ms"]);
}

#[test]
fn forwarding_is_measured_beside_what_the_machine_can_do_at_most() {
    let figures = figures("forward --case 1to10 --seconds 2");
    assert_eq!((&figures["case"], &figures["receivers"]), (&"1to10".into(), &10.into()));
    assert_eq!(
        (&figures["lost_in_server"], &figures["damaged"]),
        (&0.into(), &0.into())
    );
    assert_positive(&figures, &["packets", "delay_us_p50", "delay_us_p99"]);
    assert!(figures["generator_limited"].is_boolean());
    // Everybody has what he should: what no sequence number tells, a server that says nothing more to somebody, shows here.
    let delivered = figures["delivered"].as_f64().unwrap();
    assert!((0.95..1.05).contains(&delivered), "{figures}");
    if cfg!(target_os = "linux") {
        let of_cpu = [
            "ratio_to_limit",
            "packets_per_second_per_core",
            "gbit_per_second_per_core",
        ];
        assert_positive(&figures, &of_cpu);
        assert_positive(&figures, &["server_us_per_packet", "bytes_per_receiver"]);
        assert_positive(&figures, &["generator_us_per_packet", "generator_busy"]);
        assert_eq!(figures["server_overflowed"], 0, "{figures}");
        assert!(figures["generator_overflowed"].is_u64(), "{figures}");
    }
}

#[test]
fn a_server_gets_as_much_to_do_as_was_asked_for() {
    let figures = figures("forward --case 1to10 --seconds 2 --load 0.05");
    assert_positive(&figures, &["packets", "delay_us_p50", "delay_us_p99", "delay_us_p999"]);
    if cfg!(target_os = "linux") {
        let load = figures["server_load"].as_f64().unwrap();
        // A machine that is busy with other things takes longer for the same.
        assert!((0.01..0.25).contains(&load), "{figures}");
    }
    assert_eq!(figures["groups"], 2, "{figures}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_load_that_is_not_reached_is_told() {
    // A single receiver's network carries so little that no server is half busy with it.
    let figures = figures("forward --case 1to1 --seconds 1 --load 1 --groups 1");
    assert_eq!(
        (&figures["asked_load"], &figures["generator_limited"]),
        (&1.0.into(), &true.into())
    );
    assert_positive(&figures, &["server_load", "packets"]);
}

#[test]
fn nothing_stays_of_those_who_come_and_go() {
    let figures = figures("churn --cycles 300 --at-once 10");
    assert_eq!(figures["cycles"], 300);
    assert_positive(&figures, &["cycles_per_second"]);
    if cfg!(target_os = "linux") {
        assert_positive(&figures, &["bytes_per_receiver"]);
        let growth = figures["growth"].as_f64().unwrap();
        assert!((0.9..1.1).contains(&growth), "{figures}");
    }
}

#[test]
fn what_the_system_does_not_allow_is_said_before_anything_is_done() {
    let output = Command::new(env!("CARGO_BIN_EXE_hst"))
        .args(["bench", "signal", "--idle", "1000000000"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!cfg!(target_os = "linux") || said.contains("ulimit -n"), "{said}");
}

#[test]
fn when_a_node_dies_the_others_keep_what_was_promised() {
    let figures = figures("cluster --nodes 3 --seconds 2");
    let none = [("double_logins", 0), ("barred_logins", 0), ("lost_acked", 0)];
    for (name, expected) in none {
        assert_eq!(figures[name], expected, "{name}: {figures}");
    }
    let measured = [
        "users",
        "claims_per_second",
        "acked",
        "message_us_p50",
        "message_us_p99",
    ];
    assert_positive(&figures, &measured);
    assert_positive(&figures, &["detect_ms_max", "back_ms_p99", "send_ms_max"]);
    // Three receive at each node, but a packet crosses once.
    let copies = figures["relay_copies_per_link"].as_f64().unwrap();
    assert!((0.8..1.5).contains(&copies), "{figures}");
}

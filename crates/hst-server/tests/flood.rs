//! Clients that send as fast as they can, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "server/common/mod.rs"]
mod common;

use std::time::Duration;

use common::{Client, memory_server};
use hst_proto::Command;
use hst_server::signal::memory::MemoryNetwork;
use hst_signal::{CloseCode, RecvEnd, SignalReceiver};
use tokio::time::{Instant, sleep, sleep_until};

/// One of each command. `exit` is missing: it ends what it floods.
const COMMANDS: [&str; 26] = [
    r#"{"login":{"protocol":1,"app":"a","token":"001","user":"u"}}"#,
    r#"{"resume":{"protocol":1,"session":"1","secret":"s","got":0}}"#,
    r#"{"renew":{"token":"001"}}"#,
    r#"{"ping":{}}"#,
    r#"{"join":{"group":"g"}}"#,
    r#"{"leave":{}}"#,
    r#"{"join":{"group":"h"}}"#,
    r#"{"roster":{"limit":500}}"#,
    r#"{"publish":{"type":1,"media":"appdef_mic"}}"#,
    r#"{"unpublish":{"type":1,"media":"appdef_mic"}}"#,
    r#"{"receive":{"user":"bystander","type":2,"media":"cam"}}"#,
    r#"{"stop_receive":{"user":"bystander","type":2,"media":"cam"}}"#,
    r#"{"offer":{"generation":1,"sdp":"v=0","lines":[]}}"#,
    r#"{"message":{"body":"hello"}}"#,
    r#"{"user_message":{"user":"bystander","body":"hello"}}"#,
    r#"{"history":{"limit":500}}"#,
    r#"{"online":{"limit":500}}"#,
    r#"{"unwatch":{}}"#,
    r#"{"set_state":{"state":"busy"}}"#,
    r#"{"invite":{"invite":1,"group":"g","users":["nobody"]}}"#,
    r#"{"answer_invite":{"invite":1,"accept":true}}"#,
    r#"{"cancel_invite":{"invite":1,"users":["nobody"]}}"#,
    r#"{"kick":{"user":"bystander"}}"#,
    r#"{"mute":{"user":"bystander","type":2,"media":"cam","muted":true}}"#,
    r#"{"lock":{"locked":true}}"#,
    r#"{"fly":{}}"#,
];
/// What one connection may ask at once, and then each second.
const BURST: usize = 401;
const PER_SECOND: usize = 200;

/// Sends one command again and again for so many seconds, or until the end of the connection; counts the answers, and
/// says how it ended if it did.
async fn flood(client: &mut Client, command: &str, seconds: u64) -> (usize, Option<RecvEnd>) {
    let mut id = 1;
    let until = Instant::now() + Duration::from_secs(seconds);
    let most = BURST + PER_SECOND * seconds as usize;
    let mut answers = 0;
    let (sender, receiver) = (&mut client.connection.sender, &mut client.connection.receiver);
    let send = async {
        loop {
            id += 1;
            let frame = format!(r#"{{"id":{id},"do":{command}}}"#);
            if sender.send(frame.into()).await.is_err() {
                return std::future::pending::<()>().await;
            }
        }
    };
    let end = tokio::select! {
        () = send => None,
        end = count(&mut **receiver, most, &mut answers) => Some(end),
        () = sleep_until(until) => None,
    };
    (answers, end)
}

async fn count(receiver: &mut dyn SignalReceiver, most: usize, answers: &mut usize) -> RecvEnd {
    loop {
        match receiver.recv().await {
            Ok(frame) if frame.windows(5).any(|window| window == br#""re":"#) => {
                *answers += 1;
                // Time would stand still.
                assert!(*answers <= most, "{answers} answers");
            }
            Ok(_) => {}
            Err(end) => return end,
        }
    }
}

/// Somebody else, who is served at once all the time.
async fn bystander(network: &MemoryNetwork) {
    let mut bystander = Client::in_memory(network).await.logged_in("bystander").await;
    bystander.join("g").await;
    loop {
        let asked = Instant::now();
        bystander.ask(Command::Ping {}).await.unwrap();
        assert!(asked.elapsed() < Duration::from_millis(10), "{:?}", asked.elapsed());
        sleep(Duration::from_millis(500)).await;
    }
}

/// What this process holds in memory, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(start_paused = true)]
async fn s11_a_minute_of_any_command_after_login_is_read_at_a_bounded_rate() {
    let (_server, network) = memory_server().await;
    let floods = async {
        let mut before = None;
        for command in COMMANDS {
            let mut mallory = Client::in_memory(&network).await.logged_in("mallory").await;
            mallory.join("g").await;
            let (answers, end) = flood(&mut mallory, command, 60).await;
            assert!(answers >= PER_SECOND, "{command}: {answers}");
            assert_eq!(end, None, "{command}");
            // The first one has made what is kept for all.
            let before = *before.get_or_insert_with(resident);
            let grown = resident().saturating_sub(before);
            // Far below what came in. The other test shares the process.
            assert!(grown < 64 * 1024 * 1024, "{command}: {grown} bytes");
            drop(mallory);
            // His session is over before the next one logs in.
            sleep(Duration::from_secs(120)).await;
        }
    };
    tokio::select! {
        () = floods => {}
        () = bystander(&network) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn s11_any_command_before_login_is_read_at_a_bounded_rate_until_the_deadline() {
    let (_server, network) = memory_server().await;
    let floods = async {
        for command in COMMANDS {
            let start = Instant::now();
            let mut stranger = Client::in_memory(&network).await;
            let (answers, end) = flood(&mut stranger, command, 11).await;
            assert!(answers >= 50, "{command}: {answers}");
            assert!(
                matches!(&end, Some(RecvEnd::Closed(why)) if why.code == CloseCode::PolicyViolation),
                "{command}: {end:?}"
            );
            assert_eq!(start.elapsed().as_secs(), 10, "{command}");
        }
    };
    tokio::select! {
        () = floods => {}
        () = bystander(&network) => {}
    }
}

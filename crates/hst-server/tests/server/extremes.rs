//! Numbers at the ends of what can be written.

use crate::common::{Client, memory_server};
use hst_proto::Command;

/// Each place of a number in a command.
const COMMANDS: [&str; 12] = [
    r#"{"roster":{"limit":#}}"#,
    r#"{"history":{"limit":#}}"#,
    r#"{"history":{"before":#,"limit":1}}"#,
    r#"{"online":{"limit":#}}"#,
    r#"{"publish":{"type":#,"media":"m"}}"#,
    r#"{"offer":{"generation":#,"sdp":"v=0","lines":[]}}"#,
    r#"{"invite":{"invite":#,"group":"g","users":["nobody"]}}"#,
    r#"{"answer_invite":{"invite":#,"accept":true}}"#,
    r#"{"cancel_invite":{"invite":#,"users":["nobody"]}}"#,
    r#"{"kick":{"user":"ann","ban":#}}"#,
    r#"{"resume":{"protocol":#,"session":"1","secret":"s","got":#}}"#,
    r#"{"message":{"body":#}}"#,
];

const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "1.5",
    "1e308",
];

#[tokio::test(start_paused = true)]
async fn g10_a_number_at_its_extreme_is_answered_and_does_no_harm() {
    let (_server, network) = memory_server().await;
    for logged_in in [false, true] {
        for command in COMMANDS {
            for number in NUMBERS {
                let mut client = Client::in_memory(&network).await;
                if logged_in {
                    client = client.logged_in("mallory").await;
                    client.join("g").await;
                }
                let command = command.replace('#', number);
                let asked = client.say_raw(&command).await;
                // Either way it is an answer, and the next request is served as well.
                if let Err(refused) = client.answer(asked).await {
                    assert_ne!(refused.code, 301, "{command}");
                }
                let ping = client.ask(Command::Ping {}).await;
                assert_eq!(ping.is_ok(), logged_in, "{command}");
                if logged_in {
                    client.ask(Command::Exit {}).await.unwrap();
                    client.end().await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn g10_what_was_got_may_be_any_number() {
    let (_server, network) = memory_server().await;
    let mut ann = Client::in_memory(&network).await.logged_in("ann").await;
    for number in ["0", "4294967296", "18446744073709551615"] {
        let frame = format!(r#"{{"got":{number}}}"#);
        ann.connection.sender.send(frame.into()).await.unwrap();
        ann.ask(Command::Ping {}).await.unwrap();
    }
}

//! Presence, invites and messages between users.

use std::time::Duration;

use crate::common::{Client, login, memory_server, user};
use hst_proto::{
    Command, Event, Invite, InviteAnswer, InviteCancel, InviteEnd, InviteOutcome, Invited, Login, Online, OnlinePage,
    Payload, Reply,
};
use hst_server::signal::memory::MemoryNetwork;

async fn on(network: &MemoryNetwork, name: &str, terminal: &str) -> Client {
    let mut client = Client::in_memory(network).await;
    let login = Login {
        terminal: terminal.parse().unwrap(),
        extend_info: format!("{name} on {terminal}"),
        ..login(name)
    };
    client.ask(Command::Login(login)).await.unwrap();
    client
}

async fn online(client: &mut Client, after: Option<&str>, limit: u32) -> Online {
    let after = after.map(user);
    match client.ask(Command::Online(OnlinePage { after, limit })).await {
        Ok(Reply::Online(page)) => page,
        other => panic!("no page but {other:?}"),
    }
}

/// Who comes and goes, as the watcher is told.
async fn change(client: &mut Client) -> (String, bool, String) {
    match client.event().await {
        Event::Presence { mut changes } if changes.len() == 1 => {
            let change = changes.remove(0);
            (change.user.as_str().to_owned(), change.online, change.terminal.state)
        }
        other => panic!("no change but {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_told_of_everybody_once_and_then_of_changes() {
    let (_server, network) = memory_server().await;
    let mut ann = on(&network, "ann", "web").await;
    let _bob = on(&network, "bob", "web").await;
    let _phone = on(&network, "bob", "phone").await;
    let first = online(&mut ann, None, 1).await;
    assert_eq!((first.users.len(), first.total, first.more), (1, 2, true));
    assert_eq!(first.users[0].user, user("ann"), "oneself included");
    // Behind the first page: the next one tells of her.
    let _cat = on(&network, "cat", "web").await;
    let rest = online(&mut ann, Some("ann"), 10).await;
    let names: Vec<_> = rest
        .users
        .iter()
        .map(|u| (u.user.as_str(), u.terminals.len()))
        .collect();
    assert_eq!((names, rest.more), (vec![("bob", 2), ("cat", 1)], false));
    assert_eq!(rest.users[1].terminals[0].extend_info, "cat on web");

    let mut dan = on(&network, "dan", "web").await;
    assert_eq!(change(&mut ann).await, ("dan".to_owned(), true, String::new()));
    let state = "busy".to_owned();
    dan.ask(Command::SetState { state }).await.unwrap();
    assert_eq!(change(&mut ann).await, ("dan".to_owned(), true, "busy".to_owned()));
    dan.ask(Command::Exit {}).await.unwrap();
    let (who, is_online, _) = change(&mut ann).await;
    assert_eq!((who.as_str(), is_online), ("dan", false));

    ann.ask(Command::Unwatch {}).await.unwrap();
    let _eve = on(&network, "eve", "web").await;
    // Changes that follow each other closely are told together.
    tokio::time::advance(Duration::from_secs(1)).await;
    ann.ask(Command::Ping {}).await.unwrap();
    let again = online(&mut ann, None, 10).await;
    assert_eq!(again.total, 4, "ann, bob, cat and eve");
}

#[tokio::test(start_paused = true)]
async fn companies_do_not_see_each_other() {
    let (_server, network) = memory_server().await;
    let mut ann = on(&network, "ann", "web").await;
    let mut bob = Client::in_memory(&network).await;
    let company = Login {
        company: "acme".to_owned(),
        ..login("bob")
    };
    bob.ask(Command::Login(company)).await.unwrap();
    assert_eq!(online(&mut ann, None, 10).await.total, 1);
    assert_eq!(online(&mut bob, None, 10).await.users[0].user, user("bob"));
}

fn invite(number: u64, users: &[&str]) -> Command {
    Command::Invite(Invite {
        invite: number,
        group: "g".parse().unwrap(),
        users: users.iter().copied().map(user).collect(),
        extend_info: Some(Payload::text("come")),
    })
}

async fn rings(client: &mut Client) -> u64 {
    match client.event().await {
        Event::Invited(invitation) => {
            assert_eq!(
                (invitation.from, invitation.from_info.as_str()),
                (user("ann"), "ann on web")
            );
            invitation.invite
        }
        other => panic!("it does not ring: {other:?}"),
    }
}

fn answer(invite: u64, accept: bool) -> Command {
    Command::AnswerInvite(InviteAnswer {
        invite,
        accept,
        extend_info: None,
    })
}

async fn result(client: &mut Client) -> (u64, String, InviteOutcome) {
    match client.event().await {
        Event::InviteAnswered(result) => (result.invite, result.user.as_str().to_owned(), result.outcome),
        other => panic!("no result but {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn all_terminals_ring_and_the_first_answer_counts() {
    let (_server, network) = memory_server().await;
    let mut ann = on(&network, "ann", "web").await;
    let mut web = on(&network, "bob", "web").await;
    let mut phone = on(&network, "bob", "phone").await;
    let asked = ann.ask(invite(7, &["bob", "zoe"])).await;
    let offline = vec![user("zoe")];
    assert_eq!(asked, Ok(Reply::Invited(Invited { offline })));
    let number = rings(&mut web).await;
    assert_eq!(rings(&mut phone).await, number);
    phone.ask(answer(number, true)).await.unwrap();
    assert_eq!(result(&mut ann).await, (7, "bob".to_owned(), InviteOutcome::Accepted));
    let Event::InviteEnded(ended) = web.event().await else {
        panic!("it rings on")
    };
    assert_eq!((ended.invite, ended.why), (number, InviteEnd::AnsweredElsewhere));
    assert_eq!(web.ask(answer(number, false)).await.unwrap_err().code, 1_000_110);
}

#[tokio::test(start_paused = true)]
async fn an_invite_ends_by_its_sender_by_time_or_with_the_invited() {
    let (_server, network) = memory_server().await;
    let mut ann = on(&network, "ann", "web").await;
    let mut bob = on(&network, "bob", "web").await;
    ann.ask(invite(1, &["bob"])).await.unwrap();
    rings(&mut bob).await;
    let cancel = InviteCancel { invite: 1, users: None };
    ann.ask(Command::CancelInvite(cancel)).await.unwrap();
    assert!(matches!(bob.event().await, Event::InviteEnded(ended) if ended.why == InviteEnd::Cancelled));

    ann.ask(invite(2, &["bob"])).await.unwrap();
    rings(&mut bob).await;
    bob.ask(Command::Exit {}).await.unwrap();
    assert_eq!(result(&mut ann).await, (2, "bob".to_owned(), InviteOutcome::Offline));
}

#[tokio::test(start_paused = true)]
async fn a_message_to_a_user_reaches_all_his_terminals_or_is_refused() {
    let (_server, network) = memory_server().await;
    let mut ann = on(&network, "ann", "web").await;
    let mut web = on(&network, "bob", "web").await;
    let mut phone = on(&network, "bob", "phone").await;
    let say = |to: &str, text: &str| Command::UserMessage {
        user: user(to),
        body: Payload::text(text),
    };
    for seq in 1..=3 {
        assert_eq!(ann.ask(say("bob", "hi")).await, Ok(Reply::Sent { seq }));
    }
    for terminal in [&mut web, &mut phone] {
        for seq in 1..=3 {
            let expected = Event::UserMessage {
                from: user("ann"),
                seq,
                body: Payload::text("hi"),
            };
            assert_eq!(terminal.event().await, expected);
        }
    }
    assert_eq!(ann.ask(say("zoe", "hi")).await.unwrap_err().code, 1_000_107);
    assert_eq!(ann.ask(say("bob", &"x".repeat(9_000))).await.unwrap_err().code, 1);
    let refused = {
        let mut codes = Vec::new();
        for _ in 0..150 {
            if let Err(failure) = ann.ask(say("bob", "x")).await {
                codes.push(failure.code);
            }
        }
        codes
    };
    assert!(
        refused.len() >= 40 && refused.iter().all(|&code| code == 1_000_021),
        "{refused:?}"
    );
}

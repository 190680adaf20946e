//! Sessions that outlive their connections.

use crate::common::{Client, login, memory_server, user};
use hst_proto::{
    Audience, Class, Command, Event, Failure, HEARTBEAT, Login, Payload, Previous, RESUME_WINDOW, Reply, Resume,
    Resumed, ServerFrame, ToGroup,
};
use hst_server::signal::memory::MemoryNetwork;
use hst_signal::{CloseCode, RecvEnd};

/// Logs in, and says what it takes to come back.
async fn logged_in(network: &MemoryNetwork, name: &str) -> (Client, Previous) {
    let mut client = Client::in_memory(network).await;
    let Ok(Reply::LoggedIn(logged_in)) = client.ask(Command::Login(login(name))).await else {
        panic!("not logged in")
    };
    assert_eq!(u64::from(logged_in.resume_window), RESUME_WINDOW.as_secs());
    let (session, secret) = (logged_in.session, logged_in.secret);
    (client, Previous { session, secret })
}

fn resume(of: &Previous, got: u64) -> Command {
    Command::Resume(Resume {
        protocol: 1,
        session: of.session.clone(),
        secret: of.secret.clone(),
        got,
    })
}

/// Comes back over another connection.
async fn back(network: &MemoryNetwork, of: &Previous, got: u64) -> (Client, Result<Reply, Failure>) {
    let mut client = Client::in_memory(network).await;
    let outcome = client.ask(resume(of, got)).await;
    (client, outcome)
}

fn message(text: &str) -> Command {
    Command::Message(ToGroup {
        body: Payload::text(text),
        to: Audience::All,
        class: Class::Reliable,
    })
}

async fn heard(client: &mut Client) -> (u64, String) {
    loop {
        if let (Some(seq), Event::Message(message)) = client.numbered_event().await {
            return (seq, message.body.as_text().unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_has_missed_nothing_and_nobody_has_noticed() {
    let (_server, network) = memory_server().await;
    let (mut ann, session) = logged_in(&network, "ann").await;
    let mut bob = Client::in_memory(&network).await.logged_in("bob").await;
    ann.join("g").await;
    bob.join("g").await;
    bob.ask(message("one")).await.unwrap();
    let (got, text) = heard(&mut ann).await;
    assert_eq!(text, "one");
    drop(ann);
    for text in ["two", "three"] {
        bob.ask(message(text)).await.unwrap();
    }
    for _ in 0..11 {
        tokio::time::advance(HEARTBEAT).await;
        bob.ask(Command::Ping {}).await.unwrap();
    }

    let (mut ann, outcome) = back(&network, &session, got).await;
    // Login and join were her requests 1 and 2.
    let expected = Resumed {
        received: 2,
        ..Resumed::default()
    };
    assert_eq!(outcome, Ok(Reply::Resumed(expected)));
    assert_eq!(heard(&mut ann).await, (got + 1, "two".to_owned()));
    assert_eq!(heard(&mut ann).await, (got + 2, "three".to_owned()));
    bob.ask(message("four")).await.unwrap();
    assert_eq!(heard(&mut ann).await, (got + 3, "four".to_owned()));

    ann.skip_to(10);
    ann.ask(message("I am here")).await.unwrap();
    assert_eq!(heard(&mut bob).await.1, "I am here", "and never that she had gone");
}

#[tokio::test(start_paused = true)]
async fn s8_a_request_that_comes_twice_is_carried_out_once_and_answered_alike() {
    let (_server, network) = memory_server().await;
    let (mut ann, session) = logged_in(&network, "ann").await;
    ann.join("g").await;
    ann.ask(message("once")).await.unwrap();
    drop(ann);
    // She has not got the answers to her requests 2 and 3, and says the last one again.
    let mut ann = Client::in_memory(&network).await;
    let id = ann.say(resume(&session, 0)).await;
    ann.answer(id).await.unwrap();
    let answer = |seq| ServerFrame::Reply {
        re: 3,
        seq: Some(2),
        result: Ok(Reply::Sent { seq }),
    };
    assert!(matches!(
        ann.frame().await,
        Ok(ServerFrame::Reply {
            re: 2,
            seq: Some(1),
            ..
        })
    ));
    assert_eq!(ann.frame().await.unwrap(), answer(1));
    ann.skip_to(2);
    ann.say(message("once")).await;
    assert_eq!(ann.frame().await.unwrap(), answer(1));
    assert_eq!(ann.ask(message("twice")).await, Ok(Reply::Sent { seq: 2 }));
}

#[tokio::test(start_paused = true)]
async fn s13_who_has_not_the_secret_comes_back_to_nothing_and_may_log_in() {
    let (_server, network) = memory_server().await;
    let (mut ann, session) = logged_in(&network, "ann").await;
    let (_bob, other) = logged_in(&network, "bob").await;
    for secret in [other.secret.clone(), String::new(), "0".repeat(32)] {
        let guess = Previous {
            secret,
            ..session.clone()
        };
        let (mut eve, outcome) = back(&network, &guess, 0).await;
        assert_eq!(outcome.unwrap_err().code, 1_000_100);
        eve.ask(Command::Login(login("eve"))).await.unwrap();
        eve.ask(Command::Exit {}).await.unwrap();
        eve.end().await;
    }
    ann.ask(Command::Ping {}).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s13_of_two_who_come_back_one_has_the_session() {
    let (_server, network) = memory_server().await;
    let (first, session) = logged_in(&network, "ann").await;
    let mut first = first;
    // As when the client takes its connection for dead, and the server does not.
    let (mut second, outcome) = back(&network, &session, 0).await;
    outcome.unwrap();
    assert_eq!(first.end().await, RecvEnd::Closed(CloseCode::Replaced.into()));
    let (mut third, outcome) = back(&network, &session, 0).await;
    outcome.unwrap();
    assert_eq!(second.end().await, RecvEnd::Closed(CloseCode::Replaced.into()));
    third.skip_to(10);
    third.ask(Command::Ping {}).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn past_the_window_the_session_is_gone_and_its_group_told() {
    let (_server, network) = memory_server().await;
    let (mut ann, session) = logged_in(&network, "ann").await;
    let mut bob = Client::in_memory(&network).await.logged_in("bob").await;
    bob.join("g").await;
    ann.join("g").await;
    assert_eq!(bob.event().await, Event::MemberJoined { user: user("ann") });
    drop(ann);
    let gone = async {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let id = bob.say(Command::Ping {}).await;
            match bob.frame().await.unwrap() {
                ServerFrame::Reply { re, .. } => assert_eq!(re, id),
                ServerFrame::Event { event, .. } => break event,
            }
        }
    };
    assert_eq!(gone.await, Event::MemberLeft { user: user("ann") });
    let (_, outcome) = back(&network, &session, 0).await;
    assert_eq!(outcome.unwrap_err().code, 1_000_100);
}

#[tokio::test(start_paused = true)]
async fn who_was_evicted_while_away_is_told_so_and_does_not_come_back() {
    let (_server, network) = memory_server().await;
    let (ann, session) = logged_in(&network, "ann").await;
    drop(ann);
    let mut elsewhere = Client::in_memory(&network).await;
    let by_force = Login {
        force: true,
        ..login("ann")
    };
    elsewhere.ask(Command::Login(by_force)).await.unwrap();
    let (mut again, outcome) = back(&network, &session, 0).await;
    assert_eq!(outcome.unwrap_err().code, 1_000_008);
    let with_previous = Login {
        previous: Some(session),
        ..login("ann")
    };
    assert_eq!(
        again.ask(Command::Login(with_previous)).await.unwrap_err().code,
        1_000_008
    );
    elsewhere.ask(Command::Ping {}).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_takes_its_own_earlier_place_without_force() {
    let (_server, network) = memory_server().await;
    let (ann, session) = logged_in(&network, "ann").await;
    drop(ann);
    let mut again = Client::in_memory(&network).await;
    assert_eq!(
        again.ask(Command::Login(login("ann"))).await.unwrap_err().code,
        1_000_008
    );
    let with_previous = Login {
        previous: Some(session),
        ..login("ann")
    };
    again.ask(Command::Login(with_previous)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_missed_too_much_is_told_so_and_how_things_are() {
    let (_server, network) = memory_server().await;
    let (mut ann, session) = logged_in(&network, "ann").await;
    let mut bob = Client::in_memory(&network).await.logged_in("bob").await;
    ann.join("g").await;
    bob.join("g").await;
    drop(ann);
    let text = "x".repeat(8_000);
    for _ in 0..300 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        bob.ask(message(&text)).await.unwrap();
    }
    let (mut ann, outcome) = back(&network, &session, 1).await;
    assert!(matches!(outcome, Ok(Reply::Resumed(Resumed { missed: true, .. }))));
    let Event::Snapshot(snapshot) = ann.event().await else {
        panic!("no snapshot")
    };
    assert_eq!((snapshot.members, snapshot.last_message), (vec![user("bob")], 300));
    bob.ask(message("and on")).await.unwrap();
    assert_eq!(heard(&mut ann).await.1, "and on");
}

//! Groups whose members come by several nodes.

use std::time::Duration;

use crate::common::{
    span::{Nodes, camera, message, publish, say, text, until},
    user,
};
use hst_proto::{Audience, Command, Event, Invite, InviteAnswer, InviteOutcome, OnlinePage, Payload, Reply};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn members_of_three_nodes_see_each_other_come_and_go() {
    let nodes = Nodes::start(3).await;
    let mut ann = nodes.member(0, "ann").await;
    let mut bob = nodes.logged_in(1, "bob").await;
    let joined = bob.join("g").await;
    assert_eq!(joined.members, [user("ann")]);
    assert!(matches!(ann.event().await, Event::MemberJoined { user } if user.as_str() == "bob"));
    let mut cat = nodes.logged_in(2, "cat").await;
    assert_eq!(cat.join("g").await.members, [user("ann"), user("bob")]);
    for other in [&mut ann, &mut bob] {
        assert!(matches!(other.event().await, Event::MemberJoined { user } if user.as_str() == "cat"));
    }
    bob.ask(Command::Leave {}).await.unwrap();
    for other in [&mut ann, &mut cat] {
        assert!(matches!(other.event().await, Event::MemberLeft { user } if user.as_str() == "bob"));
    }
    // A session that ends has left, too, and he may come by any node at once.
    cat.ask(Command::Exit {}).await.unwrap();
    assert!(matches!(ann.event().await, Event::MemberLeft { user } if user.as_str() == "cat"));
    let mut cat = nodes.logged_in(1, "cat").await;
    cat.join("g").await;
    assert_eq!(bob.join("g").await.members, [user("ann"), user("cat")]);
}

#[tokio::test(start_paused = true)]
async fn everybody_gets_all_messages_in_one_order_by_whichever_node_they_come() {
    let nodes = Nodes::start(3).await;
    let mut clients = Vec::new();
    for number in 0..9 {
        clients.push(nodes.member(number % 3, &format!("user-{number}")).await);
    }
    let talking = clients.into_iter().enumerate().map(|(number, mut client)| {
        tokio::spawn(async move {
            let mut own = Vec::new();
            for word in 0..50 {
                own.push(say(&mut client, &format!("{number}-{word}")).await.unwrap());
            }
            (client, own)
        })
    });
    let talking: Vec<_> = talking.collect();
    let mut all = Vec::new();
    for client in talking {
        all.push(client.await.unwrap());
    }
    for (client, own) in &mut all {
        let mut heard = Vec::new();
        while heard.len() < 8 * 50 {
            heard.push(until(client, message).await.0);
        }
        assert!(heard.is_sorted(), "{heard:?}");
        heard.extend(own.iter());
        heard.sort_unstable();
        assert_eq!(heard, (1..=9 * 50).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_reaches_its_audience_and_nobody_else_on_any_node() {
    let nodes = Nodes::start(2).await;
    let mut ann = nodes.member(0, "ann").await;
    let mut bob = nodes.member(1, "bob").await;
    let mut cat = nodes.member(1, "cat").await;
    let mut dan = nodes.member(0, "dan").await;
    for (audience, heard) in [
        (Audience::Only(vec![user("bob"), user("dan")]), [true, false, true]),
        (Audience::Except(vec![user("bob")]), [false, true, true]),
    ] {
        ann.ask(text("some", audience)).await.unwrap();
        ann.ask(text("all", Audience::All)).await.unwrap();
        for (client, heard) in [&mut bob, &mut cat, &mut dan].into_iter().zip(heard) {
            let first = until(client, message).await.1;
            assert_eq!(first, if heard { "some" } else { "all" });
            if heard {
                assert_eq!(until(client, message).await.1, "all");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rights_are_judged_where_the_group_is_and_acts_reach_every_node() {
    let nodes = Nodes::start(2).await;
    let mut ann = nodes.member(0, "ann").await;
    let mut bob = nodes.member(1, "bob").await;
    ann.ask(publish()).await.unwrap();
    let seen = until(&mut bob, |event| match event {
        Event::Published(media) => Some(media.key.clone()),
        _ => None,
    });
    assert_eq!(seen.await, camera("ann"));
    bob.ask(Command::Receive(camera("ann"))).await.unwrap();
    let kick = |name: &str| Command::Kick {
        user: user(name),
        ban: None,
    };
    // A token of the development App has no right to act on others.
    assert_eq!(bob.ask(kick("ann")).await.unwrap_err().code, 1_000_108);
    ann.ask(Command::Unpublish {
        media_type: hst_id::MediaType::Video,
        media: "cam".parse().unwrap(),
    })
    .await
    .unwrap();
    until(&mut bob, |event| matches!(event, Event::Unpublished(_)).then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn presence_messages_and_invites_find_users_of_other_nodes() {
    let nodes = Nodes::start(3).await;
    let mut ann = nodes.logged_in(0, "ann").await;
    let mut bob = nodes.logged_in(1, "bob").await;
    let page = OnlinePage { after: None, limit: 9 };
    let Ok(Reply::Online(online)) = ann.ask(Command::Online(page)).await else {
        panic!("nobody is online")
    };
    assert_eq!(online.total, 2);
    let mut cat = nodes.logged_in(2, "cat").await;
    let changed = |event: &Event| match event {
        Event::Presence { changes } => Some((changes[0].user.clone(), changes[0].online)),
        _ => None,
    };
    assert_eq!(until(&mut ann, changed).await, (user("cat"), true));

    let body = Payload::text("hello");
    let to_bob = Command::UserMessage {
        user: user("bob"),
        body,
    };
    ann.ask(to_bob).await.unwrap();
    until(&mut bob, |event| {
        matches!(event, Event::UserMessage { .. }).then_some(())
    })
    .await;

    let invite = Invite {
        invite: 7,
        group: "g".parse().unwrap(),
        users: vec![user("bob"), user("cat"), user("dan")],
        extend_info: None,
    };
    match ann.ask(Command::Invite(invite)).await {
        Ok(Reply::Invited(invited)) => assert_eq!(invited.offline, [user("dan")]),
        other => panic!("{other:?}"),
    }
    let rings = |event: &Event| match event {
        Event::Invited(invitation) => Some(invitation.invite),
        _ => None,
    };
    let answer = InviteAnswer {
        invite: until(&mut bob, rings).await,
        accept: true,
        extend_info: None,
    };
    bob.ask(Command::AnswerInvite(answer)).await.unwrap();
    until(&mut cat, rings).await;
    cat.ask(Command::Exit {}).await.unwrap();
    let ended = |event: &Event| match event {
        Event::InviteAnswered(result) => Some((result.user.clone(), result.outcome)),
        _ => None,
    };
    assert_eq!(until(&mut ann, ended).await, (user("bob"), InviteOutcome::Accepted));
    assert_eq!(until(&mut ann, ended).await, (user("cat"), InviteOutcome::Offline));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_on_another_node_holds_nobody_up() {
    let nodes = Nodes::start(2).await;
    let mut ann = nodes.member(0, "ann").await;
    let _deaf = nodes.member(1, "deaf").await;
    let mut bob = nodes.member(1, "bob").await;
    let words = "word ".repeat(1_000);
    let hears = tokio::spawn(async move {
        for _ in 0..200 {
            until(&mut bob, message).await;
        }
    });
    let since = Instant::now();
    for _ in 0..200 {
        say(&mut ann, &words).await.unwrap();
    }
    hears.await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_members_of_three_nodes_hear_each_message_once() {
    let nodes = Nodes::start(3).await;
    let mut clients = Vec::new();
    for number in 0..10_000 {
        clients.push(nodes.member(number % 3, &format!("user-{number}")).await);
    }
    for speaker in [0, 1, 2] {
        let number = say(&mut clients[speaker], "hello").await.unwrap();
        for (at, client) in clients.iter_mut().enumerate().filter(|(at, _)| *at != speaker) {
            let heard = until(client, message).await;
            assert_eq!(heard, (number, "hello".to_owned()), "client {at}");
        }
    }
}

//! Boards and histories of groups that outlive the nodes that were their homes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::common::{
    Client,
    span::{Nodes, Rough, message, say, say_again, stay_until, until},
    user,
};
use hst_id::{MediaId, MediaType};
use hst_proto::{
    ActId, BoardAct, Command, Draw, Drawing, Event, Failure, Figure, FigureKind, GroupMessage, NewBoard, Reply,
};
use tokio::{
    sync::Barrier,
    time::{Instant, sleep},
};

/// The code for what nobody knows.
const UNKNOWN: u32 = 302;

fn line(at: i32) -> BoardAct {
    BoardAct::Add(Figure {
        kind: FigureKind::Line,
        page: 0,
        color: 0,
        size: 10,
        points: vec![at, 0, 1, 1],
        text: String::new(),
    })
}

/// One that fills a good part of a piece.
fn scrawl(at: i32) -> BoardAct {
    let BoardAct::Add(figure) = line(at) else { panic!() };
    BoardAct::Add(Figure {
        kind: FigureKind::Curve,
        points: vec![at; 2_000],
        ..figure
    })
}

async fn pause(millis: u64) {
    // tidy: allowed, because time is virtual
    sleep(Duration::from_millis(millis)).await;
}

/// Makes a board that everybody sees.
async fn board_of(client: &mut Client) -> MediaId {
    let new = NewBoard {
        name: "plan".to_owned(),
        width: 100,
        height: 100,
        pages: Vec::new(),
    };
    let Ok(Reply::BoardCreated { board }) = client.ask(Command::CreateBoard(new)).await else {
        panic!("no board")
    };
    let publish = Command::Publish {
        media_type: MediaType::WhiteBoard,
        media: board.clone(),
        name: String::new(),
    };
    client.ask(publish).await.unwrap();
    board
}

/// Draws, and waits where it goes too fast.
async fn draw(client: &mut Client, board: &MediaId, n: u32, act: BoardAct) -> Result<Reply, Failure> {
    let draw = Draw {
        board: board.clone(),
        n,
        act,
    };
    loop {
        match client.ask(Command::Draw(draw.clone())).await {
            Err(Failure {
                retry_after: Some(millis),
                ..
            }) => pause(millis.into()).await,
            outcome => return outcome,
        }
    }
}

/// Everything that is on a board.
async fn on_board(client: &mut Client, board: &MediaId) -> Vec<Drawing> {
    let (mut figures, mut after) = (Vec::new(), None);
    loop {
        let open = Command::OpenBoard {
            board: board.clone(),
            after,
        };
        match client.ask(open).await {
            Ok(Reply::Board(mut part)) => {
                figures.append(&mut part.figures);
                after = part.next;
                if after.is_none() {
                    return figures;
                }
            }
            other => panic!("not opened: {other:?}"),
        }
    }
}

async fn history(client: &mut Client) -> Vec<GroupMessage> {
    let history = Command::History {
        before: None,
        limit: 500,
    };
    match client.ask(history).await {
        Ok(Reply::History { messages }) => messages,
        other => panic!("{other:?}"),
    }
}

fn words(messages: &[GroupMessage]) -> Vec<String> {
    messages.iter().map(|message| message.body.as_text().unwrap()).collect()
}

fn drawn(event: &Event) -> Option<ActId> {
    match event {
        Event::Drawn(drawn) => Some(ActId {
            by: drawn.by.clone(),
            n: drawn.n,
        }),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn boards_and_history_outlive_a_home_that_dies() {
    for seed in [0, 1, 2] {
        let mut nodes = Nodes::keeping(&Rough::new(seed, seed * 10), 3, 100).await;
        let mut ann = nodes.member(0, "ann").await;
        let board = board_of(&mut ann).await;
        draw(&mut ann, &board, 1, line(1)).await.unwrap();
        say(&mut ann, "before all").await.unwrap();
        // Who comes now has a copy of what there was, and of what comes.
        let mut bob = nodes.member(1, "bob").await;
        let mut cat = nodes.member(2, "cat").await;
        pause(2_000).await;
        draw(&mut ann, &board, 2, line(2)).await.unwrap();
        draw(&mut bob, &board, 1, line(3)).await.unwrap();
        say(&mut cat, "before").await.unwrap();
        let truth = on_board(&mut cat, &board).await;
        assert_eq!(truth.len(), 3);
        nodes.kill(0);
        let after = say_again(&mut bob, "after").await;
        // It is told of as it was, and it is as it was.
        let snapshot = until(&mut cat, |event| match event {
            Event::Snapshot(now) => Some(now.media.iter().map(|it| it.key.media.clone()).collect::<Vec<_>>()),
            _ => None,
        });
        assert_eq!(snapshot.await, std::slice::from_ref(&board), "seed {seed}");
        assert_eq!(until(&mut cat, message).await, (after, "after".to_owned()));
        assert_eq!(on_board(&mut cat, &board).await, truth, "seed {seed}");
        assert_eq!(on_board(&mut bob, &board).await, truth, "seed {seed}");
        // An act that comes again is none, and the next one is told.
        draw(&mut bob, &board, 1, line(3)).await.unwrap();
        draw(&mut bob, &board, 2, line(4)).await.unwrap();
        assert_eq!(until(&mut cat, drawn).await, ActId { by: user("bob"), n: 2 });
        let mut late = nodes.member(2, "late").await;
        assert_eq!(on_board(&mut late, &board).await.len(), 4);
        let kept = history(&mut late).await;
        assert_eq!(words(&kept), ["before all", "before", "after"], "seed {seed}");
        assert!(kept.is_sorted_by_key(|message| message.seq));
        assert_ne!(board_of(&mut late).await, board, "no name comes twice");
    }
}

#[tokio::test(start_paused = true)]
async fn a_home_that_ends_takes_no_board_along_and_nobody_notices() {
    let mut nodes = Nodes::keeping(&Rough::new(3, 20), 3, 100).await;
    let _ann = nodes.member(0, "ann").await;
    let mut bob = nodes.member(1, "bob").await;
    let mut cat = nodes.member(2, "cat").await;
    let board = board_of(&mut bob).await;
    say(&mut bob, "before").await.unwrap();
    draw(&mut bob, &board, 1, line(1)).await.unwrap();
    assert_eq!(on_board(&mut cat, &board).await.len(), 1);
    nodes.shut_down(0).await;
    draw(&mut bob, &board, 2, line(2)).await.unwrap();
    let told = until(&mut cat, |event| match event {
        Event::Snapshot(_) => panic!("it was noticed"),
        event => drawn(event).filter(|act| act.n == 2),
    });
    told.await;
    assert_eq!(on_board(&mut cat, &board).await.len(), 2);
    assert_eq!(words(&history(&mut cat).await), ["before"]);
}

#[tokio::test(start_paused = true)]
async fn a_home_that_ends_alone_waits_until_its_boards_are_where_its_sessions_go() {
    let mut nodes = Nodes::keeping(&Rough::new(4, 5), 2, 100).await;
    let mut ann = nodes.member(0, "ann").await;
    let mut bob = nodes.roaming(0, "bob").await;
    let board = board_of(&mut ann).await;
    for n in 1..=200 {
        draw(&mut ann, &board, n, scrawl(n.try_into().unwrap())).await.unwrap();
    }
    say(&mut ann, "before").await.unwrap();
    let truth = on_board(&mut ann, &board).await;
    ann.ask(Command::Exit {}).await.unwrap();
    bob.live_until(pause(500)).await;
    bob.events.clear();
    let since = Instant::now();
    let ending = nodes.ending(0);
    bob.live_until(ending).await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    bob.live_until(pause(2_000)).await;
    assert!(!bob.was_disturbed(), "{:?}", bob.events);
    let mut late = nodes.member(1, "late").await;
    assert_eq!(on_board(&mut late, &board).await, truth);
    assert_eq!(words(&history(&mut late).await), ["before"]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_not_whole_is_not_shown_where_another_one_is() {
    for delay in 0..12 {
        let mut nodes = Nodes::keeping(&Rough::new(delay, 10), 3, 0).await;
        let mut ann = nodes.member(0, "ann").await;
        let board = board_of(&mut ann).await;
        for n in 1..=150 {
            draw(&mut ann, &board, n, scrawl(n.try_into().unwrap())).await.unwrap();
        }
        let mut bob = nodes.member(1, "bob").await;
        pause(10_000).await;
        let truth = on_board(&mut bob, &board).await;
        // This node's copy has only just begun.
        let mut cat = nodes.member(2, "cat").await;
        pause(delay * 20).await;
        nodes.kill(0);
        say_again(&mut cat, "after").await;
        until(&mut bob, |event| matches!(event, Event::Snapshot(_)).then_some(())).await;
        pause(1_000).await;
        assert_eq!(on_board(&mut cat, &board).await, truth, "delay {delay}");
        assert_eq!(on_board(&mut bob, &board).await, truth, "delay {delay}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_board_is_never_shown_as_a_whole_one() {
    let mut halves = 0;
    for delay in 0..12 {
        let mut nodes = Nodes::keeping(&Rough::new(delay, 10), 2, 0).await;
        let mut ann = nodes.member(0, "ann").await;
        let board = board_of(&mut ann).await;
        for n in 1..=150 {
            draw(&mut ann, &board, n, scrawl(n.try_into().unwrap())).await.unwrap();
        }
        let mut bob = nodes.member(1, "bob").await;
        pause(delay * 30).await;
        nodes.kill(0);
        say_again(&mut bob, "after").await;
        let open = Command::OpenBoard {
            board: board.clone(),
            after: None,
        };
        match bob.ask(open).await {
            Ok(_) => assert_eq!(on_board(&mut bob, &board).await.len(), 150, "delay {delay}"),
            // He is told that there is none any more.
            Err(why) => {
                halves += 1;
                assert_eq!(why.code, 1_000_112, "delay {delay}");
                let media = until(&mut bob, |event| match event {
                    Event::Snapshot(now) => Some(now.media.len()),
                    _ => None,
                });
                assert_eq!(media.await, 0);
            }
        }
    }
    assert!((1..12).contains(&halves), "{halves}");
}

#[tokio::test(start_paused = true)]
async fn no_acknowledged_act_is_lost_or_done_twice_while_the_home_dies_or_ends_and_the_bus_loses_a_fifth() {
    for seed in 1..=6_u64 {
        let mut nodes = Nodes::keeping(&Rough::new(seed, 20), 3, 1_000).await;
        let mut ann = nodes.member(0, "ann").await;
        let board = board_of(&mut ann).await;
        let mut drawing = Vec::new();
        let finished = Arc::new(Barrier::new(3));
        for (node, name) in [(1, "bob"), (1, "cat"), (2, "dan")] {
            let mut client = nodes.member(node, name).await;
            let (board, finished) = (board.clone(), finished.clone());
            drawing.push(tokio::spawn(async move {
                let mut said = BTreeMap::new();
                for n in 1..=100 {
                    // What nobody knows is asked for again, under the same number.
                    while let Err(why) = draw(&mut client, &board, n, line(n.try_into().unwrap())).await {
                        assert_eq!(why.code, UNKNOWN, "{why:?}");
                    }
                    if n % 10 == 0 {
                        let word = format!("{name}-{n}");
                        said.insert(say_again(&mut client, &word).await, word);
                    }
                }
                stay_until(&mut client, finished.wait()).await;
                (client, said)
            }));
        }
        pause(2_000 + seed * 100).await;
        match seed % 2 {
            0 => nodes.kill(0),
            _ => drop(nodes.ending(0)),
        }
        let mut clients = Vec::new();
        for client in drawing {
            clients.push(client.await.unwrap());
        }
        pause(3_000).await;
        let mut late = nodes.member(1, "late").await;
        let figures = on_board(&mut late, &board).await;
        for name in ["bob", "cat", "dan"] {
            let of_him = figures.iter().filter(|drawing| drawing.id.by == user(name));
            let numbers: Vec<_> = of_him.map(|drawing| drawing.id.n).collect();
            assert_eq!(numbers, (1..=100).collect::<Vec<_>>(), "seed {seed}, {name}");
        }
        let kept: BTreeMap<_, _> = history(&mut late)
            .await
            .into_iter()
            .map(|message| (message.seq, message.body.as_text().unwrap()))
            .collect();
        for (client, said) in &mut clients {
            assert_eq!(on_board(client, &board).await, figures, "seed {seed}");
            for (seq, word) in said {
                assert_eq!(kept.get(seq), Some(&*word), "seed {seed}");
            }
        }
    }
}

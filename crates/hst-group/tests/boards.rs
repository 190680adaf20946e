//! White boards: who may do what, what is kept, and where it ends.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::time::Instant;

use hst_group::server::{
    Group, GroupOutput, GroupRequest, Happening, MemberId, Permissions, Recipients, Rules, ToMember,
};
use hst_id::{GroupId, MediaId, MediaType, UserId};
use hst_proto::{
    ActId, BoardAct, BoardPage, BoardPart, Draw, ErrorCode, Failure, Figure, FigureKind, MAX_BEHIND, MAX_BOARDS,
    MAX_POINTS, NewBoard, Reply, Sketch,
};

struct Room {
    group: Group,
    outputs: Vec<GroupOutput>,
}

impl Room {
    /// Ann has made a board and has published it; Bob is there too.
    fn with_a_board() -> (Self, MediaId) {
        let mut room = Self {
            group: Group::new(GroupId::parse("g").unwrap(), Rules::default()),
            outputs: Vec::new(),
        };
        room.join(1, "ann", Permissions::ordinary());
        room.join(2, "bob", Permissions::ordinary());
        let board = room.create(1).unwrap();
        room.ask(1, publish(&board)).unwrap();
        (room, board)
    }

    fn join(&mut self, id: u64, user: &str, permissions: Permissions) -> Reply {
        self.group.handle_join(
            Instant::now(),
            MemberId(id),
            0,
            UserId::parse(user).unwrap(),
            permissions,
        );
        self.reply(id).unwrap()
    }

    fn ask(&mut self, id: u64, request: GroupRequest) -> Result<Reply, Failure> {
        self.group.handle_request(Instant::now(), MemberId(id), 0, request);
        self.reply(id)
    }

    /// The reply that has just been given; all else is kept in `outputs`.
    fn reply(&mut self, id: u64) -> Result<Reply, Failure> {
        self.outputs = std::iter::from_fn(|| self.group.poll_output()).collect();
        let is_reply = |output: &GroupOutput| matches!(output, GroupOutput::To { member, what: ToMember::Reply { .. } } if *member == MemberId(id));
        let at = self.outputs.iter().position(is_reply).unwrap();
        match self.outputs.remove(at) {
            GroupOutput::To {
                what: ToMember::Reply { result, .. },
                ..
            } => result,
            other => panic!("{other:?}"),
        }
    }

    fn create(&mut self, id: u64) -> Result<MediaId, Failure> {
        match self.ask(id, GroupRequest::CreateBoard(plan()))? {
            Reply::BoardCreated { board } => Ok(board),
            other => panic!("{other:?}"),
        }
    }

    fn open(&mut self, id: u64, board: &MediaId) -> Result<BoardPart, Failure> {
        let open = GroupRequest::OpenBoard {
            board: board.clone(),
            after: None,
        };
        match self.ask(id, open)? {
            Reply::Board(part) => Ok(part),
            other => panic!("{other:?}"),
        }
    }

    /// The numbers of the figures of a board, and whether each is gone and may come back.
    fn seen(&mut self, id: u64, board: &MediaId) -> Vec<(u32, bool)> {
        let part = self.open(id, board).unwrap();
        part.figures
            .iter()
            .map(|drawing| (drawing.id.n, drawing.gone.is_some()))
            .collect()
    }

    /// What was told just now, and to whom.
    fn told(&self) -> Vec<(&Recipients, &str)> {
        let tells = self.outputs.iter().filter_map(|output| match output {
            GroupOutput::Tell { to, body, .. } => Some((to, body.as_json())),
            _ => None,
        });
        tells.collect()
    }
}

fn plan() -> NewBoard {
    NewBoard {
        name: "plan".into(),
        width: 1280,
        height: 768,
        pages: vec![BoardPage::default(); 2],
    }
}

fn publish(board: &MediaId) -> GroupRequest {
    GroupRequest::Publish {
        media_type: MediaType::WhiteBoard,
        media: board.clone(),
        name: String::new(),
    }
}

fn figure(points: usize) -> Figure {
    Figure {
        kind: FigureKind::Curve,
        page: 0,
        color: 0,
        size: 20,
        points: vec![1; 2 * points],
        text: String::new(),
    }
}

fn act(board: &MediaId, n: u32, act: BoardAct) -> GroupRequest {
    let board = board.clone();
    GroupRequest::Draw(Draw { board, n, act })
}

fn add(board: &MediaId, n: u32) -> GroupRequest {
    act(board, n, BoardAct::Add(figure(2)))
}

fn code(result: Result<impl std::fmt::Debug, Failure>) -> Option<ErrorCode> {
    ErrorCode::from_number(result.unwrap_err().code)
}

#[test]
fn a_published_board_is_told_to_everybody_its_maker_included_and_stays_when_he_leaves() {
    let (mut room, board) = Room::with_a_board();
    let published = r#"{"published":{"user":"ann","type":4,"media":"whiteboard1","name":"plan"}}"#;
    assert_eq!(room.told(), [(&Recipients::All, published)]);
    room.ask(1, add(&board, 1)).unwrap();
    room.ask(1, GroupRequest::Leave).unwrap();
    let Reply::Joined(joined) = room.join(3, "cid", Permissions::ordinary()) else {
        panic!()
    };
    assert_eq!(joined.media.len(), 1, "whoever comes later finds it");
    assert_eq!(room.seen(3, &board), [(1, false)]);
}

#[test]
fn the_boards_end_with_the_group() {
    let (mut room, board) = Room::with_a_board();
    room.ask(1, GroupRequest::Leave).unwrap();
    room.ask(2, GroupRequest::Leave).unwrap();
    let ended = room
        .outputs
        .iter()
        .any(|output| matches!(output, GroupOutput::Happened(Happening::Unpublished(media)) if media.media == board));
    assert!(ended);
    assert_eq!(room.group.media().count(), 0);
}

#[test]
fn its_maker_ends_a_board_or_who_administers_or_anybody_when_he_is_away() {
    let (mut room, board) = Room::with_a_board();
    room.open(2, &board).unwrap();
    let end = || GroupRequest::DeleteBoard(board.clone());
    assert_eq!(code(room.ask(2, end())), Some(ErrorCode::NotAdmin));
    room.join(3, "eva", Permissions::all());
    room.ask(3, end()).unwrap();
    let unpublished = r#"{"unpublished":{"user":"ann","type":4,"media":"whiteboard1","name":"plan"}}"#;
    assert_eq!(room.told(), [(&Recipients::All, unpublished)]);
    assert_eq!(code(room.open(2, &board)), Some(ErrorCode::NoSuchBoard));
    assert_eq!(code(room.ask(1, add(&board, 1))), Some(ErrorCode::NoSuchBoard));

    let second = room.create(1).unwrap();
    assert_ne!(second, board, "no name is used twice");
    room.ask(1, GroupRequest::Leave).unwrap();
    room.ask(2, GroupRequest::DeleteBoard(second)).unwrap();
    room.ask(2, end()).unwrap();
}

#[test]
fn what_is_on_a_board_comes_back_with_it() {
    let (mut room, board) = Room::with_a_board();
    room.ask(2, add(&board, 1)).unwrap();
    let unpublish = GroupRequest::Unpublish {
        media_type: MediaType::WhiteBoard,
        media: board.clone(),
    };
    room.ask(1, unpublish).unwrap();
    assert_eq!(code(room.open(2, &board)), Some(ErrorCode::NoSuchBoard));
    room.ask(2, publish(&board)).unwrap();
    assert_eq!(room.seen(1, &board), [(1, false)]);
}

#[test]
fn who_may_not_publish_boards_sees_them_and_changes_nothing() {
    let (mut room, board) = Room::with_a_board();
    let mut permissions = Permissions::ordinary();
    permissions.publish = vec![MediaType::Audio];
    room.join(3, "eva", permissions);
    assert!(!room.open(3, &board).unwrap().writable);
    let sketch = GroupRequest::Sketch(Sketch {
        board: board.clone(),
        n: 1,
        figure: figure(1),
    });
    for request in [
        GroupRequest::CreateBoard(plan()),
        publish(&board),
        add(&board, 1),
        sketch,
    ] {
        assert_eq!(code(room.ask(3, request)), Some(ErrorCode::OperationFailed));
    }
    assert_eq!(
        code(room.ask(3, GroupRequest::DeleteBoard(board))),
        Some(ErrorCode::OperationFailed)
    );
}

#[test]
fn an_act_that_comes_again_is_carried_out_once() {
    let (mut room, board) = Room::with_a_board();
    room.open(2, &board).unwrap();
    room.ask(2, add(&board, 5)).unwrap();
    assert_eq!(room.told().len(), 1);
    for n in [5, 4] {
        room.ask(2, add(&board, n)).unwrap();
        assert_eq!(room.told(), []);
    }
    assert_eq!(room.seen(2, &board), [(5, false)]);
    assert_eq!(room.open(2, &board).unwrap().own, 5);
    room.ask(1, add(&board, 1)).unwrap();
    assert_eq!(
        room.seen(2, &board),
        [(5, false), (1, false)],
        "every author counts for himself"
    );
}

#[test]
fn a_figure_is_hidden_and_shown_by_its_author_and_forgotten_when_he_draws_on() {
    let (mut room, board) = Room::with_a_board();
    room.ask(1, add(&board, 1)).unwrap();
    room.ask(1, add(&board, 2)).unwrap();
    room.ask(2, act(&board, 1, BoardAct::Hide { figure: 2 })).unwrap();
    assert_eq!(room.seen(1, &board), [(1, false), (2, false)], "Bob has no figure 2");
    room.ask(1, act(&board, 3, BoardAct::Hide { figure: 2 })).unwrap();
    assert_eq!(room.seen(1, &board), [(1, false), (2, true)]);
    room.ask(1, act(&board, 4, BoardAct::Restore { act: 2 })).unwrap();
    room.ask(1, act(&board, 5, BoardAct::Hide { figure: 2 })).unwrap();
    room.ask(2, add(&board, 2)).unwrap();
    assert_eq!(room.seen(1, &board), [(1, false), (2, true), (2, false)]);
    room.ask(1, add(&board, 6)).unwrap();
    assert_eq!(room.seen(1, &board), [(1, false), (2, false), (6, false)]);
}

/// Ann draws three figures, and gives what erases one of them.
fn three_figures() -> (Room, MediaId, impl Fn(u32) -> BoardAct) {
    let (mut room, board) = Room::with_a_board();
    for n in 1..=3 {
        room.ask(1, add(&board, n)).unwrap();
    }
    let by = UserId::parse("ann").unwrap();
    let erase = move |n| BoardAct::Erase {
        figures: vec![ActId { by: by.clone(), n }],
    };
    (room, board, erase)
}

#[test]
fn who_took_figures_away_and_nobody_else_brings_them_back_to_where_they_lay() {
    let (mut room, board, erase) = three_figures();
    room.ask(2, act(&board, 1, erase(2))).unwrap();
    room.ask(1, act(&board, 4, erase(2))).unwrap();
    assert_eq!(room.seen(1, &board), [(1, false), (2, true), (3, false)]);
    room.ask(2, act(&board, 2, BoardAct::Clear { page: 1 })).unwrap();
    assert_eq!(room.seen(1, &board)[0], (1, false), "another page");
    room.ask(2, act(&board, 3, BoardAct::Clear { page: 0 })).unwrap();
    assert_eq!(room.seen(1, &board), [(1, true), (2, true), (3, true)]);

    for (n, nothing) in [
        (5, BoardAct::Restore { act: 1 }),
        (6, BoardAct::Restore { act: 3 }),
        (7, BoardAct::Restore { act: 4 }),
        (8, BoardAct::Hide { figure: 2 }),
        (9, BoardAct::Restore { act: 2 }),
    ] {
        room.ask(1, act(&board, n, nothing)).unwrap();
    }
    assert_eq!(room.seen(1, &board), [(1, true), (2, true), (3, true)], "Bob was first");
    room.ask(2, act(&board, 4, BoardAct::Restore { act: 3 })).unwrap();
    assert_eq!(room.seen(1, &board), [(1, false), (2, true), (3, false)]);
    room.ask(2, act(&board, 5, BoardAct::Restore { act: 1 })).unwrap();
    assert_eq!(room.seen(1, &board), [(1, false), (2, false), (3, false)]);
}

#[test]
fn what_one_erased_many_acts_ago_is_forgotten_when_one_erases_again() {
    let (mut room, board, erase) = three_figures();
    room.ask(2, act(&board, 1, erase(1))).unwrap();
    room.ask(1, act(&board, 4, erase(2))).unwrap();
    room.ask(2, act(&board, 1 + MAX_BEHIND, BoardAct::Clear { page: 1 }))
        .unwrap();
    room.ask(2, add(&board, 2 + MAX_BEHIND)).unwrap();
    let all = [(1, true), (2, true), (3, false), (2 + MAX_BEHIND, false)];
    assert_eq!(room.seen(1, &board), all);
    room.ask(2, act(&board, 3 + MAX_BEHIND, BoardAct::Clear { page: 1 }))
        .unwrap();
    assert_eq!(room.seen(1, &board), all[1..], "what Ann erased is still there for her");
    let forget = act(&board, 4 + MAX_BEHIND, BoardAct::Forget {});
    room.ask(2, forget).expect_err("that is the group's own act");
    assert_eq!(room.seen(1, &board), all[1..]);
}

#[test]
fn only_who_has_it_open_is_told_and_of_sketches_never_who_makes_them() {
    let (mut room, board) = Room::with_a_board();
    room.join(3, "cid", Permissions::ordinary());
    room.open(1, &board).unwrap();
    room.open(2, &board).unwrap();
    room.ask(1, add(&board, 1)).unwrap();
    assert_eq!(room.told()[0].0, &Recipients::Only(vec![MemberId(1), MemberId(2)]));
    let sketch = || {
        GroupRequest::Sketch(Sketch {
            board: board.clone(),
            n: 1,
            figure: figure(1),
        })
    };
    room.ask(1, sketch()).unwrap();
    assert_eq!(room.told()[0].0, &Recipients::Only(vec![MemberId(2)]));
    room.ask(2, GroupRequest::CloseBoard(board.clone())).unwrap();
    room.ask(1, sketch()).unwrap();
    assert_eq!(room.told()[0].0, &Recipients::Only(Vec::new()));
}

#[test]
fn what_breaks_a_rule_is_refused_and_its_number_stays_free() {
    let (mut room, board) = Room::with_a_board();
    let mut line = figure(3);
    line.kind = FigureKind::Line;
    let mut far = figure(2);
    far.points[0] = 1_000_001;
    let mut late = figure(2);
    late.page = 2;
    let image = BoardPage { image: "a b".into() };
    let figures = vec![
        ActId {
            by: UserId::parse("ann").unwrap(),
            n: 1,
        };
        129
    ];
    for wrong in [
        BoardAct::Add(figure(0)),
        BoardAct::Add(figure(MAX_POINTS + 1)),
        BoardAct::Add(line),
        BoardAct::Add(far),
        BoardAct::Add(late),
        BoardAct::SetPage { page: 2 },
        BoardAct::Clear { page: 2 },
        BoardAct::AddPage(image),
        BoardAct::Erase { figures },
    ] {
        assert_eq!(
            code(room.ask(1, act(&board, 1, wrong.clone()))),
            Some(ErrorCode::InvalidArgument),
            "{wrong:?}"
        );
    }
    room.ask(1, add(&board, 1)).unwrap();
    assert_eq!(room.seen(1, &board), [(1, false)]);
}

#[test]
fn boards_and_what_is_on_them_are_bounded() {
    let (mut room, board) = Room::with_a_board();
    for _ in 1..MAX_BOARDS {
        room.create(2).unwrap();
    }
    assert_eq!(code(room.create(2)), Some(ErrorCode::BoardFull));

    // As large as a figure may be: the bytes of a group's boards run out first.
    let (mut n, mut refused) = (0, None);
    while refused.is_none() && n < 20_000 {
        n += 1;
        let result = room.ask(1, act(&board, n, BoardAct::Add(figure(MAX_POINTS))));
        refused = result.is_err().then(|| code(result)).flatten();
    }
    assert_eq!(refused, Some(ErrorCode::BoardFull));
    assert!((900..1_024).contains(&n), "{n} figures of 8 KiB in 8 MiB");
    room.ask(1, act(&board, n, BoardAct::Clear { page: 0 })).unwrap();
    let gone = room.seen(1, &board);
    assert!(!gone.is_empty() && gone.iter().all(|&(_, is_gone)| is_gone));

    // Not any more when somebody needs the room, and everybody is told.
    room.open(2, &board).unwrap();
    let large = BoardAct::Add(figure(MAX_POINTS));
    room.ask(1, act(&board, n + 1, large)).unwrap();
    let told: Vec<_> = room.told().into_iter().map(|(_, body)| body.to_owned()).collect();
    assert!(
        told[0].contains(r#""by":"ann","n":0,"act":{"forget":{}}"#),
        "{}",
        told[0]
    );
    assert!(told[1].contains(r#""act":{"add""#), "{}", told[1]);
    assert_eq!(room.seen(1, &board), [(n + 1, false)]);
}

#[test]
fn a_part_fits_in_a_frame_and_all_parts_together_are_the_board() {
    let (mut room, board) = Room::with_a_board();
    for n in 1..=600 {
        let points = if n % 100 == 0 { MAX_POINTS } else { 20 };
        room.ask(1, act(&board, n, BoardAct::Add(figure(points)))).unwrap();
    }
    let (mut after, mut seen, mut parts) = (None, Vec::new(), 0);
    loop {
        let open = GroupRequest::OpenBoard {
            board: board.clone(),
            after,
        };
        let reply = room.ask(2, open).unwrap();
        assert!(hst_proto::encode_reply(1, reply.clone()).len() < 128 * 1024);
        let Reply::Board(part) = reply else { panic!() };
        seen.extend(part.figures.iter().map(|drawing| drawing.id.n));
        parts += 1;
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=600).collect::<Vec<_>>());
    assert!(parts > 2);
}

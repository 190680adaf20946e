//! Copies of what a group keeps, its boards and its history, that go on in its place.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::time::Instant;

use hst_group::server::{
    Filling, Group, GroupOutput, GroupRequest, Keep, Kept, MemberId, Permissions, Recipients, Rules, Seat, ToMember,
};
use hst_id::{GroupId, MediaId, MediaType, UserId};
use hst_proto::{
    ActId, Audience, BoardAct, BoardPage, Class, Draw, Drawing, Event, EventBody, Figure, FigureKind, GroupMessage,
    NewBoard, Payload, Reply, ServerFrame, ToGroup, decode_server, frame_event,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// A board: its name, what is on it, and whatever else is told of it.
type SeenBoard = (MediaId, Vec<Drawing>, String);

const SEEDS: u64 = 60;
const STEPS: usize = 1_500;
const PEOPLE: u64 = 4;
/// Who reads what there is.
const READER: MemberId = MemberId(99);

fn name(member: MemberId) -> UserId {
    UserId::parse(&format!("u{}", member.0)).unwrap()
}

fn rules(history: usize) -> Rules {
    Rules {
        history,
        ..Rules::default()
    }
}

fn event_of(body: &EventBody) -> Event {
    match decode_server(&frame_event(None, body)).unwrap() {
        ServerFrame::Event { event, .. } => event,
        ServerFrame::Reply { .. } => panic!("not an event"),
    }
}

fn board_media(board: &MediaId) -> (MediaType, MediaId) {
    (MediaType::WhiteBoard, board.clone())
}

/// A group, and the copies that follow it.
struct Home {
    group: Group,
    copies: Vec<(Kept, Filling)>,
    /// What came of the last request.
    reply: Option<Result<Reply, u32>>,
    /// Who was told of acts on boards.
    drawn_for: Vec<Recipients>,
}

impl Home {
    fn new(generation: u64, history: usize) -> Self {
        Self {
            group: Group::new(GroupId::parse("g").unwrap(), rules(history)).of_generation(generation),
            copies: Vec::new(),
            reply: None,
            drawn_for: Vec::new(),
        }
    }

    fn join(&mut self, member: MemberId) {
        self.group
            .handle_join(Instant::now(), member, 0, name(member), Permissions::ordinary());
        self.drain();
    }

    fn ask(&mut self, member: MemberId, request: GroupRequest) -> Result<Reply, u32> {
        self.group.handle_request(Instant::now(), member, 1, request);
        self.drain();
        self.reply.take().unwrap()
    }

    fn drain(&mut self) {
        while let Some(output) = self.group.poll_output() {
            match output {
                GroupOutput::Tell { to, body, is_kept, .. } => {
                    let event = event_of(&body);
                    if matches!(event, Event::Drawn(_)) {
                        self.drawn_for.push(to);
                    }
                    for (copy, _) in self.copies.iter_mut().filter(|_| is_kept) {
                        copy.handle_event(event.clone());
                    }
                }
                GroupOutput::Keep(said) => self.copies.iter_mut().for_each(|(copy, _)| copy.handle(said.clone())),
                GroupOutput::To {
                    what: ToMember::Reply { result, .. },
                    ..
                } => self.reply = Some(result.map_err(|why| why.code)),
                _ => {}
            }
        }
    }

    fn say(&mut self, member: MemberId, text: &str) {
        let message = ToGroup {
            body: Payload::text(text),
            to: Audience::All,
            class: Class::Reliable,
        };
        self.ask(member, GroupRequest::Message(message)).unwrap();
    }

    fn create(&mut self, member: MemberId) -> Result<MediaId, u32> {
        let new = NewBoard {
            name: "a plan".to_owned(),
            width: 100,
            height: 100,
            pages: vec![BoardPage::default(); 2],
        };
        match self.ask(member, GroupRequest::CreateBoard(new))? {
            Reply::BoardCreated { board } => Ok(board),
            other => panic!("{other:?}"),
        }
    }

    fn publish(&mut self, member: MemberId, board: &MediaId) {
        let (media_type, media) = board_media(board);
        let name = String::new();
        let publish = GroupRequest::Publish {
            media_type,
            media,
            name,
        };
        self.ask(member, publish).unwrap();
    }

    fn draw(&mut self, member: MemberId, board: &MediaId, n: u32, act: BoardAct) -> Result<Reply, u32> {
        let board = board.clone();
        self.ask(member, GroupRequest::Draw(Draw { board, n, act }))
    }

    /// The next piece comes to a copy. Says whether there was one.
    fn fill(&mut self, copy: usize) -> bool {
        let (kept, filling) = &mut self.copies[copy];
        let piece = self.group.next_piece(filling);
        let is_last = matches!(piece, Some(Keep::Whole { .. }));
        let Some(piece) = piece else { return false };
        assert_eq!(kept.at(), None, "it is not whole before the last piece");
        kept.handle(piece);
        assert_eq!(kept.at().is_some(), is_last);
        true
    }

    /// The group goes on with a copy in another place, by which these members come back.
    fn goes_on(&mut self, generation: u64, history: usize, copy: usize) -> Self {
        let mut next = Self::new(generation, history);
        let seats: Vec<_> = self.group.members().map(|(id, _)| id).collect();
        let seats: Vec<(MemberId, Seat)> = seats.into_iter().map(|id| (id, self.group.seat(id).unwrap())).collect();
        next.group.handle_standing(self.group.standing());
        next.group.handle_kept(self.copies.swap_remove(copy).0);
        for (id, seat) in seats {
            next.group.handle_return(Instant::now(), id, seat).unwrap();
        }
        next.drain();
        next
    }

    /// Everything that a late comer can see of boards and history.
    fn seen(&mut self) -> (Vec<SeenBoard>, Vec<GroupMessage>) {
        self.join(READER);
        let boards: Vec<_> = self.group.media().map(|media| media.key.media).collect();
        let boards = boards.into_iter().map(|board| {
            let (mut figures, mut after) = (Vec::new(), None);
            loop {
                let open = GroupRequest::OpenBoard {
                    board: board.clone(),
                    after,
                };
                let Ok(Reply::Board(mut part)) = self.ask(READER, open) else {
                    panic!("not opened")
                };
                figures.append(&mut part.figures);
                after = part.next;
                if after.is_none() {
                    return (board, figures, format!("{part:?}"));
                }
            }
        });
        let boards = boards.collect();
        let (mut messages, mut before) = (Vec::new(), None);
        while let Ok(Reply::History { messages: page }) = self.ask(READER, GroupRequest::History { before, limit: 500 })
            && let Some(first) = page.first()
        {
            before = Some(first.seq);
            messages.splice(0..0, page);
        }
        self.ask(READER, GroupRequest::Leave).unwrap();
        (boards, messages)
    }
}

fn line(dice: &mut StdRng) -> Figure {
    Figure {
        kind: FigureKind::Line,
        page: dice.random_range(0..2),
        color: 0,
        size: 10,
        points: (0..4).map(|_| dice.random_range(-1000..1000)).collect(),
        text: String::new(),
    }
}

/// Members who do whatever comes into their minds.
struct Crowd {
    dice: StdRng,
    home: Home,
    boards: Vec<MediaId>,
    acts: u32,
}

impl Crowd {
    fn step(&mut self) {
        let member = MemberId(self.dice.random_range(1..=PEOPLE));
        let Some(board) = self
            .boards
            .get(self.dice.random_range(0..self.boards.len().max(1)))
            .cloned()
        else {
            self.boards.extend(self.home.create(member));
            return;
        };
        match self.dice.random_range(0..400) {
            0..2 => self.boards.extend(self.home.create(member)),
            2..40 => self.home.publish(member, &board),
            40..42 => {
                let (media_type, media) = board_media(&board);
                let _ = self.home.ask(member, GroupRequest::Unpublish { media_type, media });
            }
            42 => {
                if self.home.ask(member, GroupRequest::DeleteBoard(board.clone())).is_ok() {
                    self.boards.retain(|one| *one != board);
                }
            }
            43..120 => self.home.say(member, &format!("{}", self.acts)),
            120..130 => {
                let after = None;
                let _ = self.home.ask(member, GroupRequest::OpenBoard { board, after });
            }
            130..133 => _ = self.home.ask(member, GroupRequest::CloseBoard(board)),
            133..180 => (0..self.home.copies.len()).for_each(|copy| _ = self.home.fill(copy)),
            _ => {
                self.acts += 1;
                let act = self.act();
                // What is not published takes none.
                let _ = self.home.draw(member, &board, self.acts, act);
            }
        }
    }

    fn act(&mut self) -> BoardAct {
        let any = |dice: &mut StdRng, acts| ActId {
            by: name(MemberId(dice.random_range(1..=PEOPLE))),
            n: dice.random_range(1..=acts),
        };
        let (dice, acts) = (&mut self.dice, self.acts);
        match dice.random_range(0..100) {
            0..60 => BoardAct::Add(line(dice)),
            60..70 => BoardAct::Move {
                figures: (0..9).map(|_| any(dice, acts)).collect(),
                dx: dice.random_range(-500..500),
                dy: 1,
            },
            70..80 => BoardAct::Erase {
                figures: (0..9).map(|_| any(dice, acts)).collect(),
            },
            80..88 => BoardAct::Hide {
                figure: any(dice, acts).n,
            },
            88..95 => BoardAct::Restore { act: any(dice, acts).n },
            95 => BoardAct::Clear { page: 0 },
            96 => BoardAct::AddPage(BoardPage::default()),
            _ => BoardAct::SetPage {
                page: dice.random_range(0..2),
            },
        }
    }
}

#[test]
fn whatever_happens_while_it_is_filled_and_later_a_copy_goes_on_as_the_original_would() {
    for seed in 0..SEEDS {
        let history = [0, 20, 300][usize::try_from(seed % 3).unwrap()];
        let mut crowd = Crowd {
            dice: StdRng::seed_from_u64(seed),
            home: Home::new(3, history),
            boards: Vec::new(),
            acts: 0,
        };
        (1..=PEOPLE).for_each(|member| crowd.home.join(MemberId(member)));
        for step in 0..STEPS {
            if step % 400 == 300 {
                crowd.home.copies.push(Default::default());
            }
            crowd.step();
        }
        while (0..crowd.home.copies.len()).any(|copy| crowd.home.fill(copy)) {}
        (0..50).for_each(|_| crowd.step());
        let Crowd { mut home, .. } = crowd;
        let truth = home.seen();
        assert!(!truth.0.is_empty(), "seed {seed}: there is nothing to compare");
        while !home.copies.is_empty() {
            assert_eq!(home.copies[0].0.at(), Some(home.group.kept_at()), "seed {seed}");
            let mut next = home.goes_on(4, history, 0);
            assert_eq!(next.seen(), truth, "seed {seed}");
            for member in (1..=PEOPLE).map(MemberId) {
                assert_eq!(next.group.seat(member), home.group.seat(member), "seed {seed}");
            }
            let names = [&mut home, &mut next].map(|home| home.create(MemberId(1)));
            assert_eq!(names[0], names[1], "seed {seed}: no name comes twice");
        }
    }
}

#[test]
fn a_copy_goes_on_with_who_has_a_board_open_and_knows_each_act_that_comes_again() {
    let mut home = Home::new(3, 10);
    let [ann, bob] = [MemberId(1), MemberId(2)];
    home.join(ann);
    home.join(bob);
    let board = home.create(ann).unwrap();
    home.publish(ann, &board);
    let open = GroupRequest::OpenBoard {
        board: board.clone(),
        after: None,
    };
    home.ask(bob, open).unwrap();
    home.copies.push(Default::default());
    while home.fill(0) {}
    let act = BoardAct::Add(line(&mut StdRng::seed_from_u64(1)));
    home.draw(ann, &board, 1, act.clone()).unwrap();
    let mut next = home.goes_on(4, 10, 0);
    next.draw(ann, &board, 1, act.clone()).unwrap();
    assert_eq!(next.drawn_for, [], "it was carried out before");
    next.draw(ann, &board, 2, act).unwrap();
    assert_eq!(next.drawn_for, [Recipients::Only(vec![bob])]);
    assert_eq!(next.seen().0[0].1.len(), 2);
}

#[test]
fn a_copy_that_is_not_whole_is_none_and_one_that_is_the_same_is_not_filled() {
    let mut home = Home::new(3, 10);
    let ann = MemberId(1);
    home.join(ann);
    let board = home.create(ann).unwrap();
    home.publish(ann, &board);
    home.say(ann, "hello");
    home.copies.extend([Default::default(), Default::default()]);
    for _ in 0..2 {
        home.fill(0);
    }
    let mut next = home.goes_on(4, 10, 0);
    assert_eq!(next.seen(), (Vec::new(), Vec::new()));
    while home.fill(0) {}
    let same = home.goes_on(5, 10, 0);
    assert_eq!(same.group.kept_at(), home.group.kept_at());
    let mut filling = Filling::of_the_same();
    let piece = same.group.next_piece(&mut filling);
    assert!(matches!(piece, Some(Keep::Whole { .. })), "{piece:?}");
    assert_eq!(same.group.next_piece(&mut filling), None);
}

#[test]
fn boards_and_history_are_within_their_bounds_in_a_copy_and_where_it_goes_on() {
    let mut home = Home::new(3, 50);
    let ann = MemberId(1);
    home.join(ann);
    (0..200).for_each(|number| home.say(ann, &number.to_string()));
    home.copies.push(Default::default());
    while home.fill(0) {}
    (200..500).for_each(|number| home.say(ann, &number.to_string()));
    // The App keeps less by now.
    let mut next = home.goes_on(4, 20, 0);
    let kept: Vec<_> = next.seen().1.iter().map(|message| message.seq).collect();
    assert_eq!(kept, (481..=500).collect::<Vec<_>>());
    assert_eq!(home.seen().1.len(), 50);
}

#[test]
fn a_board_ends_in_every_copy_with_the_last_member() {
    let mut home = Home::new(3, 0);
    let ann = MemberId(1);
    home.join(ann);
    let board = home.create(ann).unwrap();
    home.publish(ann, &board);
    home.copies.push(Default::default());
    while home.fill(0) {}
    home.ask(ann, GroupRequest::Leave).unwrap();
    let mut next = home.goes_on(4, 0, 0);
    assert_eq!(next.seen().0, []);
}

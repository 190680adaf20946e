//! Whatever several people do on a board at once, lose and ask for again: in the end all see the same.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use hst_group::server::{Group, GroupOutput, GroupRequest, MemberId, Permissions, Recipients, Rules, ToMember};
use hst_id::{GroupId, MediaId, MediaType, UserId};
use hst_proto::{
    ActId, BoardAct, BoardPage, BoardPart, Class, Draw, Drawing, Drawn, Event, Figure, FigureKind, MAX_BEHIND,
    MAX_DISTANCE, NewBoard, Reply, RequestId, ServerFrame, decode_server, frame_event,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

const PEOPLE: usize = 5;
const STEPS: usize = 600;
const SEEDS: u64 = 60;

/// A board as somebody sees it: written anew here, so that it is compared with another way to do the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    pages: usize,
    page: u16,
    figures: Vec<Drawing>,
}

impl Seen {
    fn begin(part: &BoardPart) -> Self {
        let mut seen = Self {
            pages: part.pages.len(),
            page: part.page,
            figures: Vec::new(),
        };
        seen.add(part);
        seen
    }

    fn add(&mut self, part: &BoardPart) {
        for drawing in &part.figures {
            self.figures.retain(|known| known.id != drawing.id);
            self.figures.push(drawing.clone());
        }
    }

    fn take(&mut self, act: ActId, is_meant: impl Fn(&Drawing) -> bool) {
        let is_old = |gone: &ActId| gone.by == act.by && gone.n + MAX_BEHIND < act.n;
        self.figures
            .retain(|drawing| !drawing.gone.as_ref().is_some_and(is_old));
        let left = self.figures.iter_mut().filter(|drawing| drawing.gone.is_none());
        for drawing in left.filter(|drawing| is_meant(drawing)) {
            drawing.gone = Some(act.clone());
        }
    }

    fn apply(&mut self, Drawn { by, n, act, .. }: &Drawn) {
        let own = |figure: u32| ActId {
            by: by.clone(),
            n: figure,
        };
        match act {
            BoardAct::Add(figure) => {
                let is_undone = |d: &Drawing| d.id.by == *by && d.gone.as_ref() == Some(&d.id);
                self.figures.retain(|d| d.figure.page != figure.page || !is_undone(d));
                self.figures.push(Drawing {
                    id: own(*n),
                    gone: None,
                    figure: figure.clone(),
                });
            }
            BoardAct::Move { figures, dx, dy } => {
                for id in figures {
                    let Some(drawing) = self.figures.iter_mut().find(|drawing| drawing.id == *id) else {
                        continue;
                    };
                    for (at, way) in [dx, dy].into_iter().enumerate() {
                        let place = &mut drawing.figure.points[at];
                        *place = (*place + way).clamp(-MAX_DISTANCE, MAX_DISTANCE);
                    }
                }
            }
            BoardAct::Erase { figures } => self.take(own(*n), |drawing| figures.contains(&drawing.id)),
            BoardAct::Clear { page } => self.take(own(*n), |drawing| drawing.figure.page == *page),
            BoardAct::Hide { figure } => {
                let id = own(*figure);
                for drawing in self.figures.iter_mut().filter(|d| d.id == id && d.gone.is_none()) {
                    drawing.gone = Some(id.clone());
                }
            }
            BoardAct::Restore { act } => {
                let act = Some(own(*act));
                for drawing in self.figures.iter_mut().filter(|drawing| drawing.gone == act) {
                    drawing.gone = None;
                }
            }
            BoardAct::Forget {} => self.figures.retain(|drawing| drawing.gone.is_none()),
            BoardAct::AddPage(_) => self.pages += 1,
            BoardAct::SetPage { page } => self.page = *page,
        }
    }
}

/// Somebody in the group, who asks again for what he has no answer to.
struct Person {
    user: UserId,
    member: Option<MemberId>,
    seen: Option<Seen>,
    /// What is being read, from its first part on.
    reading: Option<Seen>,
    n: u32,
    due: VecDeque<Draw>,
    asked: BTreeMap<RequestId, Asked>,
    last_re: RequestId,
    /// On their way to the group, and from it.
    out: VecDeque<(RequestId, GroupRequest)>,
    inbox: VecDeque<ToMember>,
}

enum Asked {
    Open { is_first: bool },
    Draw(u32),
    Other,
}

impl Person {
    fn new(name: &str) -> Self {
        Self {
            user: UserId::parse(name).unwrap(),
            member: None,
            seen: None,
            reading: None,
            n: 0,
            due: VecDeque::new(),
            asked: BTreeMap::new(),
            last_re: 0,
            out: VecDeque::new(),
            inbox: VecDeque::new(),
        }
    }

    fn ask(&mut self, asked: Asked, request: GroupRequest) {
        self.last_re += 1;
        self.asked.insert(self.last_re, asked);
        self.out.push_back((self.last_re, request));
    }

    fn open(&mut self, board: &MediaId, after: Option<u64>) {
        if after.is_none() {
            self.reading = None;
            // Only the last time counts.
            self.asked.retain(|_, asked| !matches!(asked, Asked::Open { .. }));
        }
        let open = GroupRequest::OpenBoard {
            board: board.clone(),
            after,
        };
        self.ask(
            Asked::Open {
                is_first: after.is_none(),
            },
            open,
        );
    }

    fn draw(&mut self, board: &MediaId, act: BoardAct) {
        self.n += 1;
        let draw = Draw {
            board: board.clone(),
            n: self.n,
            act,
        };
        self.due.push_back(draw.clone());
        self.ask(Asked::Draw(self.n), GroupRequest::Draw(draw));
    }

    /// Answers are lost: asks again for everything, also for what was carried out.
    fn repeat(&mut self) {
        self.out.clear();
        self.asked.clear();
        for draw in self.due.clone() {
            self.ask(Asked::Draw(draw.n), GroupRequest::Draw(draw));
        }
    }

    fn hear(&mut self, board: &MediaId) {
        match self.inbox.pop_front() {
            Some(ToMember::Reply { re, result }) => match (self.asked.remove(&re), result.unwrap()) {
                (Some(Asked::Draw(n)), _) => self.due.retain(|draw| draw.n != n),
                (Some(Asked::Open { is_first }), Reply::Board(part)) => {
                    self.n = self.n.max(part.own);
                    match &mut self.reading {
                        Some(reading) if !is_first => reading.add(&part),
                        reading => *reading = Some(Seen::begin(&part)),
                    }
                    match part.next {
                        Some(next) => self.open(board, Some(next)),
                        None => self.seen = self.reading.take(),
                    }
                }
                _ => {}
            },
            Some(ToMember::Event(body)) => {
                let ServerFrame::Event { event, .. } = decode_server(&frame_event(None, &body)).unwrap() else {
                    panic!("not an event");
                };
                match event {
                    Event::Drawn(drawn) => {
                        for seen in self.seen.iter_mut().chain(&mut self.reading) {
                            seen.apply(&drawn);
                        }
                    }
                    Event::Snapshot(_) => self.open(board, None),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

struct House {
    dice: StdRng,
    group: Group,
    board: MediaId,
    people: Vec<Person>,
    last_member: u64,
}

impl House {
    fn new(seed: u64) -> Self {
        let mut house = Self {
            dice: StdRng::seed_from_u64(seed),
            group: Group::new(GroupId::parse("g").unwrap(), Rules::default()),
            board: MediaId::parse("whiteboard1").unwrap(),
            people: (0..PEOPLE).map(|who| Person::new(&format!("u{who}"))).collect(),
            last_member: 0,
        };
        house.join(0);
        let new = NewBoard {
            name: String::new(),
            width: 100,
            height: 100,
            pages: vec![BoardPage::default(); 2],
        };
        let publish = GroupRequest::Publish {
            media_type: MediaType::WhiteBoard,
            media: house.board.clone(),
            name: String::new(),
        };
        let first = &mut house.people[0];
        first.out.clear();
        for request in [GroupRequest::CreateBoard(new), publish] {
            first.ask(Asked::Other, request);
        }
        // So many that they come in several parts.
        for _ in 0..1_200 {
            let act = BoardAct::Add(house.figure());
            let board = house.board.clone();
            house.people[0].draw(&board, act);
        }
        while house.send(0) {}
        let board = house.board.clone();
        while !house.people[0].inbox.is_empty() {
            house.people[0].hear(&board);
        }
        house.people[0].open(&board, None);
        house
    }

    fn join(&mut self, who: usize) {
        self.last_member += 1;
        let member = MemberId(self.last_member);
        let person = &mut self.people[who];
        (person.member, person.seen, person.reading) = (Some(member), None, None);
        person.inbox.clear();
        let user = person.user.clone();
        self.group
            .handle_join(Instant::now(), member, 0, user, Permissions::ordinary());
        self.hand_out();
        let board = self.board.clone();
        let person = &mut self.people[who];
        person.repeat();
        person.open(&board, None);
    }

    /// One request gets to the group.
    fn send(&mut self, who: usize) -> bool {
        let person = &mut self.people[who];
        let (Some(member), Some((re, request))) = (person.member, person.out.pop_front()) else {
            return false;
        };
        self.group.handle_request(Instant::now(), member, re, request);
        self.hand_out();
        true
    }

    fn hand_out(&mut self) {
        while let Some(output) = self.group.poll_output() {
            match output {
                GroupOutput::To { member, what } => self.hand(|one| one == member, &what),
                GroupOutput::Tell {
                    to,
                    body,
                    class: Class::Reliable,
                    ..
                } => {
                    let what = ToMember::Event(body);
                    match to {
                        Recipients::All => self.hand(|_| true, &what),
                        Recipients::AllBut(but) => self.hand(|one| one != but, &what),
                        Recipients::Only(only) => self.hand(|one| only.contains(&one), &what),
                    }
                }
                _ => {}
            }
        }
    }

    fn hand(&mut self, is_meant: impl Fn(MemberId) -> bool, what: &ToMember) {
        for person in &mut self.people {
            if person.member.is_some_and(&is_meant) {
                person.inbox.push_back(what.clone());
            }
        }
    }

    fn figure(&mut self) -> Figure {
        Figure {
            kind: FigureKind::Line,
            page: self.dice.random_range(0..2),
            color: 0,
            size: 10,
            points: (0..4).map(|_| self.dice.random_range(-1000..1000)).collect(),
            text: String::new(),
        }
    }

    fn any_figure(&mut self) -> ActId {
        let by = self.dice.random_range(0..PEOPLE);
        ActId {
            by: self.people[by].user.clone(),
            n: self.dice.random_range(1..=self.people[by].n.max(1)),
        }
    }

    fn act(&mut self, who: usize) -> BoardAct {
        match self.dice.random_range(0..100) {
            0..50 => BoardAct::Add(self.figure()),
            50..60 => BoardAct::Move {
                figures: vec![self.any_figure(), self.any_figure()],
                dx: self.dice.random_range(-500_000..500_000),
                dy: self.dice.random_range(-500..500),
            },
            60..70 => BoardAct::Erase {
                figures: (0..4).map(|_| self.any_figure()).collect(),
            },
            70..82 => BoardAct::Hide {
                figure: self.dice.random_range(1..=self.people[who].n.max(1)),
            },
            82..94 => BoardAct::Restore {
                act: self.dice.random_range(1..=self.people[who].n.max(1)),
            },
            94 => BoardAct::Clear {
                page: self.dice.random_range(0..2),
            },
            95 => BoardAct::AddPage(BoardPage::default()),
            _ => BoardAct::SetPage {
                page: self.dice.random_range(0..2),
            },
        }
    }

    fn step(&mut self) {
        let who = self.dice.random_range(0..PEOPLE);
        let board = self.board.clone();
        if self.people[who].member.is_none() {
            return if self.dice.random_bool(0.1) {
                self.join(who)
            };
        }
        match self.dice.random_range(0..100) {
            0..30 => {
                let act = self.act(who);
                self.people[who].draw(&board, act);
            }
            30..60 => {
                self.send(who);
            }
            60..96 => self.people[who].hear(&board),
            96..98 => {
                // He was away for too long: what was meant for him is lost, and so are the answers.
                let person = &mut self.people[who];
                person.inbox.clear();
                person.reading = None;
                person.repeat();
                self.group.handle_missed(self.people[who].member.unwrap());
                self.hand_out();
            }
            // The first one stays, and the board with him.
            _ if who > 0 => {
                self.group.handle_gone(Instant::now(), self.people[who].member.unwrap());
                self.people[who].member = None;
                self.hand_out();
            }
            _ => {}
        }
    }

    fn settle(&mut self) {
        let board = self.board.clone();
        for who in 0..PEOPLE {
            if self.people[who].member.is_none() {
                self.join(who);
            }
        }
        let mut is_busy = true;
        while is_busy {
            is_busy = false;
            for who in 0..PEOPLE {
                is_busy |= self.send(who);
                is_busy |= !self.people[who].inbox.is_empty();
                self.people[who].hear(&board);
            }
        }
    }
}

#[test]
fn in_any_order_with_losses_and_late_comers_all_see_the_same_board() {
    for seed in 0..SEEDS {
        let mut house = House::new(seed);
        for _ in 0..STEPS {
            house.step();
        }
        house.settle();
        // One more who reads it all at once.
        house.people.push(Person::new("reader"));
        house.join(PEOPLE);
        let board = house.board.clone();
        while house.send(PEOPLE) || !house.people[PEOPLE].inbox.is_empty() {
            house.people[PEOPLE].hear(&board);
        }
        let truth = house.people[PEOPLE].seen.clone().unwrap();
        for person in &house.people {
            assert_eq!(person.due.len(), 0, "seed {seed}: {} has no answer", person.user);
            assert_eq!(person.seen.as_ref(), Some(&truth), "seed {seed}: {}", person.user);
        }
    }
}

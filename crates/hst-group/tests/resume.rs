//! One session over any sequence of connections, both ends against each other, frame by frame.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_group::{
    client::{self, LoginOptions, Output, SessionEvent},
    server::{self, CloseWhy, SessionOutput, SignedIn, UserRequest},
};
use hst_id::UserId;
use hst_proto::{Event, Payload, RESUME_WINDOW, Reply, RequestId, ServerFrame, decode_server, encode_event};
use proptest::prelude::*;

/// Both ends and what is under way between them; time passes only when somebody waits.
struct Pair {
    now: Instant,
    client: client::Session,
    server: server::Session,
    /// The client's side has a connection, and the server's.
    is_connected: bool,
    is_attached: bool,
    /// A connection before its session is found: the resumption that it began with.
    door: Option<server::Session>,
    up: VecDeque<Bytes>,
    down: VecDeque<Bytes>,
    told: Vec<u64>,
    heard: Vec<u64>,
    asked: BTreeMap<RequestId, String>,
    /// What the server carried out, in its order.
    done: Vec<String>,
    answered: BTreeMap<RequestId, Outcome>,
    discontinuities: usize,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    Unknown,
}

#[derive(Debug, Clone)]
enum Step {
    Tell,
    Ask,
    Up(usize),
    Down(usize),
    /// The connection breaks; so many frames of each direction arrive still.
    Cut(usize, usize),
    /// The server takes the connection for dead, the client not yet.
    HalfCut,
    /// The session goes on at another node, and its client hears of it or not.
    Move(bool),
    /// Time passes until the client does something.
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Tell),
        4 => Just(Step::Ask),
        3 => (1usize..6).prop_map(Step::Up),
        3 => (1usize..6).prop_map(Step::Down),
        2 => (0usize..4, 0usize..4).prop_map(|(up, down)| Step::Cut(up, down)),
        1 => Just(Step::HalfCut),
        1 => any::<bool>().prop_map(Step::Move),
        2 => Just(Step::Wait),
    ];
    prop::collection::vec(step, 1..200)
}

impl Pair {
    fn logged_in() -> Self {
        let now = Instant::now();
        let mut pair = Self {
            now,
            client: client::Session::new(1),
            server: server::Session::new(now, now + server::LOGIN_DEADLINE),
            is_connected: false,
            is_attached: false,
            door: None,
            up: VecDeque::new(),
            down: VecDeque::new(),
            told: Vec::new(),
            heard: Vec::new(),
            asked: BTreeMap::new(),
            done: Vec::new(),
            answered: BTreeMap::new(),
            discontinuities: 0,
        };
        pair.client.init().unwrap();
        pair.client.handle_inited(true);
        let options = LoginOptions::new("app", "token", "ann");
        pair.client.login(now, options).unwrap();
        pair.drain_client();
        (pair.door, pair.is_attached) = (None, true);
        let login = pair.up.pop_front().unwrap();
        pair.server.handle_frame(now, &login);
        pair.drain_server();
        pair.settle();
        pair.answered.clear();
        pair
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Tell => self.tell(0),
            Step::Ask => {
                let text = format!("state {}", self.asked.len());
                if let Ok(id) = self.client.set_state(self.now, text.clone()) {
                    self.asked.insert(id, text);
                }
                self.drain_client();
            }
            Step::Up(count) => (0..count).for_each(|_| self.one_up()),
            Step::Down(count) => (0..count).for_each(|_| self.one_down()),
            Step::Cut(up, down) => {
                (0..up).for_each(|_| self.one_up());
                (0..down).for_each(|_| self.one_down());
                self.break_line();
                if std::mem::take(&mut self.is_connected) {
                    self.client.handle_disconnected(self.now, "cut");
                    self.drain_client();
                }
            }
            Step::HalfCut => self.break_line(),
            Step::Move(is_heard) => self.move_server(is_heard),
            Step::Wait => self.wait(),
        }
    }

    fn move_server(&mut self, is_heard: bool) {
        let packed = self.server.pack(self.now).expect("nothing is under way inside");
        if is_heard && self.is_attached && self.is_connected {
            self.server.handle_moved(vec!["ws://elsewhere".to_owned()]);
            while let Some(output) = self.server.poll_output() {
                if let SessionOutput::Send(frame) = output {
                    self.down.push_back(frame);
                }
            }
            // What was sent before it comes before it.
            while self.is_attached && self.is_connected && !self.down.is_empty() {
                self.one_down();
            }
        }
        self.server = server::Session::unpack(self.now, packed, Vec::new());
        // Who is on his way back already finds the session where it is.
        if self.door.is_none() {
            self.up.clear();
            self.down.clear();
            self.is_attached = false;
        }
    }

    /// What is under way is lost, and the server notices.
    fn break_line(&mut self) {
        self.up.clear();
        self.down.clear();
        self.door = None;
        if std::mem::take(&mut self.is_attached) {
            self.server.handle_detached(self.now);
        }
    }

    fn wait(&mut self) {
        if let Some(due) = self.client.poll_timeout() {
            self.now = self.now.max(due);
            self.client.handle_timeout(self.now);
            self.drain_client();
        }
        // Nothing of this takes so long that the server would give up; it is not asked.
    }

    fn tell(&mut self, bytes: usize) {
        self.told.push(self.told.len() as u64);
        let event = Event::UserMessage {
            from: UserId::parse("bob").unwrap(),
            seq: self.told.len() as u64 - 1,
            body: Payload::text(&"x".repeat(bytes)),
        };
        self.server.handle_event(encode_event(&event));
        self.drain_server();
    }

    fn one_up(&mut self) {
        let Some(frame) = self.up.pop_front() else { return };
        match &mut self.door {
            Some(door) => {
                door.handle_frame(self.now, &frame);
                if let Some(SessionOutput::Resume { re, resume }) = door.poll_output() {
                    assert_eq!((&*resume.session, &*resume.secret), ("s", "x"));
                    self.door = None;
                    self.is_attached = true;
                    self.server.handle_attached(self.now, re, resume.got);
                }
            }
            None if self.is_attached => self.server.handle_frame(self.now, &frame),
            None => {}
        }
        self.drain_server();
    }

    fn one_down(&mut self) {
        if let Some(frame) = self.down.pop_front() {
            self.client.handle_frame(self.now, &frame);
            self.drain_client();
        }
    }

    fn drain_client(&mut self) {
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Connect => {
                    // Whatever the server still believes in is not the client's connection any more.
                    self.break_line();
                    self.is_connected = true;
                    self.door = Some(server::Session::new(self.now, self.now + server::LOGIN_DEADLINE));
                }
                Output::Send(frame) => self.up.push_back(frame),
                Output::Disconnect => {
                    self.is_connected = false;
                    self.break_line();
                }
                Output::Answered { id, result } => {
                    let outcome = match result {
                        Ok(_) => Outcome::Done,
                        Err(why) if why.server_code.is_none() => Outcome::Unknown,
                        Err(why) => panic!("{why}"),
                    };
                    let before = self.answered.insert(id, outcome);
                    assert_eq!(before, None, "one answer a call");
                }
                Output::Event(SessionEvent::UserMessage { seq, .. }) => self.heard.push(seq),
                Output::Event(SessionEvent::Discontinuity) => self.discontinuities += 1,
                Output::Event(_) | Output::Reconnected | Output::Moved(_) | Output::CloseMedia => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn drain_server(&mut self) {
        while let Some(output) = self.server.poll_output() {
            match output {
                SessionOutput::Send(frame) => {
                    assert!(self.is_attached, "nothing is sent to who is away");
                    self.down.push_back(frame);
                }
                SessionOutput::SignIn(_) => {
                    let signed_in = SignedIn {
                        session: "s".into(),
                        secret: "x".into(),
                        token_lasts: None,
                        max_message: 8192,
                        ice_servers: Vec::new(),
                        foretold: None,
                    };
                    self.server.handle_signed_in(self.now, Ok(signed_in));
                }
                SessionOutput::Ask {
                    re,
                    request: UserRequest::SetState(state),
                } => {
                    self.done.push(state);
                    self.server.handle_answer(re, Ok(Reply::Done {}));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Whatever is under way arrives, until nothing is.
    fn settle(&mut self) {
        for _ in 0..10 {
            while !self.up.is_empty() || !self.down.is_empty() {
                self.one_up();
                self.one_down();
            }
            if !self.is_connected || !self.is_attached {
                self.wait();
            }
        }
        assert!(self.is_connected && self.is_attached && self.up.is_empty() && self.down.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_cuts_loses_nothing_duplicates_nothing_and_reorders_nothing(steps in steps()) {
        let mut pair = Pair::logged_in();
        for step in &steps {
            pair.take(step);
            prop_assert!(pair.told.starts_with(&pair.heard), "in order, once, and nothing left out");
        }
        pair.settle();
        prop_assert_eq!(&pair.heard, &pair.told);
        let mut done = pair.done.iter().peekable();
        for (id, asked) in &pair.asked {
            let is_done = done.next_if_eq(&asked).is_some();
            // Over a connection that was dead for long the client has given up waiting, and does not know.
            prop_assert!(is_done || pair.answered[id] == Outcome::Unknown, "an answer means that it is done");
        }
        prop_assert_eq!(done.next(), None, "each is carried out once, in order");
        prop_assert_eq!(pair.discontinuities, 0);
    }
}

/// How many frames a session keeps, and how many bytes.
const FRAMES: usize = 8192;
const BYTES: usize = 2 * 1024 * 1024;

#[test]
fn what_is_kept_for_who_is_away_is_8192_frames_or_2_mib_and_one_more_is_a_discontinuity() {
    // Of the wire's frame for such a message without its number.
    let event = |bytes: usize| r#"{"user_message":{"from":"bob","seq":0000,"body":""}}"#.len() + bytes;
    let large = BYTES / 1024 - event(0);
    for (count, bytes) in [(FRAMES, 0), (1024, large)] {
        for more in [0, 1] {
            let mut pair = Pair::logged_in();
            pair.told = (0..1000).collect();
            pair.heard.clone_from(&pair.told);
            pair.take(&Step::Cut(0, 0));
            for _ in 0..count + more {
                pair.tell(bytes);
            }
            pair.settle();
            assert_eq!(pair.discontinuities, more, "{count} of {bytes}");
            let heard = if more == 0 { 1000 + count } else { 1000 };
            assert_eq!(pair.heard.len(), heard, "what cannot be whole is not told in parts");
            // And it goes on from there.
            pair.tell(0);
            pair.settle();
            assert_eq!(pair.heard.last(), pair.told.last());
            assert_eq!(pair.discontinuities, more);
        }
    }
}

#[test]
fn s13_a_session_gives_itself_to_nobody_and_the_last_connection_has_it() {
    let mut pair = Pair::logged_in();
    // One at the door is not asked for a login, and whatever it says the session is the shell's to give.
    let now = pair.now;
    let mut door = server::Session::new(now, now + server::LOGIN_DEADLINE);
    let resume =
        |id: u32| format!(r#"{{"id":{id},"do":{{"resume":{{"protocol":1,"session":"s","secret":"guess","got":0}}}}}}"#);
    door.handle_frame(now, resume(0).as_bytes());
    assert!(matches!(door.poll_output(), Some(SessionOutput::Resume { re: 0, .. })));
    assert!(door.is_busy(), "one guess at a time");
    door.handle_not_resumed(hst_proto::Failure::new(hst_proto::ErrorCode::SessionGone, "log in"));
    let refused = |output| match output {
        Some(SessionOutput::Send(frame)) => match decode_server(&frame).unwrap() {
            ServerFrame::Reply {
                result: Err(failure), ..
            } => failure.code,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(door.poll_output()), 1_000_100);
    door.handle_frame(now, br#"{"id":1,"do":{"join":{"group":"g"}}}"#);
    assert_eq!(refused(door.poll_output()), 1_000_003, "who has failed is where he was");
    assert_eq!(door.poll_timeout(), Some(now + server::LOGIN_DEADLINE));

    // Who is in it does not come in again.
    pair.server.handle_frame(now, resume(1000).as_bytes());
    assert_eq!(refused(pair.server.poll_output()), 2);

    // Of two that come with the secret, each gets what is kept, and the later has the session.
    pair.tell(0);
    pair.down.clear();
    for re in [0, 0] {
        pair.server.handle_detached(now);
        pair.server.handle_attached(now, re, 1);
        pair.drain_server();
        let frames: Vec<_> = pair.down.drain(..).collect();
        assert!(frames[0].starts_with(br#"{"re":0,"ok":{"resumed":"#));
        assert_eq!(frames.len(), 2, "the answer and what was missed");
    }
}

#[test]
fn a_session_waits_60_seconds_from_each_loss_and_not_a_moment_longer() {
    let mut pair = Pair::logged_in();
    let lost = pair.now + Duration::from_secs(100);
    pair.server.handle_detached(lost);
    assert_eq!(pair.server.poll_timeout(), Some(lost + RESUME_WINDOW));
    let almost = lost + RESUME_WINDOW - Duration::from_millis(1);
    pair.server.handle_timeout(almost);
    assert!(pair.server.poll_output().is_none());
    pair.server.handle_attached(almost, 0, 0);
    pair.drain_server();
    pair.server.handle_detached(almost);
    pair.server.handle_timeout(almost + RESUME_WINDOW);
    assert!(matches!(
        pair.server.poll_output(),
        Some(SessionOutput::Close(CloseWhy::Away))
    ));
    assert_eq!(pair.server.poll_timeout(), None);
    pair.server.handle_attached(almost + RESUME_WINDOW, 0, 0);
    assert!(pair.server.poll_output().is_none(), "what has ended does not come back");
}

//! Every command in every state, alone, in pairs and in threes, against a small model of what each of them does.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::time::Instant;

use bytes::Bytes;
use hst_group::server::{
    CloseWhy, Governance, Group, GroupOutput, GroupRequest, LOGIN_DEADLINE, MediaCommand, MemberId, Permissions,
    Recipients, Rules, Session, SessionOutput, SignedIn, ToMember, UserRequest,
};
use hst_id::{GroupId, MediaId, MediaType, UserId};
use hst_proto::{ErrorCode, Failure, Invited, Online, Reply, ServerFrame, decode_server};

/// All commands of the protocol, and what is none.
const COMMANDS: [(&str, &str); 31] = [
    (
        "login",
        r#"{"login":{"protocol":1,"app":"a","token":"t","user":"ann"}}"#,
    ),
    (
        "resume",
        r#"{"resume":{"protocol":1,"session":"s9","secret":"guess","got":0}}"#,
    ),
    ("renew", r#"{"renew":{"token":"t"}}"#),
    ("exit", r#"{"exit":{}}"#),
    ("ping", r#"{"ping":{}}"#),
    ("join", r#"{"join":{"group":"g"}}"#),
    ("join nowhere", r#"{"join":{"group":"a b"}}"#),
    ("leave", r#"{"leave":{}}"#),
    ("roster", r#"{"roster":{"limit":10}}"#),
    ("publish", r#"{"publish":{"type":2,"media":"cam"}}"#),
    ("unpublish", r#"{"unpublish":{"type":2,"media":"cam"}}"#),
    ("receive", r#"{"receive":{"user":"bob","type":2,"media":"cam"}}"#),
    (
        "stop_receive",
        r#"{"stop_receive":{"user":"bob","type":2,"media":"cam"}}"#,
    ),
    ("offer", r#"{"offer":{"generation":1,"sdp":"v=0","lines":[]}}"#),
    ("message", r#"{"message":{"body":1}}"#),
    ("user_message", r#"{"user_message":{"user":"bob","body":1}}"#),
    ("history", r#"{"history":{"limit":10}}"#),
    ("online", r#"{"online":{"limit":10}}"#),
    ("unwatch", r#"{"unwatch":{}}"#),
    ("set_state", r#"{"set_state":{"state":"busy"}}"#),
    ("invite", r#"{"invite":{"invite":1,"group":"g","users":["bob"]}}"#),
    ("answer_invite", r#"{"answer_invite":{"invite":1,"accept":true}}"#),
    ("cancel_invite", r#"{"cancel_invite":{"invite":1}}"#),
    ("kick", r#"{"kick":{"user":"bob"}}"#),
    ("mute", r#"{"mute":{"user":"bob","type":2,"media":"cam","muted":true}}"#),
    ("lock", r#"{"lock":{"locked":true}}"#),
    ("view", r#"{"view":{"user":"bob","type":2,"media":"cam","height":180}}"#),
    (
        "prioritize",
        r#"{"prioritize":{"user":"bob","type":2,"media":"cam","priority":"low"}}"#,
    ),
    ("prepare", r#"{"prepare":{"group":"g","generation":1,"sdp":"v=0"}}"#),
    ("dance", r#"{"dance":{}}"#),
    ("nothing", "null"),
];

/// What the model knows: where a session stands, whether bob is in the group with his camera, and whether it is received.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    at: At,
    bob_is_here: bool,
    receives: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Door,
    Online,
    InGroup,
    Over,
}

impl Model {
    /// The code that a command is refused with, or 0; nobody answers after the end.
    fn take(&mut self, command: &str) -> Option<u32> {
        let code = match (self.at, command) {
            (At::Over, _) => return None,
            (_, "dance" | "nothing") => 1,
            (At::Door, "login") => {
                self.at = At::Online;
                0
            }
            (At::Door, "resume") => 1_000_100,
            (At::Door, _) => 1_000_003,
            (_, "login" | "resume") => 2,
            (_, "exit") => {
                self.at = At::Over;
                0
            }
            (At::InGroup, "join" | "join nowhere" | "prepare") => 1_000_010,
            (At::Online, "join nowhere") => 1,
            (At::Online, "prepare") => 0,
            (At::Online, "join") => {
                self.at = At::InGroup;
                0
            }
            (_, "ping" | "renew" | "user_message" | "online" | "unwatch" | "set_state") => 0,
            (_, "invite" | "answer_invite" | "cancel_invite") => 0,
            (At::Online, _) => 31,
            (At::InGroup, "leave") => {
                self.at = At::Online;
                self.receives = false;
                0
            }
            (At::InGroup, "receive" | "mute" | "kick") if !self.bob_is_here => 302,
            (At::InGroup, "kick") => {
                self.bob_is_here = false;
                self.receives = false;
                0
            }
            (At::InGroup, "view" | "prioritize") if !self.receives => 302,
            (At::InGroup, "receive" | "stop_receive") => {
                self.receives = command == "receive";
                0
            }
            (At::InGroup, _) => 0,
        };
        Some(code)
    }
}

/// A session with a group behind it that bob is in, and everything answered at once.
struct House {
    now: Instant,
    session: Session,
    group: Group,
    member: MemberId,
    sent: Vec<Bytes>,
    closed: Option<CloseWhy>,
    /// Whether offers get their answers.
    media_answers: bool,
}

const BOB: MemberId = MemberId(1000);

impl House {
    fn new() -> Self {
        let now = Instant::now();
        let mut house = Self {
            now,
            session: Session::new(now, now + LOGIN_DEADLINE),
            group: Group::new(GroupId::parse("g").unwrap(), Rules::default()),
            member: MemberId(0),
            sent: Vec::new(),
            closed: None,
            media_answers: true,
        };
        let bob = UserId::parse("bob").unwrap();
        house.group.handle_join(now, BOB, 1, bob, Permissions::ordinary());
        let publish = GroupRequest::Publish {
            media_type: MediaType::Video,
            media: MediaId::parse("cam").unwrap(),
            name: String::new(),
        };
        house.group.handle_request(now, BOB, 2, publish);
        house.drain();
        house
    }

    fn at(at: At) -> Self {
        let mut house = Self::new();
        let way: &[usize] = match at {
            At::InGroup => &[0, 5],
            At::Online => &[0],
            _ => &[],
        };
        for (id, &command) in way.iter().enumerate() {
            house.ask(id as u32, COMMANDS[command].1);
        }
        house
    }

    /// Sends a command, and what comes of it is carried out.
    fn ask(&mut self, id: u32, command: &str) {
        self.frame(format!(r#"{{"id":{id},"do":{command}}}"#).as_bytes());
    }

    fn frame(&mut self, frame: &[u8]) {
        assert!(!self.session.is_busy(), "stuck");
        self.session.handle_frame(self.now, frame);
        self.drain();
    }

    /// The replies that were sent since the last look, by request.
    fn replies(&mut self) -> Vec<(u32, u32)> {
        let frames = self.sent.drain(..).map(|frame| decode_server(&frame).unwrap());
        frames
            .filter_map(|frame| match frame {
                ServerFrame::Reply { re, result, .. } => Some((re, result.err().map_or(0, |failure| failure.code))),
                ServerFrame::Event { .. } => None,
            })
            .collect()
    }

    fn drain(&mut self) {
        loop {
            while let Some(output) = self.session.poll_output() {
                self.perform(output);
            }
            let Some(output) = self.group.poll_output() else { return };
            match output {
                GroupOutput::To { member, what } => self.hand(member, what),
                GroupOutput::Tell { to, body, .. } => {
                    let is_told = match &to {
                        Recipients::All => true,
                        Recipients::AllBut(one) => *one != self.member,
                        Recipients::Only(members) => members.contains(&self.member),
                    };
                    if is_told {
                        self.hand(self.member, ToMember::Event(body));
                    }
                }
                GroupOutput::Media(MediaCommand::Offer { member, re, .. }) if self.media_answers => {
                    self.group.handle_answer(member, re, Ok("v=0".into()));
                }
                GroupOutput::Departed(member) if member == self.member => self.member = MemberId(0),
                _ => {}
            }
        }
    }

    fn hand(&mut self, member: MemberId, what: ToMember) {
        if member == self.member && member != MemberId(0) {
            self.session.handle_group(what);
        }
    }

    fn perform(&mut self, output: SessionOutput) {
        match output {
            SessionOutput::Send(frame) | SessionOutput::SendLossy(frame) => self.sent.push(frame),
            SessionOutput::SignIn(_) => {
                self.session.handle_signed_in(self.now, Ok(signed_in()));
            }
            SessionOutput::Resume { .. } => {
                let gone = Failure::new(ErrorCode::SessionGone, "log in");
                self.session.handle_not_resumed(gone);
            }
            SessionOutput::Prepare { re, .. } => {
                let sdp = "v=0".into();
                self.session.handle_answer(re, Ok(Reply::Answer { sdp }));
            }
            SessionOutput::Join { group, re } => {
                assert_eq!(group, *self.group.id());
                self.member = MemberId(u64::from(re) + 1);
                let ann = UserId::parse("ann").unwrap();
                self.group
                    .handle_join(self.now, self.member, re, ann, Permissions::all());
            }
            SessionOutput::Group { re, request } => self.group.handle_request(self.now, self.member, re, request),
            SessionOutput::Ask { re, request } => match request {
                UserRequest::Renew(_) => self.session.handle_renewed(self.now, re, Ok(None)),
                UserRequest::Message { .. } => self.session.handle_answer(re, Ok(Reply::Sent { seq: 1 })),
                UserRequest::Online(_) => {
                    let (users, total, more) = (Vec::new(), 0, false);
                    self.session
                        .handle_answer(re, Ok(Reply::Online(Online { users, total, more })));
                }
                UserRequest::Invite(_) => {
                    let offline = Vec::new();
                    self.session.handle_answer(re, Ok(Reply::Invited(Invited { offline })));
                }
                _ => self.session.handle_answer(re, Ok(Reply::Done {})),
            },
            SessionOutput::Missed => self.group.handle_missed(self.member),
            SessionOutput::HangUp(why) | SessionOutput::Close(why) => {
                self.closed = Some(why);
                self.group.handle_gone(self.now, self.member);
            }
        }
    }
}

fn signed_in() -> SignedIn {
    SignedIn {
        session: "s1".into(),
        secret: "secret".into(),
        token_lasts: None,
        max_message: 8192,
        ice_servers: Vec::new(),
        foretold: None,
    }
}

const STATES: [At; 3] = [At::Door, At::Online, At::InGroup];

#[test]
fn s5_s6_every_command_pair_and_triple_in_every_state_does_what_the_model_says_and_no_more() {
    for at in STATES {
        for first in 0..COMMANDS.len() {
            for second in 0..COMMANDS.len() {
                for third in 0..COMMANDS.len() {
                    let mut house = House::at(at);
                    house.sent.clear();
                    let mut model = Model {
                        at,
                        bob_is_here: true,
                        receives: false,
                    };
                    let names = [first, second, third].map(|command| COMMANDS[command].0);
                    for (id, command) in (10..).zip([first, second, third]) {
                        let (name, text) = COMMANDS[command];
                        house.ask(id, text);
                        let expected: Vec<_> = model.take(name).into_iter().map(|code| (id, code)).collect();
                        assert_eq!(house.replies(), expected, "{names:?} in {at:?}");
                        assert_eq!(house.closed.is_some(), model.at == At::Over, "{names:?} in {at:?}");
                        let is_member = house.group.users().any(|user| user.as_str() == "ann");
                        assert_eq!(is_member, model.at == At::InGroup, "{names:?} in {at:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn s5_a_login_that_was_refused_opens_nothing_and_may_be_tried_again() {
    let mut house = House::new();
    let wrong = COMMANDS[0].1.replace("\"ann\"", "\"a b\"");
    for id in 0..5 {
        house.ask(id, &wrong);
        assert_eq!(house.replies(), [(id, 1_000_006)]);
        house.ask(id, COMMANDS[5].1);
        assert_eq!(house.replies(), [(id, 1_000_003)], "no number is used up at the door");
    }
    house.ask(0, COMMANDS[0].1);
    assert_eq!(house.replies(), [(0, 0)]);
}

#[test]
fn s8_a_command_that_comes_twice_is_carried_out_once_and_answered_the_same_way() {
    for at in [At::Online, At::InGroup] {
        for (name, command) in COMMANDS {
            // What ends the session leaves nobody to ask, and an answer to a ping is worth nothing later.
            if ["exit", "ping"].contains(&name) {
                continue;
            }
            let mut house = House::at(at);
            house.sent.clear();
            house.ask(10, command);
            let is_reply = |frame: &Bytes| frame.windows(7).any(|part| part == b"\"re\":10");
            let reply: Vec<_> = house.sent.drain(..).filter(is_reply).collect();
            let before = format!("{:?}", house.group);
            house.ask(10, command);
            assert_eq!(house.sent, reply, "{name} in {at:?}");
            assert_eq!(before, format!("{:?}", house.group), "{name} in {at:?}");
            house.ask(11, r#"{"ping":{}}"#);
        }
    }
}

#[test]
fn s8_an_offer_that_comes_twice_before_its_answer_has_one_answer() {
    let mut house = House::at(At::InGroup);
    house.media_answers = false;
    house.sent.clear();
    let offer = COMMANDS[13].1;
    house.ask(10, offer);
    house.ask(10, offer);
    assert_eq!(house.replies(), []);
    house.group.handle_answer(house.member, 10, Ok("v=0".into()));
    house.drain();
    assert_eq!(house.replies(), [(10, 0)]);
    // One that is left behind is refused, once.
    house.ask(11, offer);
    house.ask(12, r#"{"leave":{}}"#);
    assert_eq!(house.replies(), [(11, 31), (12, 0)]);
    house.ask(11, offer);
    assert_eq!(house.replies(), [(11, 31)], "the same answer again");
}

#[test]
fn s20_numbers_that_are_none_end_the_session_and_used_ones_do_nothing() {
    for id in [
        "-1",
        "1.5",
        "4294967296",
        "18446744073709551616",
        "1e400",
        "\"7\"",
        "null",
        "[1]",
        "{}",
    ] {
        let mut house = House::at(At::Online);
        house.frame(format!(r#"{{"id":{id},"do":{{"ping":{{}}}}}}"#).as_bytes());
        assert_eq!(house.closed, Some(CloseWhy::Protocol), "{id}");
    }
    let mut house = House::at(At::Online);
    house.sent.clear();
    house.ask(u32::MAX, COMMANDS[5].1);
    assert_eq!(house.replies(), [(u32::MAX, 0)]);
    // There is no number behind the last one: they do not start again from 0.
    for id in [0, 1, 100, u32::MAX - 1] {
        house.ask(id, r#"{"leave":{}}"#);
        assert_eq!(house.replies(), [(id, 1)]);
    }
    assert!(house.group.users().any(|user| user.as_str() == "ann"));
}

#[test]
fn s20_a_reply_to_what_nobody_asked_changes_nothing() {
    use hst_group::client;
    let now = Instant::now();
    let mut engine = client::Session::new(1);
    engine.init().unwrap();
    engine.handle_inited(true);
    let login = engine.login(now, client::LoginOptions::new("a", "t", "ann")).unwrap();
    for id in [0, login + 1, u32::MAX] {
        let frame = format!(
            r#"{{"re":{id},"ok":{{"logged_in":{{"session":"s","secret":"x","resume_window":60,"max_message":9}}}}}}"#
        );
        engine.handle_frame(now, frame.as_bytes());
        assert_eq!(engine.state(), client::State::LoggingIn, "{id}");
    }
    let answered = std::iter::from_fn(|| engine.poll_output()).any(|o| matches!(o, client::Output::Answered { .. }));
    assert!(!answered);
}

#[test]
fn s17_what_comes_before_its_time_is_answered_in_order_and_nothing_is_stuck() {
    // Everything in one flight: the shell reads on when the session is not busy any more.
    let mut house = House::new();
    let flight = [0, 5, 7, 8, 5, 9, 10, 10, 12, 11, 12, 12, 7, 7, 10];
    for (id, command) in flight.into_iter().enumerate() {
        house.ask(id as u32, COMMANDS[command].1);
    }
    let codes: Vec<_> = house.replies().into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, [0, 0, 0, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 31, 31]);
}

#[test]
fn s17_while_a_session_joins_or_logs_in_it_takes_nothing_else() {
    let now = Instant::now();
    let mut session = Session::new(now, now + LOGIN_DEADLINE);
    session.handle_frame(now, format!(r#"{{"id":0,"do":{}}}"#, COMMANDS[0].1).as_bytes());
    assert!(session.is_busy());
    session.handle_signed_in(now, Ok(signed_in()));
    for command in [5, 9] {
        assert!(!session.is_busy());
        let frame = format!(r#"{{"id":{command},"do":{}}}"#, COMMANDS[command].1);
        session.handle_frame(now, frame.as_bytes());
        while session.poll_output().is_some() {}
        if command == 5 {
            assert!(session.is_busy(), "leave before the reply to join has to wait");
            let refused = Err(Failure::new(ErrorCode::GroupFull, "full"));
            session.handle_group(ToMember::Reply { re: 5, result: refused });
        }
    }
    assert!(session.poll_output().is_none());
}

#[test]
fn s17_whatever_was_under_way_when_the_group_let_go_is_answered_once() {
    let close = Governance::Close(Failure::new(ErrorCode::KickedOut, "closed"));
    for act in [close, kick("ann"), kick("bob")] {
        for command in [7, 8, 9, 11, 13, 14, 16, 25] {
            let mut house = House::at(At::InGroup);
            house.sent.clear();
            // The group acts before the request reaches it.
            let now = house.now;
            let frame = format!(r#"{{"id":10,"do":{}}}"#, COMMANDS[command].1);
            house.session.handle_frame(now, frame.as_bytes());
            let Some(SessionOutput::Group { re, request }) = house.session.poll_output() else {
                panic!("in a group")
            };
            house.group.handle_governance(now, act.clone()).unwrap();
            house.drain();
            house.group.handle_request(now, house.member, re, request);
            house.drain();
            let replies = house.replies();
            let is_out = act != kick("bob");
            let refused = if is_out { 31 } else { 0 };
            let refused = if command == 11 && !is_out { 302 } else { refused };
            assert_eq!(replies, [(10, refused)], "{act:?} {}", COMMANDS[command].0);
            assert!(!house.session.is_busy());
        }
    }
}

fn kick(user: &str) -> Governance {
    let user = UserId::parse(user).unwrap();
    Governance::Kick { user, ban: None }
}

#[test]
fn s10_a_flood_of_pings_is_one_answer_each_and_none_is_kept() {
    let mut house = House::at(At::Online);
    house.sent.clear();
    for id in 10..1010 {
        house.ask(id, r#"{"ping":{}}"#);
    }
    assert_eq!(house.replies().len(), 1000);
    assert_eq!(house.session.unconfirmed(), (0, 0));
}

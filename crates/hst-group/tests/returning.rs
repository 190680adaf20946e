//! The way back to the server, step by step, and what an application hears of it.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

mod common;

use std::time::{Duration, Instant};

use common::World;
use hst_group::client::{GroupEvent, LoginOptions, Output, REPLY_TIMEOUT, Session, SessionEvent, State};
use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_proto::{
    Audience, Class, ClientFrame, Command, ErrorCode, Failure, Payload, RequestId, ToGroup, decode_client,
};

/// An engine, and a server that says what the test says.
struct Script {
    now: Instant,
    engine: Session,
    outputs: Vec<Output>,
}

const JOINED: &str = r#"{"joined":{"members":["bob"],"total":1,"media":[],"last_message":0}}"#;

impl Script {
    /// Ann in a group with bob; frame 1 has come.
    fn joined() -> Self {
        let mut script = Self::logged_in();
        let id = script.engine.join(script.now, "g").unwrap();
        script.hear(&format!(r#"{{"seq":1,"re":{id},"ok":{JOINED}}}"#));
        assert_eq!(script.engine.state(), State::Joined);
        script.outputs.clear();
        script
    }

    /// Her session is gone: she has logged in anew, and joins again by a request with this number.
    fn joining_anew() -> (Self, RequestId) {
        let mut script = Self::joined();
        let _ = script.cut();
        script.hear(r#"{"re":0,"err":{"code":1000100,"message":"gone"}}"#);
        let (id, Command::Login(_)) = script.asked().pop().unwrap() else {
            panic!("it logs in")
        };
        script.logged_in_as(id, "s2");
        let (rejoin, Command::Join { .. }) = script.asked().pop().unwrap() else {
            panic!("it joins again")
        };
        (script, rejoin)
    }

    fn logged_in() -> Self {
        let mut engine = Session::new(1);
        engine.init().unwrap();
        engine.handle_inited(true);
        let now = Instant::now();
        let id = engine.login(now, LoginOptions::new("a", "t", "ann")).unwrap();
        let mut script = Self {
            now,
            engine,
            outputs: Vec::new(),
        };
        script.logged_in_as(id, "s1");
        script.outputs.clear();
        script
    }

    fn logged_in_as(&mut self, id: RequestId, session: &str) {
        let reply = r#""secret":"x","resume_window":60,"max_message":8192"#;
        self.hear(&format!(
            r#"{{"re":{id},"ok":{{"logged_in":{{"session":"{session}",{reply}}}}}}}"#
        ));
    }

    fn hear(&mut self, frame: &str) {
        self.engine.handle_frame(self.now, frame.as_bytes());
        self.drain();
    }

    fn drain(&mut self) {
        self.outputs.extend(std::iter::from_fn(|| self.engine.poll_output()));
    }

    /// The connection is lost and made again; what the client asks for over it first.
    fn cut(&mut self) -> Command {
        self.engine.handle_disconnected(self.now, "cut");
        self.now = self.engine.poll_timeout().unwrap();
        self.engine.handle_timeout(self.now);
        self.drain();
        self.asked().pop().unwrap().1
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.engine.handle_timeout(due);
            self.drain();
        }
        self.now = end;
    }

    fn sent(&self) -> Vec<ClientFrame> {
        let frames = self.outputs.iter().filter_map(|output| match output {
            Output::Send(frame) => Some(decode_client(frame).unwrap()),
            _ => None,
        });
        frames.collect()
    }

    fn asked(&self) -> Vec<(RequestId, Command)> {
        self.sent()
            .into_iter()
            .filter_map(|frame| match frame {
                ClientFrame::Request(request) => Some((request.id, request.command)),
                ClientFrame::Got(_) => None,
            })
            .collect()
    }

    fn told(&self) -> Vec<&SessionEvent> {
        let told = self.outputs.iter().filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        });
        told.collect()
    }

    /// Whether a call was answered, and whether by the server.
    fn answer(&self, asked: RequestId) -> Option<Result<(), Option<u32>>> {
        self.outputs.iter().find_map(|output| match output {
            Output::Answered { id, result } if *id == asked => {
                Some(result.as_ref().map(drop).map_err(|why| why.server_code))
            }
            _ => None,
        })
    }

    fn message(&mut self) -> RequestId {
        let (to, class) = (Audience::All, Class::Reliable);
        let message = ToGroup {
            body: Payload::text("hi"),
            to,
            class,
        };
        let id = self.engine.message(self.now, message).unwrap();
        self.drain();
        id
    }
}

fn published(user: &str) -> String {
    format!(r#"{{"published":{{"user":"{user}","type":2,"media":"cam"}}}}"#)
}

#[test]
fn a_sign_of_life_says_what_has_come_and_asks_for_an_answer_where_nothing_has() {
    let mut script = Script::joined();
    let seconds = Duration::from_secs;
    script.pass(seconds(3));
    script.hear(r#"{"seq":2,"ev":{"locked":{"locked":true}}}"#);
    script.outputs.clear();
    script.pass(seconds(2));
    assert_eq!(script.sent(), [ClientFrame::Got(2)]);
    script.outputs.clear();
    // 5 s after the last frame.
    script.pass(seconds(3));
    let [(_, Command::Ping {})] = script.asked()[..] else {
        panic!("{:?}", script.outputs)
    };
}

#[test]
fn after_a_gap_the_application_hears_of_it_before_anything_of_the_group_and_then_what_is_different() {
    let mut script = Script::joined();
    script.hear(&format!(r#"{{"seq":2,"ev":{}}}"#, published("bob")));
    let key = MediaRef {
        user: UserId::parse("bob").unwrap(),
        media_type: MediaType::Video,
        media: MediaId::parse("cam").unwrap(),
    };
    let received = script.engine.receive(script.now, key.clone()).unwrap();
    script.hear(&format!(r#"{{"seq":3,"re":{received},"ok":{{"done":{{}}}}}}"#));
    let message = script.message();
    let Command::Resume(resume) = script.cut() else {
        panic!("it resumes")
    };
    assert_eq!((&*resume.session, resume.got), ("s1", 3));
    let held_back = script.message();
    script.outputs.clear();

    script.hear(&format!(
        r#"{{"re":0,"ok":{{"resumed":{{"received":{message},"missed":true}}}}}}"#
    ));
    assert_eq!(
        script.answer(message),
        Some(Err(None)),
        "nobody knows, and nobody waits"
    );
    assert_eq!(
        script.told(),
        [&SessionEvent::Reconnected, &SessionEvent::Discontinuity]
    );
    let asked = script.asked();
    assert_eq!(asked[0].0, held_back);
    assert!(
        matches!(asked[1].1, Command::Roster(_)),
        "whether it is in the group still"
    );

    // What happens before the snapshot may not fit what is known, and is in the snapshot.
    script.outputs.clear();
    script.hear(&format!(r#"{{"seq":9000,"ev":{}}}"#, published("dan")));
    script.hear(r#"{"seq":9001,"ev":{"message":{"from":"dan","seq":7,"body":"hello"}}}"#);
    assert_eq!(script.told().len(), 1, "a message is a message");
    script.outputs.clear();
    let snapshot = r#"{"snapshot":{"members":["carl","dan"],"total":2,"media":[{"user":"dan","type":2,"media":"cam"}],"last_message":7,"locked":true}}"#;
    script.hear(&format!(r#"{{"seq":9002,"ev":{snapshot}}}"#));
    let told: Vec<_> = script.told().into_iter().map(|event| format!("{event:?}")).collect();
    let begins = [
        "Group(Unpublished(",
        "Group(MemberLeft(UserId(bob",
        "Group(MemberJoined(UserId(carl",
        "Group(MemberJoined(UserId(dan",
        "Group(Locked(true",
        "Group(Published(",
    ];
    assert_eq!(told.len(), begins.len(), "{told:?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}");
    }
    assert!(script.outputs.iter().any(|output| matches!(output, Output::RenewMedia)));
    script.hear(r#"{"seq":9003,"ev":{"member_left":{"user":"carl"}}}"#);
    let left = SessionEvent::Group(GroupEvent::MemberLeft(UserId::parse("carl").unwrap()));
    assert_eq!(script.told().last(), Some(&&left), "changes fit again");
}

#[test]
fn who_was_put_out_while_he_was_away_hears_of_it_even_when_the_word_is_lost() {
    let mut script = Script::joined();
    script.cut();
    script.hear(r#"{"re":0,"ok":{"resumed":{"received":2,"missed":true}}}"#);
    let (id, _) = script.asked().pop().unwrap();
    script.hear(&format!(
        r#"{{"seq":99,"re":{id},"err":{{"code":31,"message":"not in a group"}}}}"#
    ));
    assert!(matches!(
        script.told().last(),
        Some(SessionEvent::Group(GroupEvent::Removed(_)))
    ));
    assert_eq!(script.engine.state(), State::LoggedIn);
}

#[test]
fn a_gap_while_joining_or_leaving_ends_in_a_new_session_where_both_ends_agree() {
    for leaves in [false, true] {
        let mut script = if leaves { Script::joined() } else { Script::logged_in() };
        let call = match leaves {
            true => script.engine.leave(script.now).unwrap(),
            false => script.engine.join(script.now, "g").unwrap(),
        };
        script.drain();
        script.cut();
        script.outputs.clear();
        script.hear(&format!(
            r#"{{"re":0,"ok":{{"resumed":{{"received":{call},"missed":true}}}}}}"#
        ));
        assert!(script.outputs.iter().any(|output| matches!(output, Output::Connect)));
        let (id, Command::Login(login)) = script.asked().pop().unwrap() else {
            panic!("it logs in")
        };
        assert_eq!(login.previous.as_ref().unwrap().session, "s1");
        script.outputs.clear();
        script.logged_in_as(id, "s2");
        // The call is made again, under its own number.
        assert_eq!(script.asked().first().unwrap().0, call);
        let reply = match leaves {
            true => r#""err":{"code":31,"message":"not in a group"}"#.to_owned(),
            false => format!(r#""ok":{JOINED}"#),
        };
        script.hear(&format!(r#"{{"seq":1,"re":{call},{reply}}}"#));
        assert_eq!(script.answer(call), Some(Ok(())));
        let expected = if leaves { State::LoggedIn } else { State::Joined };
        assert_eq!(script.engine.state(), expected);
    }
}

#[test]
fn who_leaves_while_his_engine_goes_back_to_the_group_hears_nothing_of_it_any_more() {
    let (mut script, rejoin) = Script::joining_anew();
    let leave = script.engine.leave(script.now).unwrap();
    script.drain();
    script.outputs.clear();
    // Bob has gone meanwhile.
    let joined = r#"{"joined":{"members":[],"total":0,"media":[],"last_message":0}}"#;
    script.hear(&format!(r#"{{"seq":1,"re":{rejoin},"ok":{joined}}}"#));
    let asked = script.asked();
    assert!(asked.contains(&(leave, Command::Leave {})), "{asked:?}");
    let of_the_group = script
        .outputs
        .iter()
        .find(|output| matches!(output, Output::Event(SessionEvent::Group(_)) | Output::RenewMedia));
    assert!(of_the_group.is_none(), "{of_the_group:?}");
}

#[test]
fn who_has_logged_in_anew_hears_nothing_of_his_group_before_he_is_told_that_he_is_in_it_again() {
    let (mut script, rejoin) = Script::joining_anew();
    script.outputs.clear();
    script.hear(r#"{"seq":1,"ev":{"message":{"from":"bob","seq":7,"body":"for who is in"}}}"#);
    script.hear(r#"{"seq":2,"ev":{"member_joined":{"user":"carl"}}}"#);
    assert_eq!(script.told(), [] as [&SessionEvent; 0]);
    let joined = r#"{"joined":{"members":["bob","carl"],"total":2,"media":[],"last_message":7}}"#;
    script.hear(&format!(r#"{{"seq":3,"re":{rejoin},"ok":{joined}}}"#));
    script.hear(r#"{"seq":4,"ev":{"message":{"from":"bob","seq":8,"body":"hello"}}}"#);
    let told: Vec<_> = script.told().into_iter().map(|event| format!("{event:?}")).collect();
    let begins = ["Reconnected", "Discontinuity", "Group(MemberJoined(", "Group(Message("];
    assert_eq!(told.len(), begins.len(), "{told:?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}");
    }
}

#[test]
fn a_call_that_the_server_has_and_never_answers_fails_in_time_after_a_resumption_too() {
    let mut script = Script::joined();
    let message = script.message();
    script.pass(REPLY_TIMEOUT / 2);
    script.cut();
    script.hear(&format!(r#"{{"re":0,"ok":{{"resumed":{{"received":{message}}}}}}}"#));
    // Its time has not begun anew: a server that reads nothing while it owes an answer is left again and again before that is over.
    let almost = script.now + REPLY_TIMEOUT / 2 - Duration::from_millis(1);
    while script.now < almost {
        // Somebody is there, and says nothing of it.
        script.hear(r#"{"re":77,"ok":{"done":{}}}"#);
        let step = Duration::from_secs(5).min(almost - script.now);
        script.pass(step);
    }
    assert_eq!(script.answer(message), None);
    script.pass(Duration::from_millis(1));
    assert_eq!(script.answer(message), Some(Err(None)));
}

#[test]
fn a_call_that_is_never_answered_fails_although_the_server_falls_silent_over_it_each_time() {
    let mut script = Script::joined();
    let message = script.message();
    let mut resumptions = 0;
    while script.answer(message).is_none() {
        // Until the engine gives the connection up, and tries another.
        script.pass(Duration::from_secs(30));
        script.hear(&format!(r#"{{"re":0,"ok":{{"resumed":{{"received":{message}}}}}}}"#));
        script.pass(Duration::from_secs(2));
        resumptions += 1;
        assert!(resumptions < 4, "nobody waits for ever");
    }
    assert_eq!(script.answer(message), Some(Err(None)));
}

#[test]
fn a_server_that_is_busy_is_asked_again_when_it_says_and_one_that_refuses_is_not() {
    for (passes, code) in [(true, ErrorCode::OperationFailed), (false, ErrorCode::Banned)] {
        let mut world = World::new(1, 1);
        world.enter(0, "ann", "g");
        let failure = Failure::new(code, "no room");
        world.server.refuses = Some(match passes {
            true => failure.retry_after(5_000),
            false => failure,
        });
        world.restart_server(Duration::from_millis(100));
        world.run_for(Duration::from_secs(12));
        let expected = if passes { State::Joined } else { State::Inited };
        assert_eq!(world.clients[0].session.state(), expected, "{code:?}");
        // With its pauses it has tried no more than three times.
        assert!((1..=3).contains(&world.server.refused), "{}", world.server.refused);
        world.server.refuses = None;
        world.run_for(Duration::from_secs(30));
        assert_eq!(world.clients[0].session.state(), expected);
        assert_eq!(world.server.session_of("ann").is_some(), passes);
    }
}

#[test]
fn the_text_beside_a_terminal_is_shown_in_the_next_session_too() {
    let mut world = World::new(1, 1);
    world.enter(0, "ann", "g");
    for text in ["busy", "away"] {
        world.call(0, |s, now| s.set_state(now, text.into())).unwrap();
    }
    world.run_for(Duration::from_secs(1));
    world.restart_server(Duration::from_secs(1));
    world.run_for(Duration::from_secs(20));
    assert_eq!(world.server.shown_by("ann"), "away");
}

#[test]
fn a_frame_that_comes_again_is_taken_once_and_one_that_is_left_out_ends_the_connection() {
    let mut script = Script::joined();
    let message = |seq: u64| format!(r#"{{"seq":{seq},"ev":{{"message":{{"from":"bob","seq":{seq},"body":1}}}}}}"#);
    for seq in [2, 3, 3, 2, 1, 4] {
        script.hear(&message(seq));
    }
    assert_eq!(script.told().len(), 3);
    script.hear(&message(6));
    assert_eq!(script.told().last(), Some(&&SessionEvent::Reconnecting));
    let Command::Resume(resume) = script.cut() else {
        panic!("it resumes")
    };
    assert_eq!(resume.got, 4, "the fifth is asked for again");
}

#[test]
fn what_an_engine_asks_by_itself_outlives_a_connection_as_well() {
    let mut script = Script::joined();
    script.cut();
    script.outputs.clear();
    script.hear(r#"{"re":0,"ok":{"resumed":{"received":2,"missed":true}}}"#);
    let (verify, _) = script.asked().pop().unwrap();
    script.cut();
    script.outputs.clear();
    script.hear(r#"{"re":0,"ok":{"resumed":{"received":2}}}"#);
    assert_eq!(script.asked().first().unwrap().0, verify, "the server has not got it");
}

//! What there is a bound for: at the bound it goes well, and one beyond has its code.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::time::{Duration, Instant};

use hst_group::{
    client::{self, LoginOptions, Refusal},
    server::{
        Group, GroupOutput, GroupRequest, LOGIN_DEADLINE, MemberId, Permissions, Rules, Session, SessionOutput,
        SignedIn, ToMember,
    },
};
use hst_id::{GroupId, MediaId, MediaType, UserId};
use hst_proto::{
    Audience, Class, Failure, GroupMessage, MAX_LINES, MAX_LISTED, MAX_NAME_TEXT, MAX_PAGE, MAX_SDP, Offer, Payload,
    Reply, ServerFrame, ToGroup, decode_server,
};

/// A group of `count` members, who may all act on it.
struct Room {
    now: Instant,
    group: Group,
}

impl Room {
    fn new(rules: Rules, count: u64) -> Self {
        let now = Instant::now();
        let group = Group::new(GroupId::parse("g").unwrap(), rules);
        let mut room = Self { now, group };
        for number in 0..count {
            assert_eq!(room.join(number), 0);
        }
        room
    }

    fn join(&mut self, number: u64) -> u32 {
        let user = UserId::parse(&format!("user{number}")).unwrap();
        self.group
            .handle_join(self.now, MemberId(number), 0, user, Permissions::all());
        code(&self.reply())
    }

    fn ask(&mut self, number: u64, request: GroupRequest) -> Result<Reply, Failure> {
        self.group.handle_request(self.now, MemberId(number), 0, request);
        self.reply()
    }

    fn reply(&mut self) -> Result<Reply, Failure> {
        let outputs: Vec<_> = std::iter::from_fn(|| self.group.poll_output()).collect();
        let reply = outputs.into_iter().find_map(|output| match output {
            GroupOutput::To {
                what: ToMember::Reply { result, .. },
                ..
            } => Some(result),
            _ => None,
        });
        reply.unwrap_or(Ok(Reply::Done {}))
    }

    fn say(&mut self, number: u64, body: Payload, to: Audience, class: Class) -> Result<Reply, Failure> {
        self.ask(number, GroupRequest::Message(ToGroup { body, to, class }))
    }

    fn history(&mut self, number: u64, before: Option<u64>, limit: u32) -> Vec<GroupMessage> {
        match self.ask(number, GroupRequest::History { before, limit }).unwrap() {
            Reply::History { messages } => messages,
            other => panic!("{other:?}"),
        }
    }
}

fn code(result: &Result<Reply, Failure>) -> u32 {
    result.as_ref().err().map_or(0, |failure| failure.code)
}

/// JSON text of exactly so many bytes.
fn text(bytes: usize) -> Payload {
    Payload::text(&"x".repeat(bytes - 2))
}

fn publish(media: &str, name: usize) -> GroupRequest {
    GroupRequest::Publish {
        media_type: MediaType::Video,
        media: MediaId::parse(media).unwrap(),
        name: "n".repeat(name),
    }
}

#[test]
fn g13_every_bound_of_a_group_holds_at_its_last_value_and_not_one_beyond() {
    let rules = Rules {
        max_members: 3,
        max_message: 100,
        history: 0,
    };
    let mut room = Room::new(rules, 3);
    assert_eq!(room.join(3), 1_000_101, "members");
    room.ask(2, GroupRequest::Leave).unwrap();
    assert_eq!(room.join(3), 0);

    for (bytes, expected) in [(100, 0), (101, 1)] {
        assert_eq!(
            code(&room.say(0, text(bytes), Audience::All, Class::Reliable)),
            expected,
            "bytes of a message"
        );
    }
    for (count, expected) in [(MAX_LISTED, 0), (MAX_LISTED + 1, 1)] {
        let listed = vec![UserId::parse("user1").unwrap(); count];
        for to in [Audience::Only(listed.clone()), Audience::Except(listed)] {
            assert_eq!(
                code(&room.say(0, text(9), to, Class::Reliable)),
                expected,
                "users of an audience"
            );
        }
    }
    for (bytes, expected) in [(MAX_NAME_TEXT, 0), (MAX_NAME_TEXT + 1, 1)] {
        assert_eq!(
            code(&room.ask(0, publish(&format!("m{bytes}"), bytes))),
            expected,
            "bytes of a name"
        );
    }
    for number in 1..64 {
        assert_eq!(code(&room.ask(0, publish(&format!("n{number}"), 0))), 0);
    }
    assert_eq!(code(&room.ask(0, publish("m", 0))), 302, "media of a member");
    for (sdp, lines, expected) in [
        (MAX_SDP, 0, 0),
        (MAX_SDP + 1, 0, 1),
        (9, MAX_LINES, 0),
        (9, MAX_LINES + 1, 1),
    ] {
        let offer = GroupRequest::Offer(Offer {
            generation: 1,
            sdp: "v".repeat(sdp),
            lines: vec![line(); lines],
        });
        assert_eq!(
            code(&room.ask(1, offer)),
            expected,
            "{sdp} bytes and {lines} lines of an offer"
        );
    }
}

#[test]
fn a_group_keeps_so_many_out_and_each_ban_that_ends_makes_room() {
    let mut room = Room::new(Rules::default(), 1);
    let ban = |n: u32| {
        let user = UserId::parse(&format!("user-{n}")).unwrap();
        let ban = Some(Duration::from_secs(60));
        GroupRequest::Govern(hst_group::server::Governance::Kick { user, ban })
    };
    for n in 0..10_000 {
        room.ask(0, ban(n)).unwrap();
    }
    assert_eq!(code(&room.ask(0, ban(10_000))), 302);
    room.ask(0, ban(7)).unwrap();
    room.now += Duration::from_secs(60);
    room.ask(0, ban(10_000)).unwrap();
}

fn line() -> hst_proto::Line {
    let media_type = MediaType::Video;
    let media = MediaId::parse("cam").unwrap();
    let role = hst_proto::Role::Send { media_type, media };
    hst_proto::Line { mid: "0".into(), role }
}

#[test]
fn g13_all_media_of_a_group_fit_in_a_snapshot_and_room_comes_back_with_each_that_ends() {
    let mut room = Room::new(Rules::default(), 20);
    let mut published = 0;
    let refused = (0..20)
        .flat_map(|who| (0..64).map(move |number| (who, number)))
        .find(|&(who, number)| {
            let result = room.ask(who, publish(&format!("m{number}"), MAX_NAME_TEXT));
            published += usize::from(result.is_ok());
            code(&result) == 302
        });
    let (who, number) = refused.unwrap();
    assert!(
        (18..=24).contains(&published),
        "{published} of more than 5 KiB each in 128 KiB"
    );
    let media_type = MediaType::Video;
    let media = MediaId::parse("m0").unwrap();
    room.ask(0, GroupRequest::Unpublish { media_type, media }).unwrap();
    assert_eq!(code(&room.ask(who, publish(&format!("m{number}"), MAX_NAME_TEXT))), 0);
    room.ask(0, GroupRequest::Leave).unwrap();
    assert_eq!(code(&room.ask(19, publish("m", MAX_NAME_TEXT))), 0);
}

#[test]
fn g2_history_is_what_all_were_told_reliably_and_only_members_are_given_it() {
    let mut room = Room::new(
        Rules {
            history: 5,
            ..Rules::default()
        },
        2,
    );
    let to_one = Audience::Only(vec![UserId::parse("user1").unwrap()]);
    for (number, (to, class)) in [
        (Audience::All, Class::Reliable),
        (to_one, Class::Reliable),
        (Audience::All, Class::Lossy),
        (Audience::Except(vec![UserId::parse("user1").unwrap()]), Class::Reliable),
    ]
    .into_iter()
    .cycle()
    .take(32)
    .enumerate()
    {
        room.say(0, Payload::text(&number.to_string()), to, class).unwrap();
    }
    let seqs = |messages: Vec<GroupMessage>| messages.into_iter().map(|message| message.seq).collect::<Vec<_>>();
    assert_eq!(seqs(room.history(1, None, 100)), [13, 17, 21, 25, 29], "the last five");
    assert_eq!(seqs(room.history(1, None, 2)), [25, 29]);
    assert_eq!(seqs(room.history(1, Some(25), 2)), [17, 21]);
    assert!(room.history(1, Some(13), 2).is_empty());
    assert!(room.history(1, None, 0).is_empty());

    let history = GroupRequest::History { before: None, limit: 9 };
    assert_eq!(code(&room.ask(9, history.clone())), 31, "never a member");
    let user = UserId::parse("user1").unwrap();
    let kick = hst_group::server::Governance::Kick { user, ban: None };
    room.ask(0, GroupRequest::Govern(kick)).unwrap();
    room.group.handle_request(room.now, MemberId(1), 0, history);
    assert_eq!(code(&room.reply()), 31, "a member no more");
}

#[test]
fn a_page_of_history_is_bounded_by_number_and_by_size() {
    let mut room = Room::new(
        Rules {
            history: 1000,
            max_message: 65_536,
            ..Rules::default()
        },
        1,
    );
    for _ in 0..MAX_PAGE + 10 {
        room.say(0, Payload::text("x"), Audience::All, Class::Reliable).unwrap();
    }
    assert_eq!(room.history(0, None, u32::MAX).len(), MAX_PAGE);
    for _ in 0..10 {
        room.say(0, text(50_000), Audience::All, Class::Reliable).unwrap();
    }
    assert_eq!(room.history(0, None, 100).len(), 2, "what fits in 128 KiB");
    // Page by page everything is found, once.
    let (mut found, mut before) = (0, None);
    loop {
        let page = room.history(0, before, 100);
        let Some(first) = page.first() else { break };
        found += page.len();
        before = Some(first.seq);
    }
    assert_eq!(found, MAX_PAGE + 20);
}

/// A session in no group, and how each of its requests is refused.
struct Alone {
    session: Session,
    id: u32,
}

impl Alone {
    fn new(now: Instant) -> Self {
        let mut session = Session::new(now, now + LOGIN_DEADLINE);
        session.handle_frame(
            now,
            br#"{"id":0,"do":{"login":{"protocol":1,"app":"a","token":"t","user":"u"}}}"#,
        );
        let signed_in = SignedIn {
            session: "s".into(),
            secret: "x".into(),
            token_lasts: None,
            max_message: 8192,
            ice_servers: Vec::new(),
            foretold: None,
        };
        session.handle_signed_in(now, Ok(signed_in));
        session.handle_frame(now, br#"{"id":1,"do":{"join":{"group":"g"}}}"#);
        let joined = hst_proto::Joined {
            members: Vec::new(),
            total: 0,
            media: Vec::new(),
            last_message: 0,
            locked: false,
        };
        session.handle_group(ToMember::Reply {
            re: 1,
            result: Ok(Reply::Joined(joined)),
        });
        while session.poll_output().is_some() {}
        Self { session, id: 1 }
    }

    /// Asks, has it answered, and gives the refusal.
    fn ask(&mut self, now: Instant, command: &str) -> Option<Failure> {
        self.id += 1;
        self.send(now, command)
    }

    fn send(&mut self, now: Instant, command: &str) -> Option<Failure> {
        let frame = format!(r#"{{"id":{},"do":{command}}}"#, self.id);
        self.session.handle_frame(now, frame.as_bytes());
        match self.session.poll_output().unwrap() {
            SessionOutput::Send(frame) => match decode_server(&frame).unwrap() {
                ServerFrame::Reply { result, .. } => result.err(),
                other => panic!("{other:?}"),
            },
            SessionOutput::Group { re, .. } => {
                let result = Ok(Reply::Sent { seq: 1 });
                self.session.handle_group(ToMember::Reply { re, result });
                self.session.poll_output().map(|_| None)?
            }
            SessionOutput::Ask { re, .. } => {
                self.session.handle_answer(re, Ok(Reply::Sent { seq: 1 }));
                self.session.poll_output().map(|_| None)?
            }
            other => panic!("{other:?}"),
        }
    }
}

const TO_GROUP: &str = r#"{"message":{"body":1}}"#;
const TO_USER: &str = r#"{"user_message":{"user":"bob","body":1}}"#;

#[test]
fn a_hundred_messages_a_second_and_no_more_whether_to_groups_or_to_users() {
    let start = Instant::now();
    let mut alone = Alone::new(start);
    for number in 0..100 {
        let command = if number % 2 == 0 { TO_GROUP } else { TO_USER };
        assert_eq!(alone.ask(start, command), None, "{number}");
    }
    for (command, code) in [(TO_GROUP, 1_000_022), (TO_USER, 1_000_021)] {
        let refusal = alone.ask(start, command).unwrap();
        assert_eq!((refusal.code, refusal.retry_after), (code, Some(10)));
    }
    // One who waits as he is told gets through, on and on.
    for turn in 1..500 {
        let now = start + turn * Duration::from_millis(10);
        assert_eq!(alone.ask(now, TO_GROUP), None, "{turn}");
        assert!(alone.ask(now, TO_GROUP).is_some(), "{turn}");
    }
    // Others are not limited, and a pause fills it up again, to a hundred.
    let now = start + Duration::from_secs(1000);
    (0..1000).for_each(|_| assert_eq!(alone.ask(now, r#"{"set_state":{"state":"x"}}"#), None));
    assert_eq!((0..1000).filter(|_| alone.ask(now, TO_GROUP).is_none()).count(), 100);
}

#[test]
fn a_message_that_comes_twice_is_paid_once() {
    let now = Instant::now();
    let mut alone = Alone::new(now);
    for _ in 0..100 {
        assert_eq!(alone.ask(now, TO_GROUP), None);
        assert_eq!(alone.send(now, TO_GROUP), None, "again");
    }
    assert!(alone.ask(now, TO_GROUP).is_some());
}

#[test]
fn calls_wait_while_the_connection_is_lost_up_to_a_bound_and_the_next_is_refused_at_once() {
    let now = Instant::now();
    let mut engine = client::Session::new(1);
    engine.init().unwrap();
    engine.handle_inited(true);
    let id = engine.login(now, LoginOptions::new("a", "t", "ann")).unwrap();
    let frame = format!(
        r#"{{"re":{id},"ok":{{"logged_in":{{"session":"s","secret":"x","resume_window":60,"max_message":100}}}}}}"#
    );
    engine.handle_frame(now, frame.as_bytes());
    for (bytes, expected) in [(100, None), (101, Some(1))] {
        let bob = UserId::parse("bob").unwrap();
        let sent = engine.user_message(now, bob, text(bytes));
        assert_eq!(
            sent.err().map(|why| why.code),
            expected,
            "the server has said how large a message may be"
        );
    }
    engine.handle_disconnected(now, "cut");
    let mut refused: Option<Refusal> = None;
    let waiting = (0..2000)
        .take_while(|_| match engine.set_state(now, "busy".into()) {
            Ok(_) => true,
            Err(why) => {
                refused = Some(why);
                false
            }
        })
        .count();
    let refused = refused.unwrap();
    assert_eq!((waiting, refused.code, refused.is_retryable()), (1023, 30, true));
}

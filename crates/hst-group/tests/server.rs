//! The server's cores against what clients should not send.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::time::{Duration, Instant};

use hst_group::server::{
    CloseWhy, Group, GroupOutput, GroupRequest, Happening, LOGIN_DEADLINE, MediaCommand, MemberId, Permissions, Rules,
    Session, SessionOutput, SignedIn, ToMember, TrackId, TrackLine, TrackRole,
};
use hst_id::{GroupId, MediaId, MediaRef, MediaType, UserId};
use hst_proto::{
    Audience, Class, ErrorCode, Failure, Line, Offer, Payload, Reply, Role, ServerFrame, ToGroup, decode_server,
};

fn outputs(session: &mut Session) -> Vec<SessionOutput> {
    std::iter::from_fn(|| session.poll_output()).collect()
}

/// The code of the refusal that a frame is answered with.
fn refused_with(session: &mut Session, frame: &str) -> u32 {
    session.handle_frame(Instant::now(), frame.as_bytes());
    match &outputs(session)[..] {
        [SessionOutput::Send(frame)] => match decode_server(frame).unwrap() {
            ServerFrame::Reply {
                result: Err(failure), ..
            } => failure.code,
            other => panic!("not refused: {other:?}"),
        },
        other => panic!("not one answer: {other:?}"),
    }
}

const LOGIN: &str = r#"{"id":1,"do":{"login":{"protocol":1,"app":"a","token":"t","user":"u"}}}"#;

fn new() -> Session {
    Session::new(Instant::now(), Instant::now() + LOGIN_DEADLINE)
}

fn online() -> Session {
    let mut session = new();
    session.handle_frame(Instant::now(), LOGIN.as_bytes());
    assert!(session.is_busy());
    let signed_in = SignedIn {
        session: "s".into(),
        secret: "x".into(),
        token_lasts: None,
        max_message: 8192,
        ice_servers: Vec::new(),
        foretold: None,
    };
    session.handle_signed_in(Instant::now(), Ok(signed_in));
    outputs(&mut session);
    session
}

#[test]
fn nothing_but_login_is_taken_before_login() {
    for command in [
        r#"{"join":{"group":"g"}}"#,
        r#"{"leave":{}}"#,
        r#"{"exit":{}}"#,
        r#"{"publish":{"type":1,"media":"m"}}"#,
        r#"{"unpublish":{"type":1,"media":"m"}}"#,
        r#"{"receive":{"user":"u","type":1,"media":"m"}}"#,
        r#"{"stop_receive":{"user":"u","type":1,"media":"m"}}"#,
        r#"{"offer":{"generation":1,"sdp":"","lines":[]}}"#,
        r#"{"message":{"body":1}}"#,
        r#"{"ping":{}}"#,
    ] {
        let mut session = new();
        assert_eq!(
            refused_with(&mut session, &format!(r#"{{"id":1,"do":{command}}}"#)),
            1_000_003,
            "{command}"
        );
        assert!(!session.is_busy());
    }
}

#[test]
fn malformed_logins_are_refused_with_their_codes_and_may_be_tried_again() {
    let mut session = new();
    let login = |fields: &str| format!(r#"{{"id":1,"do":{{"login":{{"token":"t",{fields}}}}}}}"#);
    let long = "x".repeat(129);
    let longer = "x".repeat(2000);
    for (fields, code) in [
        (r#""protocol":1,"app":"a","user":"a b""#.to_owned(), 1_000_006),
        (r#""protocol":1,"app":"a","user":"""#.to_owned(), 1_000_006),
        (format!(r#""protocol":1,"app":"a","user":"{long}""#), 1_000_006),
        (r#""protocol":1,"app":"../etc","user":"u""#.to_owned(), 1_000_001),
        (r#""protocol":2,"app":"a","user":"u""#.to_owned(), 1),
        (
            format!(r#""protocol":1,"app":"a","user":"u","extend_info":"{longer}""#),
            1,
        ),
        (r#""protocol":1,"app":"a","user":"u","terminal":"a b""#.to_owned(), 1),
        (r#""protocol":1,"app":"a","user":7"#.to_owned(), 1),
    ] {
        assert_eq!(refused_with(&mut session, &login(&fields)), code, "{fields}");
    }
    session.handle_frame(Instant::now(), LOGIN.as_bytes());
    assert!(matches!(outputs(&mut session)[..], [SessionOutput::SignIn(_)]));
}

#[test]
fn logged_in_sessions_refuse_what_does_not_fit_and_go_on() {
    let mut session = online();
    assert_eq!(refused_with(&mut session, &LOGIN.replace("1,", "2,")), 2);
    assert_eq!(refused_with(&mut session, r#"{"id":3,"do":{"leave":{}}}"#), 31);
    assert_eq!(
        refused_with(&mut session, r#"{"id":4,"do":{"join":{"group":"a b"}}}"#),
        1
    );
    assert_eq!(refused_with(&mut session, r#"{"id":5,"do":{"dance":{}}}"#), 1);
    session.handle_frame(Instant::now(), br#"{"id":6,"do":{"ping":{}}}"#);
    assert!(matches!(&outputs(&mut session)[..], [SessionOutput::Send(_)]));
}

#[test]
fn who_does_not_speak_the_protocol_is_closed() {
    for frame in [&b"hello"[..], b"", b"\xff", b"{}", br#"{"id":"1","do":{"ping":{}}}"#] {
        let mut session = online();
        session.handle_frame(Instant::now(), frame);
        assert!(matches!(
            outputs(&mut session)[..],
            [SessionOutput::Close(CloseWhy::Protocol)]
        ));
        session.handle_frame(Instant::now(), LOGIN.as_bytes());
        assert!(outputs(&mut session).is_empty(), "nothing is taken after the end");
        assert_eq!(session.poll_timeout(), None);
    }
}

#[test]
fn the_login_deadline_is_not_put_off_by_trying() {
    let start = Instant::now();
    let mut session = Session::new(start, start + LOGIN_DEADLINE);
    let later = start + LOGIN_DEADLINE - Duration::from_secs(1);
    session.handle_frame(later, LOGIN.as_bytes());
    session.handle_signed_in(later, Err(Failure::new(ErrorCode::TokenRefused, "no")));
    outputs(&mut session);
    assert_eq!(session.poll_timeout(), Some(start + LOGIN_DEADLINE));
    session.handle_timeout(start + LOGIN_DEADLINE);
    assert!(matches!(
        outputs(&mut session)[..],
        [SessionOutput::Close(CloseWhy::LoginDeadline)]
    ));
}

struct Room(Group);

impl Room {
    fn new() -> Self {
        Self(Group::new(GroupId::parse("g").unwrap(), Rules::default()))
    }

    fn join(&mut self, id: u64, user: &str, permissions: Permissions) -> Result<Reply, u32> {
        self.0.handle_join(
            Instant::now(),
            MemberId(id),
            0,
            UserId::parse(user).unwrap(),
            permissions,
        );
        self.reply_to(id)
    }

    fn ask(&mut self, id: u64, request: GroupRequest) -> Result<Reply, u32> {
        self.0.handle_request(Instant::now(), MemberId(id), 0, request);
        self.reply_to(id)
    }

    fn reply_to(&mut self, id: u64) -> Result<Reply, u32> {
        let mut reply = None;
        for output in self.drain() {
            if let GroupOutput::To {
                member,
                what: ToMember::Reply { result, .. },
            } = output
            {
                assert_eq!(member, MemberId(id));
                assert!(reply.replace(result).is_none(), "one reply a request");
            }
        }
        reply.unwrap().map_err(|f| f.code)
    }

    fn drain(&mut self) -> Vec<GroupOutput> {
        std::iter::from_fn(|| self.0.poll_output()).collect()
    }
}

fn message(text: &str) -> GroupRequest {
    GroupRequest::Message(ToGroup {
        body: Payload::text(text),
        to: Audience::All,
        class: Class::Reliable,
    })
}

fn camera() -> MediaId {
    MediaId::parse("cam").unwrap()
}

fn publish(media_type: MediaType) -> GroupRequest {
    GroupRequest::Publish {
        media_type,
        media: camera(),
        name: String::new(),
    }
}

fn alices(media_type: MediaType) -> MediaRef {
    MediaRef {
        user: UserId::parse("alice").unwrap(),
        media_type,
        media: camera(),
    }
}

#[test]
fn permissions_are_checked_where_they_bite() {
    let mut room = Room::new();
    let nothing = Permissions {
        group: None,
        publish: Vec::new(),
        receive: false,
        message: false,
        admin: false,
    };
    room.join(1, "alice", Permissions::ordinary()).unwrap();
    room.ask(1, publish(MediaType::Video)).unwrap();
    room.join(2, "bob", nothing.clone()).unwrap();
    assert_eq!(room.ask(2, publish(MediaType::Video)), Err(1_000_004));
    assert_eq!(room.ask(2, publish(MediaType::Audio)), Err(1_000_005));
    assert_eq!(room.ask(2, publish(MediaType::ScreenShare)), Err(1_000_009));
    assert_eq!(room.ask(2, GroupRequest::Receive(alices(MediaType::Video))), Err(302));
    assert_eq!(room.ask(2, message("hi")), Err(1_000_020));

    let elsewhere = Permissions {
        group: Some(GroupId::parse("other").unwrap()),
        ..nothing
    };
    assert_eq!(room.join(3, "carol", elsewhere), Err(1_000_000));
    assert_eq!(room.join(4, "bob", Permissions::ordinary()), Err(1_000_010));
}

#[test]
fn only_what_is_published_can_be_received() {
    let mut room = Room::new();
    room.join(1, "alice", Permissions::ordinary()).unwrap();
    room.join(2, "bob", Permissions::ordinary()).unwrap();
    assert_eq!(room.ask(2, GroupRequest::Receive(alices(MediaType::Video))), Err(302));
    assert_eq!(
        room.ask(2, GroupRequest::Receive(alices(MediaType::ScreenShare))),
        Err(73)
    );
    room.ask(1, publish(MediaType::Video)).unwrap();
    assert_eq!(
        room.ask(1, GroupRequest::Receive(alices(MediaType::Video))),
        Err(1),
        "one's own"
    );
    assert!(room.ask(2, GroupRequest::Receive(alices(MediaType::Video))).is_ok());
    assert!(
        room.ask(2, GroupRequest::StopReceive(alices(MediaType::Audio))).is_ok(),
        "what was never received"
    );
    assert_eq!(
        room.ask(9, GroupRequest::Leave),
        Ok(Reply::Done {}),
        "a session that is no member"
    );
}

#[test]
fn an_offer_carries_only_lines_that_are_announced() {
    let mut room = Room::new();
    room.join(1, "alice", Permissions::ordinary()).unwrap();
    room.join(2, "bob", Permissions::ordinary()).unwrap();
    room.ask(1, publish(MediaType::Video)).unwrap();
    room.ask(1, publish(MediaType::TransparentData)).unwrap();
    let line = |mid: &str, role| Line { mid: mid.into(), role };
    let send = |media_type| Role::Send {
        media_type,
        media: camera(),
    };
    let offer = |generation, lines| {
        GroupRequest::Offer(Offer {
            generation,
            sdp: "v=0".into(),
            lines,
        })
    };

    let lines = vec![
        line("0", send(MediaType::Video)),
        line("1", send(MediaType::Audio)),
        line("2", send(MediaType::TransparentData)),
        line("3", Role::Receive(alices(MediaType::Video))),
    ];
    room.0.handle_request(Instant::now(), MemberId(1), 7, offer(1, lines));
    let commands: Vec<_> = room
        .drain()
        .into_iter()
        .map(|output| match output {
            GroupOutput::Media(MediaCommand::Offer { lines, .. }) => lines,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        commands,
        [[TrackLine {
            mid: "0".into(),
            role: TrackRole::Send(TrackId(1)),
            in_step_with: None,
        }]]
    );

    // Bob has to ask before a line brings him anything.
    let wish = vec![line("0", Role::Receive(alices(MediaType::Video)))];
    for expected in [0, 1] {
        room.0
            .handle_request(Instant::now(), MemberId(2), 7, offer(1, wish.clone()));
        let [GroupOutput::Media(MediaCommand::Offer { lines, .. })] = &room.drain()[..] else {
            panic!("one offer")
        };
        assert_eq!(lines.len(), expected);
        room.ask(2, GroupRequest::Receive(alices(MediaType::Video))).unwrap();
    }
    assert_eq!(room.ask(2, offer(0, Vec::new())), Err(1), "a generation that is over");
    let huge = Offer {
        generation: 1,
        sdp: "x".repeat(1 << 20),
        lines: Vec::new(),
    };
    assert_eq!(room.ask(2, GroupRequest::Offer(huge)), Err(1));
}

#[test]
fn a_members_sounds_and_pictures_are_played_in_step_but_not_those_of_his_screen() {
    let mut room = Room::new();
    room.join(1, "alice", Permissions::ordinary()).unwrap();
    room.join(2, "bob", Permissions::ordinary()).unwrap();
    let kinds = [MediaType::Audio, MediaType::Video, MediaType::ScreenShare];
    for kind in kinds {
        room.ask(1, publish(kind)).unwrap();
        room.ask(2, GroupRequest::Receive(alices(kind))).unwrap();
    }
    let lines = kinds.iter().enumerate().map(|(mid, kind)| Line {
        mid: mid.to_string(),
        role: Role::Receive(alices(*kind)),
    });
    let offer = Offer {
        generation: 1,
        sdp: "v=0".into(),
        lines: lines.collect(),
    };
    room.drain();
    room.0
        .handle_request(Instant::now(), MemberId(2), 7, GroupRequest::Offer(offer));
    let [GroupOutput::Media(MediaCommand::Offer { lines, .. })] = &room.drain()[..] else {
        panic!("one offer")
    };
    let in_step: Vec<_> = lines.iter().map(|line| line.in_step_with).collect();
    assert_eq!(in_step, [Some(MemberId(1)), Some(MemberId(1)), None]);
}

#[test]
fn an_offer_is_answered_once_even_when_its_member_leaves_before_the_media_plane_answers() {
    let mut room = Room::new();
    room.join(1, "alice", Permissions::ordinary()).unwrap();
    let offer = Offer {
        generation: 1,
        sdp: "v=0".into(),
        lines: Vec::new(),
    };
    room.0
        .handle_request(Instant::now(), MemberId(1), 7, GroupRequest::Offer(offer));
    room.drain();
    room.0
        .handle_request(Instant::now(), MemberId(1), 8, GroupRequest::Leave);
    room.0.handle_answer(MemberId(1), 7, Ok("late".into()));
    let replies: Vec<_> = room
        .drain()
        .into_iter()
        .filter_map(|output| match output {
            GroupOutput::To {
                what: ToMember::Reply { re, result },
                ..
            } => Some((re, result.map_err(|f| f.code))),
            _ => None,
        })
        .collect();
    assert_eq!(replies, [(7, Err(31)), (8, Ok(Reply::Done {}))]);
}

#[test]
fn a_member_who_goes_takes_his_media_along_and_the_media_plane_hears_first() {
    let mut room = Room::new();
    room.join(1, "alice", Permissions::ordinary()).unwrap();
    room.join(2, "bob", Permissions::ordinary()).unwrap();
    room.ask(1, publish(MediaType::Video)).unwrap();
    room.0.handle_gone(Instant::now(), MemberId(1));
    let told = room.drain();
    assert!(matches!(
        told[..],
        [
            GroupOutput::Departed(MemberId(1)),
            GroupOutput::Media(MediaCommand::EndTrack(TrackId(1))),
            GroupOutput::Media(MediaCommand::EndPeer(MemberId(1))),
            GroupOutput::Happened(Happening::Unpublished(_)),
            GroupOutput::Tell { .. },
            GroupOutput::Tell { .. },
            GroupOutput::Happened(Happening::Left(_)),
        ]
    ));
    room.0.handle_answer(MemberId(1), 3, Ok("late".into()));
    assert!(room.drain().is_empty(), "an answer to one who is gone");
    assert!(room.ask(2, message(&"x".repeat(9000))).is_err());
    assert_eq!(room.ask(2, message("hi")), Ok(Reply::Sent { seq: 1 }));
}

//! The bytes of every message, pinned: a change here is a change of the protocol.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use hst_id::{MediaId, MediaRef, MediaType, TerminalType, UserId};
use hst_proto::{
    Command, ErrorCode, Event, Failure, Joined, Line, LoggedIn, Login, Media, Offer, Payload, Reply, Request, Role,
    ServerFrame, decode_client, decode_server, encode_client, encode_event, encode_failure, encode_reply, frame_event,
};

fn camera() -> MediaRef {
    MediaRef {
        user: user("bob"),
        media_type: MediaType::Video,
        media: MediaId::parse("cam").unwrap(),
    }
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

#[test]
fn every_command_has_its_pinned_bytes() {
    let cases = [
        (
            Command::Login(Login {
                protocol: 1,
                app: "a".into(),
                token: "t".into(),
                user: "u".into(),
                terminal: TerminalType::default(),
                company: String::new(),
                force: false,
                extend_info: "Ann".into(),
            }),
            r#"{"id":1,"do":{"login":{"protocol":1,"app":"a","token":"t","user":"u","terminal":"web","extend_info":"Ann"}}}"#,
        ),
        (
            Command::Join { group: "g".into() },
            r#"{"id":1,"do":{"join":{"group":"g"}}}"#,
        ),
        (Command::Leave {}, r#"{"id":1,"do":{"leave":{}}}"#),
        (Command::Exit {}, r#"{"id":1,"do":{"exit":{}}}"#),
        (
            Command::Publish {
                media_type: MediaType::Audio,
                media: MediaId::microphone(),
                name: String::new(),
            },
            r#"{"id":1,"do":{"publish":{"type":1,"media":"appdef_mic"}}}"#,
        ),
        (
            Command::Unpublish {
                media_type: MediaType::ScreenShare,
                media: MediaId::screen(),
            },
            r#"{"id":1,"do":{"unpublish":{"type":0,"media":"0"}}}"#,
        ),
        (
            Command::Receive(camera()),
            r#"{"id":1,"do":{"receive":{"user":"bob","type":2,"media":"cam"}}}"#,
        ),
        (
            Command::StopReceive(camera()),
            r#"{"id":1,"do":{"stop_receive":{"user":"bob","type":2,"media":"cam"}}}"#,
        ),
        (
            Command::Offer(Offer {
                generation: 2,
                sdp: "v=0".into(),
                lines: vec![
                    Line {
                        mid: "0".into(),
                        role: Role::Send {
                            media_type: MediaType::Audio,
                            media: MediaId::microphone(),
                        },
                    },
                    Line {
                        mid: "1".into(),
                        role: Role::Receive(camera()),
                    },
                ],
            }),
            r#"{"id":1,"do":{"offer":{"generation":2,"sdp":"v=0","lines":[{"mid":"0","send":{"type":1,"media":"appdef_mic"}},{"mid":"1","receive":{"user":"bob","type":2,"media":"cam"}}]}}}"#,
        ),
        (
            Command::Message {
                body: Payload::from_json(r#"{"a": [1]}"#).unwrap(),
            },
            r#"{"id":1,"do":{"message":{"body":{"a": [1]}}}}"#,
        ),
        (Command::Ping {}, r#"{"id":1,"do":{"ping":{}}}"#),
    ];
    for (command, text) in cases {
        let request = Request { id: 1, command };
        assert_eq!(encode_client(&request), text);
        assert_eq!(decode_client(text.as_bytes()).unwrap(), request);
    }
}

#[test]
fn every_reply_has_its_pinned_bytes() {
    let media = Media {
        key: camera(),
        name: String::new(),
    };
    let cases = [
        (Reply::Done {}, r#"{"re":9,"ok":{"done":{}}}"#),
        (
            Reply::LoggedIn(LoggedIn { session: "s1".into() }),
            r#"{"re":9,"ok":{"logged_in":{"session":"s1"}}}"#,
        ),
        (
            Reply::Joined(Joined {
                members: vec![user("bob")],
                media: vec![media],
            }),
            r#"{"re":9,"ok":{"joined":{"members":["bob"],"media":[{"user":"bob","type":2,"media":"cam"}]}}}"#,
        ),
        (
            Reply::Answer { sdp: "v=0".into() },
            r#"{"re":9,"ok":{"answer":{"sdp":"v=0"}}}"#,
        ),
        (Reply::Sent { seq: 3 }, r#"{"re":9,"ok":{"sent":{"seq":3}}}"#),
    ];
    for (reply, text) in cases {
        assert_eq!(encode_reply(9, reply.clone()), text);
        assert_eq!(
            decode_server(text.as_bytes()).unwrap(),
            ServerFrame::Reply {
                re: 9,
                result: Ok(reply)
            }
        );
    }
    let failure = Failure::new(ErrorCode::LoginConflict, "in use");
    let text = r#"{"re":9,"err":{"code":1000008,"message":"in use"}}"#;
    assert_eq!(encode_failure(9, failure.clone()), text);
    assert_eq!(
        decode_server(text.as_bytes()).unwrap(),
        ServerFrame::Reply {
            re: 9,
            result: Err(failure)
        }
    );
}

#[test]
fn every_event_has_its_pinned_bytes() {
    let media = Media {
        key: camera(),
        name: "desk".into(),
    };
    let cases = [
        (
            Event::MemberJoined { user: user("bob") },
            r#"{"seq":7,"ev":{"member_joined":{"user":"bob"}}}"#,
        ),
        (
            Event::MemberLeft { user: user("bob") },
            r#"{"seq":7,"ev":{"member_left":{"user":"bob"}}}"#,
        ),
        (
            Event::Published(media.clone()),
            r#"{"seq":7,"ev":{"published":{"user":"bob","type":2,"media":"cam","name":"desk"}}}"#,
        ),
        (
            Event::Unpublished(media),
            r#"{"seq":7,"ev":{"unpublished":{"user":"bob","type":2,"media":"cam","name":"desk"}}}"#,
        ),
        (
            Event::Message {
                from: user("bob"),
                seq: 1,
                body: Payload::text("hi"),
            },
            r#"{"seq":7,"ev":{"message":{"from":"bob","seq":1,"body":"hi"}}}"#,
        ),
        (
            Event::TransportLost { generation: 1 },
            r#"{"seq":7,"ev":{"transport_lost":{"generation":1}}}"#,
        ),
        (
            Event::Ended(Failure::new(ErrorCode::ServerInternal, "bye")),
            r#"{"seq":7,"ev":{"ended":{"code":301,"message":"bye"}}}"#,
        ),
    ];
    for (event, text) in cases {
        assert_eq!(frame_event(7, &encode_event(&event)), text);
        assert_eq!(
            decode_server(text.as_bytes()).unwrap(),
            ServerFrame::Event { seq: 7, event }
        );
    }
}

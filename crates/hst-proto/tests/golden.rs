//! The bytes of every message, pinned: a change here is a change of the protocol.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use hst_id::{GroupId, MediaId, MediaRef, MediaType, TerminalType, UserId};
use hst_proto::{
    Audience, Class, ClientFrame, Command, ErrorCode, Event, Failure, GroupMessage, Invitation, Invite, InviteAnswer,
    InviteCancel, InviteEnd, InviteEnded, InviteOutcome, InviteResult, Invited, Joined, Line, LoggedIn, Login, Media,
    Members, Offer, Online, OnlinePage, OnlineTerminal, OnlineUser, Payload, PresenceChange, Previous, Reply, Request,
    Resume, Resumed, Role, Roster, RosterPage, ServerFrame, ToGroup, decode_client, decode_server, encode_client,
    encode_event, encode_failure, encode_got, encode_reply, frame_event, number_reply,
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
                previous: None,
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
            Command::Message(ToGroup {
                body: Payload::from_json(r#"{"a": [1]}"#).unwrap(),
                to: Audience::All,
                class: Class::Reliable,
            }),
            r#"{"id":1,"do":{"message":{"body":{"a": [1]}}}}"#,
        ),
        (
            Command::Message(ToGroup {
                body: Payload::text("hi"),
                to: Audience::Only(vec![user("bob")]),
                class: Class::Lossy,
            }),
            r#"{"id":1,"do":{"message":{"body":"hi","to":{"only":["bob"]},"class":"lossy"}}}"#,
        ),
        (
            Command::Message(ToGroup {
                body: Payload::text("hi"),
                to: Audience::Except(vec![user("bob")]),
                class: Class::Reliable,
            }),
            r#"{"id":1,"do":{"message":{"body":"hi","to":{"except":["bob"]}}}}"#,
        ),
        (Command::Ping {}, r#"{"id":1,"do":{"ping":{}}}"#),
    ];
    every_command_reads_and_writes(&cases);
}

#[test]
fn every_command_beside_the_group_has_its_pinned_bytes() {
    let invite = Invite {
        invite: 4,
        group: GroupId::parse("g").unwrap(),
        users: vec![user("bob")],
        extend_info: Some(Payload::text("come")),
    };
    let cases = [
        (
            Command::Resume(Resume {
                protocol: 1,
                session: "s".into(),
                secret: "x".into(),
                got: 7,
            }),
            r#"{"id":1,"do":{"resume":{"protocol":1,"session":"s","secret":"x","got":7}}}"#,
        ),
        (
            Command::Login(Login {
                protocol: 1,
                app: "a".into(),
                token: "t".into(),
                user: "u".into(),
                terminal: TerminalType::default(),
                company: "c".into(),
                force: true,
                extend_info: String::new(),
                previous: Some(Previous {
                    session: "s".into(),
                    secret: "x".into(),
                }),
            }),
            r#"{"id":1,"do":{"login":{"protocol":1,"app":"a","token":"t","user":"u","terminal":"web","company":"c","force":true,"previous":{"session":"s","secret":"x"}}}}"#,
        ),
        (
            Command::Renew { token: "t".into() },
            r#"{"id":1,"do":{"renew":{"token":"t"}}}"#,
        ),
        (
            Command::Roster(RosterPage {
                after: Some(user("bob")),
                limit: 100,
            }),
            r#"{"id":1,"do":{"roster":{"after":"bob","limit":100}}}"#,
        ),
        (
            Command::UserMessage {
                user: user("bob"),
                body: Payload::text("hi"),
            },
            r#"{"id":1,"do":{"user_message":{"user":"bob","body":"hi"}}}"#,
        ),
        (
            Command::History {
                before: None,
                limit: 10,
            },
            r#"{"id":1,"do":{"history":{"limit":10}}}"#,
        ),
        (
            Command::Online(OnlinePage {
                after: None,
                limit: 100,
            }),
            r#"{"id":1,"do":{"online":{"limit":100}}}"#,
        ),
        (Command::Unwatch {}, r#"{"id":1,"do":{"unwatch":{}}}"#),
        (
            Command::SetState { state: "busy".into() },
            r#"{"id":1,"do":{"set_state":{"state":"busy"}}}"#,
        ),
        (
            Command::Invite(invite),
            r#"{"id":1,"do":{"invite":{"invite":4,"group":"g","users":["bob"],"extend_info":"come"}}}"#,
        ),
        (
            Command::AnswerInvite(InviteAnswer {
                invite: 9,
                accept: true,
                extend_info: None,
            }),
            r#"{"id":1,"do":{"answer_invite":{"invite":9,"accept":true}}}"#,
        ),
        (
            Command::CancelInvite(InviteCancel { invite: 4, users: None }),
            r#"{"id":1,"do":{"cancel_invite":{"invite":4}}}"#,
        ),
        (
            Command::Kick {
                user: user("bob"),
                ban: Some(60),
            },
            r#"{"id":1,"do":{"kick":{"user":"bob","ban":60}}}"#,
        ),
        (
            Command::Mute {
                media: camera(),
                muted: true,
            },
            r#"{"id":1,"do":{"mute":{"user":"bob","type":2,"media":"cam","muted":true}}}"#,
        ),
        (
            Command::Lock { locked: true },
            r#"{"id":1,"do":{"lock":{"locked":true}}}"#,
        ),
    ];
    every_command_reads_and_writes(&cases);
}

fn every_command_reads_and_writes(cases: &[(Command, &str)]) {
    for (command, text) in cases {
        let request = Request {
            id: 1,
            command: command.clone(),
        };
        assert_eq!(encode_client(&request), text);
        assert_eq!(decode_client(text.as_bytes()).unwrap(), ClientFrame::Request(request));
    }
}

#[test]
fn word_of_what_has_come_has_its_pinned_bytes() {
    assert_eq!(encode_got(7), r#"{"got":7}"#);
    assert_eq!(decode_client(br#"{"got":7}"#).unwrap(), ClientFrame::Got(7));
}

#[test]
fn every_reply_has_its_pinned_bytes() {
    let media = Media {
        key: camera(),
        name: String::new(),
        muted: false,
    };
    let cases = [
        (Reply::Done {}, r#"{"re":9,"ok":{"done":{}}}"#),
        (
            Reply::LoggedIn(LoggedIn {
                session: "s1".into(),
                secret: "x".into(),
                resume_window: 60,
                max_message: 8192,
            }),
            r#"{"re":9,"ok":{"logged_in":{"session":"s1","secret":"x","resume_window":60,"max_message":8192}}}"#,
        ),
        (
            Reply::Resumed(Resumed {
                received: 5,
                missed: false,
            }),
            r#"{"re":9,"ok":{"resumed":{"received":5}}}"#,
        ),
        (
            Reply::Joined(Joined {
                members: vec![user("bob")],
                total: 1,
                media: vec![media],
                last_message: 12,
                locked: false,
            }),
            r#"{"re":9,"ok":{"joined":{"members":["bob"],"total":1,"media":[{"user":"bob","type":2,"media":"cam"}],"last_message":12}}}"#,
        ),
        (
            Reply::Roster(Roster {
                members: vec![user("bob")],
                total: 2,
                more: true,
            }),
            r#"{"re":9,"ok":{"roster":{"members":["bob"],"total":2,"more":true}}}"#,
        ),
        (
            Reply::History {
                messages: vec![message()],
            },
            r#"{"re":9,"ok":{"history":{"messages":[{"from":"bob","seq":1,"body":"hi"}]}}}"#,
        ),
        (
            Reply::Online(Online {
                users: vec![OnlineUser {
                    user: user("bob"),
                    terminals: vec![terminal()],
                }],
                total: 1,
                more: false,
            }),
            r#"{"re":9,"ok":{"online":{"users":[{"user":"bob","terminals":[{"terminal":"web","state":"busy"}]}],"total":1,"more":false}}}"#,
        ),
        (
            Reply::Invited(Invited { offline: Vec::new() }),
            r#"{"re":9,"ok":{"invited":{"offline":[]}}}"#,
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
                seq: None,
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
            seq: None,
            result: Err(failure)
        }
    );
    let busy = Failure::new(ErrorCode::Connect, "later").retry_after(500);
    let text = r#"{"re":9,"err":{"code":30,"message":"later","retry_after":500}}"#;
    assert_eq!(encode_failure(9, busy), text);
}

#[test]
fn an_answer_may_have_a_number_of_its_own() {
    let numbered = number_reply(7, &encode_reply(9, Reply::Done {}));
    assert_eq!(numbered, r#"{"seq":7,"re":9,"ok":{"done":{}}}"#);
    assert!(matches!(
        decode_server(&numbered),
        Ok(ServerFrame::Reply {
            re: 9,
            seq: Some(7),
            ..
        })
    ));
}

fn message() -> GroupMessage {
    GroupMessage {
        from: user("bob"),
        seq: 1,
        body: Payload::text("hi"),
    }
}

fn terminal() -> OnlineTerminal {
    OnlineTerminal {
        terminal: TerminalType::default(),
        state: "busy".into(),
        extend_info: String::new(),
    }
}

#[test]
fn every_event_has_its_pinned_bytes() {
    let media = Media {
        key: camera(),
        name: "desk".into(),
        muted: false,
    };
    let silenced = Media {
        key: camera(),
        name: String::new(),
        muted: true,
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
            Event::Muted(silenced),
            r#"{"seq":7,"ev":{"muted":{"user":"bob","type":2,"media":"cam","muted":true}}}"#,
        ),
        (
            Event::Members(Members {
                joined: vec![user("bob")],
                left: Vec::new(),
                total: 300,
                complete: true,
            }),
            r#"{"seq":7,"ev":{"members":{"joined":["bob"],"total":300,"complete":true}}}"#,
        ),
        (
            Event::Locked { locked: true },
            r#"{"seq":7,"ev":{"locked":{"locked":true}}}"#,
        ),
        (
            Event::Snapshot(Joined {
                members: Vec::new(),
                total: 0,
                media: Vec::new(),
                last_message: 0,
                locked: true,
            }),
            r#"{"seq":7,"ev":{"snapshot":{"members":[],"total":0,"media":[],"last_message":0,"locked":true}}}"#,
        ),
        (
            Event::Removed(Failure::new(ErrorCode::KickedOut, "out")),
            r#"{"seq":7,"ev":{"removed":{"code":1000104,"message":"out"}}}"#,
        ),
        (
            Event::Message(message()),
            r#"{"seq":7,"ev":{"message":{"from":"bob","seq":1,"body":"hi"}}}"#,
        ),
        (
            Event::UserMessage {
                from: user("bob"),
                seq: 1,
                body: Payload::text("hi"),
            },
            r#"{"seq":7,"ev":{"user_message":{"from":"bob","seq":1,"body":"hi"}}}"#,
        ),
        (
            Event::ServerMessage {
                body: Payload::text("hi"),
            },
            r#"{"seq":7,"ev":{"server_message":{"body":"hi"}}}"#,
        ),
        (
            Event::Presence {
                changes: vec![PresenceChange {
                    user: user("bob"),
                    online: true,
                    terminal: terminal(),
                }],
            },
            r#"{"seq":7,"ev":{"presence":{"changes":[{"user":"bob","online":true,"terminal":"web","state":"busy"}]}}}"#,
        ),
        (
            Event::Invited(Invitation {
                invite: 9,
                group: GroupId::parse("g").unwrap(),
                from: user("bob"),
                from_info: String::new(),
                extend_info: None,
            }),
            r#"{"seq":7,"ev":{"invited":{"invite":9,"group":"g","from":"bob"}}}"#,
        ),
        (
            Event::InviteAnswered(InviteResult {
                invite: 4,
                user: user("bob"),
                outcome: InviteOutcome::TimedOut,
                extend_info: None,
            }),
            r#"{"seq":7,"ev":{"invite_answered":{"invite":4,"user":"bob","outcome":"timed_out"}}}"#,
        ),
        (
            Event::InviteEnded(InviteEnded {
                invite: 9,
                why: InviteEnd::AnsweredElsewhere,
            }),
            r#"{"seq":7,"ev":{"invite_ended":{"invite":9,"why":"answered_elsewhere"}}}"#,
        ),
        (
            Event::TokenExpiring { seconds: 30 },
            r#"{"seq":7,"ev":{"token_expiring":{"seconds":30}}}"#,
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
        let body = encode_event(&event);
        assert_eq!(frame_event(Some(7), &body), text);
        assert_eq!(
            decode_server(text.as_bytes()).unwrap(),
            ServerFrame::Event { seq: Some(7), event }
        );
        assert_eq!(frame_event(None, &body), text.replace(r#""seq":7,"#, ""));
    }
}

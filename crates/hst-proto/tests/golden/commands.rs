use hst_id::{GroupId, MediaId, MediaType, TerminalType};
use hst_proto::{
    Audience, Class, ClientFrame, Command, Invite, InviteAnswer, InviteCancel, Line, Login, Offer, OnlinePage, Payload,
    Prepare, Previous, Priority, Request, Resume, Role, RosterPage, ToGroup, decode_client, encode_client, encode_got,
};

use crate::{camera, user};

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
            Command::Prepare(Prepare {
                group: "g".into(),
                generation: 2,
                sdp: "v=0".into(),
            }),
            r#"{"id":1,"do":{"prepare":{"group":"g","generation":2,"sdp":"v=0"}}}"#,
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
        (
            Command::View {
                media: camera(),
                height: Some(180),
            },
            r#"{"id":1,"do":{"view":{"user":"bob","type":2,"media":"cam","height":180}}}"#,
        ),
        (
            Command::View {
                media: camera(),
                height: None,
            },
            r#"{"id":1,"do":{"view":{"user":"bob","type":2,"media":"cam"}}}"#,
        ),
        (
            Command::Prioritize {
                media: camera(),
                priority: Priority::High,
            },
            r#"{"id":1,"do":{"prioritize":{"user":"bob","type":2,"media":"cam","priority":"high"}}}"#,
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

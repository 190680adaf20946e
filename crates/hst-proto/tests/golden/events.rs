use hst_id::{GroupId, MediaType};
use hst_proto::{
    ErrorCode, Event, Failure, Invitation, InviteEnd, InviteEnded, InviteOutcome, InviteResult, Joined, Media, Members,
    Payload, PresenceChange, ServerFrame, decode_server, encode_event, frame_event,
};

use crate::{camera, message, terminal, user};

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
            Event::Wanted {
                media_type: MediaType::Video,
                media: camera().media,
                height: Some(0),
            },
            r#"{"seq":7,"ev":{"wanted":{"type":2,"media":"cam","height":0}}}"#,
        ),
        (
            Event::Wanted {
                media_type: MediaType::Video,
                media: camera().media,
                height: None,
            },
            r#"{"seq":7,"ev":{"wanted":{"type":2,"media":"cam"}}}"#,
        ),
        (
            Event::Encodings {
                media_type: MediaType::Video,
                media: camera().media,
                rids: vec!["q".to_owned(), "f".to_owned()],
            },
            r#"{"seq":7,"ev":{"encodings":{"type":2,"media":"cam","rids":["q","f"]}}}"#,
        ),
        (
            Event::Starved {
                key: camera(),
                starved: true,
            },
            r#"{"seq":7,"ev":{"starved":{"user":"bob","type":2,"media":"cam","starved":true}}}"#,
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
            Event::TransportMoved { generation: 1 },
            r#"{"seq":7,"ev":{"transport_moved":{"generation":1}}}"#,
        ),
        (
            Event::Moved {
                signal: vec!["wss://b.example.org/v1/signal".into()],
            },
            r#"{"seq":7,"ev":{"moved":{"signal":["wss://b.example.org/v1/signal"]}}}"#,
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

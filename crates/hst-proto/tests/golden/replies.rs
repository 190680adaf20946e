use hst_proto::{
    ErrorCode, Failure, Foretold, IceServer, Invited, Joined, LoggedIn, Media, Online, OnlineUser, Reply, Resumed,
    Roster, ServerFrame, decode_server, encode_failure, encode_reply, number_reply,
};

use crate::{camera, message, terminal, user};

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
                ice_servers: Vec::new(),
                foretold: None,
            }),
            r#"{"re":9,"ok":{"logged_in":{"session":"s1","secret":"x","resume_window":60,"max_message":8192}}}"#,
        ),
        (
            Reply::LoggedIn(LoggedIn {
                session: "s1".into(),
                secret: "x".into(),
                resume_window: 60,
                max_message: 8192,
                ice_servers: vec![IceServer {
                    urls: vec!["turn:a:1?transport=udp".into()],
                    username: "17:s1".into(),
                    credential: "y".into(),
                }],
                foretold: Some(Foretold {
                    ufrag: "u".into(),
                    password: "p".into(),
                    addresses: vec!["192.0.2.1:7882".parse().unwrap(), "[2001:db8::1]:7882".parse().unwrap()],
                }),
            }),
            r#"{"re":9,"ok":{"logged_in":{"session":"s1","secret":"x","resume_window":60,"max_message":8192,"ice_servers":[{"urls":["turn:a:1?transport=udp"],"username":"17:s1","credential":"y"}],"foretold":{"ufrag":"u","password":"p","addresses":["192.0.2.1:7882","[2001:db8::1]:7882"]}}}}"#,
        ),
        (
            Reply::Resumed(Resumed {
                received: 5,
                ..Resumed::default()
            }),
            r#"{"re":9,"ok":{"resumed":{"received":5}}}"#,
        ),
        (
            Reply::Resumed(Resumed {
                received: 5,
                missed: true,
                ice_servers: vec![IceServer {
                    urls: vec!["turn:a:1?transport=udp".into()],
                    username: "17:s1".into(),
                    credential: "y".into(),
                }],
            }),
            r#"{"re":9,"ok":{"resumed":{"received":5,"missed":true,"ice_servers":[{"urls":["turn:a:1?transport=udp"],"username":"17:s1","credential":"y"}]}}}"#,
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

//! Frames that no honest peer sends: each has one clear answer, and harms nobody.
#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use hst_proto::{
    Audience, Class, ClientFrame, Command, DecodeError, Event, GroupMessage, MAX_DEPTH, Payload, Request, ServerFrame,
    ToGroup, decode_client, decode_server, encode_client, encode_event, frame_event,
};

/// How a command is judged: `None` if it is understood, or the words of its refusal.
fn refusal(command: &str) -> Option<String> {
    match decode_client(format!(r#"{{"id":4,"do":{command}}}"#).as_bytes()) {
        Ok(ClientFrame::Request(Request { id: 4, .. })) => None,
        Err(DecodeError::Command { id: 4, reason }) => Some(reason),
        other => panic!("{command:.200}: {other:?}"),
    }
}

fn is_refused(command: &str) -> bool {
    refusal(command).is_some()
}

fn message(body: &str) -> String {
    format!(r#"{{"message":{{"body":{body}}}}}"#)
}

#[test]
fn a_bad_command_can_still_be_answered_by_its_number() {
    for command in [
        r#"{"dance":{}}"#,
        r#""join""#,
        r#"{"join":{}}"#,
        r#"{"join":{"group":7}}"#,
        r#"{"publish":{"type":9,"media":"m"}}"#,
        r#"{"receive":{"user":"not a name","type":1,"media":"m"}}"#,
        r#"{"leave":{},"exit":{}}"#,
        "null",
        "[]",
    ] {
        let frame = format!(r#"{{"id":4,"do":{command}}}"#);
        let refused = decode_client(frame.as_bytes()).unwrap_err();
        assert!(
            matches!(refused, DecodeError::Command { id: 4, .. }),
            "{command}: {refused}"
        );
    }
}

#[test]
fn what_has_no_number_is_no_frame() {
    for frame in [
        "",
        "{}",
        "null",
        "7",
        r#"{"id":-1,"do":{}}"#,
        r#"{"id":4294967296,"do":{}}"#,
        r#"{"got":-1}"#,
        r#"{"got":1,"id":1}"#,
        "\u{0}",
    ] {
        assert!(
            matches!(decode_client(frame.as_bytes()), Err(DecodeError::Frame { .. })),
            "{frame:.20}"
        );
        assert!(decode_server(frame.as_bytes()).is_err());
    }
    assert!(decode_client(b"\xff\xfe").is_err());
    assert!(decode_server(br#"{"re":1,"ok":{"done":{}},"err":{"code":1,"message":""}}"#).is_err());
}

#[test]
fn t19_tokens_stay_out_of_debug_output() {
    let request = decode_client(br#"{"id":1,"do":{"login":{"protocol":1,"app":"a","token":"canary","user":"u"}}}"#);
    assert!(!format!("{request:?}").contains("canary"));
}

#[test]
fn i1_a_name_that_is_one_byte_too_long_is_refused_where_it_is_read() {
    for (len, refused) in [(0, true), (1, false), (128, false), (129, true)] {
        let user = "u".repeat(len);
        let receive = format!(r#"{{"receive":{{"user":"{user}","type":1,"media":"m"}}}}"#);
        let login = format!(r#"{{"login":{{"protocol":1,"app":"a","token":"t","user":"u","terminal":"{user}"}}}}"#);
        assert_eq!((is_refused(&receive), is_refused(&login)), (refused, refused), "{len}");
    }
    for (len, refused) in [(0, true), (1, false), (256, false), (257, true)] {
        let publish = format!(r#"{{"publish":{{"type":1,"media":"{}"}}}}"#, "m".repeat(len));
        assert_eq!(is_refused(&publish), refused, "{len}");
    }
}

#[test]
fn i5_words_of_a_refusal_are_short_and_repeat_no_control_character() {
    let long = "x".repeat(100_000);
    for name in [
        r"\u001b[2J",
        r"a\r\nINFO all is well",
        r"\u0000",
        r"\u202egnp.exe",
        r"\u2028",
        r"\u009b31m",
        &long,
    ] {
        for command in [
            format!(r#"{{"{name}":{{}}}}"#),
            format!(r#""{name}""#),
            format!(r#"{{"publish":{{"type":"{name}","media":"m"}}}}"#),
            format!(r#"{{"publish":{{"type":1,"media":"{name} "}}}}"#),
            format!(r#"{{"receive":{{"user":"{name} ","type":1,"media":"m"}}}}"#),
        ] {
            let reason = refusal(&command).unwrap();
            assert!(reason.len() <= 300, "{} bytes", reason.len());
            assert!(reason.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{reason:?}");
        }
        let no_frame = decode_server(format!(r#"{{"seq":1,"ev":{{"{name}":{{}}}}}}"#).as_bytes()).unwrap_err();
        assert!(
            no_frame.to_string().chars().all(|c| c.is_ascii_graphic() || c == ' '),
            "{no_frame}"
        );
    }
}

#[test]
fn i6_a_text_that_looks_like_a_template_arrives_as_it_was_sent() {
    for text in [
        "${jndi:ldap://a/b}",
        "%s%n%x",
        "{{7*7}}",
        "<script>",
        "'; drop table",
        "$(id)",
        "\\u{1b}[31m",
    ] {
        let request = Request {
            id: 1,
            command: Command::Message(ToGroup {
                body: Payload::text(text),
                to: Audience::All,
                class: Class::Reliable,
            }),
        };
        let Ok(ClientFrame::Request(Request {
            command: Command::Message(ToGroup { body, .. }),
            ..
        })) = decode_client(&encode_client(&request))
        else {
            panic!("a message")
        };
        assert_eq!(body.as_text().as_deref(), Some(text));

        let from = hst_id::UserId::parse("bob").unwrap();
        let event = Event::Message(GroupMessage { from, seq: 1, body });
        let ServerFrame::Event { event: told, .. } = decode_server(&frame_event(None, &encode_event(&event))).unwrap()
        else {
            panic!("an event")
        };
        assert_eq!(told, event);
    }
}

#[test]
fn i8_a_field_that_comes_twice_is_refused_at_every_place() {
    for command in [
        r#"{"join":{"group":"a","group":"b"}}"#,
        r#"{"join":{"group":"a"},"join":{"group":"b"}}"#,
        r#"{"join":{"group":"a","\u0067roup":"b"}}"#,
        r#"{"login":{"protocol":1,"app":"a","token":"t","user":"u","user":"v"}}"#,
        r#"{"receive":{"user":"a","type":1,"media":"m","user":"b"}}"#,
        r#"{"message":{"body":1,"body":2}}"#,
        r#"{"offer":{"generation":1,"sdp":"","lines":[],"lines":[]}}"#,
        r#"{"offer":{"generation":1,"sdp":"","lines":[{"mid":"0","mid":"1","send":{"type":1,"media":"m"}}]}}"#,
        r#"{"offer":{"generation":1,"sdp":"","lines":[{"mid":"0","send":{"type":1,"media":"m"},"send":{"type":2,"media":"n"}}]}}"#,
        r#"{"offer":{"generation":1,"sdp":"","lines":[{"mid":"0","send":{"type":1,"media":"m","type":2}}]}}"#,
    ] {
        assert!(is_refused(command), "{command}");
    }
    for frame in [
        r#"{"id":1,"id":2,"do":{"ping":{}}}"#,
        r#"{"id":1,"do":{"ping":{}},"do":{"leave":{}}}"#,
    ] {
        assert!(
            matches!(decode_client(frame.as_bytes()), Err(DecodeError::Frame { .. })),
            "{frame}"
        );
    }
    for frame in [
        r#"{"re":1,"re":2,"ok":{"done":{}}}"#,
        r#"{"seq":1,"ev":{"member_left":{"user":"a"}},"seq":2}"#,
        r#"{"seq":1,"ev":{"published":{"user":"a","type":1,"media":"m","user":"b"}}}"#,
    ] {
        assert!(decode_server(frame.as_bytes()).is_err(), "{frame}");
    }
}

#[test]
fn i8_a_line_sends_or_receives_and_never_both() {
    let offer = |line: &str| format!(r#"{{"offer":{{"generation":1,"sdp":"","lines":[{{"mid":"0"{line}}}]}}}}"#);
    let (send, receive) = (
        r#","send":{"type":1,"media":"m"}"#,
        r#","receive":{"user":"bob","type":1,"media":"m"}"#,
    );
    for good in [send, receive] {
        assert!(!is_refused(&offer(good)), "{good}");
        assert!(
            !is_refused(&offer(&format!(r#"{good},"later":[1]"#))),
            "fields of a later version are ignored"
        );
    }
    for bad in [
        format!("{send}{receive}"),
        format!("{receive}{send}"),
        String::new(),
        r#","send":null"#.to_owned(),
    ] {
        assert!(is_refused(&offer(&bad)), "{bad}");
    }
}

#[test]
fn i8_numbers_are_exact_or_refused() {
    for id in [
        "4294967296",
        "-1",
        "1.0",
        "1e0",
        "\"1\"",
        "9007199254740993",
        "1e400",
        "null",
    ] {
        let frame = format!(r#"{{"id":{id},"do":{{"ping":{{}}}}}}"#);
        assert!(
            matches!(decode_client(frame.as_bytes()), Err(DecodeError::Frame { .. })),
            "{id}"
        );
    }
    for name in ["7", "9007199254740993", "null"] {
        assert!(is_refused(&format!(r#"{{"join":{{"group":{name}}}}}"#)), "{name}");
        assert!(
            is_refused(&format!(r#"{{"receive":{{"user":{name},"type":1,"media":"m"}}}}"#)),
            "{name}"
        );
    }
    // What a message holds is not read, and so loses nothing.
    for body in [
        "9007199254740993",
        "0.1000000000000000055511151231257827",
        "-0",
        "1e400",
    ] {
        assert_eq!(Payload::from_json(body).unwrap().as_json(), body);
        assert!(!is_refused(&message(body)));
    }
    let ServerFrame::Event { seq, .. } =
        decode_server(br#"{"seq":9007199254740993,"ev":{"member_left":{"user":"a"}}}"#).unwrap()
    else {
        panic!("an event")
    };
    assert_eq!(seq, Some(9_007_199_254_740_993));
}

#[test]
fn i8_half_a_character_is_no_text() {
    for half in [r"\ud800", r"\udc00", r"a\ud83dz", r"\ud800\ud800"] {
        assert!(is_refused(&format!(r#"{{"join":{{"group":"{half}"}}}}"#)), "{half}");
        assert!(
            is_refused(&format!(r#"{{"publish":{{"type":1,"media":"m","name":"{half}"}}}}"#)),
            "{half}"
        );
        // In a message it is carried like everything else, and is no text at the other end.
        assert_eq!(
            Payload::from_json(&format!("\"{half}\"")).unwrap().as_text(),
            None,
            "{half}"
        );
    }
}

#[test]
fn i8_a_message_is_no_deeper_than_a_reader_can_follow() {
    let nested = |depth: usize, open: &str, close: &str| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deepest = nested(MAX_DEPTH, open, close);
        assert!(!is_refused(&message(&deepest)));
        assert_eq!(Payload::from_json(&deepest).unwrap().as_json(), deepest);
        for depth in [MAX_DEPTH + 1, 1_000, 10_000] {
            let deeper = nested(depth, open, close);
            assert!(is_refused(&message(&deeper)), "{depth}");
            assert!(Payload::from_json(&deeper).is_err(), "{depth}");
        }
    }
    // Brackets within a text are text, and brackets side by side are not deep.
    let text = format!(r#""{}\"{}\\""#, "[".repeat(1_000), "{".repeat(1_000));
    assert!(!is_refused(&message(&text)));
    assert!(!is_refused(&message(&format!("[{}[]]", "[],".repeat(1_000)))));
}

#[test]
fn i9_a_million_brackets_are_refused_or_skipped_and_never_followed() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let depth = 1_000_000;
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert!(decode_client(deep.as_bytes()).is_err());
        assert!(decode_server(deep.as_bytes()).is_err());
        assert!(is_refused(&deep));
        assert!(is_refused(&message(&deep)));
        let line = format!(r#"{{"mid":"0","send":{{"type":1,"media":"m"}},"later":{deep}}}"#);
        // A field that is not known is skipped, however deep it is.
        assert!(!is_refused(&format!(r#"{{"ping":{{"later":{deep}}}}}"#)));
        assert!(!is_refused(&format!(
            r#"{{"offer":{{"generation":1,"sdp":"","lines":[{line}]}}}}"#
        )));
    }
}

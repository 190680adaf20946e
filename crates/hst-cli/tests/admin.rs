//! `hst admin` as a developer runs it, against a server that answers from a script.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::Command,
    thread,
};

use serde_json::{Value, json};

const DEVELOPER: &str = "a92b6225a92b6225a92b6225a92b6225";
const SECRET: &str = "6577543f6604bbaf";
const TOKEN: &str = "f0f646c66a7219b040e45fdb592504ba";

/// What the server was asked.
#[derive(Debug)]
struct Asked {
    /// Method and path.
    line: String,
    authorization: String,
    body: String,
}

/// A server that gives these answers, one after the other, and says at its end what it was asked.
fn script(answers: Vec<String>) -> (String, thread::JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || answers.iter().map(|answer| take(&listener, answer)).collect());
    (url, server)
}

fn take(listener: &TcpListener, answer: &str) -> Asked {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut authorization, mut len) = (String::new(), String::new(), 0);
    reader.read_line(&mut line).unwrap();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        match header.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => authorization = value.to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => len = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    stream.write_all((head + answer).as_bytes()).unwrap();
    Asked {
        line: line.trim_end().trim_end_matches(" HTTP/1.1").to_owned(),
        authorization,
        body: String::from_utf8(body).unwrap(),
    }
}

fn access_token() -> String {
    json!({"code": 0, "msg": "OK", "result": {"timeout": 7200, "access_token": TOKEN}}).to_string()
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn hst(server: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hst"));
    command.arg("admin").args(arguments).env("HST_SERVER", server);
    for variable in ["HST_DEVELOPER", "HST_DEVELOPER_SECRET", "HST_ACCESS_TOKEN"] {
        command.env_remove(variable);
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

const KNOWN: [(&str, &str); 2] = [("HST_DEVELOPER", DEVELOPER), ("HST_DEVELOPER_SECRET", SECRET)];

#[test]
fn an_app_is_created_with_a_new_access_token_and_the_secret_stays_at_home() {
    let app = json!({
        "code": 0, "msg": "OK", "app_id": "0123", "app_secret": "fedcba9876543210", "app_name": "Meetings",
        "status": "offline", "consumption_limit": null,
        "service": [{"service_id": 4, "service_name": "audio", "use_limit": null}],
    });
    let (url, server) = script(vec![access_token(), app.to_string()]);
    let said = hst(&url, &KNOWN, &["app", "create", "Meetings", "--services", "audio"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let expected = "app_id      0123\napp_secret  fedcba9876543210\napp_name    Meetings\nstatus      offline\n\
                    service     audio\n";
    assert_eq!(said.out, expected);

    let [token, create] = <[Asked; 2]>::try_from(server.join().unwrap()).unwrap();
    assert_eq!(token.line, "GET /access/token");
    let (id, made) = token.authorization.split_once('.').unwrap();
    assert_eq!(id, DEVELOPER);
    assert!(made.starts_with("001") && !token.authorization.contains(SECRET));
    assert_eq!(
        (create.line.as_str(), create.authorization.as_str()),
        ("POST /v1/app", TOKEN)
    );
    assert_eq!(
        serde_json::from_str::<Value>(&create.body).unwrap(),
        json!({"app_name": "Meetings", "status": "offline", "service": [{"service_id": 4}]})
    );
}

#[test]
fn a_list_is_asked_for_until_it_is_whole_and_a_token_that_was_given_is_used() {
    let page = |groups: &[&str]| json!({"code": 0, "msg": "OK", "groups": groups, "total": 3}).to_string();
    let (url, server) = script(vec![page(&["a", "b"]), page(&["c"])]);
    let said = hst(&url, &[("HST_ACCESS_TOKEN", TOKEN)], &["groups", "app"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "a\nb\nc\n", ""));
    let asked = server.join().unwrap();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/apps/app/groups?offset=0&limit=500",
            "GET /v1/apps/app/groups?offset=2&limit=500"
        ]
    );
    assert!(asked.iter().all(|asked| asked.authorization == TOKEN));
}

#[test]
fn a_list_that_shrinks_meanwhile_has_an_end() {
    let page = |groups: &[&str]| json!({"code": 0, "groups": groups, "total": 9}).to_string();
    let (url, server) = script(vec![page(&["a"]), page(&[])]);
    let said = hst(&url, &[("HST_ACCESS_TOKEN", TOKEN)], &["groups", "app"]);
    assert_eq!((said.code, said.out.as_str()), (0, "a\n"));
    server.join().unwrap();
}

#[test]
fn for_machines_the_answer_is_json() {
    let online = json!({"code": 0, "msg": "OK", "terminals": [{"user": "bob", "terminal": "web"}], "total": 1});
    let (url, server) = script(vec![online.to_string()]);
    let said = hst(&url, &[("HST_ACCESS_TOKEN", TOKEN)], &["online", "app", "--json"]);
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        answer,
        json!({"terminals": [{"user": "bob", "terminal": "web"}], "total": 1})
    );
    server.join().unwrap();
}

#[test]
fn a_refusal_has_its_code_and_says_what_to_do() {
    let refused = |code: u64, message: &str| json!({"code": code, "msg": message}).to_string();
    for (answers, words) in [
        (
            vec![refused(606_000_000, "Authentication failed")],
            "hst: refused with 606000000: Authentication failed; check the Developer ID and the Developer Secret\n",
        ),
        (
            vec![access_token(), refused(606_000_100, "there is no such App")],
            "hst: refused with 606000100: there is no such App; `hst admin app list` names all\n",
        ),
        (
            vec![access_token(), refused(7, "\u{1b}[2Jno")],
            "hst: refused with 7: [2Jno\n",
        ),
    ] {
        let (url, server) = script(answers);
        let said = hst(&url, &KNOWN, &["app", "show", "app"]);
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (1, "", words));
        server.join().unwrap();
    }
}

#[test]
fn what_is_no_server_of_the_platform_is_named() {
    for answer in ["<html>", "[]", "{}", r#"{"code":0}"#] {
        let (url, server) = script(vec![answer.to_owned()]);
        let said = hst(&url, &KNOWN, &["app", "list"]);
        assert_eq!((said.code, said.out.as_str()), (1, ""));
        let expected = format!("hst: {url} is no server of this platform: ");
        assert!(said.err.starts_with(&expected), "{answer}: {}", said.err);
        server.join().unwrap();
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = hst(&format!("http://{nobody}"), &KNOWN, &["app", "list"]);
    assert!(
        said.err
            .starts_with(&format!("hst: http://{nobody} can't be reached: ")),
        "{}",
        said.err
    );
}

#[test]
fn what_is_missing_is_said_and_no_secret_is_repeated() {
    for (server, variables, words) in [
        ("", &KNOWN[..], "HST_SERVER"),
        ("rtc.example.org", &KNOWN[..], "no URL"),
        ("http://127.0.0.1:1", &KNOWN[..1], "HST_DEVELOPER_SECRET"),
        ("http://127.0.0.1:1", &KNOWN[1..], "HST_DEVELOPER"),
        (
            "http://127.0.0.1:1",
            &[("HST_DEVELOPER", DEVELOPER), ("HST_DEVELOPER_SECRET", "hunter2")],
            "16",
        ),
        (
            "http://127.0.0.1:1",
            &[("HST_DEVELOPER", "no name"), ("HST_DEVELOPER_SECRET", SECRET)],
            "Developer ID",
        ),
    ] {
        let said = hst(server, variables, &["app", "list"]);
        assert_eq!((said.code, said.out.as_str()), (1, ""));
        assert!(said.err.contains(words), "{words}: {}", said.err);
        assert!(
            !said.err.contains("hunter2") && !said.err.contains(SECRET),
            "{}",
            said.err
        );
    }
}

#[test]
fn an_access_token_can_be_kept_for_later_calls() {
    let (url, server) = script(vec![access_token()]);
    let variables = [KNOWN[0], KNOWN[1], ("HST_ACCESS_TOKEN", "an-old-one")];
    let said = hst(&url, &variables, &["access-token"]);
    assert_eq!((said.code, said.out), (0, format!("{TOKEN}\n")));
    assert_eq!(server.join().unwrap()[0].line, "GET /access/token");
}

//! The forms in which nodes tell each other something stay as neighbouring versions know them.

use std::{collections::BTreeSet, fmt::Display};

use hst_cluster::{Login, NodeRecord};
use hst_group::server::{Governance, GroupRequest, Keep, MediaCommand, Recipients, ToMember};
use hst_proto::Failure;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    admin::{GroupAnswer, Used},
    beat::Beat,
    follow::Happened,
    gateways::Gateway,
    group::{Greeting, ToBranch, ToHome},
    handover::{Offered, Packed, ToGiver, ToTaker},
    logins::LoginInfo,
    node::NodeMessage,
    registry::wire,
    ringing,
};

const FORMS: &str = include_str!("forms.txt");
/// What passes a node as it is, and is read by another.
const UNREAD: [&str; 2] = ["event", "value"];

/// What is wrong with a form, and what to do.
fn changed(family: &str, line: &str, fault: impl Display) -> String {
    format!(
        "\nnodes of the version before write this `{family}`:\n{line}\nand {fault}\n\
         A neighbour must go on understanding what both versions say: see docs/decisions/0020.\n\
         - A new field that a neighbour may pass over has a default. If it is always written, then what is written now is\n\
           one line more in forms.txt, below the one that is there.\n\
         - A new kind is a line more, and anything else a new form: both need a new version in versions.rs, and are said\n\
           only to who speaks it.\n"
    )
}

fn lines(family: &str) -> Vec<&'static str> {
    let heading = format!("# {family}");
    let lines = FORMS.lines().skip_while(|line| *line != heading).skip(1);
    let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    assert!(!lines.is_empty(), "forms.txt has nothing of `{family}`");
    lines
}

/// Every line is read and written as it was, or as another line of its family is; also with fields that nobody knows.
fn hold(family: &str, rewrite: impl Fn(&str) -> Result<String, String>) {
    let lines = lines(family);
    for line in &lines {
        let written = match rewrite(line) {
            Ok(written) => written,
            Err(error) => panic!(
                "{}",
                changed(family, line, format!("this version does not read it: {error}"))
            ),
        };
        if !lines.contains(&&*written) {
            panic!("{}", changed(family, line, format!("this version writes:\n{written}")));
        }
        let mut grown: Value = serde_json::from_str(line).unwrap();
        grow(&mut grown);
        let rewritten = rewrite(&grown.to_string());
        assert_eq!(
            rewritten,
            Ok(written),
            "with fields of the next version `{family}` is: {grown}"
        );
    }
}

fn rewrite<T: Serialize + DeserializeOwned>(line: &str) -> Result<String, String> {
    let read: T = serde_json::from_str(line).map_err(|error| error.to_string())?;
    Ok(serde_json::to_string(&read).unwrap())
}

fn hold_form<T: Serialize + DeserializeOwned>(family: &str) {
    hold(family, rewrite::<T>);
}

/// The same, and every kind has a line.
fn hold_kinds<T: Serialize + DeserializeOwned>(family: &str) {
    hold_form::<T>(family);
    let of = |line: &&str| match serde_json::from_str(line).unwrap() {
        Value::Object(fields) => fields.into_iter().next().unwrap().0,
        kind => kind.as_str().unwrap_or_default().to_owned(),
    };
    let shown: BTreeSet<_> = lines(family).iter().map(of).collect();
    // Whoever names a kind that there is not is told which there are.
    let Err(error) = serde_json::from_str::<T>(r#"{"":0}"#) else {
        panic!("`{family}` has no kinds")
    };
    let error = error.to_string();
    for kind in error.split('`').skip(3).step_by(2) {
        assert!(
            shown.contains(kind),
            "`{family}` has a new kind, `{kind}`: {}",
            changed(family, "", "it is not among them")
        );
    }
    assert!(error.contains(shown.last().unwrap()), "{error}");
}

/// One field alone may be the name of a kind, which has no second one; and nobody adds anything to a length of time.
fn grow(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(grow),
        Value::Object(fields) => {
            let read = fields.iter_mut().filter(|(name, _)| !UNREAD.contains(&&***name));
            read.for_each(|(_, value)| grow(value));
            let is_a_time = fields.contains_key("nanos");
            if fields.len() > 1 && !is_a_time {
                fields.insert("of_the_next_version".to_owned(), json!([{ "more": 1 }]));
            }
        }
        _ => {}
    }
}

#[test]
fn what_stands_in_the_directory_is_read_by_neighbouring_versions() {
    hold_form::<NodeRecord>("node record");
    hold_form::<Gateway>("gateway, as a node's record has it");
    hold_form::<Login>("holder of a login's or a group's place");
    hold_form::<LoginInfo>("login, as its record has it");
    hold("record", |line| {
        let read = wire::read(line.as_bytes()).ok_or("it is none")?;
        Ok(String::from_utf8(wire::to_bytes(&read).into()).unwrap())
    });
}

#[test]
fn what_is_said_on_the_bus_is_understood_by_neighbouring_versions() {
    hold_form::<Beat>("beat");
    hold_kinds::<NodeMessage>("what a node is asked");
    hold_form::<Option<GroupAnswer>>("answer of a group");
    hold_form::<Used>("what was consumed");
    hold_form::<ringing::Answer>("answer to an invite, on its way to the inviter's node");
    hold_form::<Option<Failure>>("outcome of that");
    hold_form::<Happened>("what has happened in a group");
}

#[test]
fn what_homes_and_branches_say_is_understood_by_neighbouring_versions() {
    hold_form::<Greeting>("greeting of a branch");
    hold_kinds::<ToHome>("what a branch tells a home");
    hold_kinds::<ToBranch>("what a home tells a branch");
    hold_kinds::<Keep>("what the copies of a group's boards and history are told");
    hold_kinds::<GroupRequest>("request to a group");
    hold_kinds::<Governance>("act on a group");
    hold_kinds::<Recipients>("recipients");
    hold_kinds::<ToMember>("what a member's session is told");
    hold_kinds::<MediaCommand>("what a room is to do");
}

#[test]
fn what_hands_a_session_over_is_understood_by_neighbouring_versions() {
    hold_form::<Offered>("offer of a session");
    hold_kinds::<ToTaker>("what a node that has a session says");
    hold_kinds::<ToGiver>("what a node that takes a session says");
    hold_form::<Packed>("session on its way");
}

//! Answers for people.

use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::{Map, Value};

use super::words::Kind;

/// The last moment that is written as one: the end of the year 9999, in milliseconds.
const LAST_MOMENT: u64 = 253_402_300_799_000;

/// There was nothing to say.
pub(super) fn done() -> String {
    "done".to_owned()
}

/// Some fields of an answer, one a line.
pub(super) fn fields(answer: &Map<String, Value>, names: &[&str]) -> String {
    let width = names.iter().map(|name| name.len()).max().unwrap_or_default();
    let line = |name: &&str| format!("{name:width$}  {}", text(name, answer.get(*name)));
    names.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// All fields of an answer, one a line.
pub(super) fn all_fields(answer: &Map<String, Value>) -> String {
    fields(answer, &answer.keys().map(String::as_str).collect::<Vec<_>>())
}

/// A list of names, one a line.
pub(super) fn lines(answer: &Map<String, Value>, list: &str) -> String {
    let names = entries(answer, list).iter().map(|name| text(list, Some(name)));
    or_nothing(names.collect::<Vec<_>>().join("\n"))
}

/// A list of objects, one a line, with these fields of theirs as columns.
pub(super) fn table(answer: &Map<String, Value>, list: &str, columns: &[&str]) -> String {
    let rows = entries(answer, list)
        .iter()
        .map(|entry| columns.iter().map(|&name| text(name, entry.get(name))).collect());
    align(columns, rows.collect())
}

/// A group: what holds for all of it, and its members with what they publish.
pub(super) fn group(answer: &Map<String, Value>) -> String {
    let mut media: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in entries(answer, "media") {
        let kind = one
            .get("type")
            .and_then(Value::as_u64)
            .map(Kind::name)
            .unwrap_or_default();
        let muted = one.get("muted") == Some(&Value::Bool(true));
        let media_id = text("media", one.get("media"));
        let published = format!("{kind} {media_id}{}", if muted { " (muted)" } else { "" });
        media.entry(text("user", one.get("user"))).or_default().push(published);
    }
    let row = |user: &Value| {
        let user = text("user", Some(user));
        let published = media
            .get(&user)
            .map_or_else(|| "-".to_owned(), |media| media.join(", "));
        vec![user, published]
    };
    let members = entries(answer, "members").iter().map(row).collect();
    let table = align(&["user", "publishes"], members);
    format!("{}\n\n{table}", fields(answer, &["total", "locked"]))
}

/// Who did not hear an invitation.
pub(super) fn unreached(answer: &Map<String, Value>) -> String {
    let users = entries(answer, "user_id_list")
        .iter()
        .map(|user| text("user", Some(user)));
    let users: Vec<_> = users.collect();
    match users.is_empty() {
        true => done(),
        false => format!("not online: {}", users.join(", ")),
    }
}

fn entries<'a>(answer: &'a Map<String, Value>, list: &str) -> &'a [Value] {
    answer.get(list).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn align(columns: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return or_nothing(String::new());
    }
    let head = columns.iter().map(|name| name.to_uppercase()).collect();
    let rows: Vec<Vec<String>> = [head].into_iter().chain(rows).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn or_nothing(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

fn text(name: &str, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => presentable(text),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(Value::Number(number)) if name.ends_with("until") => {
            let moment = number.as_u64().filter(|&millis| millis <= LAST_MOMENT);
            let moment = moment.map(|millis| UNIX_EPOCH + Duration::from_millis(millis));
            moment.map_or_else(
                || number.to_string(),
                |at| humantime::format_rfc3339_seconds(at).to_string(),
            )
        }
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Array(values)) => {
            let texts: Vec<_> = values.iter().map(|value| text(name, Some(value))).collect();
            or_nothing(texts.join(","))
        }
        // A service, as the platform's own calls show it.
        Some(Value::Object(object)) => text(name, object.get("service_name")),
    }
}

/// Without what would act on a terminal: users choose their texts themselves.
fn presentable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(answer) => answer,
            other => panic!("{other} is no answer"),
        }
    }

    #[test]
    fn a_list_is_a_table_with_a_place_for_what_is_not_there() {
        let answer = answer(json!({"bans": [
            {"user": "bob", "until": 1_700_000_000_000_u64, "reason": "spam"},
            {"user": "a-long-name", "group": "g", "until": u64::MAX, "reason": ""},
        ]}));
        assert_eq!(
            table(&answer, "bans", &["user", "group", "until", "reason"]),
            "USER         GROUP  UNTIL                 REASON\n\
             bob          -      2023-11-14T22:13:20Z  spam\n\
             a-long-name  g      18446744073709551615  -"
        );
        assert_eq!(table(&answer, "apps", &["app"]), "none");
    }

    #[test]
    fn a_group_shows_its_members_with_what_they_publish() {
        let answer = answer(json!({
            "members": ["ann", "bob"], "total": 2, "locked": true,
            "media": [
                {"user": "bob", "type": 1, "media": "appdef_mic", "muted": true},
                {"user": "bob", "type": 2, "media": "cam", "muted": false},
            ],
        }));
        assert_eq!(
            group(&answer),
            "total   2\nlocked  yes\n\n\
             USER  PUBLISHES\n\
             ann   -\n\
             bob   audio appdef_mic (muted), video cam"
        );
    }

    #[test]
    fn what_the_platform_says_of_an_app_is_one_field_a_line() {
        let app = answer(json!({"app_id": "a", "status": "online", "service": [
            {"service_id": 3, "service_name": "video", "use_limit": null},
            {"service_id": 4, "service_name": "audio", "use_limit": null},
        ]}));
        assert_eq!(
            fields(&app, &["app_id", "status", "service"]),
            "app_id   a\nstatus   online\nservice  video,audio"
        );
    }

    #[test]
    fn a_users_text_does_nothing_to_the_terminal() {
        let answer = answer(json!({"groups": ["\u{1b}[2J\u{7}x\ny"]}));
        assert_eq!(lines(&answer, "groups"), "\u{fffd}[2J\u{fffd}x\u{fffd}y");
    }

    #[test]
    fn those_who_did_not_hear_it_are_named() {
        assert_eq!(unreached(&answer(json!({"user_id_list": []}))), "done");
        assert_eq!(
            unreached(&answer(json!({"user_id_list": ["ann", "bob"]}))),
            "not online: ann, bob"
        );
    }
}

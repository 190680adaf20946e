//! What an access service says, in either form, and how it is made into access points.

use hst_access::{AccessError, AccessPoints, IceServer};
use serde::Deserialize;

/// Words of a stranger, bound for a log or a terminal.
const MAX_MESSAGE: usize = 200;

/// Both forms at once: ours has `signal` and `ice_servers`, the vendor's `result`. Fields of a later version are ignored.
#[derive(Deserialize)]
pub(crate) struct Answer {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    signal: Vec<String>,
    #[serde(default)]
    ice_servers: Vec<Ice>,
    #[serde(default)]
    result: String,
}

#[derive(Deserialize)]
struct Ice {
    urls: Vec<String>,
    username: Option<String>,
    credential: Option<String>,
}

impl Answer {
    /// `None` if the body is no answer of an access service.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    pub(crate) fn into_points(self) -> Result<AccessPoints, AccessError> {
        if self.code != 0 {
            return Err(AccessError::Refused {
                code: self.code,
                message: presentable(&self.message),
            });
        }
        let mut signal: Vec<String> = Vec::new();
        // The vendor writes its list as one text, often with a separator at its end.
        let vendors = self.result.split(';').map(|url| url.trim().to_owned());
        for url in self.signal.into_iter().chain(vendors) {
            // An address of a kind that is not known here is somebody else's, not an error.
            if is_url(&url) && !signal.contains(&url) {
                signal.push(url);
            }
        }
        let ice_servers = self.ice_servers.into_iter().filter(|ice| !ice.urls.is_empty()).map(
            |Ice {
                 urls,
                 username,
                 credential,
             }| IceServer {
                urls,
                username,
                credential,
            },
        );
        Ok(AccessPoints::new(signal)?.with_ice_servers(ice_servers.collect()))
    }
}

fn is_url(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic())
        && text
            .split_once("://")
            .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
}

fn presentable(message: &str) -> String {
    message.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(json: &str) -> Result<AccessPoints, AccessError> {
        Answer::parse(json.as_bytes()).expect("an answer").into_points()
    }

    #[test]
    fn the_vendors_list_may_have_blanks_repetitions_and_strangers() {
        let list = " ws://a ;;wss://b;ws://a;10.0.0.1:7;://c;d://;ws://e f;\u{e9}://g;h://i;";
        let answer = format!(r#"{{"code":0,"message":"OK","result":"{list}"}}"#);
        assert_eq!(points(&answer).unwrap().signal(), ["ws://a", "wss://b", "h://i"]);
    }

    #[test]
    fn an_answer_of_a_later_version_is_understood() {
        let answer =
            r#"{"code":0,"signal":["moq://a"],"ice_servers":[{"urls":["stun:b"],"ttl":7},{"urls":[]}],"more":[1]}"#;
        let points = points(answer).unwrap();
        assert_eq!(points.signal(), ["moq://a"]);
        assert_eq!(points.ice_servers().len(), 1);
    }

    #[test]
    fn what_has_another_shape_is_no_answer() {
        for body in [
            "",
            "OK",
            "[]",
            "{}",
            "<html></html>",
            r#"{"code":"0"}"#,
            r#"{"code":0,"signal":"ws://a"}"#,
            r#"{"code":0,"signal":[1]}"#,
            r#"{"code":0,"result":["ws://a"]}"#,
            r#"{"code":0,"result":null}"#,
            r#"{"code":0,"ice_servers":[{}]}"#,
            r#"{"code":0,"signal":["ws://a"]} {}"#,
            r#"{"code":0,"code":1}"#,
            "\u{feff}{}",
        ] {
            assert!(Answer::parse(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Answer::parse(&[0xff, 0xfe]).is_none());
        assert!(Answer::parse("[".repeat(60_000).as_bytes()).is_none());
    }

    #[test]
    fn an_answer_with_any_byte_changed_gives_points_that_can_be_called_or_none() {
        let whole = br#"{"code":0,"message":"OK","result":"ws://a;wss://b","signal":["h://c"],"ice_servers":[{"urls":["stun:d"]}]}"#;
        for at in 0..whole.len() {
            for byte in [0, b'"', b'{', b']', b';', b' ', b'\\', 0xff] {
                let mut changed = whole.to_vec();
                changed[at] = byte;
                let Some(Ok(points)) = Answer::parse(&changed).map(Answer::into_points) else {
                    continue;
                };
                assert!(!points.signal().is_empty() && points.signal().iter().all(|url| url.contains("://")));
            }
        }
    }

    #[test]
    fn a_refusal_is_told_in_words_that_can_be_shown() {
        let long = "x".repeat(10_000);
        let Err(AccessError::Refused {
            code: 1_000_001,
            message,
        }) = points(&format!(
            r#"{{"code":1000001,"message":"\u001b[2J\r\n{long}","signal":["ws://a"]}}"#
        ))
        else {
            panic!("refused")
        };
        assert!(message.starts_with("[2Jxxx") && message.len() == MAX_MESSAGE);
    }
}

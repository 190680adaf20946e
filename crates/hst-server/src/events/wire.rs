use bytes::Bytes;
use hst_id::{AppId, GroupId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::follow::{Happened, What};

/// What all frames of the event gateway name as their service.
const BUSINESS: &str = "EGW";

const LOGIN: u64 = 20_000;
const LOGOUT: u64 = 20_002;
const SUBSCRIBE: u64 = 20_004;
const UNSUBSCRIBE: u64 = 20_006;
const SYNC: u64 = 20_008;
const HEARTBEAT: u64 = 20_010;
const JOINED: u64 = 20_100;
const LEFT: u64 = 20_101;
const PUBLISHED: u64 = 20_102;
const UNPUBLISHED: u64 = 20_103;

/// A frame of a client: what it asks, or why that is not done.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) head: Head,
    pub(super) request: Result<Request, Refusal>,
}

/// What an answer takes over from its request.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    id: u64,
    business: Option<Value>,
    seq: Option<Value>,
    seq_id: Option<Value>,
}

/// What a client may ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Login {
        developer: String,
        token: String,
    },
    Logout,
    Subscribe(Vec<Selection>),
    /// `None`: from everything.
    Unsubscribe(Option<Vec<Selection>>),
    Sync(Vec<Selection>),
    Heartbeat,
}

/// An App, or some of its groups.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Selection {
    #[serde(rename = "app_id")]
    pub(super) app: AppId,
    /// `None`: all of them.
    #[serde(rename = "group_list")]
    pub(super) groups: Option<Vec<GroupId>>,
}

/// Why something was not done, by the code that the platform's gateways have for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: u32,
    message: String,
}

impl Refusal {
    /// The credentials are not good, or none were shown.
    pub(super) fn auth(message: impl Into<String>) -> Self {
        Self::new(606_000_000, message)
    }

    /// A parameter is not there.
    fn missing(name: &str) -> Self {
        Self::new(606_000_002, format!("{name} is missing"))
    }

    /// A parameter is wrong.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(606_000_003, message)
    }

    /// It was right, and could not be done.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(606_000_005, message)
    }

    fn new(code: u32, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }
}

impl Asked {
    /// Reads a frame; `None` if nobody could answer it.
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        let head: Head = serde_json::from_slice(frame).ok()?;
        let fields: Map<String, Value> = serde_json::from_slice(frame).ok()?;
        let request = request(&head, Fields(fields));
        Some(Self { head, request })
    }
}

fn request(head: &Head, mut fields: Fields) -> Result<Request, Refusal> {
    if head.business.as_ref().is_some_and(|business| business != BUSINESS) {
        return Err(Refusal::invalid(format!("business is {BUSINESS} here, or left away")));
    }
    match head.id {
        LOGIN => Ok(Request::Login {
            developer: fields.must("dev_id")?,
            token: fields.must("token")?,
        }),
        LOGOUT => Ok(Request::Logout),
        SUBSCRIBE => Ok(Request::Subscribe(fields.apps()?)),
        UNSUBSCRIBE => match fields.has("app_list") {
            true => Ok(Request::Unsubscribe(Some(fields.apps()?))),
            false => Ok(Request::Unsubscribe(None)),
        },
        SYNC => Ok(Request::Sync(fields.apps()?)),
        HEARTBEAT => Ok(Request::Heartbeat),
        id => Err(Refusal::invalid(format!("nothing is asked by id {id}"))),
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    fn must<T: for<'de> Deserialize<'de>>(&mut self, name: &str) -> Result<T, Refusal> {
        let value = self.0.remove(name).filter(|value| !value.is_null());
        let value = value.ok_or_else(|| Refusal::missing(name))?;
        serde_json::from_value(value).map_err(|error| Refusal::invalid(format!("{name}: {error}")))
    }

    fn apps(&mut self) -> Result<Vec<Selection>, Refusal> {
        let apps: Vec<_> = self.must("app_list")?;
        match apps.is_empty() {
            true => Err(Refusal::invalid("app_list names no App")),
            false => Ok(apps),
        }
    }
}

impl Head {
    /// The answer that something was done, or why it was not. `more` is what else it says.
    pub(super) fn answer(&self, result: &Result<(), Refusal>, more: Map<String, Value>) -> Bytes {
        let mut answer = more;
        let (code, message) = match result {
            Ok(()) => (0, "OK"),
            Err(refusal) => (refusal.code, refusal.message.as_str()),
        };
        answer.insert("business".to_owned(), BUSINESS.into());
        // A number that is none of ours is answered by the same rule.
        answer.insert("id".to_owned(), self.id.saturating_add(1).into());
        for (name, echoed) in [("seq", &self.seq), ("seq_id", &self.seq_id)] {
            if let Some(echoed) = echoed {
                answer.insert(name.to_owned(), echoed.clone());
            }
        }
        answer.insert("result".to_owned(), code.into());
        answer.insert("message".to_owned(), message.into());
        Value::Object(answer).to_string().into()
    }
}

/// Tells what has happened, as the App's push of this number.
pub(super) fn push(happened: &Happened, version: u64) -> Bytes {
    let Happened { app, group, what } = happened;
    let (id, user, media) = match what {
        What::Joined(user) => (JOINED, user, None),
        What::Left(user) => (LEFT, user, None),
        What::Published(media) => (PUBLISHED, &media.user, Some(media)),
        What::Unpublished(media) => (UNPUBLISHED, &media.user, Some(media)),
    };
    let mut push = json!({
        "business": BUSINESS,
        "id": id,
        "app_id": app,
        "group_id": group,
        "user_id": user,
        "version": version,
    });
    if let Some(media) = media {
        push["media_id"] = json!(media.media);
        push["media_type"] = json!(media.media_type);
    }
    push.to_string().into()
}

#[cfg(test)]
mod tests {
    use hst_id::{MediaId, MediaRef, MediaType, UserId};

    use super::*;

    fn read(frame: &str) -> Result<Request, Refusal> {
        Asked::read(frame.as_bytes()).unwrap().request
    }

    fn app(groups: Option<&[&str]>) -> Selection {
        let groups = groups.map(|groups| groups.iter().map(|group| group.parse().unwrap()).collect());
        let app = AppId::parse("a").unwrap();
        Selection { app, groups }
    }

    #[test]
    fn every_request_is_read_with_and_without_the_name_of_the_service() {
        for business in ["", r#""business":"EGW","#, r#""business":null,"#] {
            let read = |rest: &str| read(&format!("{{{business}{rest}}}")).unwrap();
            let login = Request::Login {
                developer: "d".to_owned(),
                token: "t".to_owned(),
            };
            assert_eq!(read(r#""id":20000,"dev_id":"d","token":"t""#), login);
            assert_eq!(read(r#""id":20002"#), Request::Logout);
            let one = r#""app_list":[{"app_id":"a","group_list":["g"]}]"#;
            let listed = vec![app(Some(&["g"]))];
            assert_eq!(read(&format!(r#""id":20004,{one}"#)), Request::Subscribe(listed));
            let all = r#""app_list":[{"app_id":"a"}]"#;
            assert_eq!(
                read(&format!(r#""id":20006,{all}"#)),
                Request::Unsubscribe(Some(vec![app(None)]))
            );
            assert_eq!(read(r#""id":20006"#), Request::Unsubscribe(None));
            assert_eq!(read(&format!(r#""id":20008,{all}"#)), Request::Sync(vec![app(None)]));
            assert_eq!(read(r#""id":20010,"seq":1"#), Request::Heartbeat);
        }
    }

    #[test]
    fn what_is_wrong_with_a_request_is_said_by_a_code() {
        for (frame, code) in [
            (r#"{"id":20000,"dev_id":"d"}"#, 606_000_002),
            (r#"{"id":20000,"dev_id":7,"token":"t"}"#, 606_000_003),
            (r#"{"id":20004}"#, 606_000_002),
            (r#"{"id":20004,"app_list":[]}"#, 606_000_003),
            (r#"{"id":20004,"app_list":[{}]}"#, 606_000_003),
            (r#"{"id":20004,"app_list":[{"app_id":"a b"}]}"#, 606_000_003),
            (
                r#"{"id":20008,"app_list":[{"app_id":"a","group_list":["g.h"]}]}"#,
                606_000_003,
            ),
            (r#"{"id":20010,"business":"SG"}"#, 606_000_003),
            (r#"{"id":20001}"#, 606_000_003),
            (r#"{"id":18446744073709551615}"#, 606_000_003),
        ] {
            assert_eq!(read(frame).unwrap_err().code, code, "{frame}");
        }
    }

    #[test]
    fn what_has_no_number_is_not_answered() {
        for frame in [
            "",
            "{}",
            "[]",
            "20010",
            r#"{"id":"20010"}"#,
            r#"{"id":-1}"#,
            "{\"id\":20010}}",
            "\u{0}",
        ] {
            assert!(Asked::read(frame.as_bytes()).is_none(), "{frame:?}");
        }
        assert!(Asked::read(b"{\"id\":20010,\"x\":\"\xff\"}").is_none());
    }

    #[test]
    fn a_request_with_any_byte_changed_is_answered_or_passed_over() {
        let frame = br#"{"id":20004,"business":"EGW","seq":7,"app_list":[{"app_id":"a","group_list":["g","h"]}]}"#;
        for at in 0..frame.len() {
            for byte in [0, b'"', b'{', b']', b'9', b'-', b'\\', 0xff] {
                let mut changed = frame.to_vec();
                changed[at] = byte;
                if let Some(Asked { head, request }) = Asked::read(&changed) {
                    let answer = head.answer(&request.map(|_| ()), Map::new());
                    assert!(serde_json::from_slice::<Value>(&answer).is_ok());
                }
                let _ = Asked::read(&changed[..at]);
            }
        }
    }

    #[test]
    fn an_answer_carries_the_number_of_its_request() {
        let answer = |frame: &str| -> Value {
            let asked = Asked::read(frame.as_bytes()).unwrap();
            serde_json::from_slice(&asked.head.answer(&Ok(()), Map::new())).unwrap()
        };
        assert_eq!(
            answer(r#"{"id":20010,"business":"EGW","seq":7,"seq_id":"x"}"#),
            json!({"business": "EGW", "id": 20_011, "seq": 7, "seq_id": "x", "result": 0, "message": "OK"})
        );
        assert_eq!(
            answer(r#"{"id":20002}"#),
            json!({"business": "EGW", "id": 20_003, "result": 0, "message": "OK"})
        );
        let refused = Asked::read(br#"{"id":20004,"seq":1}"#).unwrap();
        let refused = refused.head.answer(&refused.request.map(|_| ()), Map::new());
        assert_eq!(
            serde_json::from_slice::<Value>(&refused).unwrap(),
            json!({"business": "EGW", "id": 20_005, "seq": 1, "result": 606_000_002, "message": "app_list is missing"})
        );
    }

    #[test]
    fn a_push_says_what_has_happened_where_and_to_whom() {
        let user = UserId::parse("bob").unwrap();
        let media = MediaRef {
            user: user.clone(),
            media_type: MediaType::Audio,
            media: MediaId::parse("appdef_mic").unwrap(),
        };
        let push = |what, version| -> Value {
            let (app, group) = ("a".parse().unwrap(), "g".parse().unwrap());
            serde_json::from_slice(&push(&Happened { app, group, what }, version)).unwrap()
        };
        for (what, id) in [(What::Joined(user.clone()), 20_100), (What::Left(user), 20_101)] {
            assert_eq!(
                push(what, 1),
                json!({"business": "EGW", "id": id, "app_id": "a", "group_id": "g", "user_id": "bob", "version": 1})
            );
        }
        for (what, id) in [
            (What::Published(media.clone()), 20_102),
            (What::Unpublished(media), 20_103),
        ] {
            assert_eq!(
                push(what, 9),
                json!({
                    "business": "EGW", "id": id, "app_id": "a", "group_id": "g", "user_id": "bob", "version": 9,
                    "media_id": "appdef_mic", "media_type": 1
                })
            );
        }
    }
}

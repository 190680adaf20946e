use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The field of a message of the group that is a letter.
const FIELD: &str = "hst_e2ee";

/// What members of a group write to each other for their keys: who one is, and for those who are known the own key. All
/// bytes are in base64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The public key of its sender, which he made as he joined: a point of P-256 in 65 bytes.
    pub public: String,
    /// Which key of its sender's, by his count, is in use; its lowest 8 bits are the number in frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// That key, encrypted for each of these users.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
}

impl Letter {
    /// The letter in a message of the group; `None` for one that is the application's. A letter that is damaged is an
    /// empty one.
    pub fn in_message(json: &str) -> Option<Self> {
        // Most messages are not looked at any closer.
        if !json.contains(FIELD) {
            return None;
        }
        let mut message: Map<String, Value> = serde_json::from_str(json).ok()?;
        let letter = message.remove(FIELD).filter(Value::is_object)?;
        Some(serde_json::from_value(letter).unwrap_or_default())
    }

    /// The message that brings it.
    pub fn to_message(&self) -> String {
        serde_json::json!({ FIELD: self }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_found_in_a_message_and_nothing_else_is() {
        let letter = Letter {
            public: "BA==".to_owned(),
            id: Some(3),
            keys: BTreeMap::from([("ben".to_owned(), "AA==".to_owned())]),
        };
        let message = r#"{"hst_e2ee":{"id":3,"keys":{"ben":"AA=="},"public":"BA=="}}"#;
        assert_eq!(letter.to_message(), message);
        assert_eq!(Letter::in_message(message), Some(letter));
        let hello = Letter::in_message(r#"{"hst_e2ee":{"public":"BA=="}}"#);
        assert_eq!(hello.map(|hello| (hello.id, hello.keys.len())), Some((None, 0)));
        for damaged in [r#"{"hst_e2ee":{}}"#, r#"{"hst_e2ee":{"public":"","id":-1}}"#] {
            assert_eq!(Letter::in_message(damaged), Some(Letter::default()), "{damaged}");
        }
        for other in [r#""hst_e2ee""#, r#"{"hst_e2ee":1}"#, r#"{"text":"hst_e2ee"}"#, "1", ""] {
            assert_eq!(Letter::in_message(other), None, "{other}");
        }
    }
}

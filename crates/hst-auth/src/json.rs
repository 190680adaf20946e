//! JSON objects read strictly: a key that comes twice, at any depth, is an error and not a choice. Two readers that
//! choose differently are how a token says one thing to its checker and another to its user.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::TokenError;

/// A JSON object of which one takes what one knows.
#[derive(Debug)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// # Errors
    /// `Rejected` if the bytes are not one JSON object without repeated keys.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, TokenError> {
        serde_json::from_slice(json).map_err(|_| TokenError::Rejected)
    }

    /// Takes a value out; `null` is a value, and no known field has it.
    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    /// Takes a string, if there.
    pub(crate) fn take_text(&mut self, key: &str) -> Result<Option<String>, TokenError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenError::Rejected),
        }
    }

    /// Takes a whole number from 0 on that is written as one, if there.
    pub(crate) fn take_integer(&mut self, key: &str) -> Result<Option<u64>, TokenError> {
        self.take(key)
            .map(|value| value.as_u64().ok_or(TokenError::Rejected))
            .transpose()
    }

    /// Whether everything was taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Strict::deserialize(from)?.0 {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

/// A JSON value without repeated keys.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated keys")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key comes twice"));
            }
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i8_repeated_keys_are_refused_at_any_depth() {
        assert!(Object::parse(br#"{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}"#).is_ok());
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"{"b":[{"a":1,"a":2}]}"#,
        ] {
            assert!(Object::parse(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn i8_only_one_whole_object_is_read() {
        for json in [
            "",
            "[]",
            "1",
            "null",
            "{} {}",
            r#"{"a":1,}"#,
            r#"{"a":1e400}"#,
            r#"{"a":01}"#,
        ] {
            assert!(Object::parse(json.as_bytes()).is_err(), "{json}");
        }
        let deep = format!("{}{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
        assert!(Object::parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn i8_integers_are_integers() {
        let taken = |json: &str| Object::parse(json.as_bytes()).unwrap().take_integer("n");
        assert_eq!(taken(r#"{"n":18446744073709551615}"#), Ok(Some(u64::MAX)));
        assert_eq!(taken("{}"), Ok(None));
        for json in [
            r#"{"n":-1}"#,
            r#"{"n":1.0}"#,
            r#"{"n":1e3}"#,
            r#"{"n":"1"}"#,
            r#"{"n":null}"#,
            r#"{"n":1e30}"#,
        ] {
            assert_eq!(taken(json), Err(TokenError::Rejected), "{json}");
        }
    }
}

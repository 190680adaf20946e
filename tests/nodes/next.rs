//! A node of the next version, as far as others can tell: everything that it says has fields that this version does not know,
//! and between what it says are things of which this version knows nothing at all.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use hst_cluster::{
    Bus, Directory, Entry, Filter, Key, Prefix, RequestError, Revision, Subject, Subscription, Unavailable, Watch,
    WriteError,
};
use hst_cluster_nats::{Nats, Options};
use hst_tests::house::House;
use serde_json::{Value, json};

/// What this version has never heard of.
const STRANGE: &[u8] = br#"{"of_the_next_version":{"re":1}}"#;
/// Where it is heard beside what is understood.
const HEARD: [&str; 5] = ["node.", "nodes", "beats", "feed.", "invite."];
/// The fields that hold JSON as a text.
const TEXTS: [&str; 2] = ["info", "text"];
/// The bytes of a pipe's frame before the name of the node that sends it, the length of the name being the last of them.
const FRAME: usize = 27;
/// The kinds of such a frame behind whose numbers, of so many bytes, is JSON.
const OPEN: (u8, usize) = (1, 0);
const DATA: (u8, usize) = (2, 16);

/// Starts such a node.
pub(crate) async fn start(nats: &str, name: &str) -> House {
    let nats = Nats::connect(Options::new([nats])).await.unwrap();
    let next = Arc::new(Next(nats));
    let strange = Key::parse("kept.of_the_next_version").unwrap().with(&1);
    next.create(&strange, Bytes::from_static(STRANGE)).await.unwrap();
    House::node_by(next.clone(), next, name).await
}

#[derive(Debug)]
struct Next(Nats);

#[async_trait]
impl Directory for Next {
    async fn create(&self, key: &Key, value: Bytes) -> Result<Revision, WriteError> {
        self.0.create(key, entry(key, value)).await
    }

    async fn update(&self, key: &Key, value: Bytes, expected: Revision) -> Result<Revision, WriteError> {
        self.0.update(key, entry(key, value), expected).await
    }

    async fn delete(&self, key: &Key, expected: Revision) -> Result<(), WriteError> {
        self.0.delete(key, expected).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        self.0.get(key).await
    }

    async fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Unavailable> {
        self.0.list(prefix).await
    }

    async fn watch(&self, prefix: &Prefix) -> Result<Box<dyn Watch>, Unavailable> {
        self.0.watch(prefix).await
    }
}

#[async_trait]
impl Bus for Next {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable> {
        if HEARD.iter().any(|heard| subject.as_str().starts_with(heard)) {
            self.0.publish(subject, Bytes::from_static(STRANGE)).await?;
        }
        self.0.publish(subject, message(subject, payload)).await
    }

    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable> {
        self.0.subscribe(filter).await
    }

    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        self.0.request(subject, message(subject, payload), timeout).await
    }
}

fn entry(key: &Key, value: Bytes) -> Bytes {
    let Some(mut grown) = read(&value) else { return value };
    grow(&mut grown);
    if key.as_str().starts_with("node.") {
        grown["speaks"] = json!({ "oldest": 2, "newest": 4, "of_the_next_version": true });
    }
    grown.to_string().into()
}

fn message(subject: &Subject, payload: Bytes) -> Bytes {
    let at = match subject.as_str().starts_with("pipe.") {
        true => json_in_frame(&payload),
        false => Some(0),
    };
    let Some((head, json)) = at.and_then(|at| payload.split_at_checked(at)) else {
        return payload;
    };
    let Some(mut grown) = read(json) else { return payload };
    grow(&mut grown);
    [head, grown.to_string().as_bytes()].concat().into()
}

/// Where the JSON begins that a frame of a pipe carries.
fn json_in_frame(frame: &[u8]) -> Option<usize> {
    let (&kind, &name) = (frame.get(1)?, frame.get(FRAME - 1)?);
    let (_, numbers) = [OPEN, DATA].into_iter().find(|(known, _)| *known == kind)?;
    Some(FRAME + usize::from(name) + numbers)
}

fn read(json: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(json).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}

/// Adds a field to whatever has several. One alone may be the name of a kind, which has no second one.
fn grow(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(grow),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let inside = value.as_str().filter(|_| TEXTS.contains(&&**name));
                match inside.and_then(|text| read(text.as_bytes())) {
                    Some(mut inside) => {
                        grow(&mut inside);
                        *value = inside.to_string().into();
                    }
                    None => grow(value),
                }
            }
            if fields.len() > 1 {
                fields.insert("of_the_next_version".to_owned(), json!([{ "more": 1 }]));
            }
        }
        _ => {}
    }
}

//! The files that the tests in JavaScript read, too.

#![allow(dead_code, reason = "each test reads its own file")]

use std::{fs, path::Path};

use serde::{Deserialize, de::DeserializeOwned};

/// `rfc9605.json`: what the RFC prints.
#[derive(Deserialize)]
pub(crate) struct Vectors {
    pub(crate) sframe: SframeVector,
    pub(crate) headers: Vec<HeaderVector>,
}

#[derive(Deserialize)]
pub(crate) struct SframeVector {
    pub(crate) kid: u64,
    pub(crate) ctr: u64,
    pub(crate) base_key: String,
    pub(crate) metadata: String,
    pub(crate) pt: String,
    pub(crate) ct: String,
}

#[derive(Deserialize)]
pub(crate) struct HeaderVector {
    pub(crate) kid: String,
    pub(crate) ctr: String,
    pub(crate) encoded: String,
}

/// `frames.json`: what one sender sends, from his first frame on.
#[derive(Deserialize)]
pub(crate) struct Story {
    pub(crate) group: String,
    pub(crate) user: String,
    /// His session, in 12 hexadecimal digits.
    pub(crate) session: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Key { id: u8, bytes: String },
    Passphrase { id: u8, text: String },
    Ratchet { id: u8 },
    Opus { plain: String, sealed: String },
    Vp8 { plain: String, sealed: String },
}

impl Vectors {
    pub(crate) fn load() -> Self {
        load("rfc9605.json")
    }
}

impl Story {
    pub(crate) fn load() -> Self {
        load("frames.json")
    }
}

fn load<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

use serde_json::{Map, Value};

use super::wire::Asked;

/// What a client of the event gateway asks: whatever it is, there is an answer that can be read.
pub fn asked(data: &[u8]) {
    let Some(Asked { head, request }) = Asked::read(data) else {
        return;
    };
    let answer = head.answer(&request.map(drop), Map::new());
    let answer: Value = serde_json::from_slice(&answer).expect("it is JSON");
    assert!(answer["id"].as_u64() > Some(0) && answer["result"].is_u64(), "{answer}");
}

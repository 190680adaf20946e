//! Questions to other nodes, and the answer that one was not understood.

use std::{fmt::Display, time::Duration};

use bytes::Bytes;
use hst_cluster::{RequestError, Subject};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::node::Node;

/// How the answer begins by which a node says that it has not understood; no other answer begins so.
const BEGINNING: &[u8] = br#"{"not_understood":"#;

/// Why a question to another node has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Unanswered {
    /// The node has not answered.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It, or this one, has another version: nothing was done, or nobody can read what came of it.
    #[error("nodes of different versions do not understand each other in this")]
    NotUnderstood,
}

#[derive(Serialize)]
struct NotUnderstood {
    not_understood: String,
}

/// The answer to a question that this version does not understand.
pub(crate) fn not_understood(why: &impl Display) -> Bytes {
    let answer = NotUnderstood {
        not_understood: why.to_string(),
    };
    serde_json::to_vec(&answer).expect("a text is JSON").into()
}

/// What an answer says.
pub(crate) fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Unanswered> {
    serde_json::from_slice(answer).map_err(|error| {
        tracing::warn!(%error, "what another node has answered is not understood");
        Unanswered::NotUnderstood
    })
}

impl Node {
    /// Asks whoever listens there, and waits for an answer that says something.
    pub(crate) async fn ask(&self, at: &Subject, question: Bytes, patience: Duration) -> Result<Bytes, Unanswered> {
        let answer = self.bus.request(at, question, patience).await?;
        if answer.starts_with(BEGINNING) {
            let said = String::from_utf8_lossy(&answer);
            tracing::warn!(%at, %said, "another node does not understand what it is asked");
            return Err(Unanswered::NotUnderstood);
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_something_is_not_understood_is_said_in_a_form_that_stays() {
        let said = not_understood(&"a \"new\" kind");
        assert_eq!(said, r#"{"not_understood":"a \"new\" kind"}"#);
        assert!(said.starts_with(BEGINNING));
    }
}

use std::net::SocketAddr;

use rtc_stun::{
    attributes::ATTR_XORMAPPED_ADDRESS,
    message::{METHOD_BINDING, TransactionId},
};

use crate::message::{Reply, Request};

/// A question to a STUN server (RFC 8489): where do you see me?
#[derive(Debug)]
pub struct Question {
    transaction: TransactionId,
}

impl Question {
    /// One that nobody can answer unseen.
    #[expect(clippy::new_without_default, reason = "no two are alike")]
    pub fn new() -> Self {
        Self {
            transaction: TransactionId::new(),
        }
    }

    /// What to send; the same as often as it takes.
    pub fn bytes(&self) -> Vec<u8> {
        Reply::question(METHOD_BINDING, self.transaction).plain()
    }

    /// The address, if this is the answer.
    pub fn answer(&self, bytes: &[u8]) -> Option<SocketAddr> {
        let message = Request::parse(bytes)?;
        let is_mine = message.is_success() && message.transaction() == self.transaction;
        let addresses = message.addresses(ATTR_XORMAPPED_ADDRESS).filter(|_| is_mine)?;
        addresses.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n2_only_the_answer_to_the_question_is_believed() {
        let question = Question::new();
        for seen in ["192.0.2.1:5000", "[2001:db8::1]:5000"] {
            let seen = seen.parse().unwrap();
            let answer = |id| {
                Reply::answer(METHOD_BINDING, id)
                    .with_address(ATTR_XORMAPPED_ADDRESS, seen)
                    .plain()
            };
            let good = answer(question.transaction);
            assert_eq!(question.answer(&good), Some(seen));
            assert_eq!(question.answer(&answer(TransactionId::new())), None);
            assert_eq!(question.answer(&question.bytes()), None);
            for cut in 0..good.len() {
                assert_eq!(question.answer(&good[..cut]), None);
            }
        }
    }
}

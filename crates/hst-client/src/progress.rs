use hst_group::client::Refusal;

use crate::command::Outcome;

/// How far a media is on its way to being settled, and what to tell its caller then.
#[derive(Debug)]
pub(crate) struct Progress<T> {
    pub(crate) announced: bool,
    pub(crate) negotiated: bool,
    outcome: Option<(T, Outcome<T>)>,
}

impl<T> Progress<T> {
    pub(crate) fn new(value: T, outcome: Outcome<T>) -> Self {
        Self {
            announced: false,
            negotiated: false,
            outcome: Some((value, outcome)),
        }
    }

    /// Tells the caller if it is settled now.
    pub(crate) fn advance(&mut self) {
        if self.announced
            && self.negotiated
            && let Some((value, outcome)) = self.outcome.take()
        {
            // The caller may have given up.
            let _ = outcome.send(Ok(value));
        }
    }

    /// Tells the caller that it will not be settled.
    pub(crate) fn fail(self, why: &Refusal) {
        if let Some((_, outcome)) = self.outcome {
            let _ = outcome.send(Err(why.clone().into()));
        }
    }
}

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hst_id::AppId;
use tokio::time::Instant;

use crate::{AccessDiscovery, AccessError, AccessPoints};

/// Answers are kept for so many apps; an engine serves one, a gateway a handful. One more replaces the oldest answer.
const MAX_APPS: usize = 64;

/// Remembers each app's answer for a while, and falls back on it when a new one can't be had.
#[derive(Debug)]
pub struct Cached<D> {
    inner: D,
    ttl: Duration,
    // A lock, because one discovery serves many logins at once. Held for a look-up, never while waiting.
    answers: Mutex<HashMap<Option<AppId>, Answer>>,
}

#[derive(Debug)]
struct Answer {
    points: AccessPoints,
    at: Instant,
}

impl<D: AccessDiscovery> Cached<D> {
    /// Asks `inner` again when its answer is older than `ttl`.
    pub fn new(inner: D, ttl: Duration) -> Self {
        Self {
            inner,
            ttl,
            answers: Mutex::default(),
        }
    }

    fn with_answers<T>(&self, look: impl FnOnce(&mut HashMap<Option<AppId>, Answer>) -> T) -> T {
        // Every entry is whole whenever the lock is free, so another thread's panic has broken nothing.
        look(&mut self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, app: Option<&AppId>, points: AccessPoints) {
        let at = Instant::now();
        self.with_answers(|answers| {
            if answers.len() >= MAX_APPS && !answers.contains_key(&app.cloned()) {
                let oldest = answers
                    .iter()
                    .min_by_key(|(_, answer)| answer.at)
                    .map(|(app, _)| app.clone());
                oldest.and_then(|app| answers.remove(&app));
            }
            answers.insert(app.cloned(), Answer { points, at });
        });
    }
}

#[async_trait]
impl<D: AccessDiscovery> AccessDiscovery for Cached<D> {
    /// Two questions at once for an app without a fresh answer both go through. If no new answer can be had, the old one is
    /// given, however old, because a known address is worth trying; only a refusal is an answer too, and ends it.
    async fn discover<'a>(&self, app: Option<&'a AppId>) -> Result<AccessPoints, AccessError> {
        let known = self.with_answers(|answers| {
            answers
                .get(&app.cloned())
                .map(|answer| (answer.points.clone(), answer.at))
        });
        if let Some((points, at)) = &known
            && at.elapsed() < self.ttl
        {
            return Ok(points.clone());
        }
        match (self.inner.discover(app).await, known) {
            (Ok(points), _) => {
                self.keep(app, points.clone());
                Ok(points)
            }
            (Err(error @ AccessError::Refused { .. }), _) => {
                self.with_answers(|answers| answers.remove(&app.cloned()));
                Err(error)
            }
            (Err(_), Some((points, _))) => Ok(points),
            (Err(error), None) => Err(error),
        }
    }
}

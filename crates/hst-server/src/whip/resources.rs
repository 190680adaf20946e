use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::StatusCode;
use hst_proto::ErrorCode;
use tokio::sync::mpsc;

use super::{Refusal, stream::Order};
use crate::sessions::Secret;

/// Orders that wait for a stream. When it is full, who asks waits.
const ORDERS: usize = 4;

/// The resources of this node, by path. There are no more than sessions, which are bounded.
///
/// A lock, because requests come on all threads; held for one look-up.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    book: Mutex<HashMap<String, Resource>>,
}

#[derive(Debug)]
struct Resource {
    /// By which the bearer is known who made it: it does not tell what he bears.
    proof: String,
    orders: mpsc::Sender<Order>,
}

/// A resource's place among the others, as long as it is held.
#[derive(Debug)]
pub(super) struct Shelf {
    resources: Arc<Resources>,
    pub(super) path: String,
}

impl Resources {
    /// A new resource below this path, whose name nobody can guess, for the bearer of this token.
    pub(super) fn enter(self: &Arc<Self>, endpoint: &str, token: &str) -> (Shelf, mpsc::Receiver<Order>) {
        let path = format!("{endpoint}/{}", Secret::random().as_str());
        let (orders, inbox) = mpsc::channel(ORDERS);
        let proof = Secret::proof_of(token);
        self.lock().insert(path.clone(), Resource { proof, orders });
        let resources = self.clone();
        (Shelf { resources, path }, inbox)
    }

    /// The way to a resource, for the bearer who made it.
    ///
    /// # Errors
    /// 404 and 401.
    pub(super) fn find(&self, path: &str, token: &str) -> Result<mpsc::Sender<Order>, Refusal> {
        let proof = Secret::proof_of(token);
        let book = self.lock();
        let resource = book.get(path).ok_or_else(nothing)?;
        check(resource, &proof)?;
        Ok(resource.orders.clone())
    }

    /// The same, and nobody finds it any more.
    ///
    /// # Errors
    /// 404 and 401.
    pub(super) fn take(&self, path: &str, token: &str) -> Result<mpsc::Sender<Order>, Refusal> {
        let proof = Secret::proof_of(token);
        let mut book = self.lock();
        check(book.get(path).ok_or_else(nothing)?, &proof)?;
        book.remove(path).map(|resource| resource.orders).ok_or_else(nothing)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Resource>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.resources.lock().remove(&self.path);
    }
}

/// There is no such resource, or it has ended.
pub(super) fn nothing() -> Refusal {
    let message = "there is no such resource, or it has ended";
    Refusal::new(StatusCode::NOT_FOUND, ErrorCode::SessionGone, message)
}

/// Digests are compared, so the time that it takes tells nothing of the token.
fn check(resource: &Resource, proof: &str) -> Result<(), Refusal> {
    if resource.proof == proof {
        return Ok(());
    }
    let message = "another token made this resource";
    Err(Refusal::new(StatusCode::UNAUTHORIZED, ErrorCode::TokenRefused, message))
}

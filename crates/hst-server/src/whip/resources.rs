use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::StatusCode;
use hst_proto::ErrorCode;
use tokio::sync::{mpsc, oneshot};

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
    /// By which the bearer of its token is known: it does not tell what he bears.
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

    /// The way to a resource, for the bearer of its token or of another one that its user could log in with: then that is
    /// its token from now on.
    ///
    /// # Errors
    /// 404, 401 and 429.
    pub(super) async fn open(&self, path: &str, token: &str) -> Result<mpsc::Sender<Order>, Refusal> {
        let proof = Secret::proof_of(token);
        let (orders, is_its_token) = {
            let book = self.lock();
            let resource = book.get(path).ok_or_else(nothing)?;
            // Digests are compared, so the time that it takes tells nothing of the token.
            (resource.orders.clone(), resource.proof == proof)
        };
        if !is_its_token {
            let (outcome, renewed) = oneshot::channel();
            let token = token.to_owned();
            let order = Order::Renew { token, outcome };
            orders.send(order).await.map_err(|_| nothing())?;
            renewed.await.map_err(|_| nothing())??;
            // It may have ended meanwhile.
            if let Some(resource) = self.lock().get_mut(path) {
                resource.proof = proof;
            }
        }
        Ok(orders)
    }

    /// From now on nobody finds this resource; the first time it says so.
    pub(super) fn remove(&self, path: &str) -> bool {
        self.lock().remove(path).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Resource>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.resources.remove(&self.path);
    }
}

/// There is no such resource, or it has ended.
pub(super) fn nothing() -> Refusal {
    let message = "there is no such resource, or it has ended";
    Refusal::new(StatusCode::NOT_FOUND, ErrorCode::SessionGone, message)
}

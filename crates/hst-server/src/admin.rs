//! What is done to Apps and to those who use them from outside, by their owners' backends and by who runs the server.

mod apps;
mod bans;
mod consumption;
mod developers;
mod figures;
mod groups;
mod nodes;
mod parts;
mod refused;
mod users;

use std::{future::Future, sync::Arc};

use hst_store::StoreError;
use tokio::task::{JoinError, spawn_blocking};

#[cfg(test)]
pub(crate) use self::consumption::Used;
pub(crate) use self::{
    consumption::{AllConsumption, ConsumptionAsk},
    figures::{AllStreams, Stream, StreamsAsk},
    groups::{GroupAnswer, GroupAsk},
    nodes::NodeNow,
    refused::Refused,
    users::Terminal,
};
use crate::{apps::Apps, hub::Hub};

impl Hub {
    /// Does what waits for the disk, away from the threads that serve everybody. Once begun it is done, also when
    /// nobody waits for it any more.
    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Apps) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refused> {
        let apps: Arc<Apps> = self.apps.clone();
        let done = spawn_blocking(move || work(&apps)).await;
        Ok(done.unwrap_or_else(go_on_panicking)?)
    }
}

/// Carries something through that has several steps: whoever asked for it may hang up after the first, and a user who
/// was banned would still be there.
pub(crate) async fn to_the_end<T: Send + 'static>(steps: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(steps).await.unwrap_or_else(go_on_panicking)
}

fn go_on_panicking<T>(error: JoinError) -> T {
    std::panic::resume_unwind(error.into_panic())
}

//! What every implementation owes its callers, as test functions.
//!
//! [`directory_contract!`](crate::directory_contract) and [`bus_contract!`](crate::bus_contract) make tests of them. Each
//! test opens a cluster of its own, with nothing in it, and looks at it from two nodes.

pub mod bus;
pub mod directory;

use std::{
    any::Any,
    fmt::Debug,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::{task::yield_now, time::timeout};

/// Far beyond what any step takes: a test that hangs fails here.
const PATIENCE: Duration = Duration::from_secs(60);

/// One cluster as two of its nodes see it; `T` is `dyn Directory` or `dyn Bus`.
#[derive(Debug)]
pub struct Nodes<T: ?Sized + Debug> {
    /// As one node sees it.
    pub one: Arc<T>,
    /// As another does.
    pub other: Arc<T>,
    /// Whatever must live as long as the test does, such as a server.
    pub keep: Box<dyn Any + Send>,
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("done in time")
}

/// Polls what `start` makes, and drops it and starts again each time it is not ready at once.
async fn impatiently<C, T>(context: &mut C, start: impl AsyncFn(&mut C) -> T) -> T {
    loop {
        {
            let mut attempt = pin!(start(context));
            if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(attempt.as_mut().poll(cx))).await {
                return done;
            }
        }
        yield_now().await;
    }
}

use std::future::Future;

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::error::CliError;

/// How many come in at a time.
const AT_ONCE: usize = 64;

/// Lets `count` come in, a bounded number at a time, and hands each over as soon as it is there.
pub(super) async fn gather<T, F>(
    count: usize,
    mut enter: impl FnMut(usize) -> F,
    mut entered: impl FnMut(T),
) -> Result<(), CliError>
where
    F: Future<Output = Result<T, CliError>>,
{
    let mut coming = FuturesUnordered::new();
    for index in 0..count {
        if coming.len() == AT_ONCE
            && let Some(came) = coming.next().await
        {
            entered(came?);
        }
        coming.push(enter(index));
    }
    while let Some(came) = coming.next().await {
        entered(came?);
    }
    Ok(())
}

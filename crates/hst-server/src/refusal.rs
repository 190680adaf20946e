use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep_until};

/// When a refused login is answered, counted from its arrival: long after any reason to refuse it was found.
const REFUSAL: Duration = Duration::from_millis(100);

/// Judges somebody who wants to come in, so that the time of a refusal tells nothing about its reason.
pub(crate) async fn evenly<T, E>(judgement: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let answer_at = Instant::now() + REFUSAL;
    let verdict = judgement.await;
    if verdict.is_err() {
        sleep_until(answer_at).await;
    }
    verdict
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a12_refusals_take_the_same_time_whatever_they_took_to_find() {
        for work in [0, 1, 40] {
            let start = Instant::now();
            let verdict: Result<(), ()> = evenly(async {
                sleep(Duration::from_millis(work)).await;
                Err(())
            })
            .await;
            assert_eq!((verdict, start.elapsed()), (Err(()), REFUSAL));
        }
        let start = Instant::now();
        assert_eq!(evenly(async { Ok::<_, ()>(7) }).await, Ok(7));
        assert_eq!(start.elapsed(), Duration::ZERO, "who may come in does not wait");
    }
}

use std::{
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};

use tokio::{
    task::coop::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// A timer that is asked for often and set anew seldom: to set one costs more than all else that a session does for a
/// message, and so does a look at one. It is for one task.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    /// When the sleep wakes the task.
    set: Option<Instant>,
}

impl Alarm {
    /// Waits until `due`, for ever if that is never. Cancel-safe.
    pub(crate) async fn at(&mut self, due: Option<Instant>) {
        let Some(due) = due else {
            return pending().await;
        };
        poll_fn(|cx| {
            if self.set == Some(due) && Instant::now() < due {
                return Poll::Pending;
            }
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if sleep.deadline() != due {
                sleep.as_mut().reset(due);
            }
            self.set = Some(due);
            // A task that has had its share would be told to wait without its timer being set.
            pin!(unconstrained(sleep)).poll(cx)
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_off_when_it_was_set_to_last_and_again_while_that_is_past() {
        let start = Instant::now();
        let mut alarm = Alarm::default();
        let soon = |seconds| Some(start + Duration::from_secs(seconds));
        for other in [soon(9), None, soon(1)] {
            let patience = Duration::from_millis(100);
            assert!(timeout(patience, alarm.at(other)).await.is_err());
        }
        for _ in 0..2 {
            assert!(timeout(Duration::from_millis(100), alarm.at(soon(5))).await.is_err());
        }
        alarm.at(soon(5)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        alarm.at(soon(5)).await;
        alarm.at(soon(2)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }
}

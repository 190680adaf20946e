use std::sync::Arc;

use tokio::time::{Duration, interval};

use crate::hub::Hub;

/// How often what is over is forgotten.
const EVERY: Duration = Duration::from_secs(3600);

impl Hub {
    /// Keeps the database from growing by what counts no more: at the start, and then each hour.
    pub(crate) async fn keep_up(self: Arc<Self>) {
        let mut due = interval(EVERY);
        loop {
            tokio::select! {
                _ = due.tick() => {}
                () = self.life.draining() => return,
            }
            if let Err(error) = self.registry.forget_what_is_over().await {
                tracing::warn!(%error, "what is over was not forgotten");
            } else if !self.node.is_alone {
                self.registry.remember_agreement(true).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hst_auth::UnixMillis;
    use hst_id::{AppId, UserId};
    use hst_store::{Ban, BanReason, Store, Until};
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::{DEV_APP_ID, apps::now, config::Config};

    /// A ban that ended so many hours ago.
    fn over(user: &str, hours: u64) -> Ban {
        let end = now().as_millis() - hours * 3_600_000;
        Ban {
            user: UserId::parse(user).unwrap(),
            group: None,
            until: Until::Moment(UnixMillis::from_millis(end)),
            reason: BanReason::parse("").unwrap(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_is_forgotten_at_the_start_and_each_hour() {
        let app = AppId::parse(DEV_APP_ID).unwrap();
        let store = Store::in_memory().unwrap();
        let forever = Ban {
            until: Until::Forever,
            ..over("eve", 0)
        };
        // The clock of who says that this one is over may be wrong.
        let recent = over("dan", 0);
        let early = UnixMillis::from_millis(0);
        for ban in [&over("ann", 2), &recent, &forever] {
            store.ban(&app, ban, early).unwrap();
        }
        let (_lifeline, hub) = Hub::in_memory(Config::dev().apps, store).await;
        let kept = || hub.apps.store.bans(&app, early).unwrap();
        let forgets = async || {
            let forgotten = async {
                while kept().len() > 2 {
                    sleep(Duration::from_millis(10)).await
                }
            };
            timeout(2 * EVERY, forgotten).await.unwrap();
            assert_eq!(kept(), [recent.clone(), forever.clone()]);
        };
        tokio::spawn(hub.clone().keep_up());
        forgets().await;
        hub.registry.ban(&app, over("bob", 2)).await.unwrap();
        sleep(EVERY / 2).await;
        assert_eq!(kept().len(), 3, "not yet");
        forgets().await;
    }
}

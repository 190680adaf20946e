use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hst_id::{AppId, UserId};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

/// How long a login that takes another one's place waits for it to be gone.
const EVICTION: Duration = Duration::from_secs(5);

/// Who is online: at most one session of each user in an App. A clone is the same list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logins {
    online: Arc<Online>,
}

/// A lock, because every connection looks itself up here; held for one look-up.
type Online = Mutex<HashMap<Key, Seat>>;
type Key = (AppId, UserId);

#[derive(Debug, Clone)]
struct Seat {
    evict: Arc<Notify>,
    /// Ends when the login does.
    taken: watch::Receiver<()>,
}

/// One user's login. He is online as long as it lives.
#[derive(Debug)]
pub(crate) struct Login {
    key: Key,
    evict: Arc<Notify>,
    online: Arc<Online>,
    _taken: watch::Sender<()>,
}

/// The same user is online already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken;

impl Logins {
    /// Makes a user online. With `force` an earlier login of his gives way, if it does so in time.
    pub(crate) async fn claim(&self, app: AppId, user: UserId, force: bool) -> Result<Login, Taken> {
        let key = (app, user);
        let insist = async {
            loop {
                match self.try_claim(&key) {
                    Ok(login) => break Ok(login),
                    Err(_) if !force => break Err(Taken),
                    Err(mut seat) => {
                        seat.evict.notify_one();
                        // Nothing is ever sent: the error is the end of the other login.
                        let _ = seat.taken.changed().await;
                    }
                }
            }
        };
        timeout(EVICTION, insist).await.unwrap_or(Err(Taken))
    }

    fn try_claim(&self, key: &Key) -> Result<Login, Seat> {
        match lock(&self.online).entry(key.clone()) {
            Entry::Occupied(seat) => Err(seat.get().clone()),
            Entry::Vacant(free) => {
                let (_taken, taken) = watch::channel(());
                let evict = Arc::new(Notify::new());
                free.insert(Seat {
                    evict: evict.clone(),
                    taken,
                });
                Ok(Login {
                    key: key.clone(),
                    evict,
                    online: self.online.clone(),
                    _taken,
                })
            }
        }
    }
}

impl Login {
    /// Waits until another login of the same user wants this one's place. Cancel-safe.
    pub(crate) async fn evicted(&self) {
        self.evict.notified().await;
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        lock(&self.online).remove(&self.key);
    }
}

fn lock(online: &Online) -> MutexGuard<'_, HashMap<Key, Seat>> {
    online.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> (AppId, UserId) {
        (AppId::parse("app").unwrap(), UserId::parse("ann").unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_is_online_once_in_an_app_until_he_is_gone() {
        let logins = Logins::default();
        let (app, user) = names();
        let first = logins.claim(app.clone(), user.clone(), false).await.unwrap();
        assert_eq!(logins.claim(app.clone(), user.clone(), false).await.unwrap_err(), Taken);
        let other_app = AppId::parse("other").unwrap();
        assert!(logins.claim(other_app, user.clone(), false).await.is_ok());
        drop(first);
        assert!(logins.claim(app, user, false).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn force_waits_until_the_earlier_login_is_gone() {
        let logins = Logins::default();
        let (app, user) = names();
        let first = logins.claim(app.clone(), user.clone(), false).await.unwrap();
        let earlier = tokio::spawn(async move {
            first.evicted().await;
            drop(first);
        });
        assert!(logins.claim(app, user, true).await.is_ok());
        earlier.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn force_gives_up_on_a_login_that_stays() {
        let logins = Logins::default();
        let (app, user) = names();
        let _first = logins.claim(app.clone(), user.clone(), false).await.unwrap();
        assert_eq!(logins.claim(app, user, true).await.unwrap_err(), Taken);
    }
}

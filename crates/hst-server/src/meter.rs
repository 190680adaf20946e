use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hst_id::{AppId, MediaRef, MediaType};
use hst_store::{Consumption, Day, Service, Store, StoreError};
use tokio::{
    task::spawn_blocking,
    time::{Instant, interval},
};

use crate::{apps::now, follow::What, life::Life};

/// How often what was used is written down: a server that dies has forgotten no more than this, and what is used around
/// midnight counts for the wrong day no longer than this.
const EVERY: Duration = Duration::from_secs(60);

/// The services that are used for a time, and by which media.
const METERED: [(Service, MediaType); 3] = [
    (Service::Video, MediaType::Video),
    (Service::Audio, MediaType::Audio),
    (Service::ScreenShare, MediaType::ScreenShare),
];

type PerService<T> = [T; METERED.len()];

/// For how long the members of this node's groups use each service: a group with a camera on takes as many minutes of
/// video in a minute as it has members, however many cameras there are.
#[derive(Debug)]
pub(crate) struct Meter {
    store: Arc<Store>,
    /// A lock, because every group enters its changes here; held for one of them. Only Apps that use something are in it.
    tallies: Mutex<HashMap<AppId, Tally>>,
}

/// Of all groups of an App.
#[derive(Debug)]
struct Tally {
    /// How many members use each service.
    users: PerService<usize>,
    /// For how long they have done so, up to the moment of the last change.
    used: PerService<Duration>,
    since: Instant,
}

/// One group's part in it, as long as it is held.
#[derive(Debug)]
pub(crate) struct GroupMeter {
    meter: Arc<Meter>,
    app: AppId,
    members: usize,
    media: PerService<usize>,
    /// What of it is in the tally.
    users: PerService<usize>,
}

impl Meter {
    pub(crate) fn new(store: Arc<Store>) -> Arc<Self> {
        Arc::new(Self {
            store,
            tallies: Mutex::default(),
        })
    }

    /// A group of this App begins.
    pub(crate) fn group(self: &Arc<Self>, app: AppId) -> GroupMeter {
        GroupMeter {
            meter: self.clone(),
            app,
            members: 0,
            media: [0; METERED.len()],
            users: [0; METERED.len()],
        }
    }

    /// Writes down what was used so far. It waits for the disk.
    ///
    /// # Errors
    /// The database cannot be written: it is still to be written down.
    pub(crate) fn write(&self) -> Result<(), StoreError> {
        let day = Day::of(now());
        let mut tallies = self.lock();
        let used = take(&mut tallies, Instant::now(), day);
        drop(tallies);
        if used.is_empty() {
            return Ok(());
        }
        let written = self.store.consume(&used);
        if written.is_err() {
            self.put_back(used);
        }
        written
    }

    /// Writes it down from time to time, until the server ends.
    pub(crate) async fn run(self: Arc<Self>, life: Life) {
        let mut due = interval(EVERY);
        loop {
            tokio::select! {
                _ = due.tick() => self.clone().write_or_warn().await,
                () = life.draining() => return,
            }
        }
    }

    /// The same for once.
    pub(crate) async fn write_or_warn(self: Arc<Self>) {
        let written = spawn_blocking(move || self.write()).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "what was consumed could not be written down yet");
        }
    }

    fn put_back(&self, used: Vec<Consumption>) {
        let mut tallies = self.lock();
        for Consumption { app, service, time, .. } in used {
            let tally = tallies.entry(app).or_insert_with(Tally::new);
            if let Some(index) = METERED.iter().position(|(it, _)| *it == service) {
                tally.used[index] += time;
            }
        }
    }

    fn change(&self, app: &AppId, from: PerService<usize>, to: PerService<usize>) {
        let mut tallies = self.lock();
        let tally = tallies.entry(app.clone()).or_insert_with(Tally::new);
        tally.advance(Instant::now());
        for (users, (from, to)) in tally.users.iter_mut().zip(from.into_iter().zip(to)) {
            *users = *users + to - from;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AppId, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes out what was used, and forgets the Apps that use nothing.
fn take(tallies: &mut HashMap<AppId, Tally>, now: Instant, day: Day) -> Vec<Consumption> {
    let mut taken = Vec::new();
    tallies.retain(|app, tally| {
        tally.advance(now);
        for ((service, _), used) in METERED.into_iter().zip(&mut tally.used) {
            // What is less than a millisecond waits for the next time.
            let time = Duration::from_millis(u64::try_from(used.as_millis()).unwrap_or(u64::MAX));
            if !time.is_zero() {
                *used -= time;
                taken.push(Consumption {
                    app: app.clone(),
                    day,
                    service,
                    time,
                });
            }
        }
        tally.users != [0; METERED.len()]
    });
    taken
}

impl Tally {
    fn new() -> Self {
        Self {
            users: [0; METERED.len()],
            used: [Duration::ZERO; METERED.len()],
            since: Instant::now(),
        }
    }

    fn advance(&mut self, now: Instant) {
        let time = now.saturating_duration_since(self.since);
        for (used, &users) in self.used.iter_mut().zip(&self.users) {
            *used += time * u32::try_from(users).unwrap_or(u32::MAX);
        }
        self.since = now;
    }
}

impl GroupMeter {
    /// Something has happened in the group.
    pub(crate) fn happened(&mut self, what: &What) {
        match what {
            What::Joined(_) => self.members += 1,
            What::Left(_) => self.members = self.members.saturating_sub(1),
            What::Published(media) => self.count(media, |count| count + 1),
            What::Unpublished(media) => self.count(media, |count| count.saturating_sub(1)),
        }
        self.enter(self.media.map(|count| if count > 0 { self.members } else { 0 }));
    }

    fn count(&mut self, media: &MediaRef, change: impl FnOnce(usize) -> usize) {
        if let Some(index) = METERED.iter().position(|(_, it)| *it == media.media_type) {
            self.media[index] = change(self.media[index]);
        }
    }

    fn enter(&mut self, users: PerService<usize>) {
        if users != self.users {
            self.meter.change(&self.app, self.users, users);
            self.users = users;
        }
    }
}

impl Drop for GroupMeter {
    fn drop(&mut self) {
        self.enter([0; METERED.len()]);
    }
}

#[cfg(test)]
mod tests {
    use hst_id::{MediaId, UserId};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn app() -> AppId {
        AppId::parse("app").unwrap()
    }

    fn user() -> UserId {
        UserId::parse("ann").unwrap()
    }

    fn media(media_type: MediaType, media: &str) -> MediaRef {
        let media = MediaId::parse(media).unwrap();
        MediaRef {
            user: user(),
            media_type,
            media,
        }
    }

    /// Minutes of video, of audio and of screen share.
    fn minutes(store: &Store) -> [u64; 3] {
        let today = Day::of(now());
        // The test may run at midnight.
        let days = Day::of(hst_auth::UnixMillis::from_millis(today.begin().as_millis() - 1))..=today;
        let found = store.consumption(&[app()], days, 0, 100).unwrap();
        METERED.map(|(service, _)| {
            let of_it = found.iter().filter(|it| it.service == service);
            of_it.map(|it| it.time.as_secs()).sum::<u64>() / 60
        })
    }

    #[tokio::test(start_paused = true)]
    async fn members_use_what_anybody_publishes_in_their_group_and_as_long_as_he_does() {
        let store = Arc::new(Store::in_memory().unwrap());
        let meter = Meter::new(store.clone());
        let (mut first, mut second) = (meter.group(app()), meter.group(app()));
        for what in [
            What::Joined(user()),
            What::Joined(user()),
            What::Published(media(MediaType::Video, "cam")),
            What::Published(media(MediaType::Video, "other-cam")),
            What::Published(media(MediaType::TransparentData, "data")),
        ] {
            first.happened(&what);
        }
        second.happened(&What::Joined(user()));
        second.happened(&What::Published(media(MediaType::Audio, "mic")));
        tokio::time::advance(10 * MINUTE).await;
        meter.write().unwrap();
        assert_eq!(minutes(&store), [20, 10, 0]);

        first.happened(&What::Unpublished(media(MediaType::Video, "cam")));
        first.happened(&What::Joined(user()));
        second.happened(&What::Unpublished(media(MediaType::Audio, "mic")));
        tokio::time::advance(MINUTE).await;
        drop(first);
        tokio::time::advance(MINUTE).await;
        meter.write().unwrap();
        assert_eq!(minutes(&store), [23, 10, 0]);
        assert!(meter.lock().is_empty(), "nobody uses anything");
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_written_is_written_later() {
        let store = Arc::new(Store::in_memory().unwrap());
        let meter = Meter::new(store.clone());
        let mut group = meter.group(app());
        group.happened(&What::Joined(user()));
        group.happened(&What::Published(media(MediaType::ScreenShare, "0")));
        tokio::time::advance(MINUTE).await;
        let used = take(&mut meter.lock(), Instant::now(), Day::of(now()));
        // As when the disk is full.
        meter.put_back(used);
        tokio::time::advance(MINUTE).await;
        meter.write().unwrap();
        assert_eq!(minutes(&store), [0, 0, 2]);
    }
}

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hst_cluster::{Entry, Key, Login as Record, Watch, WatchEvent};
use hst_group::server::{Presence, Tell, WatcherId};
use hst_id::{AppId, TerminalType, UserId};
use hst_proto::{ErrorCode, Failure, OnlinePage, OnlineTerminal, Reply, RequestId};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    handle::{SessionHandle, SessionId, Word},
    life::Life,
    logins::LoginInfo,
    node::{Node, logins_of},
    session::User,
};

/// Questions that wait for the picture of one App. Sessions ask without waiting: when it is full, they are refused.
const INBOX: usize = 4096;
/// A picture that nobody has looked at for so long is given up.
const LINGER: Duration = Duration::from_secs(60);
/// How long after it was out of reach the directory is asked again, and how long it may take to say how everything is before
/// those who ask are told to come again.
const AGAIN: Duration = Duration::from_secs(1);

/// Who is online, for those who want to know: one picture for each App in which somebody here does, drawn from what the
/// directory says.
#[derive(Debug)]
pub(crate) struct People {
    node: Node,
    life: Life,
    /// A lock, because every session asks here; held for one look-up.
    pictures: Mutex<HashMap<AppId, mpsc::Sender<Ask>>>,
}

#[derive(Debug)]
enum Ask {
    Page {
        watcher: SessionHandle,
        user: UserId,
        company: String,
        re: RequestId,
        page: OnlinePage,
    },
    Watch {
        watcher: SessionHandle,
        user: UserId,
        company: String,
        up_to: Option<UserId>,
    },
    Unwatch(SessionId),
}

/// Who is online in one App.
struct Picture {
    watch: Box<dyn Watch>,
    inbox: mpsc::Receiver<Ask>,
    /// By company.
    companies: HashMap<String, Presence>,
    /// In which company each login is.
    places: HashMap<Key, Place>,
    watchers: HashMap<WatcherId, (SessionHandle, String)>,
    is_synced: bool,
    /// Whether it ever was. What is known then is shown until it is known better.
    is_drawn: bool,
    /// Who asks before it is drawn waits until then.
    patience: Instant,
}

struct Place {
    company: String,
    user: UserId,
    terminal: TerminalType,
    number: u64,
}

impl People {
    pub(crate) fn new(node: Node, life: Life) -> Arc<Self> {
        Arc::new(Self {
            node,
            life,
            pictures: Mutex::default(),
        })
    }

    /// Answers a page to a session, which watches from then on.
    pub(crate) fn page(self: &Arc<Self>, user: &User, re: RequestId, page: OnlinePage) {
        let ask = Ask::Page {
            watcher: user.handle.clone(),
            user: user.id.clone(),
            company: user.company.clone(),
            re,
            page,
        };
        if self.ask(&user.app, ask, true).is_err() {
            let message = "too many ask who is online: try again";
            let failure = Failure::new(ErrorCode::OperationFailed, message).retry_after(1_000);
            // A session that has ended needs no answer.
            let _ = user.handle.tell(Word::Answer(re, Err(failure)));
        }
    }

    /// A session watches as it did at another node: everybody, or those up to a name.
    pub(crate) fn watch(self: &Arc<Self>, user: &User, up_to: Option<UserId>) {
        let ask = Ask::Watch {
            watcher: user.handle.clone(),
            user: user.id.clone(),
            company: user.company.clone(),
            up_to,
        };
        if self.ask(&user.app, ask, true).is_err() {
            tracing::warn!(session = %user.handle.id, "a session that was taken over is not told who is online");
        }
    }

    /// A session is no longer interested, or at its end.
    pub(crate) fn unwatch(self: &Arc<Self>, user: &User) {
        // Where there is no picture, nobody watches; where too many ask, he is found to be gone when he is told next.
        let _ = self.ask(&user.app, Ask::Unwatch(user.handle.id), false);
    }

    fn ask(self: &Arc<Self>, app: &AppId, mut ask: Ask, begins: bool) -> Result<(), Ask> {
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(picture) = pictures.get(app) {
            match picture.try_send(ask) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(back)) => return Err(back),
                // It was given up a moment ago.
                Err(mpsc::error::TrySendError::Closed(back)) => ask = back,
            }
        }
        if !begins {
            return Ok(());
        }
        let (to_picture, inbox) = mpsc::channel(INBOX);
        let sent = to_picture.try_send(ask).map_err(|error| error.into_inner());
        pictures.insert(app.clone(), to_picture);
        let (node, app) = (self.node.clone(), app.clone());
        self.life.spawn(async move {
            if let Some(picture) = Picture::begin(&node, &app, inbox).await {
                picture.run().await;
            }
        });
        sent
    }
}

impl Picture {
    /// As soon as the directory is in reach. Whoever asks before is refused: a session whose question is open says nothing
    /// else. `None` when nobody is left who wants to know.
    async fn begin(node: &Node, app: &AppId, mut inbox: mpsc::Receiver<Ask>) -> Option<Self> {
        let mut watching = Vec::new();
        let watch = loop {
            match node.directory.watch(&logins_of(app)).await {
                Ok(watch) => break watch,
                Err(error) => tracing::warn!(%app, %error, "nobody can be told who is online"),
            }
            while let Ok(ask) = inbox.try_recv() {
                match ask {
                    Ask::Page { watcher, re, .. } => refuse(&watcher, re),
                    // From the moment when it is known.
                    watch @ Ask::Watch { .. } => watching.push(watch),
                    Ask::Unwatch(session) => {
                        watching.retain(|ask| !matches!(ask, Ask::Watch { watcher, .. } if watcher.id == session));
                    }
                }
            }
            if watching.is_empty() {
                // Who has asked since then is still answered.
                inbox.close();
                if inbox.is_empty() {
                    return None;
                }
            }
            sleep(AGAIN).await;
        };
        let mut picture = Self {
            watch,
            inbox,
            companies: HashMap::new(),
            places: HashMap::new(),
            watchers: HashMap::new(),
            is_synced: false,
            is_drawn: false,
            patience: Instant::now() + AGAIN,
        };
        watching.into_iter().for_each(|ask| picture.answer(ask));
        Some(picture)
    }

    async fn run(mut self) {
        loop {
            let due = self.companies.values().filter_map(Presence::poll_timeout).min();
            let timeout = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            let answers = self.is_drawn || self.patience <= Instant::now();
            tokio::select! {
                // What happened before somebody asks is to be in his answer.
                biased;
                event = self.watch.next() => self.take(event),
                // A session whose question is open says nothing else, so it has an answer in time.
                ask = self.inbox.recv(), if answers => match ask {
                    Some(ask) => self.answer(ask),
                    None => return,
                },
                () = sleep_until(self.patience), if !answers => {}
                () = timeout => {
                    let now = now();
                    self.companies.values_mut().for_each(|presence| presence.handle_timeout(now));
                }
                () = sleep(LINGER), if self.is_synced && self.watchers.is_empty() => {
                    // Whoever asks from now on begins anew; who asked a moment ago is still answered.
                    self.inbox.close();
                }
            }
            self.tell();
        }
    }

    fn take(&mut self, event: WatchEvent) {
        match event {
            WatchEvent::Put(entry) => self.put(&entry),
            WatchEvent::Deleted { key, .. } => {
                if let Some(place) = self.places.remove(&key) {
                    self.leave(&place);
                }
            }
            WatchEvent::Synced => {
                (self.is_synced, self.is_drawn) = (true, true);
                let now = now();
                self.companies
                    .values_mut()
                    .for_each(|presence| presence.handle_synced(now));
            }
            WatchEvent::Resync => {
                self.is_synced = false;
                self.places.clear();
                self.companies.values_mut().for_each(Presence::handle_resync);
            }
        }
    }

    fn put(&mut self, entry: &Entry) {
        let (Some(record), Some((user, terminal, number))) = (Record::read(entry), place(&entry.key)) else {
            return;
        };
        let LoginInfo {
            company,
            state,
            extend_info,
            ..
        } = LoginInfo::read(&record.info);
        let place = Place {
            company,
            user,
            terminal,
            number,
        };
        let shown = OnlineTerminal {
            terminal: place.terminal.clone(),
            state,
            extend_info,
        };
        if let Some(before) = self.places.remove(&entry.key)
            && before.company != place.company
        {
            self.leave(&before);
        }
        let (user, number) = (place.user.clone(), place.number);
        self.company(&place.company).handle_online(now(), user, number, shown);
        self.places.insert(entry.key.clone(), place);
    }

    fn leave(&mut self, place: &Place) {
        let presence = self.company(&place.company);
        presence.handle_offline(now(), &place.user, place.number, &place.terminal);
    }

    fn company(&mut self, name: &str) -> &mut Presence {
        let is_synced = self.is_synced;
        self.companies.entry(name.to_owned()).or_insert_with(|| {
            let mut presence = Presence::new();
            if !is_synced {
                presence.handle_resync();
            }
            presence
        })
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Page {
                watcher,
                user,
                company,
                re,
                page,
            } => {
                if !self.knows(&company) {
                    return refuse(&watcher, re);
                }
                let id = WatcherId(watcher.id.0);
                let online = self.company(&company).handle_page(id, &user, &page);
                if watcher.tell(Word::Answer(re, Ok(Reply::Online(online)))).is_ok() {
                    self.watchers.insert(id, (watcher, company));
                } else {
                    self.forget(id, &company);
                }
            }
            Ask::Watch {
                watcher,
                user,
                company,
                up_to,
            } => {
                let id = WatcherId(watcher.id.0);
                self.company(&company).handle_watch(id, user, up_to);
                self.watchers.insert(id, (watcher, company));
            }
            Ask::Unwatch(session) => {
                let id = WatcherId(session.0);
                if let Some((_, company)) = self.watchers.remove(&id) {
                    self.forget(id, &company);
                }
            }
        }
    }

    /// Whether there is anything to show of it.
    fn knows(&self, company: &str) -> bool {
        self.is_synced || (self.is_drawn && self.companies.contains_key(company))
    }

    fn forget(&mut self, id: WatcherId, company: &str) {
        if let Some(presence) = self.companies.get_mut(company) {
            presence.handle_unwatch(id);
        }
    }

    /// Tells the watchers what is due. One who is gone is forgotten.
    fn tell(&mut self) {
        let mut gone = Vec::new();
        for presence in self.companies.values_mut() {
            while let Some(Tell { watchers, body }) = presence.poll_output() {
                for id in watchers {
                    let Some((watcher, _)) = self.watchers.get(&id) else {
                        continue;
                    };
                    if watcher.tell(Word::Event(body.clone())).is_err() {
                        gone.push(id);
                    }
                }
            }
        }
        for id in gone {
            if let Some((_, company)) = self.watchers.remove(&id) {
                self.forget(id, &company);
            }
        }
    }
}

fn refuse(watcher: &SessionHandle, re: RequestId) {
    let message = "who is online is not known at the moment: try again";
    let failure = Failure::new(ErrorCode::OperationFailed, message).retry_after(1_000);
    // A session that has ended needs no answer.
    let _ = watcher.tell(Word::Answer(re, Err(failure)));
}

/// Whose login a key is, of which terminal, and at which of its places.
fn place(key: &Key) -> Option<(UserId, TerminalType, u64)> {
    let mut parts = key.as_str().split('.').skip(2);
    let user = UserId::parse(parts.next()?).ok()?;
    let terminal = TerminalType::parse(parts.next()?).ok()?;
    Some((user, terminal, parts.next()?.parse().ok()?))
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

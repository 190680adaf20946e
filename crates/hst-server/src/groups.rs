use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hst_group::server::{MemberId, Rules};
use hst_id::{AppId, GroupId};
use tokio::sync::mpsc;

use crate::{
    follow::Feed,
    group::{GroupTask, Message},
    life::Life,
    media::Media,
};

/// Requests that wait for a group. When it is full, the sessions that ask wait.
const INBOX: usize = 256;

/// The groups that somebody is in or on his way to. Each is a task, made by the first who comes and ended after the
/// last has gone.
///
/// A group is kept alive by those who hold its sender, and this list does not: either somebody gets hold of a sender,
/// and then the task will read what he sends, or the task is on its way out, and then he makes a new one.
#[derive(Debug)]
pub(crate) struct Groups {
    running: Mutex<HashMap<Key, mpsc::WeakSender<Message>>>,
    last_member: AtomicU64,
    media: Media,
    feed: Feed,
    life: Life,
}

pub(crate) type Key = (AppId, GroupId);

impl Groups {
    pub(crate) fn new(media: Media, feed: Feed, life: Life) -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::default(),
            last_member: AtomicU64::new(0),
            media,
            feed,
            life,
        })
    }

    /// A number for one membership, never used twice.
    pub(crate) fn next_member(&self) -> MemberId {
        MemberId(1 + self.last_member.fetch_add(1, Ordering::Relaxed))
    }

    /// The inbox of a group, if somebody is in it.
    pub(crate) fn find(&self, key: &Key) -> Option<mpsc::Sender<Message>> {
        self.lock().get(key).and_then(mpsc::WeakSender::upgrade)
    }

    /// The groups of an App that somebody is in.
    pub(crate) fn of(&self, app: &AppId) -> Vec<GroupId> {
        let running = self.lock();
        let of_app = running.keys().filter(|(of, _)| of == app);
        let mut groups: Vec<_> = of_app.map(|(_, group)| group.clone()).collect();
        groups.sort_unstable();
        groups
    }

    /// The inbox of a group, which is made with these rules if there is none.
    pub(crate) fn enter(self: &Arc<Self>, key: Key, rules: Rules) -> mpsc::Sender<Message> {
        let mut running = self.lock();
        if let Some(inbox) = running.get(&key).and_then(mpsc::WeakSender::upgrade) {
            return inbox;
        }
        let (to_group, inbox) = mpsc::channel(INBOX);
        running.insert(key.clone(), to_group.downgrade());
        drop(running);
        let follow = self.feed.follow(key.0.clone(), key.1.clone());
        let group = GroupTask::new(key.1.clone(), rules, inbox, self.media.open_room(&to_group), follow);
        let groups = self.clone();
        self.life.spawn(async move {
            group.run().await;
            groups.forget(&key);
        });
        to_group
    }

    /// Takes a group off the list, unless another one has its name by now.
    fn forget(&self, key: &Key) {
        let mut running = self.lock();
        if running.get(key).is_some_and(|inbox| inbox.strong_count() == 0) {
            running.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, mpsc::WeakSender<Message>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hst_group::server::Permissions;
    use hst_id::UserId;
    use hst_store::Store;

    use super::*;
    use crate::{
        apps::Apps,
        handle::{SessionId, Word, session},
        hooks::Hooks,
        life,
        node::Node,
    };

    fn key() -> Key {
        (AppId::parse("app").unwrap(), GroupId::parse("g").unwrap())
    }

    async fn house() -> (life::Lifeline, Arc<Groups>) {
        let (lifeline, life) = life::begin();
        let store = Arc::new(Store::in_memory().unwrap());
        let apps = Arc::new(Apps::open(Vec::new(), store, None).unwrap());
        let hooks = Hooks::new(hst_webhook::AddressGuard::public_only(), apps.clone());
        let feed = Feed::new(Node::alone().await.unwrap(), apps, hooks);
        (lifeline, Groups::new(Media::off(life.clone()), feed, life))
    }

    #[tokio::test]
    async fn a_group_is_one_as_long_as_somebody_holds_it_and_is_forgotten_then() {
        let (_lifeline, groups) = house().await;
        let first = groups.enter(key(), Rules::default());
        assert!(groups.enter(key(), Rules::default()).same_channel(&first));
        assert_eq!(groups.of(&key().0), [key().1]);
        // As an earlier group of the same name does at its end.
        groups.forget(&key());
        assert_eq!(groups.lock().len(), 1);
        drop(first);
        while !groups.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn those_in_a_group_that_ends_by_a_fault_and_those_on_their_way_are_told() {
        let (lifeline, groups) = house().await;
        let to_group = groups.enter(key(), Rules::default());
        let join = |number| {
            let (session, inbox) = session(SessionId(number));
            let join = Message::Join {
                member: MemberId(number),
                re: 1,
                user: UserId::parse(&format!("user-{number}")).unwrap(),
                permissions: Permissions::ordinary(),
                session,
            };
            to_group.try_send(join).unwrap();
            inbox
        };
        let mut inside = join(1);
        assert!(matches!(inside.next().await, Ok(Word::Group(MemberId(1), _))));
        let mut late = join(2);
        // Its task ends where it stands.
        drop(lifeline);
        for (inbox, number) in [(&mut inside, 1), (&mut late, 2)] {
            let lost = async {
                loop {
                    if let Word::GroupLost(member) = inbox.next().await.unwrap() {
                        return member;
                    }
                }
            };
            assert_eq!(lost.await, MemberId(number));
        }
    }
}

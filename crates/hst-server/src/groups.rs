use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hst_group::server::{MemberId, Rules};
use hst_id::{AppId, GroupId};
use hst_proto::Foretold;
use tokio::sync::mpsc;

use crate::{
    follow::Feed,
    group::{GroupTask, Message, moved},
    handle::SessionId,
    life::Life,
    media::Media,
    placement::Placement,
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
    running: Mutex<HashMap<Key, Running>>,
    last_member: AtomicU64,
    last_group: AtomicU64,
    placement: Placement,
    media: Media,
    feed: Feed,
    life: Life,
}

pub(crate) type Key = (AppId, GroupId);

/// A group's task, by a number that is used once.
#[derive(Debug)]
struct Running {
    number: u64,
    inbox: mpsc::WeakSender<Message>,
}

impl Groups {
    pub(crate) fn new(placement: Placement, media: Media, feed: Feed, life: Life) -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::default(),
            last_member: AtomicU64::new(0),
            last_group: AtomicU64::new(0),
            placement,
            media,
            feed,
            life,
        })
    }

    /// A number for one membership, never used twice.
    pub(crate) fn next_member(&self) -> MemberId {
        MemberId(1 + self.last_member.fetch_add(1, Ordering::Relaxed))
    }

    /// What a session may know of the answer to its first offer.
    pub(crate) fn foretell(&self, session: SessionId) -> Option<Foretold> {
        self.media.foretell(session)
    }

    /// The inbox of a group, if somebody is in it.
    pub(crate) fn find(&self, key: &Key) -> Option<mpsc::Sender<Message>> {
        self.lock().get(key).and_then(|group| group.inbox.upgrade())
    }

    /// The groups of an App that somebody is in.
    pub(crate) fn of(&self, app: &AppId) -> Vec<GroupId> {
        let running = self.lock();
        let of_app = running.keys().filter(|(of, _)| of == app);
        let mut groups: Vec<_> = of_app.map(|(_, group)| group.clone()).collect();
        groups.sort_unstable();
        groups
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The inbox of a group, which is made with these rules if there is none.
    pub(crate) fn enter(self: &Arc<Self>, key: Key, rules: Rules) -> mpsc::Sender<Message> {
        let mut running = self.lock();
        if let Some(inbox) = running.get(&key).and_then(|group| group.inbox.upgrade()) {
            return inbox;
        }
        let (to_group, inbox) = mpsc::channel(INBOX);
        let number = 1 + self.last_group.fetch_add(1, Ordering::Relaxed);
        let weak = to_group.downgrade();
        let group = Running {
            number,
            inbox: weak.clone(),
        };
        running.insert(key.clone(), group);
        drop(running);
        let follow = self.feed.follow(key.0.clone(), key.1.clone());
        let group = GroupTask::new(key.1.clone(), rules, inbox, self.media.open_room(&to_group), follow);
        let groups = self.clone();
        self.life.spawn(async move {
            groups.serve(&key, number, weak, group).await;
            groups.forget(&key);
        });
        to_group
    }

    /// Runs a group if it may be on this node, and tells those who come where it is if not.
    async fn serve(self: &Arc<Self>, key: &Key, number: u64, inbox: mpsc::WeakSender<Message>, group: GroupTask) {
        let (groups, lost_key) = (Arc::downgrade(self), key.clone());
        let lost = move || {
            if let (Some(groups), Some(inbox)) = (groups.upgrade(), inbox.upgrade()) {
                groups.dismiss(&lost_key, number);
                // Not waited for: a full inbox is one that is read.
                groups.life.spawn(async move {
                    let _ = inbox.send(Message::Lost(moved())).await;
                });
            }
        };
        match self.placement.claim(key, number, lost).await {
            Ok(hold) => {
                group.run().await;
                hold.release().await;
            }
            Err(why) => {
                self.dismiss(key, number);
                group.refusing(why).run().await;
            }
        }
    }

    /// Nobody else is to find this group.
    fn dismiss(&self, key: &Key, number: u64) {
        let mut running = self.lock();
        if running.get(key).is_some_and(|group| group.number == number) {
            running.remove(key);
        }
    }

    /// Takes a group off the list, unless another one has its name by now.
    fn forget(&self, key: &Key) {
        let mut running = self.lock();
        if running.get(key).is_some_and(|group| group.inbox.strong_count() == 0) {
            running.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Running>> {
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
        fleet::Fleet,
        handle::{SessionId, Word, session},
        holdings::Holdings,
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
        let node = Node::alone().await.unwrap();
        let fleet = Fleet::new(&node, Holdings::new(node.clone(), life.clone()), 100, Vec::new());
        let placement = Placement::new(node.clone(), fleet);
        let feed = Feed::new(node, apps, hooks);
        (lifeline, Groups::new(placement, Media::off(life.clone()), feed, life))
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

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hst_group::server::MemberId;
use hst_id::{AppId, GroupId};
use tokio::sync::mpsc;

use crate::{
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
    life: Life,
}

pub(crate) type Key = (AppId, GroupId);

impl Groups {
    pub(crate) fn new(media: Media, life: Life) -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::default(),
            last_member: AtomicU64::new(0),
            media,
            life,
        })
    }

    /// A number for one membership, never used twice.
    pub(crate) fn next_member(&self) -> MemberId {
        MemberId(1 + self.last_member.fetch_add(1, Ordering::Relaxed))
    }

    /// The inbox of a group, which is made if there is none.
    pub(crate) fn enter(self: &Arc<Self>, key: Key) -> mpsc::Sender<Message> {
        let mut running = self.lock();
        if let Some(inbox) = running.get(&key).and_then(mpsc::WeakSender::upgrade) {
            return inbox;
        }
        let (to_group, inbox) = mpsc::channel(INBOX);
        running.insert(key.clone(), to_group.downgrade());
        drop(running);
        let group = GroupTask::new(key.1.clone(), inbox, self.media.open_room(&to_group));
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
    use hst_group::server::{GroupRequest, Permissions, ToMember};
    use hst_id::UserId;

    use super::*;
    use crate::life;

    fn key() -> Key {
        (AppId::parse("app").unwrap(), GroupId::parse("g").unwrap())
    }

    #[tokio::test]
    async fn a_group_is_one_as_long_as_somebody_holds_it_and_is_forgotten_then() {
        let (_lifeline, life) = life::begin();
        let groups = Groups::new(Media::off(life.clone()), life);
        let first = groups.enter(key());
        assert!(groups.enter(key()).same_channel(&first));
        // As an earlier group of the same name does at its end.
        groups.forget(&key());
        assert_eq!(groups.lock().len(), 1);
        drop(first);
        while !groups.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_member_who_does_not_take_what_is_told_is_out_of_the_group() {
        let (_lifeline, life) = life::begin();
        let groups = Groups::new(Media::off(life.clone()), life);
        let group = groups.enter(key());
        let join = async |name: &str, room: usize| {
            let (session, words) = mpsc::channel(room);
            let member = groups.next_member();
            let (user, permissions) = (UserId::parse(name).unwrap(), Permissions::all());
            group
                .send(Message::Join {
                    member,
                    re: 1,
                    user,
                    permissions,
                    session,
                })
                .await
                .unwrap();
            (member, words)
        };
        let (_, mut slow) = join("slow", 2).await;
        let (ann, mut words) = join("ann", 100).await;
        for re in 2..10 {
            let request = GroupRequest::Message(hst_proto::Payload::text("x"));
            group
                .send(Message::Request {
                    member: ann,
                    re,
                    request,
                })
                .await
                .unwrap();
        }
        group.send(Message::Gone(ann)).await.unwrap();

        let mut events = 0;
        while let Some(word) = words.recv().await {
            events += usize::from(matches!(word, ToMember::Event(_)));
        }
        assert_eq!(events, 1, "ann was told that the other one has left");
        // His own answer and one event are what there was room for.
        assert!(slow.recv().await.is_some() && slow.recv().await.is_some());
        assert!(slow.recv().await.is_none());
    }
}

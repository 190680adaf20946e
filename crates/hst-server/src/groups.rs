use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hst_cluster::{
    Unavailable,
    pipe::{Arrivals, Pipe},
};
use hst_group::server::{MemberId, Rules};
use hst_id::{AppId, GroupId};
use hst_proto::Foretold;
use tokio::{
    sync::{Notify, mpsc},
    time::{Duration, Instant, sleep},
};

use crate::{
    follow::Feed,
    group::{Branch, GOING, Greeting, Home, Message, Site, encode},
    handle::SessionId,
    handover::Offered,
    life::Life,
    media::Media,
    node::Node,
    placement::{Place, Placement},
    versions::{COPIES, SPOKEN},
};

/// Requests that wait for a group. When it is full, the sessions that ask wait.
const INBOX: usize = 256;
/// How long after a home was lost the next is looked for, at first and at last.
const LOOK_FIRST: Duration = Duration::from_millis(10);
const LOOK_LAST: Duration = Duration::from_secs(1);
/// How much longer a node waits that has no whole copy of what the group keeps: until then one that has is the next home.
const HESITATION: Duration = Duration::from_millis(300);

/// The groups that somebody is in or on his way to. Each is a task, made by the first who comes and ended after the
/// last has gone.
///
/// A group is kept alive by those who hold its sender, and this list does not: either somebody gets hold of a sender,
/// and then the task will read what he sends, or the task is on its way out, and then he makes a new one.
#[derive(Debug)]
pub(crate) struct Groups {
    running: Mutex<HashMap<Key, Running>>,
    /// Says that one is off the list.
    ended: Notify,
    last_member: AtomicU64,
    last_group: AtomicU64,
    node: Node,
    pub(crate) placement: Placement,
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
    /// Whether this node is the group's home.
    is_home: bool,
}

/// A group on the list, until its task ends, in whatever way.
struct Listed {
    groups: Arc<Groups>,
    key: Key,
    number: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.groups.dismiss(&self.key, self.number);
    }
}

impl Groups {
    pub(crate) fn new(node: Node, placement: Placement, media: Media, feed: Feed, life: Life) -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::default(),
            ended: Notify::new(),
            last_member: AtomicU64::new(0),
            last_group: AtomicU64::new(0),
            node,
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

    /// The inbox of a group that has members on this node or its home.
    pub(crate) fn find(&self, key: &Key) -> Option<mpsc::Sender<Message>> {
        self.lock().get(key).and_then(|group| group.inbox.upgrade())
    }

    /// The inbox of a group whose home is this node.
    pub(crate) fn home(&self, key: &Key) -> Option<mpsc::Sender<Message>> {
        let running = self.lock();
        let home = running.get(key).filter(|group| group.is_home);
        home.and_then(|group| group.inbox.upgrade())
    }

    /// The groups of an App that somebody is in on this node, or that have their home here.
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

    /// How many of them have their home here; the others are branches.
    pub(crate) fn count_homes(&self) -> usize {
        self.lock().values().filter(|group| group.is_home).count()
    }

    /// All who come by this node are going to others.
    pub(crate) fn leave(&self) {
        self.media.leave();
    }

    /// How busy the media plane is, in thousandths of what it can do.
    pub(crate) fn media_load(&self) -> u32 {
        self.media.load()
    }

    /// What carries media between this node and others.
    pub(crate) fn links(&self) -> Vec<hst_cascade::Figures> {
        self.media.links()
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
            is_home: false,
        };
        running.insert(key.clone(), group);
        drop(running);
        let site = Site::new(key.1.clone(), inbox, self.media.open_room(&key, &to_group));
        let groups = self.clone();
        let listed = Listed { groups, key, number };
        self.life.spawn(async move {
            let Listed { groups, key, number } = &listed;
            groups.serve(key, *number, weak, rules, site).await;
        });
        to_group
    }

    /// Runs a group as its home or as a branch of its home, as long as somebody is here.
    async fn serve(
        self: &Arc<Self>,
        key: &Key,
        number: u64,
        inbox: mpsc::WeakSender<Message>,
        rules: Rules,
        mut site: Site,
    ) {
        let mut pause = LOOK_FIRST;
        loop {
            let began = Instant::now();
            let rest = match self.placement.claim(key, number, self.when_lost(inbox.clone())).await {
                Ok(Place::Here(hold, generation)) => {
                    let follow = self.feed.follow(key.0.clone(), key.1.clone());
                    self.set_home(key, number, true);
                    let home = Home::new(self.node.clone(), rules, generation, site, follow, self.life.clone());
                    let rest = Box::pin(home.run(async || hold.release().await)).await;
                    self.set_home(key, number, false);
                    rest
                }
                Ok(Place::There {
                    owner,
                    number: at_home,
                    words,
                }) => {
                    let greeting = Greeting {
                        version: words,
                        app: key.0.clone(),
                        group: key.1.clone(),
                        number: at_home,
                        from: self.node.owner(),
                        standing: site.standing_of_members(),
                        // Of the home that is over: what is said of the next one is for the next time.
                        told: site.told.take(),
                        kept: site.kept.at().filter(|_| words >= COPIES),
                    };
                    let pipe = self.node.pipes.connect(&owner, encode(&greeting));
                    Box::pin(Branch::new(site, pipe, &owner.node, words).run()).await
                }
                Err(why) if site.is_empty() => {
                    self.dismiss(key, number);
                    return site.refuse(why).await;
                }
                // Whoever is in stays in until it can be found out where the group is.
                Err(_) => Some(site),
            };
            match rest {
                // One that nobody is in here and that goes on elsewhere has no branch on a node that is ending.
                Some(rest) if !(rest.is_empty() && self.life.is_leaving()) => site = rest,
                Some(rest) => {
                    drop(rest);
                    // Until then media cross here.
                    return sleep(GOING).await;
                }
                None => return,
            }
            // A home that lasted was a good one.
            pause = if began.elapsed() > LOOK_LAST {
                LOOK_FIRST
            } else {
                LOOK_LAST.min(pause * 2)
            };
            let hesitates = std::mem::take(&mut site.hesitates);
            sleep(if hesitates { pause + HESITATION } else { pause }).await;
        }
    }

    /// Tells a group that another node has it.
    fn when_lost(self: &Arc<Self>, inbox: mpsc::WeakSender<Message>) -> impl Fn() + Send + Sync + 'static {
        let life = self.life.clone();
        move || {
            if let Some(inbox) = inbox.upgrade() {
                // Not waited for: a full inbox is one that is read.
                life.spawn(async move {
                    let _ = inbox.send(Message::Lost).await;
                });
            }
        }
    }

    /// Hands branches on other nodes to the homes that they look for, and sessions that they offer to `receive`, until the
    /// server ends.
    pub(crate) async fn listen<F>(
        self: &Arc<Self>,
        receive: impl Fn(Pipe, Offered) -> F + Send + 'static,
    ) -> Result<(), Unavailable>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.node.is_alone {
            return Ok(());
        }
        let mut arrivals: Arrivals = self.node.pipes.listen().await?;
        let groups = self.clone();
        self.life.spawn(async move {
            loop {
                tokio::select! {
                    (pipe, greeting) = arrivals.next() => match serde_json::from_slice(&greeting) {
                        Ok(offered) => groups.life.spawn(receive(pipe, offered)),
                        Err(_) => groups.life.spawn(groups.clone().welcome(pipe, greeting)),
                    },
                    // To the very end: until then groups may be handed over.
                    () = groups.over() => return,
                }
            }
        });
        Ok(())
    }

    /// Waits until the server is ending and no group is left. Cancel-safe.
    async fn over(&self) {
        self.life.draining().await;
        loop {
            // It hears what is said from here on, also before it is awaited.
            let ended = self.ended.notified();
            if self.lock().is_empty() {
                return;
            }
            ended.await;
        }
    }

    async fn welcome(self: Arc<Self>, pipe: Pipe, greeting: bytes::Bytes) {
        let greeting: Greeting = match serde_json::from_slice(&greeting) {
            Ok(greeting) => greeting,
            Err(error) => {
                tracing::warn!(%error, "a pipe of another node begins with what is not understood");
                return pipe.close().await;
            }
        };
        let (key, number) = ((greeting.app, greeting.group), greeting.number);
        let is_spoken = SPOKEN.has(greeting.version);
        if !is_spoken {
            tracing::warn!(version = greeting.version, node = %greeting.from.node, "another node speaks otherwise of groups");
        }
        let inbox = self.numbered(&key, number).filter(|_| is_spoken);
        let Some(inbox) = inbox else {
            if is_spoken {
                self.placement.clear(&key, number).await;
            }
            return pipe.close().await;
        };
        let branch = Message::Branch {
            at: greeting.from,
            standing: greeting.standing,
            told: greeting.told,
            kept: greeting.kept,
            words: greeting.version,
            pipe: Box::new(pipe),
            inbox: inbox.clone(),
        };
        // One that ends just now: the branch finds out, and looks again.
        let _ = inbox.send(branch).await;
    }

    fn numbered(&self, key: &Key, number: u64) -> Option<mpsc::Sender<Message>> {
        let running = self.lock();
        let group = running.get(key).filter(|group| group.number == number);
        group.and_then(|group| group.inbox.upgrade())
    }

    fn set_home(&self, key: &Key, number: u64, is_home: bool) {
        let mut running = self.lock();
        if let Some(group) = running.get_mut(key).filter(|group| group.number == number) {
            group.is_home = is_home;
        }
    }

    /// Nobody else is to find this group; another one may have its name by now.
    fn dismiss(&self, key: &Key, number: u64) {
        let mut running = self.lock();
        if running.get(key).is_some_and(|group| group.number == number) {
            running.remove(key);
            self.ended.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hst_cluster::{NodeId, memory::MemoryCluster};
    use hst_group::server::Permissions;
    use hst_id::UserId;
    use hst_store::Store;
    use tokio::time::timeout;

    use super::*;
    use crate::{
        apps::Apps,
        fleet::Fleet,
        handle::{SessionId, Word, session},
        holdings::Holdings,
        hooks::Hooks,
        hub::Hub,
        life,
        node::Node,
        registry::Registry,
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
        let registry = Registry::new(node.clone(), apps, Arc::default(), life.clone());
        let feed = Feed::new(node.clone(), registry, hooks);
        (
            lifeline,
            Groups::new(node, placement, Media::off(life.clone()), feed, life),
        )
    }

    #[tokio::test]
    async fn a_group_is_one_as_long_as_somebody_holds_it_and_is_forgotten_then() {
        let (_lifeline, groups) = house().await;
        let first = groups.enter(key(), Rules::default());
        assert!(groups.enter(key(), Rules::default()).same_channel(&first));
        assert_eq!(groups.of(&key().0), [key().1]);
        // As an earlier group of the same name does at its end.
        groups.dismiss(&key(), 0);
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

    #[tokio::test(start_paused = true)]
    async fn a_group_whose_home_ends_by_a_fault_has_the_next_wherever_it_is_wanted() {
        let cluster = Arc::new(MemoryCluster::default());
        let join = async |name| {
            let node = Node::join(cluster.clone(), cluster.clone(), NodeId::parse(name).unwrap());
            let (lifeline, hub) = Hub::in_memory_as(node.await.unwrap(), Vec::new(), Store::in_memory().unwrap());
            hub.join_fleet().await.unwrap();
            hub.fleet.holdings.follow().await.unwrap();
            (lifeline, hub)
        };
        let ((_one, one), (_other, other)) = (join("one").await, join("other").await);
        let (lifeline, life) = life::begin();
        let placement = Placement::new(one.node.clone(), one.fleet.clone());
        let feed = Feed::new(one.node.clone(), one.registry.clone(), one.hooks.clone());
        let groups = Groups::new(one.node.clone(), placement, Media::off(life.clone()), feed, life);
        let _to_group = groups.enter(key(), Rules::default());
        while groups.count_homes() == 0 {
            tokio::task::yield_now().await;
        }
        // The group's task ends where it stands, and its node goes on.
        drop(lifeline);
        let elsewhere = async {
            let claim = async || other.groups.placement.claim(&key(), 1, || {}).await;
            while !matches!(claim().await, Ok(Place::Here(..))) {
                // tidy: allowed, because time is virtual
                sleep(LOOK_LAST).await;
            }
        };
        timeout(Duration::from_secs(60), elsewhere)
            .await
            .expect("its place is given back");
        assert_eq!(groups.count(), 0, "and here nobody is sent to it any more");
    }
}

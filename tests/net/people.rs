//! People who talk with each other all the while, and a book of what each of them said and heard.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
    time::Duration,
};

use hst_access::{AccessPoints, StaticAccess};
use hst_media_str0m::Str0mEngine;
use hst_rtc::{
    ClientBuilder, Error, Event, Events, GroupEvent, Payload, Preset, RtcEngine,
    signal::{AnyTransport, Limits},
};
use hst_signal_ws::WsTransport;
use hst_tests::house::login;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::platform::Platform;

/// Longer than anything takes that goes well, a client that notices a dead machine included.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often everybody says something.
const PACE: Duration = Duration::from_millis(25);

/// Somebody with an engine.
pub(crate) struct Person {
    engine: Arc<RtcEngine>,
    name: &'static str,
    book: watch::Sender<Book>,
    tasks: Vec<JoinHandle<()>>,
}

/// What somebody has seen, heard and said.
#[derive(Debug, Default, Clone)]
pub(crate) struct Book {
    /// Who is in the group beside him.
    pub(crate) others: BTreeSet<String>,
    /// Who has left it, and how often.
    pub(crate) left: BTreeMap<String, usize>,
    /// The numbers of what each has said, in the order in which it came.
    pub(crate) heard: BTreeMap<String, Vec<u64>>,
    /// The numbers of what he has said himself and knows to be sent.
    pub(crate) acknowledged: Vec<u64>,
    /// How often he had to log in anew, or may have missed something.
    pub(crate) gaps: usize,
    /// His session is over for good.
    pub(crate) ended: Option<String>,
}

impl Person {
    /// Logs in by a node, and knows all others for the case that it is gone; and joins.
    pub(crate) async fn come(name: &'static str, by: usize, nodes: usize) -> Self {
        let others = (1..=nodes).filter(|&node| node != by);
        let engine = Arc::new(engine([by].into_iter().chain(others)));
        let book = watch::Sender::new(Book::default());
        let reading = tokio::spawn(read(engine.events(), book.clone()));
        within("init", engine.init(None)).await.unwrap();
        within("login", engine.login(login(name))).await.unwrap();
        within("join", engine.join_group("g")).await.unwrap();
        Self {
            engine,
            name,
            book,
            tasks: vec![reading],
        }
    }

    /// Says something again and again from now on.
    pub(crate) fn begin_to_talk(&mut self) {
        let talk = talk(self.engine.clone(), self.book.clone());
        self.tasks.push(tokio::spawn(talk));
    }

    /// Logs in by a node, and out again.
    pub(crate) async fn try_login(name: &str, by: usize) -> Result<(), Error> {
        let engine = engine([by]);
        within("init", engine.init(None)).await?;
        within("login", engine.login(login(name))).await?;
        within("exit", engine.exit()).await
    }

    /// Waits until his book says this.
    pub(crate) async fn until(&self, what: &str, says: impl FnMut(&Book) -> bool) {
        let mut reader = self.book.subscribe();
        let said = timeout(DEADLINE, reader.wait_for(says))
            .await
            .map(|said| said.map(|_| ()));
        assert!(said.is_ok(), "{}: {what} did not come: {}", self.name, self.summary());
        said.unwrap().unwrap();
    }

    /// Waits until he has heard something of each of these people that he had not when this was called, and knows that he was
    /// heard.
    pub(crate) async fn talks_with<const N: usize>(&self, others: [&Self; N]) {
        let before = self.book.borrow().clone();
        let count = |book: &Book, name: &str| book.heard.get(name).map_or(0, Vec::len);
        self.until("a talk with all", |book| {
            let hears = |other: &&Self| count(book, other.name) > count(&before, other.name) + 3;
            others.iter().all(hears) && book.acknowledged.len() > before.acknowledged.len() + 3
        })
        .await;
    }

    pub(crate) fn book(&self) -> Book {
        self.book.borrow().clone()
    }

    /// Nothing was heard twice or in another order than it was said in; and of what those have said who were there all the
    /// while, nothing that was acknowledged is missing.
    pub(crate) fn has_heard_all_of(&self, others: &[&Self]) {
        let book = self.book();
        for (name, numbers) in &book.heard {
            assert!(
                numbers.is_sorted_by(|one, next| one < next),
                "{} of {name}: {numbers:?}",
                self.name
            );
        }
        for other in others {
            let heard: BTreeSet<_> = book.heard.get(other.name).into_iter().flatten().collect();
            let acknowledged = other.book().acknowledged;
            let lost: Vec<_> = acknowledged.iter().filter(|number| !heard.contains(number)).collect();
            assert!(lost.is_empty(), "{} never heard of {}: {lost:?}", self.name, other.name);
        }
    }

    /// Says nothing more, and waits until all these have heard the last of it.
    pub(crate) async fn falls_silent_before(&mut self, others: &[&Self]) {
        self.tasks.pop().expect("he talks").abort();
        let last = self.book().acknowledged.last().copied();
        let heard = |book: &Book| book.heard.get(self.name).and_then(|heard| heard.last()).copied() >= last;
        for other in others {
            other.until("the last word", heard).await;
        }
    }

    /// His book without what fills pages.
    fn summary(&self) -> String {
        let book = self.book();
        let heard: BTreeMap<_, _> = book.heard.iter().map(|(name, heard)| (name, heard.len())).collect();
        format!(
            "with {:?}, left {:?}, heard {heard:?}, said {}, {} gaps, ended {:?}",
            book.others,
            book.left,
            book.acknowledged.len(),
            book.gaps,
            book.ended
        )
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// An engine that knows the way to these nodes.
fn engine(nodes: impl IntoIterator<Item = usize>) -> RtcEngine {
    let points = AccessPoints::new(nodes.into_iter().map(Platform::signal)).unwrap();
    let transport = AnyTransport::new(vec![Arc::new(WsTransport::new(Limits::default()))]);
    let client = ClientBuilder::new(Arc::new(transport), Arc::new(Str0mEngine::new()));
    RtcEngine::with(Preset::new(Arc::new(StaticAccess::new(points)), client))
}

async fn read(mut events: Events, book: watch::Sender<Book>) {
    while let Some(event) = events.recv().await {
        book.send_modify(|book| match event {
            Event::Group(GroupEvent::Members(all)) => book.others = all.iter().map(ToString::to_string).collect(),
            Event::Group(GroupEvent::MemberJoined(user)) => _ = book.others.insert(user.to_string()),
            Event::Group(GroupEvent::MemberLeft(user)) => {
                book.others.remove(user.as_str());
                *book.left.entry(user.to_string()).or_default() += 1;
            }
            Event::Group(GroupEvent::Message(message)) => {
                let number = message
                    .body
                    .as_text()
                    .and_then(|text| text.parse().ok())
                    .expect("a number");
                book.heard.entry(message.from.to_string()).or_default().push(number);
            }
            Event::Discontinuity => book.gaps += 1,
            Event::Ended(why) => book.ended = Some(why.to_string()),
            Event::Missed(missed) => panic!("the test reads too slowly: {missed}"),
            _ => {}
        });
    }
}

async fn talk(engine: Arc<RtcEngine>, book: watch::Sender<Book>) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0_u64.. {
        pace.tick().await;
        // One that was refused, or of which nobody knows whether it was sent, is not counted.
        if engine
            .send_group_message(Payload::text(&number.to_string()))
            .await
            .is_ok()
        {
            book.send_modify(|book| book.acknowledged.push(number));
        }
    }
}

/// Waits for something, and fails the test when it does not come.
pub(crate) async fn within<T>(what: &str, something: impl Future<Output = T>) -> T {
    match timeout(DEADLINE, something).await {
        Ok(done) => done,
        Err(_) => panic!("{what} did not come within {DEADLINE:?}"),
    }
}

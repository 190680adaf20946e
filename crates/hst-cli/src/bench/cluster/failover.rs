use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hst_proto::Command;
use hst_rtc::{
    Client, Event, Events, GroupEvent, Payload, UserId, access::AccessDiscovery as _, access_http::HttpAccess,
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use super::nodes::Nodes;
use crate::{
    bench::{
        BenchError,
        engine::enter_group,
        process::Process,
        report,
        target::{Target, user},
        wire::Wire,
    },
    error::CliError,
};

/// Groups that span all nodes, with one engine at each, and all with their home at the first node.
const GROUPS: usize = 10;
/// Far from the users of the other parts.
const FIRST_USER: usize = 1_000_000_000;
/// Between the messages of one sender.
const GAP: Duration = Duration::from_millis(50);
/// How often Access is asked, and how often it is looked whether everything has come.
const LOOK: Duration = Duration::from_millis(20);
/// What has not happened by then does not happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the death of a node did.
pub(super) struct Outcome {
    pub(super) acked: usize,
    pub(super) lost: usize,
    pub(super) longest: Duration,
    pub(super) left: Duration,
    pub(super) named: Duration,
    back: Vec<Duration>,
    delays: Vec<Duration>,
}

/// What a message carries: a sender numbers his own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Stamp {
    sender: usize,
    number: usize,
    /// Since the run began.
    sent_us: u64,
}

/// What a member was told when the node died.
enum News {
    /// That who was there has left.
    Left(Instant),
    /// That he himself is in his group again.
    Back(Instant),
}

/// What all tasks of one run share.
struct Run {
    nodes: usize,
    start: Instant,
    /// A lock, because all senders and receivers write into it; held for one entry.
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    acked: Vec<Stamp>,
    /// Receiver, sender and number.
    heard: HashSet<(usize, usize, usize)>,
    delays: Vec<Duration>,
    longest: Duration,
    /// Whether all nodes have lived so far.
    is_after: bool,
    /// Events that came to an engine faster than they were read.
    unseen: u64,
}

/// Has members of all nodes write to each other while the first node dies.
pub(super) async fn run(mut nodes: Nodes, length: Duration) -> Result<Outcome, CliError> {
    let run = Arc::new(Run {
        nodes: nodes.targets().len(),
        start: Instant::now(),
        book: Mutex::default(),
    });
    let (tell, mut news) = mpsc::channel(2 * GROUPS * run.nodes);
    let (stop, stopped) = watch::channel(false);
    // An engine that nobody has any more hears nothing.
    let mut engines = Vec::new();
    let (mut readers, mut writers, mut ghosts) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    for group in 0..GROUPS {
        let name = format!("bench-failover-{}-{group}", std::process::id());
        // Who comes first brings the home to his node; this one does not outlive it.
        let ghost = user(FIRST_USER + GROUPS * run.nodes + group);
        let mut wire = Wire::login(&nodes.targets()[0], &ghost).await?;
        wire.ask(Command::Join { group: name.clone() }).await?;
        ghosts.spawn(wire.stay(|_| {}));
        for node in 0..run.nodes {
            let member = group * run.nodes + node;
            let engine = Arc::new(enter(nodes.targets(), node, member, &name).await?);
            readers.spawn(read(run.clone(), member, ghost.clone(), engine.events(), tell.clone()));
            writers.spawn(write(run.clone(), member, engine.clone(), stopped.clone()));
            engines.push(engine);
        }
    }
    sleep(length).await;

    run.book().is_after = true;
    let dead_address = nodes.processes()[0].address().to_owned();
    nodes.kill_first().await?;
    let dead = Instant::now();
    let (named, (left, back)) = tokio::try_join!(
        until_unnamed(nodes.processes(), &dead_address, dead),
        listen(&mut news, &run, dead)
    )?;
    sleep(length).await;
    let _ = stop.send(true);
    writers.join_all().await;
    let end = Instant::now() + PATIENCE;
    while run.lost() > 0 && Instant::now() < end {
        sleep(LOOK * 10).await;
    }
    let lost = run.lost();
    readers.abort_all();
    engines.iter().for_each(|engine| engine.destroy());
    let book = std::mem::take(&mut *run.book());
    match book.unseen {
        0 => Ok(Outcome {
            acked: book.acked.len(),
            lost,
            longest: book.longest,
            left,
            named,
            back,
            delays: book.delays,
        }),
        unseen => Err(BenchError::Blind(unseen).into()),
    }
}

/// An engine at its node, which knows the others', too.
async fn enter(targets: &[Target], node: usize, member: usize, group: &str) -> Result<Client, CliError> {
    let others = targets.iter().cycle().skip(node).take(targets.len());
    let urls: Vec<_> = others.map(Target::signal).collect();
    enter_group(&targets[node], &urls, &user(FIRST_USER + member), group).await
}

/// Sends until it is told to stop.
async fn write(run: Arc<Run>, sender: usize, engine: Arc<Client>, stopped: watch::Receiver<bool>) {
    for number in 0.. {
        sleep(GAP).await;
        if *stopped.borrow() {
            break;
        }
        let begun = Instant::now();
        let stamp = Stamp {
            sender,
            number,
            sent_us: u64::try_from((begun - run.start).as_micros()).unwrap_or(u64::MAX),
        };
        let stamp_text = serde_json::to_string(&stamp).expect("numbers are JSON");
        let body = Payload::from_json(&stamp_text).expect("what was written as JSON is JSON");
        match engine.send_group_message(body).await {
            Ok(_) => {
                let mut book = run.book();
                book.acked.push(stamp);
                book.longest = book.longest.max(begun.elapsed());
            }
            Err(error) => tracing::warn!(sender, number, %error, "not acknowledged"),
        }
    }
}

/// Writes down what comes to a member.
async fn read(run: Arc<Run>, receiver: usize, ghost: UserId, mut events: Events, tell: mpsc::Sender<News>) {
    while let Some(event) = events.recv().await {
        let now = Instant::now();
        let news = match event {
            Event::Group(GroupEvent::Message(message)) => {
                if let Ok(stamp) = serde_json::from_str(message.body.as_json()) {
                    run.heard(receiver, stamp, now);
                }
                continue;
            }
            Event::Group(GroupEvent::MemberLeft(user)) if user == ghost && run.stays(receiver) => News::Left(now),
            Event::Discontinuity if !run.stays(receiver) => News::Back(now),
            Event::Missed(unseen) => {
                run.book().unseen += unseen;
                continue;
            }
            Event::Ended(why) => {
                tracing::error!(receiver, %why, "a session has ended");
                continue;
            }
            _ => continue,
        };
        // There is room for all that is awaited.
        let _ = tell.try_send(news);
    }
}

/// Until all who stay know that the ghost has left, at most, and until each of the others is back.
async fn listen(
    news: &mut mpsc::Receiver<News>,
    run: &Run,
    dead: Instant,
) -> Result<(Duration, Vec<Duration>), CliError> {
    let (mut left, mut back) = (Vec::new(), Vec::new());
    let expected = GROUPS * run.nodes;
    while left.len() + back.len() < expected {
        match timeout_at(dead + PATIENCE, news.recv()).await {
            Ok(Some(News::Left(at))) => left.push(at - dead),
            Ok(Some(News::Back(at))) => back.push(at - dead),
            Ok(None) | Err(_) => return Err(unnoticed(expected - left.len() - back.len())),
        }
    }
    Ok((left.into_iter().max().unwrap_or_default(), back))
}

/// Until Access of no node names the dead one.
async fn until_unnamed(living: &[Process], dead_address: &str, dead: Instant) -> Result<Duration, CliError> {
    for node in living {
        let access = HttpAccess::parse(&format!("http://{}", node.address())).map_err(BenchError::Url)?;
        loop {
            let points = access.discover(None).await.map_err(BenchError::Access)?;
            if !points.signal().iter().any(|url| url.contains(dead_address)) {
                break;
            }
            if dead.elapsed() > PATIENCE {
                return Err(unnoticed(living.len()));
            }
            sleep(LOOK).await;
        }
    }
    Ok(dead.elapsed())
}

fn unnoticed(missing: usize) -> CliError {
    let seconds = PATIENCE.as_secs();
    BenchError::Unnoticed { missing, seconds }.into()
}

impl Run {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a member's node lives on.
    fn stays(&self, member: usize) -> bool {
        !member.is_multiple_of(self.nodes)
    }

    fn heard(&self, receiver: usize, stamp: Stamp, now: Instant) {
        let mut book = self.book();
        book.heard.insert((receiver, stamp.sender, stamp.number));
        if !book.is_after {
            let sent = self.start + Duration::from_micros(stamp.sent_us);
            book.delays.push(now.saturating_duration_since(sent));
        }
    }

    /// Acknowledged messages that have not come to somebody who stays, once for each of those.
    fn lost(&self) -> usize {
        let book = self.book();
        let missing = book.acked.iter().map(|stamp| {
            let first = stamp.sender / self.nodes * self.nodes;
            let others = (first + 1..first + self.nodes).filter(|member| *member != stamp.sender);
            let missing = others.filter(|member| !book.heard.contains(&(*member, stamp.sender, stamp.number)));
            missing.count()
        });
        missing.sum()
    }
}

impl Outcome {
    pub(super) fn message_us(&self, percent: usize) -> f64 {
        let time = report::percentile(&mut self.delays.clone(), percent);
        report::rounded(time.as_secs_f64() * 1e6)
    }

    pub(super) fn back_ms(&self, percent: usize) -> f64 {
        report::millis(report::percentile(&mut self.back.clone(), percent))
    }
}

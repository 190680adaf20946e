use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clap::Args;
use hst_rtc::{Client, Event, Events, GroupEvent, GroupMessage, Payload, signal::SignalUrl};
use serde::{Deserialize, Serialize};
use tokio::{
    net::lookup_host,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    BenchError,
    cutter::Cutter,
    dice::Dice,
    engine::{GROUP, enter},
    ledger::{Account, Fate, Ledger},
    machine, report,
    target::{Target, TargetOptions, user},
};
use crate::error::CliError;

/// How often a client is cut, on the average: a connection that was swallowed is missed after 15 s only.
const CUT_EVERY: Duration = Duration::from_secs(6);
/// A sender is not faster, so as to stay below the 100 messages a second that a server lets through.
const GAP: Duration = Duration::from_millis(12);
/// How often it is looked whether everything has come.
const LOOK: Duration = Duration::from_millis(200);
/// What has not come by then is lost: no session lives so long without its client.
const PATIENCE: Duration = Duration::from_secs(75);
/// How long to wait for duplicates, once everything has come.
const AFTERMATH: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: TargetOptions,
    /// How many engines, in groups of ten.
    #[arg(long, value_name = "N", default_value_t = 100)]
    clients: usize,
    /// How many connections are broken: reset, closed, or swallowed without a word.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    disconnects: usize,
    /// How many reliable messages are sent in all.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    messages: usize,
    /// Another seed breaks other connections at other moments.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    account: Account,
    disconnects: usize,
    seconds: f64,
}

/// What a message carries.
#[derive(Serialize, Deserialize)]
struct Stamp {
    run: u64,
    sender: usize,
    number: usize,
}

/// What all tasks of one run share.
struct Run {
    /// Tells this run's users and messages from others' at the same server.
    id: u64,
    /// A lock, because all senders and receivers write into it; held for one entry.
    book: Mutex<Book>,
}

struct Book {
    ledger: Ledger,
    /// Events that came to an engine faster than they were read.
    unseen: u64,
}

/// Breaks connections under engines that write to each other, and accounts for every message.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let clients = options.clients.max(2);
    // Each has a socket, and the cutter two.
    machine::check_open_files(clients * 3)?;
    let each = options.messages.div_ceil(clients);
    let target = Target::reach(&options.target).await?;
    let (cutter, url) = cutter(target.signal()).await?;
    let run = Arc::new(Run {
        id: u64::from(std::process::id()),
        book: Mutex::new(Book {
            ledger: Ledger::new(clients, GROUP, each),
            unseen: 0,
        }),
    });

    let mut engines = Vec::with_capacity(clients);
    let mut readers = JoinSet::new();
    for index in 0..clients {
        let engine = Arc::new(enter(&target, &url, index).await?);
        readers.spawn(read(run.clone(), index, engine.events()));
        engines.push(engine);
    }

    let every = CUT_EVERY / u32::try_from(clients).unwrap_or(u32::MAX);
    let gap = every.mul_f64(options.disconnects as f64) / u32::try_from(each.max(1)).unwrap_or(u32::MAX);
    let start = Instant::now();
    let mut senders = JoinSet::new();
    for (index, engine) in engines.iter().enumerate() {
        senders.spawn(write(run.clone(), index, engine.clone(), each, gap.max(GAP)));
    }
    cutter
        .cut(options.disconnects, every, &mut Dice::new(options.seed))
        .await;
    senders.join_all().await;
    run.settle().await;
    let seconds = report::rounded(start.elapsed().as_secs_f64());

    readers.abort_all();
    engines.iter().for_each(|engine| engine.destroy());
    let Book { ledger, unseen } = &*run.book();
    if *unseen > 0 {
        return Err(BenchError::Blind(*unseen).into());
    }
    let account = ledger.account();
    let figures = Figures {
        account,
        disconnects: options.disconnects,
        seconds,
    };
    report::print(&figures, options.json)?;
    match account.is_kept() {
        true => Ok(()),
        false => Err(BenchError::Broken.into()),
    }
}

/// The breaking network in front of a server, and the server's address behind it.
async fn cutter(signal: &str) -> Result<(Cutter, String), BenchError> {
    let url = SignalUrl::parse(signal, &["ws"])?;
    let server = lookup_host((url.host, url.port.unwrap_or(80))).await?.next();
    let cutter = Cutter::start(server.ok_or(BenchError::NoWebSocket)?).await?;
    let url = format!("ws://{}{}", cutter.address(), url.path);
    Ok((cutter, url))
}

/// Sends `each` messages, one a `gap` or as fast as is allowed when it is late.
async fn write(run: Arc<Run>, sender: usize, engine: Arc<Client>, each: usize, gap: Duration) {
    let mut due = Instant::now();
    for number in 0..each {
        sleep_until(due).await;
        let stamp = Stamp {
            run: run.id,
            sender,
            number,
        };
        let stamp = serde_json::to_string(&stamp).expect("numbers are JSON");
        let body = Payload::from_json(&stamp).expect("what was written as JSON is JSON");
        let not_before = Instant::now() + GAP;
        let fate = match engine.send_group_message(body).await {
            Ok(_) => Fate::Acked,
            Err(error) => {
                tracing::warn!(sender, number, %error, "not acknowledged");
                match error.server_code() {
                    Some(_) => Fate::Refused,
                    None => Fate::Unknown,
                }
            }
        };
        run.book().ledger.sent(sender, number, fate);
        due = (due + gap).max(not_before);
    }
}

/// Writes down what comes to an engine.
async fn read(run: Arc<Run>, receiver: usize, mut events: Events) {
    while let Some(event) = events.recv().await {
        match event {
            Event::Group(GroupEvent::Message(message)) => {
                let stamp = run.stamp(&message);
                run.book().ledger.received(receiver, stamp, message.seq);
            }
            Event::Missed(unseen) => run.book().unseen += unseen,
            Event::Discontinuity => tracing::error!(receiver, "a session was not resumed"),
            Event::Ended(why) => tracing::error!(receiver, %why, "a session has ended"),
            _ => {}
        }
    }
}

impl Run {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sender and number of a message of this run.
    fn stamp(&self, message: &GroupMessage) -> Option<(usize, usize)> {
        let stamp: Stamp = serde_json::from_str(message.body.as_json()).ok()?;
        let is_ours = stamp.run == self.id && message.from == user(stamp.sender);
        is_ours.then_some((stamp.sender, stamp.number))
    }

    /// Waits until everything has come, or must be given up.
    async fn settle(&self) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && self.book().ledger.account().lost > 0 {
            sleep(LOOK).await;
        }
        sleep(AFTERMATH).await;
    }
}

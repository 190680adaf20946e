use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use hst_proto::{Audience, Class, Command, Payload, ToGroup};
use hst_rtc::signal::SignalSender;
use serde::Serialize;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use super::{
    BenchError,
    bare::Bare,
    crowd, machine, report,
    target::{Target, TargetOptions, user},
    wire::Wire,
};
use crate::error::CliError;

/// The bytes of a message's text.
const SIZE: usize = 200;
/// Stands before a message's number, and in nothing else that a server sends here.
const MARK: u8 = b'#';
/// Digits of a message's number.
const DIGITS: usize = 6;
/// Messages that are sent first and not measured.
const WARM_UP: u32 = 3;
/// A message that has not come to everybody by then is given up, and the measurement with it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between one message and the next.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: TargetOptions,
    /// How many members the group has, the sender included.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    members: usize,
    /// How many messages are sent, one when the last has come to all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    messages: u32,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    members: usize,
    messages: u32,
    p50_ms: f64,
    p99_ms: f64,
    bare_p50_ms: f64,
    bare_p99_ms: f64,
    ratio_to_bare: f64,
    ratio_to_bare_p99: f64,
    /// All that the server does while members are in the group, their signs of life included; `None` where the system
    /// does not tell.
    deliveries_per_core_second: Option<f64>,
    bare_deliveries_per_core_second: Option<f64>,
}

/// Where the members' receipts come together: what number came, and when.
type Receipts = mpsc::Receiver<(u32, Instant)>;

/// One speaks to all others, at the server and at the bare one in turn.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let members = options.members.max(2);
    machine::check_open_files(members * 2)?;
    let target = Target::reach(&options.target).await?;
    let (mut sender, mut receipts, _group) = group(&target, members).await?;
    let bare = Bare::start().await?;
    let (mut bare_sender, mut bare_receipts, _others) = others(&bare, members).await?;

    let (mut ours, mut theirs) = (Side::new(target.pid(), members), Side::new(bare.pid(), members));
    for number in 0..WARM_UP + options.messages {
        let is_counted = number >= WARM_UP;
        let turn = ours.begin();
        let message = ToGroup {
            body: Payload::text(&text(number)),
            to: Audience::All,
            class: Class::Reliable,
        };
        sender.ask(Command::Message(message)).await?;
        ours.end(turn, number, &mut receipts, is_counted).await?;

        let turn = theirs.begin();
        bare_sender
            .send(Bytes::from(text(number)))
            .await
            .map_err(BenchError::Send)?;
        theirs.end(turn, number, &mut bare_receipts, is_counted).await?;
    }
    let [p50_ms, p99_ms] = ours.percentiles();
    let [bare_p50_ms, bare_p99_ms] = theirs.percentiles();
    let figures = Figures {
        members,
        messages: options.messages,
        p50_ms,
        p99_ms,
        bare_p50_ms,
        bare_p99_ms,
        ratio_to_bare: report::rounded(p50_ms / bare_p50_ms),
        ratio_to_bare_p99: report::rounded(p99_ms / bare_p99_ms),
        deliveries_per_core_second: ours.per_core_second(),
        bare_deliveries_per_core_second: theirs.per_core_second(),
    };
    Ok(report::print(&figures, options.json)?)
}

/// One of the two servers, and how it did.
struct Side {
    pid: Option<u32>,
    /// To how many each message goes.
    others: usize,
    times: Vec<Duration>,
    cpu: Option<Duration>,
}

/// One message under way.
struct Turn {
    sent: Instant,
    cpu: Option<Duration>,
}

impl Side {
    fn new(pid: Option<u32>, members: usize) -> Self {
        Self {
            pid,
            others: members - 1,
            times: Vec::new(),
            cpu: Some(Duration::ZERO),
        }
    }

    fn begin(&self) -> Turn {
        Turn {
            cpu: self.pid.and_then(machine::cpu_time),
            sent: Instant::now(),
        }
    }

    /// Waits until everybody has the message.
    async fn end(
        &mut self,
        turn: Turn,
        number: u32,
        receipts: &mut Receipts,
        is_counted: bool,
    ) -> Result<(), BenchError> {
        let mut missing = self.others;
        while missing > 0 {
            match timeout_at(turn.sent + PATIENCE, receipts.recv()).await {
                Ok(Some((came, at))) if came == number => {
                    missing -= 1;
                    if is_counted {
                        self.times.push(at - turn.sent);
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => {
                    return Err(BenchError::Missing {
                        missing,
                        expected: self.others,
                        seconds: PATIENCE.as_secs(),
                    });
                }
            }
        }
        sleep(PAUSE).await;
        if is_counted {
            let now = self.pid.and_then(machine::cpu_time);
            let spent = now.zip(turn.cpu).map(|(now, then)| now.saturating_sub(then));
            self.cpu = self.cpu.zip(spent).map(|(sum, spent)| sum + spent);
        }
        Ok(())
    }

    fn percentiles(&mut self) -> [f64; 2] {
        [50, 99].map(|percent| report::millis(report::percentile(&mut self.times, percent)))
    }

    fn per_core_second(&self) -> Option<f64> {
        let cpu = self.cpu.filter(|cpu| !cpu.is_zero())?;
        Some((self.times.len() as f64 / cpu.as_secs_f64()).round())
    }
}

/// A group of users at the server: its speaker, and what the others hear.
async fn group(target: &Target, members: usize) -> Result<(Wire, Receipts, JoinSet<()>), CliError> {
    let name = format!("bench-{}", std::process::id());
    let enter = async |index| {
        let mut wire = Wire::login(target, &user(index)).await?;
        let group = name.clone();
        wire.ask(Command::Join { group }).await?;
        Ok(wire)
    };
    let (heard, receipts) = mpsc::channel(2 * members);
    let mut tasks = JoinSet::new();
    crowd::gather(members - 1, &enter, |wire| {
        let heard = heard.clone();
        tasks.spawn(async move {
            let error = wire.stay(|frame| hear(frame, &heard)).await;
            tracing::error!(%error, "a member is gone");
        });
    })
    .await?;
    Ok((enter(members).await?, receipts, tasks))
}

/// As many connections to the bare server.
async fn others(bare: &Bare, members: usize) -> Result<(Box<dyn SignalSender>, Receipts, JoinSet<()>), CliError> {
    let (heard, receipts) = mpsc::channel(2 * members);
    let mut tasks = JoinSet::new();
    crowd::gather(
        members - 1,
        async |_| Ok(bare.connect().await?),
        |mut connection| {
            let heard = heard.clone();
            tasks.spawn(async move {
                while let Ok(frame) = connection.receiver.recv().await {
                    hear(&frame, &heard);
                }
                drop(connection.sender);
            });
        },
    )
    .await?;
    let speaker = bare.connect().await?;
    tasks.spawn(async move {
        let mut receiver = speaker.receiver;
        while receiver.recv().await.is_ok() {}
    });
    Ok((speaker.sender, receipts, tasks))
}

/// A message that says its number.
fn text(number: u32) -> String {
    let head = format!("{}{number:0DIGITS$}", char::from(MARK));
    format!("{head:x<SIZE$}")
}

/// The receipt for a frame, if it is a message.
fn hear(frame: &[u8], heard: &mpsc::Sender<(u32, Instant)>) {
    let at = Instant::now();
    if let Some(number) = number(frame) {
        // There is room for two messages, and one is under way: what is missing is reported as such.
        let _ = heard.try_send((number, at));
    }
}

fn number(frame: &[u8]) -> Option<u32> {
    let mark = frame.iter().position(|byte| *byte == MARK)?;
    let digits = frame.get(mark + 1..=mark + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_its_number() {
        assert_eq!(text(17).len(), SIZE);
        assert_eq!(number(format!("{{\"ev\":\"{}\"}}", text(17)).as_bytes()), Some(17));
        assert_eq!(number(b"{\"seq\":1}"), None);
        assert_eq!(number(b"#1"), None);
    }
}

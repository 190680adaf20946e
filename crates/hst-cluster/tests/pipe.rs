//! Pipes over a bus that loses, doubles and delays what it carries.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use hst_cluster::{
    Bus, Filter, NodeId, Owner, RequestError, Revision, Subject, Subscription, Unavailable,
    memory::MemoryCluster,
    pipe::{News, Pipe, Pipes, WINDOW},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep, timeout};

/// A bus of ill luck, of which each message has its own.
#[derive(Debug, Clone)]
struct Rough {
    inner: MemoryCluster,
    dice: Arc<Mutex<StdRng>>,
    /// Of a hundred messages so many are lost, and so many doubled and delayed.
    lost: u32,
    late: u32,
    is_away: Arc<AtomicBool>,
    published: Arc<AtomicUsize>,
}

impl Rough {
    fn new(seed: u64, lost: u32, late: u32) -> Self {
        Self {
            inner: MemoryCluster::default(),
            dice: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))),
            lost,
            late,
            is_away: Arc::default(),
            published: Arc::default(),
        }
    }

    fn roll(&self, below: u32) -> u32 {
        self.dice.lock().unwrap().random_range(0..below)
    }
}

#[async_trait]
impl Bus for Rough {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Unavailable);
        }
        self.published.fetch_add(1, Ordering::Relaxed);
        if self.roll(100) < self.late {
            let (late, subject, payload) = (self.clone(), subject.clone(), payload.clone());
            let pause = Duration::from_millis(self.roll(400).into());
            tokio::spawn(async move {
                // tidy: allowed, because time is virtual
                sleep(pause).await;
                late.inner.publish(&subject, payload).await
            });
        }
        match self.roll(100) < self.lost {
            true => Ok(()),
            false => self.inner.publish(subject, payload).await,
        }
    }

    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable> {
        self.inner.subscribe(filter).await
    }

    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        self.inner.request(subject, payload, timeout).await
    }
}

fn owner(name: &str, boot: u64) -> Owner {
    Owner {
        node: NodeId::parse(name).unwrap(),
        epoch: Revision::new(1),
        boot,
    }
}

/// A process whose arriving pipes are handed to `serve`.
async fn process<F>(bus: &Rough, name: &str, boot: u64, serve: impl Fn(Pipe, Bytes) -> F + Send + 'static) -> Process
where
    F: Future<Output = ()> + Send + 'static,
{
    let pipes = Pipes::new(Arc::new(bus.clone()), &owner(name, boot));
    let mut arrivals = pipes.listen().await.unwrap();
    let task = tokio::spawn(async move {
        let mut served = tokio::task::JoinSet::new();
        loop {
            let (pipe, greeting) = arrivals.next().await;
            served.spawn(serve(pipe, greeting));
        }
    });
    Process { pipes, task }
}

struct Process {
    pipes: Pipes,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serves_nobody(_: Pipe, _: Bytes) {}

/// Says again whatever it hears; not more at a time than the pipe has room for.
async fn echo(mut pipe: Pipe, greeting: Bytes) {
    assert_eq!(greeting, "echo");
    loop {
        match pipe.next().await {
            News::Message(message) => _ = pipe.push(message),
            News::Delivered(_) => {}
            News::Ended => return,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn everything_arrives_once_and_in_order_whatever_the_bus_does() {
    for (seed, lost, late) in [(1, 0, 0), (2, 10, 0), (3, 0, 30), (4, 20, 20), (5, 40, 40), (6, 60, 10)] {
        let bus = Rough::new(seed, lost, late);
        let one = process(&bus, "one", 1, serves_nobody).await;
        let _other = process(&bus, "other", 2, count).await;
        let mut pipe = one.pipes.connect(&owner("other", 2), "count".into());
        let (mut pushed, mut heard, mut delivered) = (0_u64, 0_u64, 0);
        while heard < 2_000 || delivered < 2_000 {
            while pushed < 2_000 && pipe.has_room() {
                pushed += 1;
                assert_eq!(pipe.push(Bytes::copy_from_slice(&pushed.to_be_bytes())), pushed);
            }
            match pipe.next().await {
                News::Message(message) => {
                    heard += 1;
                    assert_eq!(message.as_ref(), heard.to_be_bytes(), "seed {seed}");
                }
                News::Delivered(count) => delivered = count,
                News::Ended => panic!("seed {seed}: it ended after {heard}"),
            }
        }
        assert_eq!((pushed, heard, delivered), (2_000, 2_000, 2_000), "seed {seed}");
    }
}

/// Holds the order, and says each number back.
async fn count(mut pipe: Pipe, _greeting: Bytes) {
    let (mut heard, mut said) = (0_u64, 0_u64);
    loop {
        while said < heard && pipe.has_room() {
            said += 1;
            pipe.push(Bytes::copy_from_slice(&said.to_be_bytes()));
        }
        match pipe.next().await {
            News::Message(message) => {
                heard += 1;
                assert_eq!(message.as_ref(), heard.to_be_bytes());
            }
            News::Delivered(_) => {}
            News::Ended => return,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_good_bus_a_message_costs_two_frames_and_silence_a_sign_of_life_now_and_then() {
    let bus = Rough::new(1, 0, 0);
    let one = process(&bus, "one", 1, serves_nobody).await;
    let _other = process(&bus, "other", 2, echo).await;
    let mut pipe = one.pipes.connect(&owner("other", 2), "echo".into());
    let before = Instant::now();
    pipe.push("first".into());
    while pipe.next().await != News::Message("first".into()) {}
    assert_eq!(before.elapsed(), Duration::ZERO, "nothing waits for a clock");
    assert_eq!(pipe.next().await, News::Delivered(1));
    // What is owed goes out while it is waited for.
    assert!(timeout(Duration::from_secs(4), pipe.next()).await.is_err());
    let at_rest = bus.published.load(Ordering::Relaxed);
    assert!(at_rest <= 8, "{at_rest}");
    // It was none, and then an end that waits did not find out that the other is gone.
    let idle = timeout(Duration::from_secs(3600), pipe.next()).await;
    let signs = bus.published.load(Ordering::Relaxed) - at_rest;
    assert!(idle.is_err() && signs <= 2 * 3600 / 5 + 2, "{signs}");
}

#[tokio::test(start_paused = true)]
async fn who_pushes_against_one_who_does_not_take_is_held_up_after_a_window() {
    let bus = Rough::new(1, 0, 0);
    let one = process(&bus, "one", 1, serves_nobody).await;
    let _other = process(&bus, "other", 2, |pipe, _| async move {
        let _kept = pipe;
        std::future::pending::<()>().await;
    })
    .await;
    let mut pipe = one.pipes.connect(&owner("other", 2), Bytes::new());
    let mut pushed = 0;
    while pipe.has_room() {
        pipe.push("more".into());
        pushed += 1;
    }
    assert_eq!(pushed, WINDOW);
    assert!(timeout(Duration::from_secs(10), pipe.next()).await.is_err());
    assert!(!pipe.has_room());
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_any_length_ends_no_pipe() {
    let bus = Rough::new(1, 0, 0);
    let one = process(&bus, "one", 1, serves_nobody).await;
    let _other = process(&bus, "other", 2, echo).await;
    let mut pipe = one.pipes.connect(&owner("other", 2), "echo".into());
    pipe.push("before".into());
    while pipe.next().await != News::Message("before".into()) {}
    bus.is_away.store(true, Ordering::Relaxed);
    pipe.push("meanwhile".into());
    let meanwhile = timeout(Duration::from_secs(3600), async {
        while pipe.next().await == News::Delivered(1) {}
    });
    assert!(meanwhile.await.is_err());
    bus.is_away.store(false, Ordering::Relaxed);
    let back = timeout(Duration::from_secs(5), async {
        while pipe.next().await != News::Message("meanwhile".into()) {}
    });
    back.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pipe_ends_when_its_other_end_is_closed_refused_forgotten_restarted_or_buried() {
    let bus = Rough::new(1, 0, 0);
    let one = process(&bus, "one", 1, serves_nobody).await;
    let other = process(&bus, "other", 2, |mut pipe, greeting| async move {
        if greeting == "refuse" {
            return pipe.close().await;
        }
        pipe.next().await;
        match &greeting[..] {
            b"close" => pipe.close().await,
            b"drop" => drop(pipe),
            _ => while pipe.next().await != News::Ended {},
        }
    })
    .await;
    let ended = async |pipe: &mut Pipe| {
        let since = Instant::now();
        while pipe.next().await != News::Ended {}
        since.elapsed()
    };
    let mut refused = one.pipes.connect(&owner("other", 2), "refuse".into());
    assert_eq!(
        ended(&mut refused).await,
        Duration::ZERO,
        "also when nothing was pushed"
    );
    for greeting in ["close", "drop"] {
        let mut pipe = one.pipes.connect(&owner("other", 2), greeting.into());
        pipe.push("go".into());
        assert!(ended(&mut pipe).await < Duration::from_secs(1), "{greeting}");
    }
    let mut pipe = one.pipes.connect(&owner("other", 2), "keep".into());
    pipe.push("go".into());
    assert_eq!(pipe.next().await, News::Delivered(1));
    drop(other);
    // The same node, but another process: what it has is not what the first one had.
    let _other = process(&bus, "other", 3, echo).await;
    pipe.push("lost".into());
    assert!(timeout(Duration::from_secs(5), ended(&mut pipe)).await.is_err());
    one.pipes.bury(&owner("other", 3));
    assert!(timeout(Duration::from_secs(5), ended(&mut pipe)).await.is_err());
    one.pipes.bury(&owner("other", 2));
    assert_eq!(ended(&mut pipe).await, Duration::ZERO);

    // And without a word of anybody, after a while.
    let mut pipe = one.pipes.connect(&owner("other", 2), "keep".into());
    assert!(ended(&mut pipe).await < Duration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_to_say_finds_out_that_the_other_end_is_gone_although_its_farewell_was_lost() {
    let bus = Rough::new(1, 0, 0);
    let one = process(&bus, "one", 1, serves_nobody).await;
    let (gone, mut is_gone) = tokio::sync::mpsc::channel(1);
    let _other = process(&bus, "other", 2, move |mut pipe, greeting| {
        let gone = gone.clone();
        async move {
            pipe.next().await;
            // What is owed goes out.
            let _ = timeout(Duration::from_secs(1), pipe.next()).await;
            if greeting == "wait" {
                while pipe.next().await != News::Ended {}
                gone.send(()).await.unwrap();
            }
        }
    })
    .await;
    let soon = Duration::from_secs(10);
    let mut pipe = one.pipes.connect(&owner("other", 2), "go".into());
    pipe.push("go".into());
    while pipe.next().await != News::Delivered(1) {}
    assert_eq!(timeout(soon, pipe.next()).await, Ok(News::Ended));

    let mut pipe = one.pipes.connect(&owner("other", 2), "wait".into());
    pipe.push("go".into());
    while pipe.next().await != News::Delivered(1) {}
    drop(pipe);
    timeout(soon, is_gone.recv()).await.unwrap().unwrap();
}

/// It may have been declared dead before the pipe began, and is buried only once.
#[tokio::test(start_paused = true)]
async fn who_has_nothing_to_say_finds_out_that_the_other_process_is_gone_although_nobody_buries_it() {
    let bus = Rough::new(1, 0, 0);
    let one = process(&bus, "one", 1, serves_nobody).await;
    let other = process(&bus, "other", 2, echo).await;
    let mut pipe = one.pipes.connect(&owner("other", 2), "echo".into());
    pipe.push("hello".into());
    while pipe.next().await != News::Delivered(1) {}
    // As long as it lives, silence says nothing.
    assert!(timeout(Duration::from_secs(600), pipe.next()).await.is_err());
    drop(other);
    assert_eq!(timeout(Duration::from_secs(45), pipe.next()).await, Ok(News::Ended));
}

#[tokio::test(start_paused = true)]
async fn late_words_of_an_ended_pipe_begin_no_other() {
    for seed in 0..20 {
        let bus = Rough::new(seed, 20, 60);
        let one = process(&bus, "one", 1, serves_nobody).await;
        let begun = Arc::new(AtomicUsize::new(0));
        let counted = begun.clone();
        let _other = process(&bus, "other", 2, move |pipe, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            count(pipe, Bytes::new())
        })
        .await;
        for _ in 0..10 {
            let mut pipe = one.pipes.connect(&owner("other", 2), Bytes::new());
            pipe.push(Bytes::copy_from_slice(&1_u64.to_be_bytes()));
            while !matches!(pipe.next().await, News::Message(_)) {}
            pipe.close().await;
        }
        // tidy: allowed, because time is virtual
        sleep(Duration::from_secs(2)).await;
        assert_eq!(begun.load(Ordering::Relaxed), 10, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_is_passed_over() {
    let bus = Rough::new(9, 0, 0);
    let one = process(&bus, "one", 1, serves_nobody).await;
    let _other = process(&bus, "other", 2, echo).await;
    let to = Subject::parse("pipe.other.2").unwrap();
    for length in 0..200 {
        let garbage: Vec<u8> = (0..length).map(|_| bus.dice.lock().unwrap().random()).collect();
        bus.publish(&to, garbage.into()).await.unwrap();
    }
    let mut pipe = one.pipes.connect(&owner("other", 2), "echo".into());
    pipe.push("hello".into());
    while pipe.next().await != News::Message("hello".into()) {}
}

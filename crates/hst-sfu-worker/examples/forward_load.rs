//! What forwarding costs: one video to some receivers over real sockets, measured as CPU time of the media thread.
//!
//! `cargo run --release -p hst-sfu-worker --example forward_load -- --receivers 1,10,50 --kbps 1500 --seconds 10`

#![allow(clippy::print_stdout, reason = "it is there to print")]

#[path = "../tests/house/mod.rs"]
mod house;

use std::{
    fs,
    time::{Duration, Instant},
};

use house::{DELTA, House, KEY, Want};
use hst_sfu_worker::TrackId;
use str0m::{
    format::Codec,
    media::{MediaKind, Mid},
    rtp::ExtensionValues,
};

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 30);
const PACKET: usize = 1100;
const CAMERA: TrackId = TrackId(1);

fn main() {
    let mut receivers = vec![1, 10, 50];
    let mut kbps = 1500;
    let mut seconds = 10;
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next().unwrap_or_default();
        let number = |text: &str| {
            text.parse()
                .unwrap_or_else(|_| panic!("{option} takes numbers, not {text:?}"))
        };
        match option.as_str() {
            "--receivers" => receivers = value.split(',').map(number).collect(),
            "--kbps" => kbps = number(&value),
            "--seconds" => seconds = number(&value) as u64,
            _ => panic!("unknown option {option}: there are --receivers, --kbps, --seconds"),
        }
    }
    println!("one video of {kbps} kb/s in 30 frames a second, {seconds} s each");
    println!("receivers  forwarded/s  delivered  us/packet  CPU of the media thread");
    for count in receivers {
        measure(count, kbps, Duration::from_secs(seconds));
    }
}

fn measure(receivers: usize, kbps: usize, length: Duration) {
    let mut house = House::new();
    let publisher = house.client(|config| config);
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    for _ in 0..receivers {
        let receiver = house.client(|config| config);
        house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    }
    let mut stream = Stream {
        camera,
        seq: 0,
        time: 0,
        packets: sizes(kbps),
    };
    // The first second is the start: keyframe requests, reports that say the receivers are there.
    stream.run(&mut house, publisher, Duration::from_secs(1));

    let forwarded = |house: &House| house.runtime.block_on(house.room.stats()).forwarded_packets;
    let received = |house: &House| house.clients.iter().map(|client| client.received.len()).sum::<usize>();
    let before = (forwarded(&house), received(&house), cpu_time(), Instant::now());
    stream.run(&mut house, publisher, length);
    let elapsed = before.3.elapsed().as_secs_f64();
    let cpu = (cpu_time() - before.2).as_secs_f64();
    let packets = forwarded(&house) - before.0;
    let delivered = (received(&house) - before.1) as f64 / packets as f64;
    println!(
        "{receivers:9}  {:11.0}  {:8.1}%  {:9.2}  {:.2}%",
        packets as f64 / elapsed,
        delivered * 100.0,
        cpu * 1e6 / packets as f64,
        cpu / elapsed * 100.0,
    );
}

struct Stream {
    camera: Mid,
    seq: u64,
    time: u32,
    packets: Vec<usize>,
}

impl Stream {
    /// Sends frames at their time, each in one burst, a keyframe whenever one is asked for.
    fn run(&mut self, house: &mut House, publisher: usize, length: Duration) {
        let start = Instant::now();
        let mut next = start;
        let mut answered = 0;
        house.drive_for(length + Duration::from_secs(30), "the end", |house| {
            while next <= Instant::now() {
                next += FRAME;
                self.time = self.time.wrapping_add(3000);
                let client = &mut house.clients[publisher];
                let is_key = self.seq == 0 || std::mem::replace(&mut answered, client.keyframe_requests) != answered;
                for (at, &size) in self.packets.iter().enumerate() {
                    let mut payload = vec![0; size];
                    payload[0] = if at == 0 { 0x10 } else { 0 };
                    payload[1] = if is_key { KEY } else { DELTA };
                    client.send(
                        self.camera,
                        Codec::Vp8,
                        self.seq,
                        self.time,
                        payload,
                        ExtensionValues::default(),
                    );
                    self.seq += 1;
                }
            }
            start.elapsed() >= length
        });
    }
}

/// The packets of one frame.
fn sizes(kbps: usize) -> Vec<usize> {
    let frame = kbps * 1000 / 8 / 30;
    let count = frame.div_ceil(PACKET).max(1);
    (0..count)
        .map(|at| (frame * (at + 1) / count - frame * at / count).max(2))
        .collect()
}

/// What the media thread has used so far, as Linux counts it.
fn cpu_time() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    let of = |name: &str, task: &fs::DirEntry| fs::read_to_string(task.path().join(name)).unwrap_or_default();
    let media = tasks.flatten().filter(|task| of("comm", task).starts_with("hst-media"));
    let nanos = media.filter_map(|task| of("schedstat", &task).split(' ').next()?.parse::<u64>().ok());
    Duration::from_nanos(nanos.sum())
}

//! What a forwarded packet costs, counted in instructions: on a busy machine the figure is the same as on an idle one.
//!
//! Each case is a test that forwards packets. Another test runs them once more under valgrind's callgrind, which counts what the
//! worker does in [`counted`], and nothing of the clients. Valgrind has a processor of its own (with AES and AVX2, and without
//! what is newer), so that the cipher and `memcpy` choose the same code on every x86-64 machine that has those.

use std::{env, hint::black_box, process::Command, thread};

use super::*;

/// For so long clients connect, media begin, and it is found out what the networks carry, before it is counted.
const BEGIN: Duration = Duration::from_millis(2500);
/// For so long it is counted, and with a hundred receivers for less: valgrind takes 50 times as long for everything.
const LENGTH: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_millis(400);
/// A camera whose frames are 8 packets of 1,100 bytes.
const RATE: u32 = 8 * 1100 * 8 * client::PICTURES;
/// How a case says what it has forwarded.
const SAYS: &str = "packets forwarded: ";

/// What was measured last, in instructions for each packet that went to a receiver: of everything but the cryptography, and of
/// that. Whoever makes it cheaper, or dearer for a good reason, writes the new figures here and in docs/performance.md.
const WRITTEN: [(&str, [u64; 2]); 3] = [
    ("a_camera_is_forwarded_to_ten", [3_300, 4_320]),
    ("a_camera_is_forwarded_to_a_hundred", [2_630, 4_040]),
    ("ten_who_speak_are_forwarded_to_each_other", [5_170, 1_800]),
];
/// It may be dearer by so much, in percent: another compiler needs a little more or less.
const TOLERANCE: u64 = 10;

#[test]
fn a_camera_is_forwarded_to_ten() {
    broadcast(10, LENGTH);
}

#[test]
fn a_camera_is_forwarded_to_a_hundred() {
    broadcast(100, SHORT);
}

#[test]
fn ten_who_speak_are_forwarded_to_each_other() {
    let mut world = World::new(1);
    let tracks: Vec<_> = (1..=10).map(TrackId).collect();
    for own in &tracks {
        let others = tracks.iter().filter(|it| *it != own).copied().collect();
        world.join(Role::Speak { own: *own, others }, without_red);
    }
    let forwarded = world.count(LENGTH);
    // Of many who speak, five are heard.
    let heard = 5 * 9 * u64::from(SOUNDS);
    assert!((heard..heard * 11 / 10).contains(&forwarded), "{forwarded}");
}

fn broadcast(receivers: u64, length: Duration) {
    let mut world = World::new(1);
    let publisher = world.join(Role::Publish(vec![RATE], None), |config| {
        without_red(config).enable_bwe(None)
    });
    world.clients[publisher].microphone = None;
    for _ in 0..receivers {
        world.join(Role::Receive, without_red);
    }
    let forwarded = world.count(length);
    let pictures = (length.as_secs_f64() * f64::from(client::PICTURES)) as u64;
    assert_eq!(forwarded, 8 * pictures * receivers);
}

impl World {
    /// Lets time pass, in which the worker's instructions are counted; says how many packets it has forwarded.
    fn count(&mut self, length: Duration) -> u64 {
        self.run(BEGIN);
        let before = self.thread.worker.rooms[&ROOM].forwarded_packets;
        self.work = counted;
        self.run(length);
        let forwarded = self.thread.worker.rooms[&ROOM].forwarded_packets - before;
        println!("{SAYS}{forwarded}");
        forwarded
    }
}

/// It has a name by which valgrind finds it, and what it calls is not the last that it does.
#[inline(never)]
fn counted(worker: &mut Worker, now: Instant, arrived: &[(Remote, Vec<u8>)]) {
    work(worker, now, arrived);
    black_box(worker);
}

#[test]
#[ignore = "needs valgrind, which `cargo xtask test` installs"]
fn a_forwarded_packet_takes_no_more_instructions_than_are_written() {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return println!("not counted: the figures are those of x86-64");
    }
    let measured = thread::scope(|scope| {
        let counting = WRITTEN.map(|(case, _)| scope.spawn(move || instructions(case)));
        counting.map(|it| it.join().expect("it was counted"))
    });
    let mut dearer = Vec::new();
    for ((case, written), measured) in WRITTEN.into_iter().zip(measured) {
        println!(
            "{case}: {measured:?} instructions a packet, without the cryptography and of it; written are {written:?}"
        );
        let is_dearer = |(now, then): (u64, u64)| now > then + then * TOLERANCE / 100;
        if measured.into_iter().zip(written).any(is_dearer) {
            dearer.push(case);
        }
    }
    assert!(
        dearer.is_empty(),
        "{dearer:?}: more instructions than WRITTEN has. Mend that, or say there why it is well."
    );
}

/// What a packet of a case takes: without the cryptography, and of it.
fn instructions(case: &str) -> [u64; 2] {
    let file = env::temp_dir().join(format!("hst-cost-{}-{case}", std::process::id()));
    let module = module_path!().split_once("::").expect("within a crate").1;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*{module}::counted*"))
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe().expect("a program"))
        .args(["--exact", &format!("{module}::{case}"), "--nocapture"])
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let count = said
        .lines()
        .find_map(|line| line.split_once(SAYS)?.1.parse::<u64>().ok());
    let count = count.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    let counted = std::fs::read_to_string(&file).expect("what valgrind has counted");
    std::fs::remove_file(&file).expect("our own file");
    sum(&counted).map(|all| all / count)
}

/// Adds up what callgrind has written (Callgrind Format Specification): the instructions of each function itself, without the
/// cryptography and of it.
fn sum(text: &str) -> [u64; 2] {
    let mut sums = [0; 2];
    let (mut at, mut is_call) = (0, false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            at = usize::from(is_cryptography(name));
        } else if line.starts_with("calls=") {
            // The next line has what is inside of the call, which its function has by itself.
            is_call = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) && !std::mem::take(&mut is_call) {
            let cost = line.split(' ').next_back().and_then(|cost| cost.parse::<u64>().ok());
            sums[at] += cost.expect("a line and a cost");
        }
    }
    sums
}

/// Whether it is a function of aws-lc; those in assembler go without its name.
fn is_cryptography(name: &str) -> bool {
    ["aws_lc_", "aes", "gcm", "ghash"]
        .iter()
        .any(|word| name.contains(word))
}

#[test]
fn what_a_function_calls_is_not_its_own() {
    let text = "events: Ir\nfn=a\n1 10\ncfn=b\ncalls=2 7\n+1 500\n+2 5\n\nfn=aesni_encrypt\n* 20\ntotals: 35\n";
    assert_eq!(sum(text), [15, 20]);
}

//! What memory a receiver takes of the media plane, counted in bytes of the heap: exact, whatever else the machine does.
//!
//! Rooms of different sizes are tests. Another test runs them once more under valgrind's DHAT, which says of each place what it has
//! allocated and not freed in the end. What more receivers add is theirs; what there is once for all is in both rooms.

use std::{collections::BTreeMap, env, mem, process::Command, thread};

use super::*;

/// Until packets have been sent for more than the second for which they may be asked for again.
const LENGTH: Duration = Duration::from_millis(2_500);
/// A camera whose frames are 8 packets of 1,100 bytes.
const RATE: u32 = 8 * 1100 * 8 * client::PICTURES;
/// So many receive in the rooms.
const FEW: usize = 4;
const MANY: usize = 20;

/// What was measured last, in bytes for a receiver with a line for pictures and one for sound, by part. Whoever needs less, or
/// more for a good reason, writes the new figures here and in docs/performance.md.
const WRITTEN: [(&str, usize); 5] = [
    ("DTLS", 6_900),
    ("SRTP", 2_600),
    ("what may be asked for again", 2_100),
    ("the estimate of the network", 4_600),
    ("all else", 12_500),
];
/// A part may need more by so much, in percent: another compiler lays things out in another way.
const TOLERANCE: usize = 10;

#[test]
fn a_room_of_few() {
    fill(FEW);
}

#[test]
fn a_room_of_many() {
    fill(MANY);
}

/// A room in which so many have received a camera for a while.
fn fill(receivers: usize) {
    let mut world = World::new(1);
    let publisher = world.join(Role::Publish(vec![RATE], None), |config| {
        without_red(config).enable_bwe(None)
    });
    world.clients[publisher].microphone = None;
    for _ in 0..receivers {
        world.join(Role::Receive, without_red);
    }
    world.work = watched;
    world.run(LENGTH);
    let forwarded = world.thread.worker.rooms[&ROOM].forwarded_packets;
    assert!(forwarded > 200 * receivers as u64, "{forwarded}");
    // What is there in the end is what is counted.
    mem::forget(world);
}

/// It has a name by which it is found: what is allocated in it is the worker's.
#[inline(never)]
fn watched(worker: &mut Worker, now: Instant, arrived: &[(Remote, Vec<u8>)]) {
    work(worker, now, arrived);
    std::hint::black_box(worker);
}

#[test]
#[ignore = "needs valgrind, which `cargo xtask test` installs"]
fn a_receiver_takes_no_more_memory_than_is_written() {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return println!("not counted: the figures are those of x86-64");
    }
    let [few, many] = thread::scope(|scope| {
        let counting = ["a_room_of_few", "a_room_of_many"].map(|case| scope.spawn(move || bytes(case)));
        counting.map(|it| it.join().expect("it was counted"))
    });
    let of_one = |part| {
        many.get(part)
            .unwrap_or(&0)
            .saturating_sub(*few.get(part).unwrap_or(&0))
            / (MANY - FEW)
    };
    let measured = WRITTEN.map(|(part, written)| (part, of_one(part), written));
    let mut larger = Vec::new();
    for (part, now, then) in measured {
        println!("{part}: {now} bytes a receiver; written are {then}");
        if now > then + then * TOLERANCE / 100 {
            larger.push(part);
        }
    }
    let all: usize = measured.iter().map(|(_, now, _)| now).sum();
    println!("together {all}");
    assert!(
        larger.is_empty(),
        "{larger:?}: more memory than WRITTEN has. Mend that, or say there why it is well."
    );
}

/// What the worker has in the end in a case, by part.
fn bytes(case: &str) -> BTreeMap<&'static str, usize> {
    let file = env::temp_dir().join(format!("hst-memory-{}-{case}", std::process::id()));
    let module = module_path!().split_once("::").expect("within a crate").1;
    let output = Command::new("valgrind")
        .args(["--tool=dhat", "--num-callers=100"])
        .arg(format!("--dhat-out-file={}", file.display()))
        .arg(env::current_exe().expect("a program"))
        .args(["--exact", &format!("{module}::{case}")])
        .output()
        .expect("valgrind runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let counted = std::fs::read_to_string(&file).expect("what valgrind has counted");
    std::fs::remove_file(&file).expect("our own file");
    sum(&counted)
}

/// Adds up what DHAT has written, a JSON object with a line for each thing: what is there in the end (`eb`) of each place in the
/// program, which is told by what it was called from (`fs`, numbers of the table `ftbl`).
fn sum(text: &str) -> BTreeMap<&'static str, usize> {
    let (places, table) = text.split_once(",\"ftbl\":").expect("a table");
    let table: Vec<_> = table.lines().skip(1).collect();
    let (mut sums, mut end) = (BTreeMap::new(), 0);
    for line in places.lines() {
        if let Some((_, rest)) = line.split_once("\"eb\":") {
            let digits = rest.split(',').next().unwrap_or_default();
            end = digits.parse().expect("a number");
        } else if let Some((_, frames)) = line.split_once("\"fs\":[") {
            let numbers = frames.split(']').next().unwrap_or_default().split(',');
            let frames: Vec<&str> = numbers
                .filter_map(|number| table.get(number.parse::<usize>().ok()?).copied())
                .collect();
            let is_in = |words: &[&str]| frames.iter().any(|frame| words.iter().any(|word| frame.contains(word)));
            let is_its = is_in(&["memory::watched", "::handle_offer"]);
            // What waits to be sent is sent at once where there is a network, so that its room does not grow with the receivers.
            let is_outbox = is_in(&["(network.rs:"]) && !is_in(&["hst_bwe"]);
            if is_its && !is_outbox {
                *sums.entry(part(is_in)).or_default() += end;
            }
        }
    }
    sums
}

/// Which part of a connection something is that was allocated within these.
fn part(is_in: impl Fn(&[&str]) -> bool) -> &'static str {
    let words: [&[&str]; 4] = [
        &["dimpl::"],
        &["hst_srtp"],
        &["history", "egress::log", "recent::"],
        &["hst_bwe"],
    ];
    // The estimate has a history of its own.
    let order = [0, 1, 3, 2];
    let found = order.into_iter().find(|at| is_in(words[*at]));
    WRITTEN[found.unwrap_or(4)].0
}

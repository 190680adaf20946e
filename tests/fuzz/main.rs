//! The bodies of the fuzz targets on their seeds and on changes of them: what libFuzzer finds in hours is no matter of an
//! ordinary test, but each target is known to run, and what it once found stays found as a seed.

// The crate is no part of the workspace, because libFuzzer needs a compiler of its own.
#[path = "../../fuzz/src/lib.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "there it is a crate of its own, with programs around it"
)]
mod bodies;

use std::{collections::BTreeSet, fs, path::PathBuf};

use rand::{Rng, SeedableRng, rngs::StdRng};

/// How many changes of seeds a target is tried with, where nobody wants more.
const CHANGES: usize = 2_000;
/// The longest input, as libFuzzer has it.
const LONGEST: usize = 4_096;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(name)
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(folder("seeds").join(target)).expect("each target has seeds");
    let mut paths: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("readable")).collect()
}

/// One change as a fuzzer makes it.
fn change(input: &mut Vec<u8>, other: &[u8], dice: &mut StdRng) {
    let at = dice.random_range(0..=input.len());
    let len = dice.random_range(0..16_usize);
    match dice.random_range(0..7) {
        0 => input.truncate(at),
        1 => drop(input.drain(at..(at + len).min(input.len()))),
        2 => drop(input.splice(at..at, (0..len).map(|_| dice.random()).collect::<Vec<u8>>())),
        3 => input
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte ^= 1 << (len % 8)),
        4 => input
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte = [0, 1, 0x7f, 0x80, 0xff, b'"'][len % 6]),
        5 => input.extend_from_within(at..),
        _ => input.extend(other.iter().skip(len)),
    }
    input.truncate(LONGEST);
}

fn hold(name: &str) {
    let (_, body) = bodies::TARGETS
        .iter()
        .find(|(other, _)| *other == name)
        .expect("a target");
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    seeds.iter().for_each(|seed| body(seed));
    let wanted = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let changes = wanted("HST_FUZZ_CHANGES").map_or(CHANGES, |changes| changes as usize);
    let mut dice = StdRng::seed_from_u64(wanted("HST_FUZZ_SEED").unwrap_or(1));
    for round in 0..changes {
        let mut input = seeds[round % seeds.len()].clone();
        let other = &seeds[dice.random_range(0..seeds.len())];
        for _ in 0..dice.random_range(1..6) {
            change(&mut input, other, &mut dice);
        }
        let tried = std::panic::catch_unwind(|| body(&input));
        assert!(tried.is_ok(), "{name}, change {round}: {}", input.escape_ascii());
    }
}

#[test]
fn every_target_is_in_the_table_and_has_a_file_for_libfuzzer() {
    let files = fs::read_dir(folder("fuzz_targets")).expect("the targets");
    let stem = |file: fs::DirEntry| Some(file.path().file_stem()?.to_str()?.to_owned());
    let files: BTreeSet<_> = files.filter_map(|file| stem(file.expect("readable"))).collect();
    let table: BTreeSet<_> = bodies::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, table);
    let manifest = fs::read_to_string(folder("Cargo.toml")).expect("the manifest");
    assert!(
        table
            .iter()
            .all(|name| manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")))
    );
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            hold(stringify!($name));
        })*

        #[test]
        fn no_target_is_left_out_here() {
            let here: BTreeSet<_> = [$(stringify!($name)),*].into();
            let all: BTreeSet<_> = bodies::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(here, all);
        }
    };
}

targets! {
    client_frame server_frame payload signal_url names token forwarded_packets described_packets received_packets
    rtp_packet rtcp_compound rtp_numbers media_file bitstream sealed_frame sealed_packet letter turn_message turn_stream
    webhook cluster_entry offer repair_packets bandwidth framed_stream relay_answers relayed
    node_words record listener_frame whip_offer proxy_header opened_packet access_answer media_answer
}

//! Cores never wait, own no socket and read no clock: time is an argument.

use std::collections::BTreeSet;

use super::manifests::Manifests;
use crate::{
    fault::Fault,
    source::{code, has_word},
    tree::Tree,
};

/// Dependencies with which a core could wait or know the time.
const DEPENDENCIES: &[&str] = &[
    "async-trait",
    "chrono",
    "futures-util",
    "mio",
    "socket2",
    "time",
    "tokio",
];

/// Words with which it could do so by the standard library alone.
const WORDS: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    ".elapsed()",
    "std::fs",
    "std::thread",
    "thread::spawn",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "async fn",
];

const MEND: &str = "take what you need as an argument, and leave the waiting to the shell above";

pub(super) fn check(cores: &BTreeSet<String>, manifests: &Manifests, tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for core in cores {
        let Some(own) = manifests.crates.get(core) else {
            faults.push(Fault::new(core, "is named as a core, but is no crate", "strike it"));
            continue;
        };
        for dependency in DEPENDENCIES.iter().filter(|&&name| own.outside.contains(name)) {
            faults.push(Fault::new(core, format!("is a core and depends on {dependency}"), MEND));
        }
        faults.extend(words(core, tree));
    }
    faults
}

fn words(core: &str, tree: &Tree) -> Vec<Fault> {
    let folder = format!("crates/{core}/src/");
    let mut faults = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.starts_with(&folder)) {
        if file.extension() != "rs" || file.path.ends_with("/tests.rs") || file.path.contains("/tests/") {
            continue;
        }
        for (number, line) in code(&file.text) {
            for word in WORDS.iter().filter(|word| has_word(line, word)) {
                faults.push(Fault::line(&file.path, number, format!("a core says `{word}`"), MEND));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_that_reads_the_clock_is_found_and_its_tests_and_comments_are_not() {
        let tree = Tree::of(&[
            (
                "crates/a/src/x.rs",
                "// Instant::now\nlet t = Instant::now();\n#[cfg(test)]\nmod tests {\nInstant::now()",
            ),
            ("crates/a/src/y/tests.rs", "Instant::now()"),
            ("crates/a/tests/y.rs", "Instant::now()"),
            ("crates/b/src/x.rs", "Instant::now()"),
        ]);
        let faults = words("a", &tree);
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0]
                .to_string()
                .starts_with("crates/a/src/x.rs:2: a core says `Instant::now`")
        );
    }

    #[test]
    fn a_core_that_could_wait_is_found() {
        let metadata = serde_json::json!({ "packages": [{
            "name": "a", "manifest_path": "/w/crates/a/Cargo.toml", "dependencies": [{ "name": "tokio", "kind": null }],
        }]});
        let manifests = Manifests::parse(&metadata).unwrap();
        let cores = BTreeSet::from(["a".to_owned(), "gone".to_owned()]);
        let faults = check(&cores, &manifests, &Tree::default());
        assert!(faults[0].to_string().starts_with("a: is a core and depends on tokio"));
        assert!(faults[1].to_string().starts_with("gone: is named as a core"));
    }
}

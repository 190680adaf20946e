//! Words that no line may hold. This file spells what it forbids, so it is not held against itself.

use crate::{
    fault::Fault,
    source::{has_word, lines},
    tree::{File, Tree},
};

const OWN_PATH: &str = "xtask/src/tidy/lines.rs";

/// A file may be this long; aim for 120, and think at 300.
const MAX_LINES: usize = 500;

/// The longer ones, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[(
    "crates/hst-web/sdk/hst-rtc-engine.d.ts",
    "it is made by `cargo xtask types`, and nobody writes it",
)];

/// What comes with a reason, on the line or the one before, excuses a line.
const EXCUSE: &str = "tidy: allowed, because ";

/// Words that are forbidden in some files.
struct Rule {
    words: &'static [&'static str],
    applies: fn(&File) -> bool,
    /// Whether a comment may say them.
    in_comments: bool,
    wrong: &'static str,
    mend: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        words: &["todo!", "unimplemented!", "TODO", "FIXME", "XXX"],
        applies: is_source,
        in_comments: false,
        wrong: "something is not finished",
        mend: "finish it, or take it out and file it as an issue",
    },
    Rule {
        words: &[
            "unbounded_channel",
            "UnboundedSender",
            "UnboundedReceiver",
            "unbounded()",
            "mpsc::channel()",
        ],
        applies: is_rust,
        in_comments: true,
        wrong: "a queue without a bound",
        mend: "use a bounded channel with a named capacity, and say what happens when it is full",
    },
    Rule {
        words: &["sleep("],
        applies: is_test_on_real_time,
        in_comments: true,
        wrong: "a test that sleeps is slow when it works and wrong when the machine is busy",
        mend: "wait for the event itself, or own the clock: `now` as an argument, or tokio with `start_paused = true`",
    },
    Rule {
        words: &["#[ignore]"],
        applies: is_rust,
        in_comments: true,
        wrong: "a test is left out without a reason",
        mend: "write `#[ignore = \"…\"]`, or mend the test",
    },
    Rule {
        words: &["/work/", "../shared", "/root/", "/home/", "/Users/"],
        applies: |_| true,
        in_comments: false,
        wrong: "a path of one machine",
        mend: "use a path within the project, or a temporary folder",
    },
];

/// Holds every line of every file against the words.
pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let held = tree.files.iter().filter(|file| file.path != OWN_PATH);
    held.flat_map(|file| RULES.iter().flat_map(move |rule| rule.check(file)))
        .collect()
}

impl Rule {
    fn check(&self, file: &File) -> Vec<Fault> {
        if !(self.applies)(file) {
            return Vec::new();
        }
        let mut excused = 0;
        let mut faults = Vec::new();
        for (at, line) in file.text.lines().enumerate() {
            if line.contains(EXCUSE) {
                excused = at + 2;
            }
            let skipped = self.in_comments && lines(line).next().is_none();
            let word = self.words.iter().find(|word| has_word(line, word));
            if let (Some(word), false, false) = (word, skipped, at < excused) {
                faults.push(Fault::line(
                    &file.path,
                    at + 1,
                    format!("{} (`{word}`)", self.wrong),
                    self.mend,
                ));
            }
        }
        faults
    }
}

/// A file that nobody can hold in his head wants to be two.
pub(super) fn no_file_is_too_long(tree: &Tree) -> Vec<Fault> {
    too_long(tree, LONG_FILES)
}

fn too_long(tree: &Tree, allowed: &[(&str, &str)]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.files.iter().filter(|file| is_source(file)) {
        let count = file.text.lines().count();
        let is_allowed = allowed.iter().any(|(path, _)| *path == file.path);
        if count > MAX_LINES && !is_allowed {
            let wrong = format!("has {count} lines, and {MAX_LINES} are the most");
            faults.push(Fault::new(&file.path, wrong, "split it by its nouns"));
        }
        if count <= MAX_LINES && is_allowed {
            faults.push(Fault::new(
                &file.path,
                "is not too long any more",
                format!("strike it from {OWN_PATH}"),
            ));
        }
    }
    faults
}

fn is_rust(file: &File) -> bool {
    file.extension() == "rs"
}

fn is_source(file: &File) -> bool {
    let is_script = file.path.starts_with(".ci/");
    is_script || ["rs", "js", "mjs", "ts", "css", "html", "sh"].contains(&file.extension())
}

/// In paused time a sleep is a jump of the clock.
fn is_test_on_real_time(file: &File) -> bool {
    let is_test = file.path.starts_with("tests/") || file.path.contains("/tests/");
    is_test && is_rust(file) && !file.text.contains("start_paused = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn unfinished_things_are_found_in_code_and_comments() {
        for line in [
            "todo!()",
            "unimplemented!(\"later\")",
            "// FIXME: slow",
            "/* TODO */",
            "// XXX",
        ] {
            assert_eq!(faults("crates/a/src/b.rs", line).len(), 1, "{line}");
        }
        assert!(faults("crates/a/src/b.rs", "let token = \"XXXX\";").is_empty());
        assert!(faults("docs/testing.md", "no `todo!` in code").is_empty());
    }

    #[test]
    fn s18_queues_without_a_bound_are_found() {
        for line in [
            "mpsc::unbounded_channel()",
            "let (a, b) = mpsc::channel();",
            "tx: UnboundedSender<T>,",
        ] {
            assert_eq!(faults("crates/a/src/b.rs", line).len(), 1, "{line}");
        }
        for line in ["mpsc::channel(CAPACITY)", "/// Never an unbounded_channel."] {
            assert!(faults("crates/a/src/b.rs", line).is_empty(), "{line}");
        }
    }

    #[test]
    fn tests_do_not_sleep_but_may_jump() {
        let real = "thread::sleep(D);\ntokio::time::sleep(D).await;\nsleep_until(deadline).await;";
        assert_eq!(faults("crates/a/tests/b.rs", real).len(), 2, "a deadline is no sleep");
        assert_eq!(faults("tests/src/browser.rs", real).len(), 2);
        assert!(faults("crates/a/src/b.rs", real).is_empty(), "the code itself may wait");
        let paused = format!("#[tokio::test(start_paused = true)]\n{real}");
        assert!(faults("crates/a/tests/b.rs", &paused).is_empty());
    }

    #[test]
    fn a_test_left_out_says_why() {
        assert_eq!(faults("crates/a/src/b.rs", "    #[ignore]").len(), 1);
        assert!(faults("crates/a/src/b.rs", "    #[ignore = \"needs two machines\"]").is_empty());
    }

    #[test]
    fn paths_of_one_machine_are_found_everywhere() {
        for line in ["see ../shared/x.md", "/work/a", "/home/me/a"] {
            assert_eq!(faults("docs/a.md", line).len(), 1, "{line}");
        }
        assert!(faults("docs/a.md", "how things /work in a network/home").is_empty());
    }

    #[test]
    fn a_reason_excuses_one_line() {
        let text = "// tidy: allowed, because a browser cannot be asked to call back\nsleep(D);\nsleep(D);";
        let faults = faults("tests/src/browser.rs", text);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("tests/src/browser.rs:3: "), "{}", faults[0]);
    }

    #[test]
    fn long_files_are_found_and_needless_exceptions_too() {
        let (long, short) = ("x\n".repeat(501), "x\n".repeat(500));
        let tree = Tree::of(&[("a.rs", &long), ("b.rs", &short), ("c.md", &long)]);
        assert_eq!(too_long(&tree, &[]).len(), 1);
        assert_eq!(too_long(&tree, &[("a.rs", "a table")]).len(), 0);
        assert_eq!(too_long(&tree, &[("a.rs", "a table"), ("b.rs", "a table")]).len(), 1);
    }
}

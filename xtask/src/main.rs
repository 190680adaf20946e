//! The project's own commands: `cargo xtask help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command speaks on the terminal"
)]

mod bench;
mod cargo;
mod child;
mod ci;
mod demo;
mod dist;
mod fault;
mod fuzz;
mod layers;
mod npm;
mod pip;
mod second_run;
mod sim;
mod source;
mod system;
mod test;
mod tidy;
mod tree;
mod types;
mod typescript;

use std::{env, error::Error, path::PathBuf, process::ExitCode};

/// What a command ends with: its error is for a person to read.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const HELP: &str = "\
cargo xtask <command>

  demo [--bind ADDR:PORT] [--release]   build, start a server and a bot with a film, and print the URL to open
  test [FILTER]...                      run every test, or those whose name contains a FILTER
  check                                 formatting, layers, tidy, types, clippy, licences: what runs no test
  ci                                    check, then test
  layers                                hold the crates against docs/architecture.md
  tidy [--bless]                        hold the files against the rules of the house; --bless signs docs/protocol.md
  types [--bless]                       check the browser engine with TypeScript; --bless makes its declarations anew
  fuzz [TARGET] [--seconds N]           try every parser, or one, with whatever libFuzzer thinks of (nightly, cargo-fuzz)
  sim [--seeds N]                       run the simulated clusters from N seeds instead of a test's 200
  bench [--quick] [--development] [--cold-build]
                                        measure the media plane and write docs/performance.md; --quick writes nothing,
                                        --development takes the programs as they are built for daily work
  dist                                  make the browser engine's package for npm, in target/dist/npm

demo, test, check, types and dist install the programs that they need where they can (Debian) and say so.";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result {
    match args {
        ["demo", options @ ..] => demo::run(&root(), demo::Options::parse(options)?),
        ["test", filters @ ..] => test::run(&root(), filters),
        ["check"] => ci::check(&root()),
        ["ci"] => ci::run(&root()),
        ["layers"] => layers::run(&root()),
        ["tidy"] => tidy::run(&root()),
        ["tidy", "--bless"] => tidy::bless(&root()),
        ["types"] => types::check(&root()),
        ["types", "--bless"] => types::bless(&root()),
        ["fuzz", options @ ..] => fuzz::run(&root(), &fuzz::Options::parse(options)?),
        ["sim", options @ ..] => sim::run(&root(), options),
        ["bench", options @ ..] => bench::run(&root(), bench::Options::parse(options)?),
        ["dist"] => dist::run(&root()),
        [child::GUARD, command @ ..] => child::guard(command),
        [] | ["help" | "-h" | "--help"] => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no command `{}`\n\n{HELP}", other.join(" ")).into()),
    }
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut root = PathBuf::from(own);
    root.pop();
    root
}

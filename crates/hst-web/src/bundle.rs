//! Joins the modules of the SDK to one script. They are kept plain for this: every import is one line
//! `import { a, b } from './name.js';` and every export stands before a declaration.

use std::fmt::Write;

macro_rules! modules {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../sdk/", $name, ".js")))),*]
    };
}

/// The modules of the engine, each behind those that it imports.
const ENGINE: [(&str, &str); 34] = modules![
    "errors" "ids" "bus" "state" "origin" "access" "time" "backoff" "link" "dial" "exchange" "requests" "pass" "signal"
    "network" "messages" "invites" "inbox" "book" "presence" "roster" "picture" "devices" "capture" "line" "peer"
    "publish" "receive" "render" "stats" "boards" "group" "life" "engine"
];

/// The modules that draw white boards, in the same order. They are a script of their own, because few applications need
/// them.
const BOARD: [(&str, &str); 5] = modules!["board_state" "board_paint" "board_view" "board_tools" "board"];

/// What a reader of the delivered file sees first.
const BANNER: &str = concat!(
    "// hst-rtc ",
    env!("CARGO_PKG_VERSION"),
    ", the engine for browsers. MIT OR Apache-2.0\n"
);

/// A classic script that defines the global `HstRtcEngine` as it is evaluated.
pub(crate) fn classic() -> String {
    // A classic script may not name `import.meta`, and knows its own address only while it is evaluated.
    let modules = engine().replace("import.meta.url", "globalThis.document?.currentScript?.src");
    format!(
        "{BANNER}(() => {{\n'use strict';\n{modules}globalThis.HstRtcEngine = modules.engine.HstRtcEngine;\n}})();\n"
    )
}

/// A module that exports `HstRtcEngine`, by name and as the default.
pub(crate) fn module() -> String {
    let modules = engine();
    format!("{BANNER}{modules}export const {{ HstRtcEngine }} = modules.engine;\nexport default HstRtcEngine;\n")
}

/// A module that draws white boards: both scripts of the engine import it when it is needed.
pub(crate) fn board() -> String {
    let modules = joined(&BOARD);
    format!("{BANNER}{modules}export const {{ Board }} = modules.board;\n")
}

fn engine() -> String {
    joined(&ENGINE).replace("'board.js'", "'hst-rtc-board.mjs'")
}

/// Every module as a function of its own, so that their private names never meet.
fn joined(modules: &[(&str, &str)]) -> String {
    let mut script = String::from("const modules = {};\n");
    for (name, source) in modules {
        let mut exports = Vec::new();
        write!(script, "\nmodules.{name} = (() => {{\n").expect("a String takes everything");
        for line in source.lines() {
            if let Some(import) = line.strip_prefix("import ") {
                script.push_str(&imported(import));
            } else if let Some(declaration) = line.strip_prefix("export ") {
                exports.push(declared(declaration));
                script.push_str(declaration);
            } else {
                script.push_str(line);
            }
            script.push('\n');
        }
        let exports = exports.join(", ");
        write!(script, "return {{ {exports} }};\n}})();\n").expect("a String takes everything");
    }
    script
}

/// `{ a, b } from './name.js';` as a reading of the module object.
fn imported(import: &str) -> String {
    let (names, module) = import
        .strip_suffix(".js';")
        .and_then(|rest| rest.split_once(" from './"))
        .expect("an import of the SDK is one line of the plain form");
    format!("const {names} = modules.{module};")
}

/// The name that a declaration declares.
fn declared(declaration: &str) -> &str {
    let rest = ["const ", "class ", "async function ", "function "]
        .iter()
        .find_map(|keyword| declaration.strip_prefix(keyword))
        .expect("an export of the SDK stands before a declaration");
    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .next()
        .expect("split yields at least one part")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_is_joined_and_stands_behind_what_it_imports() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sdk")).unwrap();
        let count = files
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == "js"))
            .count();
        assert_eq!(count, ENGINE.len() + BOARD.len());
        let modules = [&ENGINE[..], &BOARD[..]];
        for (at, (name, source), of) in modules
            .iter()
            .flat_map(|of| of.iter().enumerate().map(move |(at, m)| (at, m, of)))
        {
            for import in source.lines().filter_map(|line| line.strip_prefix("import ")) {
                let (_, module) = imported(import)
                    .rsplit_once("modules.")
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .unwrap();
                let module = module.trim_end_matches(';');
                let found = of[..at].iter().any(|(earlier, _)| *earlier == module);
                assert!(found, "{name} imports {module}, which is not before it");
            }
        }
    }

    #[test]
    fn imports_and_exports_lose_their_keywords() {
        assert_eq!(
            imported("{ Bus, call } from './bus.js';"),
            "const { Bus, call } = modules.bus;"
        );
        for (declaration, name) in [
            ("class Peer {", "Peer"),
            ("const MediaType = 1;", "MediaType"),
            ("const MAX_PAGE = 500;", "MAX_PAGE"),
            ("async function askAccess(url) {", "askAccess"),
        ] {
            assert_eq!(declared(declaration), name);
        }
    }
}

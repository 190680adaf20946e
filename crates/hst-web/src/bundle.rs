//! Joins the modules of the SDK to one script. They are kept plain for this: every import is one line
//! `import { a, b } from './name.js';` and every export stands before a declaration.

use crate::source_map::{Origin, source_map};

macro_rules! modules {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../sdk/", $name, ".js")))),*]
    };
}

/// The modules of the engine, each behind those that it imports.
const ENGINE: [(&str, &str); 59] = modules![
    "errors" "guard" "ids" "bus" "state" "origin" "access" "time" "backoff" "link" "dial" "exchange" "requests" "pass" "signal"
    "network" "messages" "invites" "calls" "inbox" "book" "presence" "roster" "codecs" "picture" "devices" "open" "voice" "capture"
    "base64" "key_wrapping" "key_exchange" "seals" "encryption" "encodings" "line" "sdp" "peer" "prepared"
    "publish" "priorities" "receive" "look" "render" "view" "views" "quality" "bounds" "meter" "stats" "speaker" "levels" "boards" "group" "life" "talk" "engine" "extras" "classic"
];

/// The modules that draw white boards, in the same order. They are a script of their own, because few applications need
/// them.
const BOARD: [(&str, &str); 6] =
    modules!["board_state" "board_history" "board_paint" "board_view" "board_tools" "board"];

/// What encrypts and decrypts media, in a thread of its own: a script without the engine.
const E2EE: [(&str, &str); 6] = modules!["sframe" "replay" "group_key" "sealing" "cryptor" "e2ee_worker"];

/// What a reader of the delivered file sees first.
const BANNER: &str = concat!(
    "// hst-rtc ",
    env!("CARGO_PKG_VERSION"),
    ", the engine for browsers. MIT OR Apache-2.0"
);

/// A delivered script, and where each of its lines was written.
#[derive(Debug)]
pub(crate) struct Script {
    modules: &'static [(&'static str, &'static str)],
    text: String,
    origins: Vec<Option<Origin>>,
}

/// A classic script that defines the global `HstRtcEngine` as it is evaluated.
pub(crate) fn classic() -> Script {
    let mut script = Script::begin(&ENGINE);
    script.line("(() => {");
    script.line("'use strict';");
    script.modules();
    script.line("globalThis.HstRtcEngine = modules.classic.HstRtcEngine;");
    script.line("})();");
    // A classic script may not name `import.meta`, and knows its own address only while it is evaluated.
    script.text = script
        .text
        .replace("import.meta.url", "globalThis.document?.currentScript?.src");
    script
}

/// A module that exports `HstRtcEngine`, by name and as the default.
pub(crate) fn module() -> Script {
    let mut script = Script::begin(&ENGINE);
    script.modules();
    script.line("export const { HstRtcEngine } = modules.classic;");
    script.line("export default HstRtcEngine;");
    script
}

/// A module that draws white boards: both scripts of the engine import it when it is needed.
pub(crate) fn board() -> Script {
    let mut script = Script::begin(&BOARD);
    script.modules();
    script.line("export const { Board } = modules.board;");
    script
}

/// A classic script for a worker that encrypts and decrypts media; the engine starts it when it is needed.
pub(crate) fn e2ee() -> Script {
    let mut script = Script::begin(&E2EE);
    script.line("'use strict';");
    script.modules();
    script
}

impl Script {
    /// The text, which names its map.
    pub(crate) fn text(&self, name: &str) -> String {
        format!("{}//# sourceMappingURL={name}.map\n", self.text)
    }

    /// The map, for the script under this name.
    pub(crate) fn map(&self, name: &str) -> String {
        let source = |(module, text): &(&str, &'static str)| (format!("sdk/{module}.js"), *text);
        let sources: Vec<_> = self.modules.iter().map(source).collect();
        source_map(name, &sources, &self.origins)
    }

    fn begin(modules: &'static [(&'static str, &'static str)]) -> Self {
        let mut script = Self {
            modules,
            text: String::new(),
            origins: Vec::new(),
        };
        script.line(BANNER);
        script
    }

    /// Every module as a function of its own, so that their private names never meet.
    fn modules(&mut self) {
        self.line("const modules = {};");
        for (number, (name, source)) in self.modules.iter().enumerate() {
            let mut exports = Vec::new();
            self.line(&format!("modules.{name} = (() => {{"));
            for (at, line) in code(source) {
                let origin = Some((number, at));
                if let Some(import) = line.strip_prefix("import ") {
                    self.push(&imported(import), origin);
                } else if let Some(declaration) = line.strip_prefix("export ") {
                    exports.push(declared(declaration));
                    self.push(declaration, origin);
                } else {
                    self.push(line, origin);
                }
            }
            self.line(&format!("return {{ {} }};", exports.join(", ")));
            self.line("})();");
        }
        // What the engine loads when it is needed is a script here, too.
        self.text = self.text.replace("'board.js'", "'hst-rtc-board.mjs'");
    }

    /// A line that no module has.
    fn line(&mut self, line: &str) {
        self.push(line, None);
    }

    fn push(&mut self, line: &str, origin: Option<Origin>) {
        self.text.push_str(line);
        self.text.push('\n');
        self.origins.push(origin);
    }
}

/// The lines that a browser needs, with their numbers from 0. Comments of whole lines stay at home: whoever debugs sees
/// them through the map. (So no text of several lines may have one that looks like a comment.)
fn code(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_comment = false;
    source.lines().enumerate().filter(move |(_, line)| {
        let line = line.trim();
        let was_in_comment = in_comment;
        // What stands behind a comment of one line, as behind the type of an expression, is code.
        let begins = line.starts_with("/*") && (line.ends_with("*/") || !line.contains("*/"));
        in_comment = (was_in_comment || begins) && !line.ends_with("*/");
        !(was_in_comment || begins || line.is_empty() || line.starts_with("//"))
    })
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
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            // Types are no code.
            .filter(|name| name.ends_with(".js") && name != "types.js")
            .count();
        assert_eq!(count, ENGINE.len() + BOARD.len() + E2EE.len());
        let modules = [&ENGINE[..], &BOARD[..], &E2EE[..]];
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
    fn only_code_is_delivered_and_the_map_knows_its_lines() {
        let source =
            "/** A\n * b. */\n// c\n\nconst d = /** @type {E} */ (f); // g\n/** h */\n  /** @type {I} */ (j).k();\n";
        let lines: Vec<_> = code(source).collect();
        assert_eq!(
            lines,
            [
                (4, "const d = /** @type {E} */ (f); // g"),
                (6, "  /** @type {I} */ (j).k();")
            ]
        );
        for script in [classic(), module(), board(), e2ee()] {
            assert_eq!(script.text.lines().count(), script.origins.len());
            for (line, origin) in script.text.lines().zip(&script.origins) {
                let Some((file, number)) = *origin else { continue };
                let written = script.modules[file].1.lines().nth(number).unwrap();
                let is_rewritten = ["import ", "export "].iter().any(|word| written.starts_with(word))
                    || ["import.meta.url", "'board.js'"]
                        .iter()
                        .any(|word| written.contains(word));
                assert!(is_rewritten || line == written, "{line}");
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

//! The browser engine's pages know every call, event and code that there is.

use std::collections::BTreeSet;

use crate::{fault::Fault, source::has_word, tree::Tree};

/// The pages, one for each language.
const PAGES: [&str; 2] = ["docs/web-sdk.md", "docs/web-sdk.zh-CN.md"];
const MODULES: &str = "crates/hst-web/sdk/";
/// What `cargo xtask types` makes of the modules.
const DECLARATIONS: &str = "crates/hst-web/sdk/hst-rtc-engine.d.ts";
const CODES: &str = "crates/hst-proto/src/code.rs";

/// Whoever looks for a call, an event or a code finds it, in either language.
pub(super) fn its_pages_know_all_of_it(tree: &Tree) -> Vec<Fault> {
    let declarations = tree.text(DECLARATIONS).unwrap_or_default();
    let (calls, events) = (calls(declarations), events(tree));
    let codes = codes(tree.text(CODES).unwrap_or_default());
    let mut faults = Vec::new();
    for page in PAGES {
        let text = tree.text(page).unwrap_or_default();
        for (kind, names) in [("calls", &calls), ("events", &events), ("codes", &codes)] {
            faults.extend(lacks(page, text, kind, names, "say what they are, in both languages"));
        }
    }
    let mend = "say in sdk/types.js what they are, then run `cargo xtask types --bless`";
    faults.extend(lacks(DECLARATIONS, declarations, "events", &events, mend));
    faults
}

fn lacks(path: &str, text: &str, kind: &str, names: &BTreeSet<String>, mend: &str) -> Option<Fault> {
    let missing: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !has_word(text, name))
        .collect();
    let wrong = format!("lacks the {kind} {}", missing.join(", "));
    (!missing.is_empty()).then(|| Fault::new(path, wrong, mend))
}

/// The methods of the classes that are declared.
fn calls(declarations: &str) -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    let mut in_class = false;
    for line in declarations.lines() {
        if !line.starts_with([' ', '}']) {
            in_class = line.contains("class ");
        }
        let member = line.strip_prefix("    ").filter(|_| in_class).unwrap_or_default();
        let name: String = member.chars().take_while(char::is_ascii_alphanumeric).collect();
        let is_method = member[name.len()..].starts_with(['(', '<']);
        if is_method && name != "constructor" {
            calls.insert(name);
        }
    }
    calls
}

/// The texts `'onSomething'` in the modules.
fn events(tree: &Tree) -> BTreeSet<String> {
    let modules = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with(MODULES) && file.extension() == "js");
    let words = modules.flat_map(|file| file.text.split('\''));
    let is_event = |word: &&str| {
        let name = word.strip_prefix("on").unwrap_or_default();
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
    };
    words.filter(is_event).map(str::to_owned).collect()
}

/// The numbers of `Name = 1_000_000,`.
fn codes(source: &str) -> BTreeSet<String> {
    let number = |line: &str| {
        let (_, number) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        let digits = number.replace('_', "");
        digits.parse::<u32>().is_ok().then_some(digits)
    };
    source.lines().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &str = "export type T = {\n    onA: () => void;\n    size: (a: number) => void;\n};\n\
                            declare class B {\n    constructor();\n    join(id: string): void;\n    #private;\n}\n\
                            export class C extends B {\n    on<Name>(name: Name): void;\n    get Enum(): number;\n}\n";

    #[test]
    fn what_a_page_does_not_name_is_a_fault() {
        let tree = |page: &'static str| {
            Tree::of(&[
                (PAGES[0], "`join`, `on`, `onA`, 1000000"),
                (PAGES[1], page),
                (DECLARATIONS, DECLARED),
                ("crates/hst-web/sdk/bus.js", "emit('onA', 'once', 'on a day');"),
                (CODES, "    TokenRefused = 1_000_000,\n    let x = y,\n"),
            ])
        };
        assert_eq!(its_pages_know_all_of_it(&tree("`join` `on` `onA` 1000000")), []);
        let faults: Vec<_> = its_pages_know_all_of_it(&tree("`joined` `onAll`"))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(faults.len(), 3);
        assert!(
            faults[0].starts_with("docs/web-sdk.zh-CN.md: lacks the calls join, on\n"),
            "{}",
            faults[0]
        );
        assert!(
            faults[1].starts_with("docs/web-sdk.zh-CN.md: lacks the events onA\n"),
            "{}",
            faults[1]
        );
        assert!(
            faults[2].starts_with("docs/web-sdk.zh-CN.md: lacks the codes 1000000\n"),
            "{}",
            faults[2]
        );
    }

    #[test]
    fn methods_are_told_from_types() {
        assert_eq!(calls(DECLARED).into_iter().collect::<Vec<_>>(), ["join", "on"]);
    }
}

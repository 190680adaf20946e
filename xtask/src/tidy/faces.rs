//! Every crate has the same face, so that whoever knows one finds his way in all.

use crate::{
    fault::Fault,
    source::{code, has_word},
    tree::{File, Tree},
};

const INCLUDE: &str = "#![doc = include_str!(\"../README.md\")]";

/// What begins an item with something to read in it.
const ITEMS: &[&str] = &[
    "fn ",
    "struct ",
    "enum ",
    "trait ",
    "impl ",
    "impl<",
    "async fn ",
    "type ",
];

/// Names of variants that stand for "something happened".
const CATCH_ALLS: &[&str] = &["Internal", "Other", "Unknown", "Generic", "Custom", "Misc", "Message"];

/// A README that is the crate page, inherited lints, and a `lib.rs` that is a table of contents.
pub(super) fn every_crate_has_the_same_face(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in tree.crates() {
        let at = |file: &str| format!("crates/{name}/{file}");
        let text = |file: &str| tree.text(&at(file)).unwrap_or_default();
        if text("README.md").lines().next() != Some(&format!("# {name}")) {
            let mend = "say there what the crate is, why it is one, how to use it and what it is not";
            faults.push(Fault::new(
                &at("README.md"),
                format!("does not begin with `# {name}`"),
                mend,
            ));
        }
        if !text("Cargo.toml").contains("[lints]\nworkspace = true") {
            faults.push(Fault::new(
                &at("Cargo.toml"),
                "has lints of its own",
                "write `[lints]\\nworkspace = true`",
            ));
        }
        let Some(lib) = tree.text(&at("src/lib.rs")) else {
            continue;
        };
        if !lib.lines().any(|line| line == INCLUDE) {
            faults.push(Fault::new(
                &at("src/lib.rs"),
                "the README is not the crate page",
                format!("add {INCLUDE}"),
            ));
        }
        let item = |line: &str| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            ITEMS.iter().any(|item| line.starts_with(item))
        };
        if let Some((number, _)) = code(lib).find(|(_, line)| item(line)) {
            let mend = "move the item to a file named after it; lib.rs lists modules and re-exports";
            faults.push(Fault::line(
                &at("src/lib.rs"),
                number,
                "a table of contents has no items",
                mend,
            ));
        }
    }
    faults
}

/// Who looks for what can go wrong in a crate opens one file.
pub(super) fn error_enums_live_in_error_rs(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in sources(tree).filter(|file| !file.path.ends_with("/error.rs")) {
        let mut derived = false;
        for (number, line) in code(&file.text) {
            if line.starts_with("#[derive(") {
                derived = has_word(line, "Error");
            } else if !line.starts_with('#') {
                if derived && line.starts_with("pub enum ") {
                    faults.push(Fault::line(
                        &file.path,
                        number,
                        "a public error enum",
                        "move it to src/error.rs: there a reader looks for what can go wrong",
                    ));
                }
                derived = false;
            }
        }
    }
    faults
}

/// A variant that holds just a text leaves its caller with nothing to decide.
pub(super) fn errors_have_no_catch_all(tree: &Tree) -> Vec<Fault> {
    let holds_text = |rest: &str| {
        let types = ["(String)", "(&'static str)", "(Cow<", "(Box<dyn "];
        types
            .iter()
            .any(|text| rest.replace("#[source] ", "").starts_with(text))
    };
    let mut faults = Vec::new();
    for file in sources(tree).filter(|file| file.path.ends_with("/error.rs")) {
        for (number, line) in code(&file.text) {
            let line = line.trim_start();
            let is_catch_all = |name: &&&str| line.strip_prefix(**name).is_some_and(holds_text);
            if let Some(name) = CATCH_ALLS.iter().find(is_catch_all) {
                faults.push(Fault::line(
                    &file.path,
                    number,
                    format!("`{name}` says nothing that a caller could act on"),
                    "make a variant for each decision that a caller can take, with typed fields",
                ));
            }
        }
    }
    faults
}

fn sources(tree: &Tree) -> impl Iterator<Item = &File> {
    let is_source = |file: &&File| file.path.starts_with("crates/") && file.path.contains("/src/");
    tree.files
        .iter()
        .filter(move |file| is_source(file) && file.extension() == "rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: (&str, &str) = ("crates/a/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n");
    const README: (&str, &str) = ("crates/a/README.md", "# a\n");

    #[test]
    fn a_crate_like_all_others_has_no_fault() {
        let lib = format!("{INCLUDE}\n\nmod b;\npub use b::B;\n#[cfg(test)]\nmod tests {{\nfn f() {{}}\n}}\n");
        let tree = Tree::of(&[MANIFEST, README, ("crates/a/src/lib.rs", &lib)]);
        assert_eq!(every_crate_has_the_same_face(&tree), []);
    }

    #[test]
    fn each_missing_feature_is_a_fault() {
        let count = |files: &[(&str, &str)]| every_crate_has_the_same_face(&Tree::of(files)).len();
        assert_eq!(count(&[MANIFEST]), 1, "no README");
        assert_eq!(count(&[("crates/a/Cargo.toml", "[package]"), README]), 1, "own lints");
        assert_eq!(
            count(&[MANIFEST, README, ("crates/a/src/lib.rs", "mod b;")]),
            1,
            "no crate page"
        );
        let lib = format!("{INCLUDE}\npub fn logic() {{}}");
        assert_eq!(count(&[MANIFEST, README, ("crates/a/src/lib.rs", &lib)]), 1, "logic");
    }

    #[test]
    fn an_error_enum_elsewhere_is_found_and_a_small_error_struct_may_stay() {
        let enumeration = "#[derive(Debug, Error)]\n#[non_exhaustive]\npub enum E {}\n";
        let structure = "#[derive(Debug, Error)]\n#[error(\"no\")]\npub struct E;\n#[derive(Debug)]\npub enum F {}\n";
        let faults = |path, text| error_enums_live_in_error_rs(&Tree::of(&[(path, text)])).len();
        assert_eq!(faults("crates/a/src/b.rs", enumeration), 1);
        assert_eq!(faults("crates/a/src/error.rs", enumeration), 0);
        assert_eq!(faults("crates/a/src/b.rs", structure), 0);
    }

    #[test]
    fn a_catch_all_variant_is_found() {
        let faults = |variant| errors_have_no_catch_all(&Tree::of(&[("crates/a/src/error.rs", variant)])).len();
        for variant in [
            "    Internal(String),",
            "    Other(Box<dyn Error>),",
            "    Other(#[source] Box<dyn Error>),",
        ] {
            assert_eq!(faults(variant), 1, "{variant}");
        }
        for variant in [
            "    OtherGroup(GroupId),",
            "    Internal { node: NodeId },",
            "    Refused(String),",
        ] {
            assert_eq!(faults(variant), 0, "{variant}");
        }
    }
}

//! `cargo xtask layers`: who leans on whom. `docs/architecture.md` is the rule, and the crates are held to it.

mod cores;
mod document;
mod manifests;

use std::{collections::BTreeSet, path::Path};

use crate::{
    Result, cargo,
    fault::{Fault, report},
    tree::Tree,
};
use document::Document;
use manifests::Manifests;

/// Where the rules are written.
const DOCUMENT: &str = "docs/architecture.md";

/// Names joined for a person, or the document's dash.
fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    if names.is_empty() {
        "–".to_owned()
    } else {
        names.join(", ")
    }
}

/// Runs the check.
pub(crate) fn run(root: &Path) -> Result {
    let tree = Tree::read(root)?;
    let text = tree.text(DOCUMENT).ok_or_else(|| format!("{DOCUMENT} is missing"))?;
    let document = Document::parse(text)?;
    let manifests = Manifests::parse(&cargo::metadata(root)?)?;
    let mut faults = compare(&document, &manifests);
    faults.extend(foreign_owners(&document, &manifests));
    faults.extend(cores::check(&document.cores, &manifests, &tree));
    report("layers", &faults)
}

/// The document's list and the manifests must be the same, so that neither lies.
fn compare(document: &Document, manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, own) in &manifests.crates {
        match document.layers.get(name) {
            None => faults.push(Fault::new(
                name,
                format!("is not in the list of {DOCUMENT}"),
                format!("give it a line there: {name} → {}", list(&own.rooms)),
            )),
            Some(allowed) => faults.extend(own.rooms.difference(allowed).map(|other| {
                Fault::new(
                    name,
                    format!("leans on {other}, which {DOCUMENT} does not allow"),
                    format!(
                        "remove the dependency; or argue for it there: {name} → {}",
                        list(&own.rooms)
                    ),
                )
            })),
        }
    }
    for (name, allowed) in &document.layers {
        let Some(own) = manifests.crates.get(name) else {
            let mend = "strike its line, or make the crate";
            faults.push(Fault::new(DOCUMENT, format!("lists {name}, which is no crate"), mend));
            continue;
        };
        let idle: BTreeSet<String> = allowed.difference(&own.rooms).cloned().collect();
        if !idle.is_empty() {
            faults.push(Fault::new(
                DOCUMENT,
                format!("lets {name} lean on {}, which it does not", list(&idle)),
                format!("let the line say what is: {name} → {}", list(&own.rooms)),
            ));
        }
    }
    faults
}

/// A heavy dependency has few owners, and everybody else goes through them.
fn foreign_owners(document: &Document, manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, own) in &manifests.crates {
        for (dependency, owners) in &document.owners {
            if own.outside.contains(dependency) && !owners.contains(name) {
                faults.push(Fault::new(
                    name,
                    format!("depends on {dependency}, which is known to {} alone", list(owners)),
                    "go through its owner, so that the dependency can be changed in one place",
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(layers: &str) -> Document {
        Document::parse(&format!(
            "```layers\n{layers}\n```\n```cores\nhst-id\n```\n```owners\nstr0m → hst-sfu\n```\n"
        ))
        .unwrap()
    }

    fn manifests(crates: &[(&str, &[&str])]) -> Manifests {
        let packages: Vec<_> = crates
            .iter()
            .map(|(name, dependencies)| {
                let dependency = |name: &&str| match name.starts_with("hst-") {
                    true => json!({ "name": name, "kind": null, "path": "/x" }),
                    false => json!({ "name": name, "kind": null }),
                };
                let dependencies: Vec<_> = dependencies.iter().map(dependency).collect();
                let manifest = format!("/house/crates/{name}/Cargo.toml");
                json!({ "name": name, "manifest_path": manifest, "dependencies": dependencies })
            })
            .collect();
        Manifests::parse(&json!({ "packages": packages, "workspace_root": "/house" })).unwrap()
    }

    fn told(faults: &[Fault]) -> Vec<String> {
        faults
            .iter()
            .map(|fault| fault.to_string().replace("\n    ", " | "))
            .collect()
    }

    #[test]
    fn a_house_as_written_has_no_fault() {
        let document = document("hst-id → –\nhst-sfu → hst-id");
        let manifests = manifests(&[("hst-id", &["serde"]), ("hst-sfu", &["hst-id", "str0m"])]);
        assert_eq!(compare(&document, &manifests), []);
        assert_eq!(foreign_owners(&document, &manifests), []);
    }

    #[test]
    fn an_edge_that_is_not_written_is_a_fault() {
        let document = document("hst-id → –\nhst-sfu → –");
        let faults = compare(&document, &manifests(&[("hst-id", &[]), ("hst-sfu", &["hst-id"])]));
        assert_eq!(
            told(&faults),
            ["hst-sfu: leans on hst-id, which docs/architecture.md does not allow \
              | remove the dependency; or argue for it there: hst-sfu → hst-id"]
        );
    }

    #[test]
    fn a_written_edge_that_is_not_there_is_a_fault() {
        let document = document("hst-id → –\nhst-sfu → hst-id");
        let faults = compare(&document, &manifests(&[("hst-id", &[]), ("hst-sfu", &[])]));
        assert_eq!(
            told(&faults),
            [
                "docs/architecture.md: lets hst-sfu lean on hst-id, which it does not | let the line say what is: hst-sfu → –"
            ]
        );
    }

    #[test]
    fn a_crate_and_its_line_come_and_go_together() {
        let document = document("hst-id → –");
        let faults = told(&compare(&document, &manifests(&[("hst-new", &["hst-id"])])));
        assert_eq!(faults.len(), 2);
        assert!(
            faults[0].ends_with("give it a line there: hst-new → hst-id"),
            "{}",
            faults[0]
        );
        assert!(faults[1].contains("lists hst-id, which is no crate"), "{}", faults[1]);
    }

    #[test]
    fn a_dependency_with_an_owner_is_for_the_owner_alone() {
        let faults = foreign_owners(&document("hst-id → –"), &manifests(&[("hst-id", &["str0m"])]));
        assert!(told(&faults)[0].starts_with("hst-id: depends on str0m, which is known to hst-sfu alone"));
    }
}

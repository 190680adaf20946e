//! The rules, as `docs/architecture.md` writes them in three fenced blocks.

use std::collections::{BTreeMap, BTreeSet};

use super::DOCUMENT;
use crate::Result;

/// What the document says.
#[derive(Debug)]
pub(super) struct Document {
    /// Block `layers`: each crate and the crates that it leans on.
    pub layers: BTreeMap<String, BTreeSet<String>>,
    /// Block `cores`: the crates without waiting, sockets and clocks.
    pub cores: BTreeSet<String>,
    /// Block `owners`: a dependency from outside and the only crates that know it.
    pub owners: BTreeMap<String, BTreeSet<String>>,
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self> {
        Ok(Self {
            layers: arrows(&block(text, "layers")?)?,
            cores: names(&block(text, "cores")?.join(",")),
            owners: arrows(&block(text, "owners")?)?,
        })
    }
}

/// The lines of the one block that is fenced as `kind`.
fn block<'a>(text: &'a str, kind: &str) -> Result<Vec<&'a str>> {
    let opening = format!("```{kind}");
    let mut lines = text.lines().skip_while(|line| *line != opening);
    match lines.next() {
        Some(_) => Ok(lines.take_while(|line| *line != "```").collect()),
        None => Err(format!("{DOCUMENT} has no block that begins with {opening}").into()),
    }
}

/// Lines like `name → name, name`; `–` is nobody, and an indented line goes on with the one before.
fn arrows(lines: &[&str]) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut from = None;
    for line in lines {
        let to = match (line.split_once('→'), &from) {
            (Some((name, to)), _) => {
                from = Some(name.trim().to_owned());
                to
            }
            (None, Some(_)) if line.starts_with(' ') => line,
            _ => return Err(format!("{DOCUMENT}: `{line}` is not like `crate → crate, crate`").into()),
        };
        if let Some(name) = &from {
            arrows.entry(name.clone()).or_default().extend(names(to));
        }
    }
    Ok(arrows)
}

fn names(text: &str) -> BTreeSet<String> {
    let names = text.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty() && *name != "–")
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Page\n\n```layers\na → –\nb → a,\n    c\n```\n\n```cores\na, b\n```\n```owners\nx → b\n```\n";

    #[test]
    fn the_blocks_are_read() {
        let document = Document::parse(PAGE).unwrap();
        assert!(document.layers["a"].is_empty());
        assert_eq!(document.layers["b"], names("a, c"));
        assert_eq!(document.cores, names("a, b"));
        assert_eq!(document.owners["x"], names("b"));
    }

    #[test]
    fn a_page_without_the_blocks_or_with_odd_lines_is_refused() {
        assert!(Document::parse("# Page").is_err());
        assert!(Document::parse(&PAGE.replace("a → –", "a leans on none")).is_err());
    }
}

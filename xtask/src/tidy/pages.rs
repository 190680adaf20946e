//! The written pages: links that lead somewhere, twins that stay twins, a map with every crate on it.

use crate::{fault::Fault, source::has_word, tree::Tree};

const README: &str = "README.md";
const TWIN: &str = "README.zh-CN.md";
const MAP: &str = "docs/architecture.md";

/// Links within the project must have a target.
pub(super) fn links_lead_somewhere(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.files.iter().filter(|file| file.extension() == "md") {
        for (number, line) in prose(&file.text) {
            for target in targets(line).filter(|target| is_relative(target)) {
                let path = target.split('#').next().unwrap_or_default();
                if !tree.paths.contains(&resolve(&file.path, path)) {
                    let wrong = format!("the link to {target} leads nowhere");
                    faults.push(Fault::line(&file.path, number, wrong, "correct it, or make the page"));
                }
            }
        }
    }
    faults
}

/// The lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        (!in_block && !is_fence).then_some((at + 1, line))
    })
}

/// What `[text](target)` and `[text]: target` point to.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next());
    let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    inline.chain(defined.map(|(_, target)| target.trim()))
}

/// Neither a place on the net, nor one on the same page, nor an item of Rust.
fn is_relative(target: &str) -> bool {
    let elsewhere = target.contains("://") || target.starts_with("mailto:");
    !elsewhere && !target.starts_with('#') && !target.contains("::")
}

/// The path from the root that `link` means in the page at `page`.
fn resolve(page: &str, link: &str) -> String {
    let base = if link.starts_with('/') {
        ""
    } else {
        page.rsplit_once('/').map_or("", |(folder, _)| folder)
    };
    let mut path: Vec<&str> = Vec::new();
    for part in base.split('/').chain(link.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}

/// The two READMEs have the same sections and the same code.
pub(super) fn the_readmes_are_twins(tree: &Tree) -> Vec<Fault> {
    let (Some(readme), Some(twin)) = (tree.text(README), tree.text(TWIN)) else {
        return vec![Fault::new(
            TWIN,
            format!("it and {README} come together"),
            "write the one that is missing",
        )];
    };
    let mend = format!("change {README} and {TWIN} together");
    let mut faults = Vec::new();
    if headings(readme) != headings(twin) {
        faults.push(Fault::new(TWIN, format!("has other headings than {README}"), &mend));
    }
    if code(readme) != code(twin) {
        faults.push(Fault::new(TWIN, format!("has other code than {README}"), mend));
    }
    faults
}

/// The levels of the headings, in order.
fn headings(text: &str) -> Vec<usize> {
    let level = |(_, line): (usize, &str)| line.find(|c| c != '#').filter(|&level| level > 0);
    prose(text).filter_map(level).collect()
}

/// The code blocks without their comments, which may be in either language.
fn code(text: &str) -> Vec<&str> {
    let prose: Vec<usize> = prose(text).map(|(number, _)| number).collect();
    let lines = text
        .lines()
        .enumerate()
        .filter(|(at, _)| prose.binary_search(&(at + 1)).is_err());
    let uncommented = lines.map(|(_, line)| line.split(" // ").next().unwrap_or_default().trim());
    let uncommented = uncommented.map(|line| line.split("  # ").next().unwrap_or_default().trim_end());
    uncommented
        .filter(|line| !line.starts_with("//") && !line.is_empty())
        .collect()
}

/// Whoever looks for a crate finds it in both READMEs and in the architecture.
pub(super) fn every_crate_is_on_the_map(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for page in [README, TWIN, MAP] {
        let text = tree.text(page).unwrap_or_default();
        let has_row = |name: &str| {
            text.lines()
                .any(|line| line.starts_with('|') && has_word(line, &format!("`{name}`")))
        };
        let missing: Vec<&str> = tree.crates().into_iter().filter(|name| !has_row(name)).collect();
        if !missing.is_empty() {
            let wrong = format!("its table of crates lacks {}", missing.join(", "));
            faults.push(Fault::new(page, wrong, "add a line for each"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_within_the_project_are_followed() {
        let page = "See [a](a.md), [b](../crates/b/#why \"B\"), [c](https://c.example), [d](#d) and [`E`](Self::e).\n\
                    ```text\n[x](nowhere.md)\n```\n[f]: /docs/f.md\n";
        let files = [
            ("docs/p.md", page),
            ("docs/a.md", ""),
            ("docs/f.md", ""),
            ("crates/b/README.md", ""),
        ];
        assert_eq!(links_lead_somewhere(&Tree::of(&files)), []);
        let faults = links_lead_somewhere(&Tree::of(&files[..1]));
        let places: Vec<_> = faults.iter().map(|fault| fault.to_string()[..12].to_owned()).collect();
        assert_eq!(places, ["docs/p.md:1:", "docs/p.md:1:", "docs/p.md:5:"]);
    }

    #[test]
    fn twins_differ_in_words_alone() {
        let readme = "# A\nWords.\n## B\n```sh\ncargo x  # runs\n```\n";
        let count = |twin| the_readmes_are_twins(&Tree::of(&[(README, readme), (TWIN, twin)])).len();
        assert_eq!(count("# 甲\n文字。\n## 乙\n```sh\ncargo x  # 运行\n```\n"), 0);
        assert_eq!(count("# 甲\n```sh\ncargo x\n```\n"), 1, "a heading less");
        assert_eq!(count("# 甲\n## 乙\n```sh\ncargo y\n```\n"), 1, "another command");
        assert_eq!(
            the_readmes_are_twins(&Tree::of(&[(README, readme)])).len(),
            1,
            "an only child"
        );
    }

    #[test]
    fn a_crate_that_no_table_names_is_found() {
        let table = "| `hst-a` | does a |\n";
        let files = [
            ("crates/hst-a/Cargo.toml", ""),
            (README, table),
            (TWIN, table),
            (MAP, "hst-a"),
        ];
        let faults = every_crate_is_on_the_map(&Tree::of(&files));
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0]
                .to_string()
                .starts_with("docs/architecture.md: its table of crates lacks hst-a")
        );
    }
}

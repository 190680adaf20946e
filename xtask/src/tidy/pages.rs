//! The written pages: links that lead somewhere, twins that stay twins, a map with every crate on it.

use crate::{fault::Fault, source::has_word, tree::Tree};

const README: &str = "README.md";
const TWIN: &str = "README.zh-CN.md";
/// How the name of a Chinese page ends, whose twin has the same name without it.
const CHINESE: &str = ".zh-CN.md";
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

/// A page that is there in both languages has the same sections, tables and code in both, and each leads to the other.
pub(super) fn pages_in_two_languages_are_twins(tree: &Tree) -> Vec<Fault> {
    let chinese = tree.files.iter().map(|file| file.path.as_str());
    let chinese = chinese.filter(|path| path.ends_with(CHINESE) && *path != TWIN);
    chinese.chain([TWIN]).flat_map(|path| compare(tree, path)).collect()
}

fn compare(tree: &Tree, chinese: &str) -> Vec<Fault> {
    let english = format!("{}.md", chinese.trim_end_matches(CHINESE));
    let (Some(page), Some(twin)) = (tree.text(&english), tree.text(chinese)) else {
        return vec![Fault::new(
            chinese,
            format!("it and {english} come together"),
            "write the one that is missing",
        )];
    };
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let leads_to = |text: &str, path: &str| text.contains(&format!("]({})", name(path)));
    let differences = [
        ("headings", headings(page) == headings(twin)),
        ("rows in its tables", rows(page) == rows(twin)),
        ("code", code(page) == code(twin)),
    ];
    let different = differences.into_iter().filter(|(_, is_same)| !is_same);
    let mut faults: Vec<_> = different
        .map(|(what, _)| {
            let mend = format!("change {english} and {chinese} together");
            Fault::new(chinese, format!("has other {what} than {english}"), mend)
        })
        .collect();
    for (from, text, to) in [(english.as_str(), page, chinese), (chinese, twin, english.as_str())] {
        if !leads_to(text, to) {
            faults.push(Fault::new(from, format!("does not lead to {to}"), "link it at the top"));
        }
    }
    faults
}

/// The levels of the headings, in order.
fn headings(text: &str) -> Vec<usize> {
    let level = |(_, line): (usize, &str)| line.find(|c| c != '#').filter(|&level| level > 0);
    prose(text).filter_map(level).collect()
}

/// How many rows the tables have, all together.
fn rows(text: &str) -> usize {
    prose(text).filter(|(_, line)| line.starts_with('|')).count()
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
        .filter(|line| !line.starts_with("//") && !line.starts_with("# ") && !line.is_empty())
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
        let (link, back) = ("[中文](README.zh-CN.md)", "[English](README.md)");
        let readme = format!("# A\n{link}\n## B\n| a |\n```sh\n# Runs.\ncargo x  # runs\n```\n");
        let count = |twin: &str| {
            let twin = format!("{back}\n{twin}");
            pages_in_two_languages_are_twins(&Tree::of(&[(README, &readme), (TWIN, &twin)])).len()
        };
        assert_eq!(
            count("# 甲\n文字。\n## 乙\n| 甲 |\n```sh\n# 运行。\ncargo x  # 运行\n```\n"),
            0
        );
        assert_eq!(count("# 甲\n| 甲 |\n```sh\ncargo x\n```\n"), 1, "a heading less");
        assert_eq!(count("# 甲\n## 乙\n```sh\ncargo x\n```\n"), 1, "a row less");
        assert_eq!(
            count("# 甲\n## 乙\n| 甲 |\n```sh\ncargo y\n```\n"),
            1,
            "another command"
        );
        let faults = |files: &[(&str, &str)]| pages_in_two_languages_are_twins(&Tree::of(files)).len();
        assert_eq!(faults(&[(README, &readme)]), 1, "an only child");
        let readmes = [(README, link), (TWIN, back)];
        assert_eq!(faults(&readmes), 0);
        let child = ("docs/a.zh-CN.md", "[English](a.md)");
        assert_eq!(faults(&[readmes[0], readmes[1], child]), 1, "another one");
        let twin = ("docs/a.md", "");
        assert_eq!(
            faults(&[readmes[0], readmes[1], child, twin]),
            1,
            "no way from one to the other"
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

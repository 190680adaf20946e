//! A Rust file as the checks read it.

/// The lines that are neither comments nor in the test module, each with its number.
///
/// House style helps: the test module is the last thing in a file.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = test_module(text).unwrap_or(usize::MAX);
    lines(text).take_while(move |&(number, _)| number < end)
}

/// The lines that are no comments, each with its number.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The number of the line where the test module begins.
fn test_module(text: &str) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let is_start = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    lines.windows(2).position(is_start).map(|at| at + 1)
}

/// Whether `word` stands in `line` by itself: nothing that could belong to a name touches a letter at its ends.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(in_name);
        let after = line[at + word.len()..].chars().next().is_some_and(in_name);
        let starts = word.starts_with(in_name);
        let ends = word.ends_with(in_name);
        !(before && starts || after && ends)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_the_test_module_are_no_code() {
        let text = "//! Doc\nuse a;\n    // why\nfn f() {}\n#[cfg(test)]\nmod tests {\n    g();\n}\n";
        assert_eq!(code(text).collect::<Vec<_>>(), [(2, "use a;"), (4, "fn f() {}")]);
        assert_eq!(lines(text).count(), 6);
    }

    #[test]
    fn a_word_is_not_a_part_of_another() {
        assert!(has_word("let x = sleep(d);", "sleep("));
        assert!(has_word("thread::sleep(d)", "sleep("));
        assert!(!has_word("oversleep(d)", "sleep("));
        assert!(!has_word("SLEEPY", "SLEEP"));
    }
}

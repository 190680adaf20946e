//! The protocol page and the messages in code change together: the page carries the hash of their source.

use crate::{Result, fault::Fault, tree::Tree};

/// The page.
pub(super) const PAGE: &str = "docs/protocol.md";

const SOURCES: [&str; 3] = [
    "crates/hst-proto/src/request.rs",
    "crates/hst-proto/src/reply.rs",
    "crates/hst-proto/src/event.rs",
];

/// What stands before and behind the hash in the page.
const MARK: (&str, &str) = ("<!-- messages: ", " -->");

pub(super) fn the_protocol_page_knows_the_messages(tree: &Tree) -> Vec<Fault> {
    match (tree.text(PAGE), signed(tree)) {
        (Some(page), Ok(signed)) if page == signed => Vec::new(),
        (_, Err(error)) => vec![Fault::new(PAGE, error.to_string(), "restore it")],
        _ => vec![Fault::new(
            PAGE,
            "the messages in crates/hst-proto have changed since it was signed",
            "bring the page up to date, then run `cargo xtask tidy --bless`",
        )],
    }
}

/// The page with the hash of the messages as they are.
pub(super) fn signed(tree: &Tree) -> Result<String> {
    let read = |path| tree.text(path).ok_or_else(|| format!("{path} is missing"));
    let page = read(PAGE)?;
    let mut source = String::new();
    for path in SOURCES {
        source.push_str(read(path)?);
    }
    let mark = || format!("the line `{}…{}` is missing", MARK.0, MARK.1);
    let (before, rest) = page.split_once(MARK.0).ok_or_else(mark)?;
    let (_, after) = rest.split_once(MARK.1).ok_or_else(mark)?;
    Ok(format!("{before}{}{:016x}{}{after}", MARK.0, hash(&source), MARK.1))
}

/// FNV-1a, 64 bits: short, and the same everywhere and for ever. Line ends of another system do not count.
fn hash(text: &str) -> u64 {
    let bytes = text.bytes().filter(|&byte| byte != b'\r');
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(page: &str, request: &str) -> Tree {
        Tree::of(&[
            (PAGE, page),
            (SOURCES[0], request),
            (SOURCES[1], "r"),
            (SOURCES[2], "e"),
        ])
    }

    #[test]
    fn a_signed_page_is_well_until_the_messages_change() {
        let page = signed(&tree("# P\n<!-- messages: none -->\ntext\n", "a")).unwrap();
        assert!(
            page.starts_with("# P\n<!-- messages: ") && page.ends_with(" -->\ntext\n"),
            "{page}"
        );
        assert_eq!(the_protocol_page_knows_the_messages(&tree(&page, "a")), []);
        assert_eq!(the_protocol_page_knows_the_messages(&tree(&page, "b")).len(), 1);
    }

    #[test]
    fn a_page_without_the_line_is_a_fault() {
        let faults = the_protocol_page_knows_the_messages(&tree("# P\n", "a"));
        assert!(faults[0].to_string().contains("is missing"));
        assert_eq!(the_protocol_page_knows_the_messages(&Tree::default()).len(), 1);
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(hash("foo\r\n"), hash("foo\n"));
    }
}

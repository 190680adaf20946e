//! Tells a browser's debugger where each line of a delivered script was written (source map, version 3).

use serde_json::json;

/// Where a line was written: the number of its file and of the line in it, both from 0.
pub(crate) type Origin = (usize, usize);

/// The map of the script `name`, whose lines come from `sources`; `None` is a line that no source has.
pub(crate) fn source_map(name: &str, sources: &[(String, &str)], origins: &[Option<Origin>]) -> String {
    let (paths, texts): (Vec<&str>, Vec<&str>) = sources.iter().map(|(path, text)| (path.as_str(), *text)).unzip();
    json!({
        "version": 3,
        "file": name,
        "sources": paths,
        "sourcesContent": texts,
        "names": [],
        "mappings": mappings(origins),
    })
    .to_string()
}

/// One segment a line: column 0, and by how much file and line differ from those of the segment before.
fn mappings(origins: &[Option<Origin>]) -> String {
    let mut before = (0, 0);
    let segment = |origin: &Option<Origin>| {
        let Some((file, line)) = *origin else {
            return String::new();
        };
        let text = [0, distance(before.0, file), distance(before.1, line), 0]
            .map(vlq)
            .concat();
        before = (file, line);
        text
    };
    origins.iter().map(segment).collect::<Vec<_>>().join(";")
}

fn distance(from: usize, to: usize) -> i64 {
    let number = |at: usize| i64::try_from(at).expect("a source has far fewer lines");
    number(to) - number(from)
}

/// Base64 VLQ: the sign in the lowest bit, then five bits a digit, the lowest first.
fn vlq(number: i64) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const MORE: u64 = 0b10_0000;
    let mut rest = (number.unsigned_abs() << 1) | u64::from(number < 0);
    let mut text = String::new();
    loop {
        let (low, high) = (rest % MORE, rest / MORE);
        let digit = if high > 0 { low | MORE } else { low };
        text.push(char::from(DIGITS[usize::try_from(digit).expect("six bits")]));
        if high == 0 {
            return text;
        }
        rest = high;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_format_wants() {
        let known = [
            (0, "A"),
            (1, "C"),
            (-1, "D"),
            (15, "e"),
            (16, "gB"),
            (-16, "hB"),
            (1000, "w+B"),
        ];
        for (number, text) in known {
            assert_eq!(vlq(number), text, "{number}");
        }
    }

    #[test]
    fn each_line_is_told_by_its_distance_from_the_one_before() {
        let origins = [None, Some((0, 3)), Some((0, 4)), None, Some((1, 0))];
        assert_eq!(mappings(&origins), ";AAGA;AACA;;ACJA");
    }
}

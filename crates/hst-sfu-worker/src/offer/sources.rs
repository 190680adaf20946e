use super::MAX_LINES;
use crate::{OfferError, ingress::Announced};

/// The most sources an offer may announce: three layers of video and their repairs on each line.
const MAX_SOURCES: usize = MAX_LINES * 6;

/// The sources (SSRCs) that an offer announces, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) all: Vec<Announced>,
    /// How many lines have begun.
    lines: u16,
    line: Section,
}

/// What was read of an m-line.
#[derive(Debug, Default)]
struct Section {
    ssrcs: Vec<u32>,
    /// Sources and those that send their packets again.
    pairs: Vec<(u32, u32)>,
    /// Whether it has several encodings side by side. Those are known by their names alone: browsers write their sources in any
    /// order.
    is_simulcast: bool,
}

impl Sources {
    /// Takes a line of text, whatever it is.
    pub(super) fn read(&mut self, line: &str) -> Result<(), OfferError> {
        let Section {
            ssrcs,
            pairs,
            is_simulcast,
        } = &mut self.line;
        if let Some(value) = line.strip_prefix("a=ssrc:") {
            // Each is written with several attributes, one after the other.
            let ssrc = value.split(' ').next().and_then(|number| number.parse().ok());
            ssrcs.extend(ssrc.filter(|ssrc| ssrcs.last() != Some(ssrc)));
        } else if let Some(value) = line.strip_prefix("a=ssrc-group:FID ") {
            let mut pair = value.split_ascii_whitespace().map(str::parse);
            if let (Some(Ok(first)), Some(Ok(again)), None) = (pair.next(), pair.next(), pair.next()) {
                pairs.push((first, again));
            }
        } else if line.starts_with("a=simulcast:") {
            *is_simulcast = true;
        }
        if self.all.len() + self.line.ssrcs.len().max(self.line.pairs.len()) > MAX_SOURCES {
            return Err(OfferError::malformed("it announces too many SSRCs"));
        }
        Ok(())
    }

    /// The next m-line begins, or the text ends.
    pub(super) fn end_line(&mut self) {
        let Section {
            mut ssrcs,
            mut pairs,
            is_simulcast,
        } = std::mem::take(&mut self.line);
        let slot = self.lines.wrapping_sub(1);
        self.lines += 1;
        if slot == u16::MAX || is_simulcast {
            return;
        }
        ssrcs.sort_unstable();
        ssrcs.dedup();
        pairs.sort_unstable_by_key(|(_, again)| *again);
        let announced = ssrcs.into_iter().map(|ssrc| {
            let pair = pairs.binary_search_by_key(&ssrc, |(_, again)| *again);
            Announced {
                slot,
                ssrc,
                repairs: pair.ok().map(|at| pairs[at].0),
            }
        });
        self.all.extend(announced);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Announced>, OfferError> {
        let mut sources = Sources::default();
        for line in text.lines() {
            match line {
                "m=" => sources.end_line(),
                line => sources.read(line)?,
            }
        }
        sources.end_line();
        Ok(sources.all)
    }

    #[test]
    fn sources_are_known_by_their_line_and_by_what_they_repair() {
        let text = "a=ssrc:9 cname:outside\nm=\na=ssrc-group:FID 1 2\na=ssrc:1 cname:a\na=ssrc:1 msid:b c\n\
                    a=ssrc:2 cname:a\nm=\na=simulcast:send q;h\na=ssrc:3 cname:a\nm=\na=ssrc:4 cname:a\n\
                    a=ssrc-group:SIM 4 5\na=ssrc-group:FID 4 x\na=ssrc-group:FID 4 5 6\na=ssrc:none cname:a\n";
        let announced = |slot, ssrc, repairs| Announced { slot, ssrc, repairs };
        assert_eq!(
            read(text),
            Ok(vec![
                announced(0, 1, None),
                announced(0, 2, Some(1)),
                announced(2, 4, None)
            ])
        );
    }

    #[test]
    fn there_is_an_end_to_them() {
        let many = |line: fn(usize) -> String| (0..=MAX_SOURCES).map(line).collect::<String>();
        assert!(read(&many(|at| format!("a=ssrc:{at} cname:a\n"))).is_err());
        assert!(read(&many(|at| format!("a=ssrc-group:FID 1 {at}\n"))).is_err());
        assert!(read(&many(|at| format!("m=\na=ssrc:{at} cname:a\n"))).is_err());
        assert_eq!(
            read(&many(|_| "a=ssrc:7 cname:a\n".to_owned())).map(|all| all.len()),
            Ok(0)
        );
    }
}

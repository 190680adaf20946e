/// What an offer says of its lines, as far as it takes to tell which media each of them may carry. Whether it can be
/// answered is for the media plane to say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outline<'a> {
    pub(super) lines: Vec<OfferedLine<'a>>,
}

/// One m-line that is offered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OfferedLine<'a> {
    pub(super) mid: &'a str,
    pub(super) kind: Kind,
    pub(super) sends: bool,
    pub(super) receives: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Audio,
    Video,
}

impl<'a> Outline<'a> {
    /// Reads an offer; `None` if it is no session description.
    pub(super) fn read(sdp: &'a str) -> Option<Self> {
        if !sdp.starts_with("v=0") {
            return None;
        }
        let mut sections = sections(sdp);
        let session = direction(sections.next().unwrap_or_default());
        let lines = sections.filter_map(|section| {
            let (kind, _) = section.strip_prefix("m=")?.split_once(' ')?;
            let (sends, receives) = direction(section).or(session).unwrap_or((true, true));
            Some(OfferedLine {
                mid: attribute(section, "mid")?,
                kind: match kind {
                    "audio" => Kind::Audio,
                    "video" => Kind::Video,
                    _ => return None,
                },
                sends,
                receives,
            })
        });
        Some(Self { lines: lines.collect() })
    }
}

/// Whether an answer takes this m-line: one that it does not has port 0 (RFC 3264, section 6).
pub(super) fn takes(answer: &str, mid: &str) -> bool {
    let line = sections(answer).find(|section| attribute(section, "mid") == Some(mid));
    let port = line.and_then(|section| section.split(' ').nth(1));
    port.is_some_and(|port| port != "0")
}

/// The value of an attribute, the first time that it is there.
pub(super) fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let attributes = text.lines().filter_map(|line| line.strip_prefix("a="));
    attributes
        .filter_map(|attribute| attribute.split_once(':'))
        .find_map(|(key, value)| (key == name).then(|| value.trim_end()))
}

/// What stands before the first m-line, and then each m-line with what belongs to it.
pub(super) fn sections(sdp: &str) -> impl Iterator<Item = &str> {
    let mut starts = vec![0];
    starts.extend(sdp.match_indices("\nm=").map(|(at, _)| at + 1));
    let ends = starts.iter().skip(1).copied().chain([sdp.len()]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).map(|(start, end)| &sdp[start..end])
}

/// Whether it sends and whether it receives, if it says so.
fn direction(section: &str) -> Option<(bool, bool)> {
    section.lines().find_map(|line| match line.trim_end() {
        "a=sendrecv" => Some((true, true)),
        "a=sendonly" => Some((true, false)),
        "a=recvonly" => Some((false, true)),
        "a=inactive" => Some((false, false)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_takes_the_lines_that_have_a_port() {
        let answer =
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n";
        assert!(takes(answer, "a"));
        assert!(!takes(answer, "v"));
        assert!(!takes(answer, "w"));
    }

    #[test]
    fn lines_are_told_with_their_kind_and_direction() {
        let sdp = "v=0\r\na=sendonly\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
                   a=mid:v\r\na=recvonly\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n";
        let line = |mid, kind, sends| OfferedLine {
            mid,
            kind,
            sends,
            receives: !sends,
        };
        let lines = vec![line("a", Kind::Audio, true), line("v", Kind::Video, false)];
        assert_eq!(Outline::read(sdp), Some(Outline { lines }));
        assert_eq!(Outline::read("<html>"), None);
        for end in 0..sdp.len() {
            let _ = Outline::read(&sdp[..end]);
            for byte in ["", "\0", "\n", "\nm=", "\na=mid:", "\u{fffd}"] {
                let changed = [&sdp[..end], byte, &sdp[end + 1..]].concat();
                let read = Outline::read(&changed);
                assert!(read.is_none_or(|outline| outline.lines.len() <= 4), "{changed:?}");
            }
        }
    }
}

use super::outline::{attribute, sections};

/// The ICE credentials of one side (RFC 8839, section 5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    ufrag: String,
    password: String,
}

impl Credentials {
    /// Those of a session description or of a fragment of one (RFC 8840, section 9).
    pub(super) fn read(sdp: &str) -> Option<Self> {
        let well_formed = |text: &&str, lengths: std::ops::RangeInclusive<usize>| {
            let is_ice_char = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
            lengths.contains(&text.len()) && text.bytes().all(is_ice_char)
        };
        let ufrag = attribute(sdp, "ice-ufrag").filter(|text| well_formed(text, 4..=256))?;
        let password = attribute(sdp, "ice-pwd").filter(|text| well_formed(text, 22..=256))?;
        Some(Self {
            ufrag: ufrag.to_owned(),
            password: password.to_owned(),
        })
    }

    /// The same session description with these in the place of its own.
    pub(super) fn put_into(&self, sdp: &str) -> String {
        let mut changed = String::with_capacity(sdp.len());
        for line in sdp.lines() {
            if line.starts_with("a=ice-ufrag:") {
                changed.extend(["a=ice-ufrag:", &self.ufrag]);
            } else if line.starts_with("a=ice-pwd:") {
                changed.extend(["a=ice-pwd:", &self.password]);
            } else {
                changed.push_str(line);
            }
            changed.push_str("\r\n");
        }
        changed
    }
}

/// What an answer says of ICE, as the fragment that answers a restart (RFC 9725, section 4.3.3): all lines share one
/// transport, so it is said at the first.
pub(super) fn of_answer(answer: &str) -> String {
    let mut sections = sections(answer);
    let (session, first) = (sections.next().unwrap_or_default(), sections.next().unwrap_or_default());
    let is_about_ice = |line: &&str| {
        ["a=ice-", "a=group:BUNDLE", "a=mid:", "a=candidate:", "m="]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let lines = session.lines().chain(first.lines()).filter(is_about_ice);
    let mut fragment: String = lines.flat_map(|line| [line, "\r\n"]).collect();
    fragment.push_str("a=end-of-candidates\r\n");
    fragment
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "v=0\r\ns=-\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n\
        a=rtpmap:111 opus/48000/2\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n";

    #[test]
    fn a_fragment_tells_what_an_answer_says_of_ice() {
        let told = "a=group:BUNDLE 0 1\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\n\
            a=ice-pwd:0123456789012345678901\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n";
        assert_eq!(of_answer(ANSWER), told);
    }

    #[test]
    fn credentials_are_exchanged_and_nothing_else() {
        let new = Credentials::read("a=ice-ufrag:efgh\r\na=ice-pwd:ZZZZZZZZZZZZZZZZZZZZZZ\r\n").unwrap();
        let changed = new.put_into(ANSWER);
        assert_eq!(Credentials::read(&changed), Some(new));
        assert_eq!(Credentials::read(ANSWER).unwrap().put_into(&changed), ANSWER);
        for bad in [
            "",
            "a=ice-ufrag:abcd",
            "a=ice-ufrag:a\r\na=ice-pwd:0123456789012345678901",
            "a=ice-ufrag:ab d\r\na=ice-pwd:0123456789012345678901",
        ] {
            assert_eq!(Credentials::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_fragment_with_any_byte_changed_gives_credentials_that_are_well_formed_or_none() {
        for at in 0..ANSWER.len() {
            for byte in ["", "\0", "\r\n", ":", "a=", "m=", "\u{fffd}"] {
                let changed = [&ANSWER[..at], byte, &ANSWER[at + 1..]].concat();
                if let Some(credentials) = Credentials::read(&changed) {
                    assert_eq!(Credentials::read(&credentials.put_into(ANSWER)), Some(credentials));
                }
                assert!(of_answer(&changed).ends_with("a=end-of-candidates\r\n"));
            }
        }
    }
}

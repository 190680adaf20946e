pub(crate) mod repair;
mod sources;

use str0m::media::Mid;

use crate::{
    Line, LineRole, OfferError,
    handshake::Fingerprint,
    ingress::Announced,
    negotiation::{Agreement, Negotiator},
};
use sources::Sources;

/// The longest offer, in bytes: about eighty lines of video as browsers write them.
pub const MAX_SDP: usize = 256 * 1024;
/// The most m-lines of one connection. They are used again and again, so this is the most tracks at a time.
pub const MAX_LINES: usize = 256;
/// The longest mid that str0m keeps whole.
const MAX_MID: usize = 16;

/// An offer that was read, whose lines fit together, and what can be agreed on. That is slow, so it is done before it comes to a
/// media thread.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) agreement: Agreement,
    /// The client's ICE credentials, by which a restart is told (RFC 8445 section 9).
    pub(crate) ice: String,
    /// That of the client's certificate.
    pub(crate) fingerprint: Fingerprint,
    /// The sources (SSRCs) that it announces.
    pub(crate) sources: Vec<Announced>,
    /// The m-lines in order. The position is the line's slot.
    pub(crate) slots: Vec<Declared>,
    /// Under which payload type each of them may protect what it sends.
    pub(crate) repair_types: Vec<Option<u8>>,
}

/// What an m-line is declared to carry.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) mid: Mid,
    pub(crate) role: Option<LineRole>,
    pub(crate) stream: Option<u64>,
}

impl Offer {
    pub(crate) fn parse(negotiator: &Negotiator, text: &str, lines: &[Line]) -> Result<Self, OfferError> {
        if text.len() > MAX_SDP {
            return Err(OfferError::TooLarge {
                len: text.len(),
                max: MAX_SDP,
            });
        }
        let Outline {
            sdp,
            ice,
            fingerprint,
            sources,
            mids,
            repair_types,
        } = Outline::read(text)?;
        let fingerprint = fingerprint.ok_or_else(|| OfferError::malformed("it has no fingerprint by SHA-256"))?;
        let undeclared = |mid: &&str| Declared {
            mid: Mid::from(*mid),
            role: None,
            stream: None,
        };
        let mut slots: Vec<_> = mids.iter().map(undeclared).collect();
        for (at, Line { mid, role, stream }) in lines.iter().enumerate() {
            if let LineRole::Send { track } = role
                && lines[..at].iter().any(|earlier| earlier.role == *role)
            {
                return Err(OfferError::TrackTaken(*track));
            }
            let place = mids.iter().position(|other| other == mid);
            let Some(slot) = place.map(|place| &mut slots[place]) else {
                return Err(OfferError::NoSuchLine { mid: mid.clone() });
            };
            slot.stream = *stream;
            if slot.role.replace(*role).is_some() {
                return Err(OfferError::LineTwice { mid: mid.clone() });
            }
        }
        let mids: Vec<_> = slots.iter().map(|slot| slot.mid).collect();
        let agreement = negotiator.answer(&sdp, &mids)?;
        Ok(Self {
            agreement,
            ice: ice.map(Option::unwrap_or_default).join(":"),
            fingerprint,
            sources,
            slots,
            repair_types,
        })
    }
}

/// What can be seen of an offer line by line.
struct Outline<'a> {
    /// The text without the client's candidates: we learn its address from its checks, so they would only cost.
    sdp: String,
    /// The first user name fragment and the first password that it says.
    ice: [Option<&'a str>; 2],
    /// The first that it says: what it says of all lines, or of the first one.
    fingerprint: Option<Fingerprint>,
    sources: Vec<Announced>,
    mids: Vec<&'a str>,
    repair_types: Vec<Option<u8>>,
}

impl<'a> Outline<'a> {
    fn read(text: &'a str) -> Result<Self, OfferError> {
        let mut sdp = String::with_capacity(text.len());
        let mut mids: Vec<&str> = Vec::new();
        let mut repair_types = Vec::new();
        let mut sources = Sources::default();
        let (mut ice, mut fingerprint) = ([None; 2], None);
        let mut media = 0;
        for line in text.lines() {
            if line.starts_with("a=candidate:") || line == "a=end-of-candidates" {
                continue;
            }
            for (place, name) in ice.iter_mut().zip(["a=ice-ufrag:", "a=ice-pwd:"]) {
                *place = place.or_else(|| line.strip_prefix(name));
            }
            let read = || line.strip_prefix("a=fingerprint:").and_then(Fingerprint::read);
            fingerprint = fingerprint.or_else(read);
            if let Some(kind) = line.strip_prefix("m=") {
                media += 1;
                if media > MAX_LINES {
                    return Err(OfferError::TooManyLines { max: MAX_LINES });
                }
                if !kind.starts_with("audio ") && !kind.starts_with("video ") {
                    return Err(OfferError::malformed("only audio and video lines are possible"));
                }
                sources.end_line();
                repair_types.push(None);
            } else if let Some(mid) = line.strip_prefix("a=mid:") {
                let is_plain = mid.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if mid.is_empty() || mid.len() > MAX_MID || !is_plain {
                    return Err(OfferError::malformed("a mid must be 1 to 16 letters and digits"));
                }
                if mids.contains(&mid) {
                    return Err(OfferError::malformed("two m-lines have the same mid"));
                }
                mids.push(mid);
                if mids.len() > media {
                    return Err(OfferError::malformed("a mid outside of an m-line"));
                }
            } else if let Some(pt) = repair::offered(line) {
                repair_types.last_mut().into_iter().for_each(|it| *it = Some(pt));
            } else {
                sources.read(line)?;
            }
            sdp.push_str(line);
            sdp.push_str("\r\n");
        }
        if mids.len() != media {
            return Err(OfferError::malformed("each m-line must have one mid"));
        }
        sources.end_line();
        let sources = sources.all;
        Ok(Self {
            sdp,
            ice,
            fingerprint,
            sources,
            mids,
            repair_types,
        })
    }
}

/// An offer as it is read, with one certificate for all.
#[cfg(test)]
pub(crate) fn parse(text: &str, lines: &[Line]) -> Result<Offer, OfferError> {
    static NEGOTIATOR: std::sync::LazyLock<Negotiator> =
        std::sync::LazyLock::new(|| Negotiator::new().expect("a certificate"));
    Offer::parse(&NEGOTIATOR, text, lines)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use hst_sfu::TrackId;

    use super::*;

    fn session(mids: &str) -> String {
        let fingerprint = ["00"; 32].join(":");
        format!(
            "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE{mids}\r\na=ice-ufrag:abcd\r\n\
             a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n"
        )
    }

    fn media(mid: &str) -> String {
        format!(
            "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n\
             a=mid:{mid}\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
        )
    }

    fn offer(count: usize) -> String {
        let mids: String = (0..count).map(|mid| format!(" {mid}")).collect();
        let lines: String = (0..count).map(|mid| media(&mid.to_string())).collect();
        session(&mids) + &lines
    }

    fn receive(mid: &str) -> Line {
        Line::new(mid, LineRole::Receive { track: TrackId(1) })
    }

    #[test]
    fn lines_keep_their_order_and_candidates_are_ignored() {
        let read = parse(&offer(3), &[receive("2")]).unwrap();
        let mids: Vec<_> = read
            .slots
            .iter()
            .map(|slot| (slot.mid.to_string(), slot.role.is_some()))
            .collect();
        assert_eq!(mids, [("0".into(), false), ("1".into(), false), ("2".into(), true)]);
        assert!(!Outline::read(&offer(3)).unwrap().sdp.contains("192.0.2.1"));
    }

    #[test]
    fn what_goes_past_a_limit_is_refused_quickly() {
        let start = Instant::now();
        let long = "v=0\r\n".to_owned() + &"a=x\r\n".repeat(200_000);
        assert_eq!(
            parse(&long, &[]).unwrap_err(),
            OfferError::TooLarge {
                len: long.len(),
                max: MAX_SDP
            }
        );
        assert!(parse(&offer(MAX_LINES), &[]).is_ok());
        let many = OfferError::TooManyLines { max: MAX_LINES };
        assert_eq!(parse(&offer(MAX_LINES + 1), &[]).unwrap_err(), many);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }

    #[test]
    fn lines_must_name_the_offers_mids_once() {
        let unknown = parse(&offer(2), &[receive("7")]).unwrap_err();
        assert_eq!(unknown, OfferError::NoSuchLine { mid: "7".into() });
        let twice = parse(&offer(2), &[receive("1"), receive("1")]).unwrap_err();
        assert_eq!(twice, OfferError::LineTwice { mid: "1".into() });
        let send = |mid: &str| Line::new(mid, LineRole::Send { track: TrackId(5) });
        let both = parse(&offer(2), &[send("0"), send("1")]).unwrap_err();
        assert_eq!(both, OfferError::TrackTaken(TrackId(5)));
    }

    #[test]
    fn hostile_texts_are_errors() {
        let good = offer(2);
        for (what, text) in [
            ("nothing", String::new()),
            ("no m-line mid", good.replace("a=mid:1\r\n", "")),
            ("the same mid", good.replace("a=mid:1\r\n", "a=mid:0\r\n")),
            ("two mids", good.replace("a=mid:1\r\n", "a=mid:1\r\na=mid:2\r\n")),
            (
                "a mid too long",
                good.replace("a=mid:1\r\n", "a=mid:12345678901234567\r\n"),
            ),
            ("a mid that would change", good.replace("a=mid:1\r\n", "a=mid:a-b\r\n")),
            (
                "a data channel",
                good.clone() + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n",
            ),
            (
                "a broken m-line",
                good.replacen("m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 RTP", 1),
            ),
            ("no payload type number", good.replace("SAVPF 96", "SAVPF 4711")),
        ] {
            let refused = parse(&text, &[]);
            assert!(
                matches!(refused, Err(OfferError::Malformed { .. })),
                "{what}: {refused:?}"
            );
        }
        // Cut anywhere it is an error or a shorter offer, never a panic.
        for end in (0..good.len()).filter(|&end| good.is_char_boundary(end)) {
            let _ = parse(&good[..end], &[]);
        }
    }
}

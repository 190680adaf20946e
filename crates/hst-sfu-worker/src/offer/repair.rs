//! How forward error correction is agreed on (FlexFEC as browsers name it), which str0m knows nothing of.

/// The payload type under which a line of an offer says that it can protect pictures.
pub(crate) fn offered(line: &str) -> Option<u8> {
    let (pt, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
    let is_ours = name.eq_ignore_ascii_case("flexfec-03/90000");
    pt.parse().ok().filter(|pt| is_ours && *pt < 128)
}

/// What the answer says of it.
pub(crate) fn described(pt: u8) -> String {
    // How far apart packets may be that belong together, in microseconds: as far as browsers say.
    format!("a=rtpmap:{pt} flexfec-03/90000\r\na=fmtp:{pt} repair-window=10000000\r\na=rtcp-fb:{pt} transport-cc\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_browsers_speak_is_taken() {
        assert_eq!(offered("a=rtpmap:35 flexfec-03/90000"), Some(35));
        for other in [
            "a=rtpmap:35 flexfec/90000",
            "a=rtpmap:128 flexfec-03/90000",
            "a=rtpmap:x flexfec-03/90000",
            "a=rtpmap:35 ulpfec/90000",
            "a=rtpmap:35",
            "a=fmtp:35 flexfec-03/90000",
        ] {
            assert_eq!(offered(other), None, "{other}");
        }
        assert_eq!(offered(described(35).lines().next().unwrap_or_default()), Some(35));
    }
}

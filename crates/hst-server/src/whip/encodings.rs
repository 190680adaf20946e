use std::borrow::Cow;

use super::outline::attribute;

const SIMULCAST: &str = "a=simulcast:send ";

/// The offer with the encodings of its picture (`a=simulcast`, RFC 8853) in the order in which the platform takes them: the
/// smallest first. Those that are named by numbers from 0 on are taken for OBS's, which counts from the largest down.
pub(super) fn smallest_first(sdp: &str) -> Cow<'_, str> {
    let Some(offered) = attribute(sdp, "simulcast").and_then(|it| it.strip_prefix("send ")) else {
        return Cow::Borrowed(sdp);
    };
    let names: Vec<&str> = offered.split(';').collect();
    let are_counted = names.iter().enumerate().all(|(at, name)| at.to_string() == *name);
    if !are_counted || names.len() < 2 {
        return Cow::Borrowed(sdp);
    }
    let turned = names.into_iter().rev().collect::<Vec<_>>().join(";");
    Cow::Owned(sdp.replacen(&format!("{SIMULCAST}{offered}"), &format!("{SIMULCAST}{turned}"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encodings_that_are_counted_from_the_largest_down_are_turned_round() {
        for (offered, expected) in [
            ("send 0;1;2", "send 2;1;0"),
            ("send 0;1", "send 1;0"),
            ("send 0", "send 0"),
            ("send 2;1;0", "send 2;1;0"),
            ("send 1;2;3", "send 1;2;3"),
            ("send q;h;f", "send q;h;f"),
            ("send 0,1;2", "send 0,1;2"),
            ("send 0;1 recv 2", "send 0;1 recv 2"),
            ("send ~0;1", "send ~0;1"),
            ("recv 0;1", "recv 0;1"),
            ("send ", "send "),
        ] {
            let with = |order| {
                format!("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=simulcast:{order}\r\na=sendonly\r\n")
            };
            assert_eq!(smallest_first(&with(offered)), with(expected));
        }
        assert_eq!(smallest_first("v=0\r\n"), "v=0\r\n");
    }
}

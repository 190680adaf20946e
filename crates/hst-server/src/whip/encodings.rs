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
    let turned = names.iter().rev().copied().collect::<Vec<_>>().join(";");
    // Each name is its place, so that none has to be looked for among the others.
    let other = |name: &str| {
        let place = name.parse().ok().filter(|&at| names.get(at) == Some(&name));
        place.map(|at: usize| names[names.len() - 1 - at])
    };
    let lines = sdp.split_inclusive('\n').map(|line| {
        let order = line
            .trim_end()
            .strip_prefix(SIMULCAST)
            .filter(|order| *order == offered);
        // The media plane goes by the order of these.
        let encoding = line
            .trim_end()
            .strip_prefix("a=rid:")
            .and_then(|it| it.strip_suffix(" send"));
        match (order, encoding.and_then(other)) {
            (Some(_), _) => Cow::Owned(format!("{SIMULCAST}{turned}\r\n")),
            (None, Some(name)) => Cow::Owned(format!("a=rid:{name} send\r\n")),
            (None, None) => Cow::Borrowed(line),
        }
    });
    Cow::Owned(lines.collect())
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
            let with = |order| format!("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=simulcast:{order}\r\na=mid:1\r\n");
            assert_eq!(smallest_first(&with(offered)), with(expected));
        }
        let with = |rids: [&str; 3], order: &str| {
            let rids = rids.map(|rid| format!("a=rid:{rid} send\r\n")).concat();
            format!(
                "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n{rids}a=simulcast:send {order}\r\na=sendonly\r\n"
            )
        };
        let turned = with(["2", "1", "0"], "2;1;0");
        assert_eq!(smallest_first(&with(["0", "1", "2"], "0;1;2")), turned);
        assert_eq!(smallest_first(&turned), turned);
        assert_eq!(smallest_first("v=0\r\n"), "v=0\r\n");
    }

    #[test]
    fn an_offer_of_many_encodings_and_lines_takes_no_longer_than_its_bytes() {
        let names: Vec<_> = (0..5_000).map(|at| at.to_string()).collect();
        let offer = format!(
            "v=0\r\na=simulcast:send {}\r\n{}",
            names.join(";"),
            "a=b\n".repeat(8_000)
        );
        let start = std::time::Instant::now();
        assert!(smallest_first(&offer).contains("send 4999;4998;"));
        assert!(
            start.elapsed() < std::time::Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
    }
}

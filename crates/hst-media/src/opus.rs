use std::time::Duration;

/// For how long an Opus packet plays, from its first byte and frame count (RFC 6716 section 3.1); `None` if the packet
/// is not valid Opus.
pub fn opus_duration(packet: &[u8]) -> Option<Duration> {
    let toc = *packet.first()?;
    let frames = match toc & 0b11 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0b11_1111),
    };
    let frame_us = match toc >> 3 {
        config @ 0..=11 => [10_000, 20_000, 40_000, 60_000][usize::from(config % 4)],
        config @ 12..=15 => [10_000, 20_000][usize::from(config % 2)],
        config => [2_500, 5_000, 10_000, 20_000][usize::from(config % 4)],
    };
    let total_us = frames * frame_us;
    (1..=120_000)
        .contains(&total_us)
        .then(|| Duration::from_micros(total_us.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_and_the_count_give_the_length() {
        let ms = |packet: &[u8]| opus_duration(packet).map(|d| d.as_micros() as f64 / 1000.0);
        assert_eq!(ms(&[0x08]), Some(20.0)); // SILK, one frame of 20 ms
        assert_eq!(ms(&[0x19, 0]), Some(120.0)); // SILK, two frames of 60 ms
        assert_eq!(ms(&[0x78]), Some(20.0)); // hybrid
        assert_eq!(ms(&[0x80]), Some(2.5)); // CELT
        assert_eq!(ms(&[0xfc, 0xff]), Some(20.0)); // CELT, what a browser sends
        assert_eq!(ms(&[0xff, 3]), Some(60.0)); // CELT, three frames of 20 ms
    }

    #[test]
    fn what_is_no_opus_has_no_length() {
        assert_eq!(opus_duration(&[]), None);
        assert_eq!(opus_duration(&[0xff]), None); // the count is missing
        assert_eq!(opus_duration(&[0xff, 0]), None); // no frame at all
        assert_eq!(opus_duration(&[0x1b, 63]), None); // 63 frames of 60 ms
    }
}

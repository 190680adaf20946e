//! What is sent: packets that say which they are and when they left, so that each can be checked.

use std::time::Duration;

/// A keyframe is marked where VP8 does it: in the lowest bit behind the payload descriptor (RFC 7741 section 4.3).
const VP8_START: u8 = 0x10;
const VP8_DELTA: u8 = 0x01;
/// How an Opus packet of one frame of 20 ms begins (RFC 6716 section 3.1).
const OPUS: [u8; 2] = [0xfc, 0];
/// Behind the two bytes of the codec: the number, and the time in nanoseconds since the Unix epoch.
const NUMBER: usize = 2;
const TIME: usize = NUMBER + 4;
const FILLING: usize = TIME + 8;
const FILL: u8 = 0xa5;

/// The smallest packet that holds all of this.
pub(crate) const LEAST: usize = FILLING;

/// Writes a packet of video: the first of a frame or another one.
pub(crate) fn picture(len: usize, number: u32, sent: Duration, is_first: bool, is_key: bool) -> Vec<u8> {
    let start = if is_first { VP8_START } else { 0 };
    packet(len, [start, if is_key { 0 } else { VP8_DELTA }], number, sent)
}

/// Writes a packet of sound.
pub(crate) fn sound(len: usize, number: u32, sent: Duration) -> Vec<u8> {
    packet(len, OPUS, number, sent)
}

fn packet(len: usize, head: [u8; 2], number: u32, sent: Duration) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len.max(LEAST));
    bytes.extend(head);
    bytes.extend(number.to_be_bytes());
    bytes.extend((sent.as_nanos() as u64).to_be_bytes());
    bytes.resize(len.max(LEAST), FILL);
    bytes
}

/// The number of a packet, and how long it was under way until it arrived; `None` when it is not as it was sent.
pub(crate) fn check(bytes: &[u8], arrived: Duration) -> Option<(u32, Duration)> {
    let number = u32::from_be_bytes(bytes.get(NUMBER..TIME)?.try_into().ok()?);
    let sent = u64::from_be_bytes(bytes.get(TIME..FILLING)?.try_into().ok()?);
    let is_whole = bytes[FILLING..].iter().all(|byte| *byte == FILL);
    is_whole.then(|| (number, arrived.saturating_sub(Duration::from_nanos(sent))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_its_number_and_its_time_and_is_refused_once_a_byte_is_another() {
        let at = |millis| Duration::from_millis(millis);
        let mut bytes = picture(1100, 7, at(5), true, true);
        assert_eq!((bytes.len(), bytes[0], bytes[1]), (1100, VP8_START, 0));
        assert_eq!(check(&bytes, at(6)), Some((7, at(1))));
        assert_eq!(check(&sound(80, 8, at(5)), at(5)), Some((8, at(0))));
        bytes[1099] ^= 1;
        assert_eq!(check(&bytes, at(6)), None);
        assert_eq!(check(&bytes[..5], at(6)), None);
    }
}

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

/// The smallest packet that holds all of this, and the largest one that fits a datagram.
pub(crate) const LEAST: usize = FILLING;
const MOST: usize = 1200;
/// What all that is behind it is compared with, at once.
const FILLED: [u8; MOST] = [FILL; MOST];

/// Appends a payload of video: of the first packet of a frame or of another one.
pub(crate) fn picture(out: &mut Vec<u8>, len: usize, number: u32, sent: Duration, is_first: bool, is_key: bool) {
    let start = if is_first { VP8_START } else { 0 };
    packet(out, len, [start, if is_key { 0 } else { VP8_DELTA }], number, sent);
}

/// Appends a payload of sound.
pub(crate) fn sound(out: &mut Vec<u8>, len: usize, number: u32, sent: Duration) {
    packet(out, len, OPUS, number, sent);
}

fn packet(out: &mut Vec<u8>, len: usize, head: [u8; 2], number: u32, sent: Duration) {
    out.extend_from_slice(&head);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&(sent.as_nanos() as u64).to_be_bytes());
    out.extend_from_slice(&FILLED[..len.clamp(LEAST, MOST) - FILLING]);
}

/// The number of a packet, and how long it was under way until it arrived; `None` when it is not as it was sent.
pub(crate) fn check(bytes: &[u8], arrived: Duration) -> Option<(u32, Duration)> {
    let number = u32::from_be_bytes(bytes.get(NUMBER..TIME)?.try_into().ok()?);
    let sent = u64::from_be_bytes(bytes.get(TIME..FILLING)?.try_into().ok()?);
    let filling = &bytes[FILLING..];
    let is_whole = FILLED.get(..filling.len()) == Some(filling);
    is_whole.then(|| (number, arrived.saturating_sub(Duration::from_nanos(sent))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_its_number_and_its_time_and_is_refused_once_a_byte_is_another() {
        let at = |millis| Duration::from_millis(millis);
        let mut bytes = Vec::new();
        picture(&mut bytes, 1100, 7, at(5), true, true);
        assert_eq!((bytes.len(), bytes[0], bytes[1]), (1100, VP8_START, 0));
        assert_eq!(check(&bytes, at(6)), Some((7, at(1))));
        let mut other = Vec::new();
        sound(&mut other, 80, 8, at(5));
        assert_eq!((other.len(), check(&other, at(5))), (80, Some((8, at(0)))));
        for place in [FILLING, 500, 1099] {
            bytes[place] ^= 1;
            assert_eq!(check(&bytes, at(6)), None, "{place}");
            bytes[place] ^= 1;
        }
        assert_eq!(check(&bytes[..5], at(6)), None);
        assert_eq!(check(&[FILL; 2000], at(6)), None);
    }
}

//! Packets that are sent again in a stream of their own (RTX, RFC 4588 section 4).

use crate::wire::{put_u16, u16_at};

/// Appends the payload of a packet that is sent again: under which sequence number it was sent first, and what it carried.
pub fn write(out: &mut Vec<u8>, seq: u16, payload: &[u8]) {
    put_u16(out, seq);
    out.extend_from_slice(payload);
}

/// The sequence number and the payload that it had first; `None` for one that carries nothing, as those that only probe do.
pub fn read(payload: &[u8]) -> Option<(u16, &[u8])> {
    Some((u16_at(payload, 0)?, &payload[2..])).filter(|(_, payload)| !payload.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_the_same_after_it_was_sent_again() {
        let mut out = Vec::new();
        write(&mut out, 0xfffe, b"abc");
        assert_eq!(out, *b"\xff\xfeabc");
        assert_eq!(read(&out), Some((0xfffe, &b"abc"[..])));
    }

    #[test]
    fn what_only_probes_carries_nothing() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[1]), None);
        assert_eq!(read(&[1, 2]), None);
    }
}

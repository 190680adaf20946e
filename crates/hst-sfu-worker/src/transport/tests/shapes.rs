//! Messages of the handshake that are cut, changed, or longer than they should be.

use super::handshake::{HANDSHAKE, MESSAGE, RECORD, fragment, record, records, said, saying};

/// The record with another body, where all lengths say so.
fn with(record: &[u8], body: &[u8]) -> Vec<u8> {
    let seq = u16::from_be_bytes([record[RECORD + 4], record[RECORD + 5]]);
    let message = fragment(record[RECORD], body.len() as u32, seq, 0, body);
    self::record(HANDSHAKE, 0, u64::from(record[10]), &message)
}

/// Says each message in these other shapes in its place; how many of them there are.
fn say_all(shapes: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> usize {
    let mut tried = 0;
    for (at, datagram) in said().into_iter().enumerate() {
        let records = records(&datagram);
        for (number, record) in records.iter().enumerate() {
            if record[0] != HANDSHAKE || record[3..5] != [0, 0] {
                continue;
            }
            for changed in shapes(record) {
                let mut all = records.clone();
                all[number] = changed;
                saying(at, vec![all.concat()]);
                tried += 1;
            }
        }
    }
    tried
}

#[test]
fn d5_d6_every_message_cut_at_every_byte_and_with_every_second_byte_changed_fails_cleanly() {
    let tried = say_all(|record| {
        let body = &record[RECORD + MESSAGE..];
        let cuts = (0..body.len()).map(|len| with(record, &body[..len]));
        let changes = (0..record.len()).step_by(2).map(|at| {
            let mut changed = record.to_vec();
            changed[at] = if at % 4 == 0 { 0xff } else { changed[at] ^ 0x41 };
            changed
        });
        cuts.chain(changes).collect()
    });
    assert!(tried > 700, "{tried}");
}

/// The record with each vector in its body a byte longer, and with as long a one as can be said. What stands before a vector says its
/// length in one, two or three bytes; a place where that fits by chance is tried as well.
fn grown(record: &[u8]) -> Vec<Vec<u8>> {
    let body = &record[RECORD + MESSAGE..];
    let mut all = Vec::new();
    for size in 1..=3 {
        for at in 0..(body.len() + 1).saturating_sub(size) {
            let len = body[at..at + size]
                .iter()
                .fold(0, |len, byte| len << 8 | usize::from(*byte));
            let end = at + size + len;
            // One in another one ends where that ends or is followed by more of it, so small ones are everywhere.
            if end > body.len() || (size == 1 && len > 64) {
                continue;
            }
            let mut longer = body.to_vec();
            longer.insert(end, 0x5a);
            longer[at..at + size].copy_from_slice(&(len as u32 + 1).to_be_bytes()[4 - size..]);
            let mut endless = body.to_vec();
            endless[at..at + size].fill(0xff);
            all.extend([longer, endless].map(|body| with(record, &body)));
        }
    }
    all
}

#[test]
fn d6_every_message_with_a_vector_grown_fails_cleanly() {
    let tried = say_all(grown);
    assert!(tried > 300, "{tried}");
}

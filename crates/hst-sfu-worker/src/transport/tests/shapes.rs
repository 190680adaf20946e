//! Messages of the handshake that are cut, changed, or longer than they should be.

use super::handshake::{HANDSHAKE, MESSAGE, RECORD, fragment, record, records, said, saying};

/// The record with a body cut to this length, where all lengths say so.
fn cut(record: &[u8], len: usize) -> Vec<u8> {
    let body = &record[RECORD + MESSAGE..][..len];
    let seq = u16::from_be_bytes([record[RECORD + 4], record[RECORD + 5]]);
    let message = fragment(record[RECORD], len as u32, seq, 0, body);
    self::record(HANDSHAKE, 0, u64::from(record[10]), &message)
}

#[test]
fn d5_d6_every_message_cut_at_every_byte_and_with_every_second_byte_changed_fails_cleanly() {
    let mut tried = 0;
    for (at, datagram) in said().into_iter().enumerate() {
        let records = records(&datagram);
        for (number, record) in records.iter().enumerate() {
            if record[0] != HANDSHAKE || record[3..5] != [0, 0] {
                continue;
            }
            let body = record.len() - RECORD - MESSAGE;
            let cuts = (0..body).map(|len| cut(record, len));
            let changes = (0..record.len()).step_by(2).map(|at| {
                let mut changed = record.clone();
                changed[at] = if at % 4 == 0 { 0xff } else { changed[at] ^ 0x41 };
                changed
            });
            for changed in cuts.chain(changes) {
                let mut all = records.clone();
                all[number] = changed;
                saying(at, vec![all.concat()]);
                tried += 1;
            }
        }
    }
    assert!(tried > 700, "{tried}");
}

/// The record with each vector in its body a byte longer, and with as long a one as can be said. What stands before a vector says its
/// length in one, two or three bytes; a place where that fits by chance is tried as well.
fn grown(record: &[u8]) -> Vec<Vec<u8>> {
    let body = &record[RECORD + MESSAGE..];
    let seq = u16::from_be_bytes([record[RECORD + 4], record[RECORD + 5]]);
    let message = |body: &[u8]| {
        let message = fragment(record[RECORD], body.len() as u32, seq, 0, body);
        self::record(HANDSHAKE, 0, u64::from(record[10]), &message)
    };
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
            all.extend([message(&longer), message(&endless)]);
        }
    }
    all
}

#[test]
fn d6_every_message_with_a_vector_grown_fails_cleanly() {
    let mut tried = 0;
    for (at, datagram) in said().into_iter().enumerate() {
        let records = records(&datagram);
        for (number, record) in records.iter().enumerate() {
            if record[0] != HANDSHAKE || record[3..5] != [0, 0] {
                continue;
            }
            for changed in grown(record) {
                let mut all = records.clone();
                all[number] = changed;
                saying(at, vec![all.concat()]);
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

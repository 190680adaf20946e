//! Which cipher media have: dimpl takes AES with 256 bits wherever a client offers it. That takes longer than AES with 128 for each
//! packet, at both ends.

use std::ops::Range;

use super::{
    beneath::{MESSAGE, whole},
    hello::CLIENT_HELLO,
};

/// The extension in which a client's hello offers profiles (RFC 5764 section 4.1.1), and two of these (RFC 7714 section 14.2).
const USE_SRTP: [u8; 2] = [0, 14];
const AEAD_AES_128_GCM: [u8; 2] = [0, 7];
const AEAD_AES_256_GCM: [u8; 2] = [0, 8];
/// What nobody offers, in place of it.
const NOTHING: [u8; 2] = [0xff, 8];

/// The message, if it is a whole hello that offers AES with 128 bits, without an offer of AES with 256.
pub(super) fn reduced(message: &[u8]) -> Option<Vec<u8>> {
    let offered = message.get(profiles(message)?)?.as_chunks().0;
    if !offered.contains(&AEAD_AES_128_GCM) {
        return None;
    }
    replaced(message, AEAD_AES_256_GCM, NOTHING)
}

/// What it was, if it is a hello.
pub(super) fn restored(message: &[u8]) -> Option<Vec<u8>> {
    replaced(message, NOTHING, AEAD_AES_256_GCM)
}

fn replaced(message: &[u8], one: [u8; 2], other: [u8; 2]) -> Option<Vec<u8>> {
    let mut replaced = message.to_vec();
    let offered = replaced.get_mut(profiles(message)?)?.as_chunks_mut().0;
    offered.iter_mut().filter(|it| **it == one).for_each(|it| *it = other);
    Some(replaced)
}

/// Where the profiles are, if it is a whole hello that has some.
fn profiles(hello: &[u8]) -> Option<Range<usize>> {
    whole(CLIENT_HELLO, hello)?;
    // The version and what is random; then the session, the cookie, the ciphers and the compressions, each behind its length.
    let mut at = MESSAGE + 2 + 32;
    for width in [1, 1, 2, 1] {
        at = end(hello, at, width)?;
    }
    // The length of all extensions.
    at += 2;
    while hello.get(at..at + 2)? != USE_SRTP {
        at = end(hello, at + 2, 2)?;
    }
    Some(at + 6..end(hello, at + 4, 2)?)
}

/// Where a field ends that begins with its length, which is so wide.
fn end(hello: &[u8], at: usize, width: usize) -> Option<usize> {
    let len = hello.get(at..at + width)?;
    let len = len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    Some(at + width + len)
}

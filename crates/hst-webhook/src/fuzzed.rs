//! What the fuzz targets try in here; no part of the interface.

use std::time::{Duration, UNIX_EPOCH};

use crate::retry_after;

/// A `retry-after` of an App's endpoint: who only writes digits is understood, or asks for too long.
pub fn retry_after(text: &str) {
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let wanted = retry_after::parse(text, now);
    let seconds = text.trim().parse().map(Duration::from_secs).ok();
    assert!(
        seconds.is_none() || text.contains('+') || wanted == seconds,
        "{wanted:?}"
    );
}

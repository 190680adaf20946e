use super::wire::{read, to_bytes};

/// A record of the directory, which another version may have written: what is understood of it is said again.
pub fn record(data: &[u8]) {
    if let Some(stamped) = read(data) {
        assert_eq!(read(&to_bytes(&stamped)), Some(stamped));
    }
}

use std::{cell::RefCell, fs};

use hst_media::{MediaSource, h264, open_source, opus_duration};
use tempfile::NamedTempFile;
use tokio::runtime::Runtime;

/// The most frames of a file that are looked at.
const FRAMES: usize = 1_000;

thread_local! {
    static DESK: RefCell<Option<(Runtime, NamedTempFile)>> = const { RefCell::new(None) };
}

/// A file of any of the forms, until it ends or is at fault.
pub fn file(data: &[u8]) {
    DESK.with_borrow_mut(|desk| {
        let (runtime, file) = desk.get_or_insert_with(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            (runtime.expect("a runtime"), NamedTempFile::new().expect("a file"))
        });
        fs::write(file.path(), data).expect("room on the disk");
        runtime.block_on(async {
            let Ok(mut source) = open_source(file.path()).await else {
                return;
            };
            for _ in 0..FRAMES {
                match source.next().await {
                    // Start codes of three bytes become such of four.
                    Ok(Some(frame)) => assert!(frame.data.len() <= 2 * data.len()),
                    Ok(None) | Err(_) => return,
                }
            }
        });
    });
}

/// H.264 in its stream form, and a packet of Opus.
pub fn units(data: &[u8]) {
    let total: usize = h264::nal_units(data).map(<[u8]>::len).sum();
    assert!(total <= data.len());
    if let Some(duration) = opus_duration(data) {
        // RFC 6716 section 3.2.5.
        assert!(duration.as_millis() <= 120, "{duration:?}");
    }
}

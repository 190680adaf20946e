use std::sync::atomic::{AtomicBool, Ordering};

/// What the media plane's owner wants of all threads: they look when they come by.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    stop: AtomicBool,
    leave: AtomicBool,
}

impl Orders {
    /// They are to end.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Publishers are going elsewhere.
    pub(crate) fn leave(&self) {
        self.leave.store(true, Ordering::Release);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leave.load(Ordering::Acquire)
    }
}

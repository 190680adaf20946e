use std::hint::black_box;

use crate::window::Window;

/// The sources that have been heard, and which of their packets.
#[derive(Debug)]
pub(crate) struct Sources {
    /// In the order of their numbers. There are few, and one of few is found sooner than in a hash table.
    heard: Vec<Source>,
    capacity: usize,
    /// How many packets were taken: the time by which a source is the longest silent.
    taken: u64,
}

#[derive(Debug)]
struct Source {
    ssrc: u32,
    window: Window,
    last: u64,
}

impl Sources {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            heard: Vec::new(),
            capacity,
            taken: 0,
        }
    }

    /// What was heard of a source.
    pub(crate) fn window(&self, ssrc: u32) -> Option<&Window> {
        Some(&self.heard[self.find(ssrc).ok()?].window)
    }

    /// Takes the index of a packet that was proven to be genuine. When there are too many sources, that which has been
    /// silent for the longest goes.
    pub(crate) fn take(&mut self, ssrc: u32, index: u64) {
        self.taken += 1;
        if let Ok(at) = self.find(ssrc) {
            let source = &mut self.heard[at];
            source.window.take(index);
            source.last = self.taken;
            return;
        }
        if self.heard.len() >= self.capacity {
            self.forget_one();
        }
        let source = Source {
            ssrc,
            window: Window::new(index),
            last: self.taken,
        };
        // Most clients have one or two: room for more only when it is needed.
        self.heard.reserve_exact(1);
        let at = self.heard.partition_point(|other| other.ssrc < ssrc);
        self.heard.insert(at, source);
    }

    /// Reads what [`window`](Self::window) and [`take`](Self::take) will use, of who has few sources.
    pub(crate) fn foresee(&self) {
        black_box((self.taken, self.heard.first().map(|source| source.last)));
    }

    pub(crate) fn forget(&mut self, ssrc: u32) {
        if let Ok(at) = self.find(ssrc) {
            self.heard.remove(at);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.heard.len()
    }

    fn forget_one(&mut self) {
        let silent = self.heard.iter().min_by_key(|source| source.last);
        if let Some(&Source { ssrc, .. }) = silent {
            self.forget(ssrc);
        }
    }

    /// Where a source is.
    fn find(&self, ssrc: u32) -> Result<usize, usize> {
        self.heard.binary_search_by_key(&ssrc, |source| source.ssrc)
    }
}

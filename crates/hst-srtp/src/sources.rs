use std::collections::HashMap;

use crate::window::Window;

/// The sources that have been heard, and which of their packets.
#[derive(Debug)]
pub(crate) struct Sources {
    heard: HashMap<u32, Source>,
    capacity: usize,
    /// How many packets were taken: the time by which a source is the longest silent.
    taken: u64,
}

#[derive(Debug)]
struct Source {
    window: Window,
    last: u64,
}

impl Sources {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            heard: HashMap::new(),
            capacity,
            taken: 0,
        }
    }

    /// What was heard of a source.
    pub(crate) fn window(&self, ssrc: u32) -> Option<&Window> {
        self.heard.get(&ssrc).map(|source| &source.window)
    }

    /// Takes the index of a packet that was proven to be genuine. When there are too many sources, that which has been
    /// silent for the longest goes.
    pub(crate) fn take(&mut self, ssrc: u32, index: u64) {
        self.taken += 1;
        if let Some(source) = self.heard.get_mut(&ssrc) {
            source.window.take(index);
            source.last = self.taken;
            return;
        }
        if self.heard.len() >= self.capacity {
            self.forget_one();
        }
        let source = Source {
            window: Window::new(index),
            last: self.taken,
        };
        self.heard.insert(ssrc, source);
    }

    pub(crate) fn forget(&mut self, ssrc: u32) {
        self.heard.remove(&ssrc);
    }

    pub(crate) fn len(&self) -> usize {
        self.heard.len()
    }

    fn forget_one(&mut self) {
        let silent = self.heard.iter().min_by_key(|(_, source)| source.last);
        if let Some((&ssrc, _)) = silent {
            self.forget(ssrc);
        }
    }
}

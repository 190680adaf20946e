use std::collections::VecDeque;

/// How many runs of omitted packets are remembered, for packets that come late: some seconds of half a frame rate. What
/// comes from before them is too late.
const RUNS: usize = 128;

/// What was left out of a source's packets, so that those behind it can close the gap.
#[derive(Debug, Default)]
pub(crate) struct Omissions {
    /// The highest number that was kept or left out.
    highest: u64,
    /// The newest last.
    runs: VecDeque<Run>,
    /// Runs were forgotten: what comes from before the first one that is known has no place any more.
    has_forgotten: bool,
}

/// A run of packets that were left out: what all packets behind it have to be moved by.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Its last packet.
    last: u64,
    /// How many were left out up to here since the source began: packets, and pictures.
    packets: u64,
    pictures: u16,
    /// The picture of its last packet, which may have more.
    picture: Option<u16>,
}

impl Omissions {
    /// A source begins with this number, and nothing is left out yet.
    pub(crate) fn begin(&mut self, first: u64) {
        self.highest = first;
        self.runs.clear();
        self.has_forgotten = false;
    }

    /// Whether no packet with a higher number was kept or left out.
    pub(crate) fn is_newest(&self, index: u64) -> bool {
        index >= self.highest
    }

    /// The packet is left out, `picture` being the number of its picture if it has one. One that comes late leaves its gap:
    /// others have found their places behind it already.
    pub(crate) fn omit(&mut self, index: u64, picture: Option<u16>) {
        if index <= self.highest {
            return;
        }
        let before = self.runs.back().copied();
        let (packets, pictures) = before.map_or((0, 0), |run| (run.packets, run.pictures));
        let is_new_picture = picture.is_some() && before.is_none_or(|run| run.picture != picture);
        let run = Run {
            last: index,
            packets: packets + 1,
            pictures: pictures.wrapping_add(u16::from(is_new_picture)),
            picture,
        };
        match self.runs.back_mut().filter(|before| before.last + 1 == index) {
            Some(before) => *before = run,
            None => {
                if self.runs.len() == RUNS {
                    self.runs.pop_front();
                    self.has_forgotten = true;
                }
                self.runs.push_back(run);
            }
        }
        self.highest = index;
    }

    /// The packet is not left out.
    pub(crate) fn keep(&mut self, index: u64) {
        self.highest = self.highest.max(index);
    }

    /// How many packets and pictures before this one were left out; `None` when that is not known any more.
    pub(crate) fn before(&self, index: u64) -> Option<(u64, u16)> {
        match self.runs.iter().rev().find(|run| run.last < index) {
            Some(run) => Some((run.packets, run.pictures)),
            None if self.has_forgotten => None,
            None => Some((0, 0)),
        }
    }

    /// How many packets were left out since the source began.
    pub(crate) fn packets(&self) -> u64 {
        self.runs.back().map_or(0, |run| run.packets)
    }
}

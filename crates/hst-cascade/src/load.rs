use std::{collections::HashMap, time::Instant};

use hst_link::{Figures, Handle, Links};

use crate::strain::Look;

/// What is around a datagram on its way: what QUIC, UDP and IP add.
const AROUND: usize = 40;
/// Of fewer packets than this nobody can say how many get lost.
const ENOUGH: u64 = 50;

/// What goes over a link, measured from one look to the next.
#[derive(Debug)]
pub(crate) struct Load {
    handle: Handle,
    share: u64,
    /// Bytes that its queue holds.
    queue: u64,
    /// Bytes that each room has handed over since the last look, by channel.
    rooms: HashMap<u32, usize>,
    last: Option<(Instant, Figures)>,
}

impl Load {
    pub(crate) fn begin(handle: Handle, links: &Links) -> Self {
        Self {
            handle,
            share: links.share(),
            queue: links.queue().max(1),
            rooms: HashMap::new(),
            last: None,
        }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The room of this channel has handed over a datagram.
    pub(crate) fn count(&mut self, channel: u32, bytes: usize) {
        *self.rooms.entry(channel).or_default() += bytes + AROUND;
    }

    /// What there was since the last look; `None` at the first.
    pub(crate) fn look(&mut self, now: Instant) -> Option<Look> {
        let figures = self.handle.figures();
        let rooms = std::mem::take(&mut self.rooms);
        let (at, before) = self.last.replace((now, figures))?;
        let millis = now.saturating_duration_since(at).as_millis().max(1) as u64;
        let rate = |bytes: u64| bytes * 8 * 1000 / millis;
        let lost = figures.packets_lost.saturating_sub(before.packets_lost);
        let packets = figures.packets_sent.saturating_sub(before.packets_sent);
        let offered = figures.datagrams_offered.saturating_sub(before.datagrams_offered);
        Some(Look {
            share: self.share,
            sent: rate(figures.bytes_sent.saturating_sub(before.bytes_sent)),
            lost: percent(lost, packets).max(percent(self.dropped(&rooms, &before, &figures), offered)),
            queue: self.waiting(&figures) * 100 / self.queue,
            rooms: rooms.into_values().map(|bytes| rate(bytes as u64)).collect(),
        })
    }

    /// How many datagrams were dropped from the queue: they were handed over, have not left, and do not wait.
    fn dropped(&self, rooms: &HashMap<u32, usize>, before: &Figures, now: &Figures) -> u64 {
        let offered = now.datagrams_offered.saturating_sub(before.datagrams_offered);
        let bytes = rooms.values().sum::<usize>() as u64;
        let Some(each) = bytes.checked_div(offered).filter(|&each| each > 0) else {
            return 0;
        };
        let sent = now.datagrams_sent.saturating_sub(before.datagrams_sent);
        (offered + self.waiting(before) / each).saturating_sub(sent + self.waiting(now) / each)
    }

    /// Bytes in the queue.
    fn waiting(&self, figures: &Figures) -> u64 {
        self.queue.saturating_sub(figures.datagram_space)
    }
}

fn percent(part: u64, all: u64) -> u64 {
    if all < ENOUGH { 0 } else { part * 100 / all }
}

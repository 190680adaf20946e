//! What a media thread does with its TCP connections.

use std::time::{Duration, Instant};

use super::{Timer, Worker};
use crate::{network::Datagram, remote::Remote};

/// How many datagrams of one connection are taken before the others have their turn.
const FRAMES_AT_A_TIME: usize = 64;
/// How often connections that have had their time are looked for.
const SWEEP: Duration = Duration::from_secs(1);

impl Worker {
    /// Lets in who calls and takes some of what has come; says whether there may be more.
    pub(super) fn receive_frames(&mut self, now: Instant, frame: &mut Vec<u8>) -> bool {
        // Whoever comes from the address of one that has gone must prove himself anew.
        self.forget_closed();
        let mut has_more = self.network.streams.accept(now);
        for addr in self.network.streams.take_readable() {
            let mut taken = 0;
            while let Some(local_ip) = self.network.streams.receive(addr, frame) {
                let datagram = Datagram {
                    source: Remote::tcp(addr),
                    local_ip: Some(local_ip),
                    bytes: frame,
                };
                self.handle_datagram(now, datagram);
                self.network.streams.dismiss(addr);
                taken += 1;
                if taken == FRAMES_AT_A_TIME {
                    self.network.streams.put_off(addr);
                    has_more = true;
                    break;
                }
            }
        }
        if !self.network.streams.is_empty() {
            self.timers.schedule(Timer::Streams, now + SWEEP);
        }
        has_more
    }

    pub(super) fn look_after_streams(&mut self, now: Instant) {
        self.network.streams.sweep(now);
        if !self.network.streams.is_empty() {
            self.timers.schedule(Timer::Streams, now + SWEEP);
        }
    }

    pub(super) fn forget_closed(&mut self) {
        for addr in self.network.streams.take_closed() {
            self.demux.forget(Remote::tcp(addr));
        }
    }
}

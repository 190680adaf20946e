//! What str0m tells of a connection.

use std::time::{Duration, Instant};

use str0m::{Event, IceConnectionState, bwe::BweKind};

use super::{CONNECT_TIMEOUT, Happening, Transport};
use crate::LostReason;

/// Until so long after it has connected, a client's network is taken to carry at least so many bits in a second: what it
/// really carries is being found out, and a picture that is held back until then would come late.
const TRUST: Duration = Duration::from_secs(2);
const TRUSTED: u64 = 3_000_000;

impl Transport {
    pub(super) fn handle_event(&mut self, now: Instant, event: Event, happenings: &mut Vec<Happening>) {
        match event {
            Event::Connected => {
                self.is_connected = true;
                self.trusted_until = Some(now + TRUST);
                self.deadline = None;
                happenings.push(Happening::Connected);
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                let reason = if self.is_connected {
                    LostReason::Silent
                } else {
                    LostReason::NeverConnected
                };
                self.end(reason, happenings);
            }
            Event::IceConnectionStateChange(IceConnectionState::Checking) if self.is_connected => {
                self.deadline = Some(now + CONNECT_TIMEOUT);
            }
            Event::IceConnectionStateChange(IceConnectionState::Connected | IceConnectionState::Completed) => {
                self.sessions.settle();
                if self.is_connected {
                    self.deadline = None;
                }
            }
            Event::RtpPacket(packet) => {
                self.has_heard = true;
                // What is not to be forwarded is dropped.
                let _ = self.handle_packet(packet, happenings);
            }
            Event::KeyframeRequest(request) => {
                let slot = self.slots.iter().position(|slot| slot.mid == request.mid);
                happenings.extend(slot.map(|slot| Happening::KeyframeRequest { slot: slot as u16 }));
            }
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, can_probe }) => {
                self.estimate = can_probe.then(|| estimate.as_u64());
                happenings.push(Happening::Budget(self.budget(now)));
            }
            Event::PeerStats(stats) => {
                self.path.take(&stats);
                let before = self.losses.least();
                if self.losses.report(&stats) {
                    let share = self.losses.resend_share();
                    self.slots
                        .iter()
                        .for_each(|slot| slot.limit_resends(share, &mut self.rtc));
                }
                if self.losses.least() != before {
                    happenings.push(Happening::Budget(self.budget(now)));
                }
            }
            Event::MediaEgressStats(stats) => {
                if let Some(slot) = self.slots.iter_mut().find(|slot| slot.mid == stats.mid) {
                    slot.report.egress = Some(stats);
                }
            }
            Event::MediaIngressStats(stats) => {
                if let Some(slot) = self.slots.iter_mut().find(|slot| slot.mid == stats.mid)
                    && let Some(encoding) = slot.encoding(stats.rid)
                {
                    slot.report.ingress[usize::from(encoding)] = Some(stats);
                }
            }
            Event::Closed => self.end(LostReason::Closed, happenings),
            _ => {}
        }
    }

    /// How many bits in a second the client's network is taken to carry; `None` is not known.
    fn budget(&self, now: Instant) -> Option<u64> {
        let is_trusted = self.trusted_until.is_none_or(|until| now < until);
        let trusted = if is_trusted { TRUSTED } else { 0 };
        Some(self.estimate?.max(trusted).max(self.losses.least()))
    }
}

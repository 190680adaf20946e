use std::time::Instant;

use hst_rtp::{Packet, fec::Repair};

use super::{Ingress, Taken, sources::Source};
use crate::{negotiation::PayloadTypes, protected::Numbers};

/// Under which payload types a client protects what he sends (FlexFEC): a bit for each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RepairTypes(u128);

/// What a packet of his protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repairs {
    pub(crate) slot: u16,
    pub(crate) encoding: u8,
    /// The source, and which of its packets.
    pub(crate) ssrc: u32,
    pub(crate) numbers: Numbers,
}

impl FromIterator<u8> for RepairTypes {
    fn from_iter<T: IntoIterator<Item = u8>>(types: T) -> Self {
        let bits = types.into_iter().filter_map(|pt| 1_u128.checked_shl(pt.into()));
        Self(bits.fold(0, |all, bit| all | bit))
    }
}

/// How much of a source is protected: to do the same for its receivers is work, of which a publisher may not make any amount with
/// little of his own.
#[derive(Debug, Default)]
pub(super) struct Protects(usize);

/// Each packet may be part of so many sums on average,
const SUMS: usize = 8;
/// and so much may come at a time.
const AT_ONCE: usize = 2048;

impl Protects {
    /// Takes a packet of the source, or one that protects so many of them; says whether that is to be done for receivers, too.
    fn take(&mut self, protects: Option<usize>) -> bool {
        let after = self.0 + protects.unwrap_or_default();
        match protects {
            None => self.0 = self.0.saturating_sub(SUMS),
            Some(_) if after <= AT_ONCE => self.0 = after,
            Some(_) => return false,
        }
        true
    }
}

impl RepairTypes {
    pub(super) fn contain(self, payload_type: u8) -> bool {
        self.0 & 1 << (payload_type & 0x7f) != 0
    }
}

impl Ingress {
    /// Takes note of a packet that protects others or may be protected, after it was [taken](Self::take); gives those that were lost
    /// and can be computed with it, and what it protects.
    ///
    /// Of who protects nothing, nothing is kept.
    pub(crate) fn recover(&mut self, packet: &Packet<'_>, datagram: &[u8]) -> (Vec<Vec<u8>>, Option<Repairs>) {
        let nothing = (Vec::new(), None);
        if self.repair_types.0 == 0 {
            return nothing;
        }
        let header = packet.header;
        let repair = match self.repair_types.contain(header.payload_type) {
            true => Repair::parse(packet.payload),
            false => None,
        };
        // It tells itself which source it is for: one that is known, so that nobody can have something kept for any other.
        let protected = repair.map_or(header.ssrc, |repair| repair.ssrc);
        let Some(Source::Media(stream)) = self.sources.get(protected) else {
            return nothing;
        };
        let place = stream.place;
        let may_be_protected = stream.protects.take(repair.map(|repair| repair.seqs().count()));
        let recovery = match &repair {
            Some(repair) => {
                let recovery = stream.recovery.get_or_insert_default();
                recovery.handle_repair(repair, packet.payload);
                recovery
            }
            None => {
                let Some(recovery) = &mut stream.recovery else {
                    return nothing;
                };
                recovery.handle_packet(datagram, self.meanings.written_late());
                recovery
            }
        };
        let recovered = std::iter::from_fn(|| recovery.poll_recovered()).collect();
        let repairs = repair.filter(|_| may_be_protected).map(|repair| Repairs {
            slot: place.slot,
            encoding: place.encoding,
            ssrc: repair.ssrc,
            numbers: repair.seqs().collect(),
        });
        (recovered, repairs)
    }

    /// Takes a packet that was computed, as one that is sent again; `None` where it has come in the meantime.
    pub(crate) fn take_recovered<'a>(
        &mut self,
        now: Instant,
        packet: &Packet<'a>,
        types: &PayloadTypes,
    ) -> Option<Taken<'a>> {
        let header = packet.header;
        let Some(Source::Media(stream)) = self.sources.get(header.ssrc) else {
            return None;
        };
        let carried = stream.carried(types, header.payload_type, true)?;
        let place = stream.place;
        stream.handle_recovered(now, header.seq).then_some(Taken {
            slot: place.slot,
            encoding: place.encoding,
            ssrc: header.ssrc,
            seq: header.seq,
            carried,
            payload: packet.payload,
            sampled: stream.sampled,
            is_first: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_protects_more_than_he_sends_does_that_for_nobody_but_us() {
        let mut protects = Protects::default();
        let taken = (0..1000).filter(|_| protects.take(Some(109))).count();
        assert_eq!(taken, AT_ONCE / 109);
        let mut of = |packets: usize| {
            (0..packets).for_each(|_| assert!(protects.take(None)));
            (0..1000).filter(|_| protects.take(Some(8))).count()
        };
        of(0);
        assert_eq!([of(1), of(100), of(100_000)], [1, 100, AT_ONCE / 8]);
    }

    #[test]
    fn each_type_is_one_of_128() {
        let types: RepairTypes = [0, 35, 127, 128, 255].into_iter().collect();
        let contained: Vec<u8> = (0..128).filter(|pt| types.contain(*pt)).collect();
        assert_eq!(contained, [0, 35, 127]);
    }
}

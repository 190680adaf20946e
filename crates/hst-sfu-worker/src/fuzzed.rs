//! What the fuzz targets try in here; no part of the interface.

use std::sync::Arc;

use hst_rtp::{Packet, value};
use str0m::rtp::{Extension, ExtensionMap};

use crate::{
    extension::{dependency_descriptor, layers_allocation, sizes},
    red::Red,
    told::{Meanings, Told},
};

/// A packet of a client who has the keys: what its extensions tell, and the sounds of a redundant one, which are the same for whom
/// it is written anew.
pub fn opened_packet(data: &[u8]) {
    let Some(packet) = Packet::parse(data) else { return };
    let mut map = ExtensionMap::empty();
    for (id, extension) in [
        (1, Extension::AudioLevel),
        (2, Extension::TransportSequenceNumber),
        (3, Extension::RtpMid),
        (4, Extension::RtpStreamId),
        (5, Extension::PlayoutDelay),
        (6, layers_allocation()),
        (7, dependency_descriptor()),
    ] {
        map.set(id, extension);
    }
    let mut meanings = Meanings::default();
    meanings.learn(&map);
    let told = Told::read(&packet, &meanings);
    assert!(told.level.is_none_or(|level| level < 128) && told.passed.iter().count() <= 2);
    for name in [told.mid, told.rid].into_iter().flatten() {
        assert!(value::name(name).is_none_or(|read| name.starts_with(read.as_bytes())));
    }
    told.layers.map(sizes);

    let pt = packet.payload.first().map_or(0, |first| first & 0x7f);
    let Some(red) = Red::parse(&Arc::from(packet.payload), pt.into()) else {
        return;
    };
    let earlier: Vec<_> = red.of_lost(u16::MAX).map(|earlier| earlier.red).collect();
    for other in earlier.into_iter().chain([red]) {
        let again = Red::parse(&other.addressed(96.into()), 96.into()).expect("it was written here");
        assert_eq!((again.primary, again.repeats), (other.primary, other.repeats));
    }
}

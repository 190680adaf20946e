//! What a receiver of some layers is told by a dependency descriptor, in place of what its publisher told.

use crate::{
    bits::{Bits, Writer},
    dependency::{MANDATORY, Structure},
    layer::Layer,
};

/// The most decode targets: their number has 5 bits.
pub(crate) const MAX_TARGETS: usize = 32;

/// How a packet's dependency descriptor is to be changed for a receiver. It has 8 bytes: one is kept for each packet and receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorPatch {
    pub(crate) frame_number: u16,
    /// Which decode targets he can decode; `None` leaves that as it is.
    pub(crate) active: Option<Active>,
}

/// Some of a stream's decode targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Active {
    mask: [u8; 4],
    count: u8,
}

/// A stream's decode targets: up to which layers each of them goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Targets {
    layers: [(u8, u8); MAX_TARGETS],
    count: usize,
    /// Those that the publisher sends at present, a bit for each.
    pub(crate) sent: u32,
}

impl Active {
    fn new(mask: u32, count: u32) -> Self {
        Self {
            mask: mask.to_ne_bytes(),
            count: count as u8,
        }
    }

    /// A bit for each, the lowest one for the first.
    pub(crate) fn mask(self) -> u32 {
        u32::from_ne_bytes(self.mask)
    }

    /// How many the stream has.
    fn count(self) -> u32 {
        self.count.into()
    }
}

impl DescriptorPatch {
    /// The changed descriptor; `None` for one that cannot be read.
    pub fn apply(&self, descriptor: &[u8]) -> Option<Vec<u8>> {
        let (mandatory, more) = descriptor.split_at_checked(MANDATORY)?;
        let mut writer = Writer::default();
        writer.put(mandatory[0].into(), 8).put(self.frame_number.into(), 16);
        let mut bits = Bits::new(more);
        let Some(active) = self.active else {
            writer.rest(&mut bits);
            return Some(writer.into_bytes());
        };
        if more.is_empty() {
            // No structure, but which targets are active, and nothing that differs from the template.
            writer.put(0b01000, 5).put(active.mask(), active.count());
            return Some(writer.into_bytes());
        }
        let [has_structure, has_active] = [bits.flag()?, bits.flag()?];
        writer.put(u32::from(has_structure) << 1 | 1, 2).put(bits.take(3)?, 3);
        if has_structure {
            let begin = bits.clone();
            Structure::parse(&mut bits)?;
            writer.between(begin, &bits);
        }
        if has_active {
            bits.take(active.count())?;
        }
        writer.put(active.mask(), active.count()).rest(&mut bits);
        Some(writer.into_bytes())
    }
}

impl Targets {
    pub(crate) fn count(&self) -> u32 {
        self.count as u32
    }

    /// The one that goes up to these layers.
    pub(crate) fn position(&self, spatial: u8, temporal: u8) -> Option<usize> {
        self.all().position(|layers| layers == (spatial, temporal))
    }

    /// Those of which a receiver gets everything.
    pub(crate) fn up_to(&self, layer: Layer) -> Active {
        let is_whole =
            |&(_, (spatial, temporal)): &(usize, (u8, u8))| spatial <= layer.spatial && temporal <= layer.temporal;
        let whole = self.all().enumerate().filter(is_whole);
        let mask = whole.fold(0, |mask, (target, _)| mask | 1 << target) & self.sent;
        Active::new(mask, self.count())
    }

    fn all(&self) -> impl Iterator<Item = (u8, u8)> {
        self.layers.into_iter().take(self.count)
    }
}

impl FromIterator<(u8, u8)> for Targets {
    /// Takes [`MAX_TARGETS`] at most. All of them are sent until it is told otherwise.
    fn from_iter<I: IntoIterator<Item = (u8, u8)>>(targets: I) -> Self {
        let mut layers = [(0, 0); MAX_TARGETS];
        let mut count = 0;
        for (place, target) in layers.iter_mut().zip(targets) {
            *place = target;
            count += 1;
        }
        let sent = u32::MAX >> (MAX_TARGETS - count.max(1));
        Self { layers, count, sent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependency::{frame_number, tests::keyframe};

    fn patched(descriptor: &[u8], mask: u32) -> Vec<u8> {
        let active = Some(Active::new(mask, 4));
        DescriptorPatch {
            frame_number: 0x1234,
            active,
        }
        .apply(descriptor)
        .unwrap()
    }

    #[test]
    fn a_patch_takes_eight_bytes_whether_there_is_one_or_not() {
        assert_eq!(size_of::<Option<DescriptorPatch>>(), 8);
    }

    #[test]
    fn a_keyframe_brings_its_structure_and_says_what_of_it_is_there() {
        let told = keyframe();
        let once = patched(&told, 0b0011);
        let twice = patched(&once, 0b0111);
        assert_eq!(frame_number(&once), Some(0x1234));
        let mut structure = None;
        let first = Structure::read(&mut structure, &told).unwrap();
        for (descriptor, sent) in [(once, 0b0011), (twice, 0b0111)] {
            let mut other = None;
            assert_eq!(Structure::read(&mut other, &descriptor), Some(first));
            let (other, told) = (other.unwrap().targets(), structure.as_ref().unwrap().targets());
            assert_eq!(other, Targets { sent, ..told }, "all else is as it was");
        }
    }

    #[test]
    fn a_short_descriptor_grows_and_one_that_differs_from_its_template_keeps_that() {
        let mut structure = None;
        Structure::read(&mut structure, &keyframe()).unwrap();
        let short = patched(&[0x46, 0, 101], 0b0001);
        assert_eq!(short, [0x46, 0x12, 0x34, 0b0100_0000, 0b1000_0000]);
        let read = Structure::read(&mut structure, &short).unwrap();
        assert_eq!((read.spatial, read.temporal), (0, 1));
        assert_eq!(structure.as_ref().unwrap().targets().sent, 0b0001);

        // Own indications: 0, 1, 0, 1.
        let own = patched(&[0x46, 0, 102, 0b0010_0000, 0b1000_1000], 0b1111);
        let read = Structure::read(&mut structure, &own).unwrap();
        assert_eq!(read.rises_to, None);
        assert_eq!(own, [0x46, 0x12, 0x34, 0b0110_0111, 0b1000_1000, 0b1000_0000]);
    }

    #[test]
    fn without_targets_only_the_number_is_another() {
        let patch = DescriptorPatch {
            frame_number: 7,
            active: None,
        };
        let changed = patch.apply(&keyframe()).unwrap();
        assert_eq!((&changed[..3], &changed[3..]), (&[0xc5, 0, 7][..], &keyframe()[3..]));
        assert_eq!(patch.apply(&[0xc5, 0]), None);
    }

    #[test]
    fn targets_are_whole_when_all_their_layers_come_and_are_sent() {
        let layers = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let mut targets = Targets::from_iter(layers);
        let up_to = |targets: &Targets, spatial, temporal| {
            let encoding = 0;
            targets
                .up_to(Layer {
                    encoding,
                    spatial,
                    temporal,
                })
                .mask()
        };
        assert_eq!(targets.up_to(Layer::all_of(0)).mask(), 0b1111);
        assert_eq!(up_to(&targets, 0, 9), 0b0011);
        assert_eq!(up_to(&targets, 9, 0), 0b0101);
        targets.sent = 0b0011;
        assert_eq!(up_to(&targets, 9, 0), 0b0001);
        let many = Targets::from_iter([(0, 0); 40]);
        assert_eq!((many.count(), many.sent), (32, u32::MAX));
    }
}

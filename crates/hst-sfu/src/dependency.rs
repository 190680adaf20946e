//! The dependency descriptor, a header extension in which a sender tells which frames need which, whatever the codec
//! (appendix A of the AOM's "RTP Payload Format For AV1").

use crate::{
    bits::Bits,
    descriptor::{MAX_TARGETS, Targets},
};

/// Every descriptor has so many bytes; more of them tell of the structure, or of what differs from it.
pub(crate) const MANDATORY: usize = 3;
/// The most templates: their ids have 6 bits.
const MAX_TEMPLATES: usize = 64;
/// The highest layers: spatial ones have 2 bits, and temporal ones 3.
const MAX_SPATIAL: u8 = 3;
const MAX_TEMPORAL: u8 = 7;
/// Codes of `next_layer_idc`.
const SAME_LAYER: u32 = 0;
const NEXT_TEMPORAL: u32 = 1;
const NEXT_SPATIAL: u32 = 2;
/// A decode target indication: whoever gets this frame can take up the target here.
const SWITCH: u8 = 2;

/// What the descriptor says of a packet's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    /// Up to which temporal layer whoever gets this frame can take up more from here on.
    pub(crate) rises_to: Option<u8>,
    /// The first packet of a frame that needs no earlier one: it brings the structure.
    pub(crate) starts_keyframe: bool,
    pub(crate) starts_frame: bool,
    pub(crate) ends_layer: bool,
}

/// The structure of a stream, told with its keyframes; each packet refers to one of its templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Structure {
    first_id: u8,
    /// Up to which layers the decode targets go, as (spatial, temporal).
    targets: Targets,
    templates: Vec<Template>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Template {
    spatial: u8,
    temporal: u8,
    /// What the frame is to each decode target.
    indications: Vec<u8>,
}

impl Structure {
    /// Reads a packet's descriptor; one that brings a structure replaces the one before. `None` for one that is cut,
    /// or that refers to what was not told.
    pub(crate) fn read(structure: &mut Option<Box<Self>>, bytes: &[u8]) -> Option<Dependency> {
        let mut bits = Bits::new(bytes);
        let starts_frame = bits.flag()?;
        let ends_layer = bits.flag()?;
        let id = bits.take(6)? as u8;
        let _frame_number = bits.take(16)?;
        let mut own = None;
        let mut starts_keyframe = false;
        if bytes.len() > MANDATORY {
            let [has_structure, has_active, has_indications] = [bits.flag()?, bits.flag()?, bits.flag()?];
            let _has_differences_and_chains = bits.take(2)?;
            if has_structure {
                *structure = Some(Box::new(Self::parse(&mut bits)?));
                starts_keyframe = starts_frame;
            }
            let targets = &mut structure.as_mut()?.targets;
            if has_active {
                targets.sent = bits.take(targets.count())?;
            }
            if has_indications {
                own = Some(indications(&mut bits, targets.count())?);
            }
        }
        let structure = structure.as_ref()?;
        let place = usize::from(id.wrapping_sub(structure.first_id) % MAX_TEMPLATES as u8);
        let Template {
            spatial,
            temporal,
            indications,
        } = structure.templates.get(place)?;
        let indications = own.as_ref().unwrap_or(indications);
        // Of the target that ends with its own layer a frame often says no more than that it can be left out.
        let may_rise = |higher: &u8| {
            let target = structure.targets.position(*spatial, *higher);
            target.is_some_and(|target| indications.get(target) == Some(&SWITCH))
        };
        Some(Dependency {
            spatial: *spatial,
            temporal: *temporal,
            rises_to: (*temporal..=MAX_TEMPORAL).rev().find(may_rise),
            starts_keyframe,
            starts_frame,
            ends_layer,
        })
    }

    /// What there is to decode of the stream.
    pub(crate) fn targets(&self) -> Targets {
        self.targets
    }

    /// Reads a structure, which begins behind the flags of a descriptor.
    pub(crate) fn parse(bits: &mut Bits<'_>) -> Option<Self> {
        let first_id = bits.take(6)? as u8;
        let target_count = bits.take(5)? + 1;
        let mut templates: Vec<Template> = Vec::new();
        let (mut spatial, mut temporal) = (0, 0);
        loop {
            if templates.len() == MAX_TEMPLATES {
                return None;
            }
            templates.push(Template {
                spatial,
                temporal,
                indications: Vec::new(),
            });
            match bits.take(2)? {
                SAME_LAYER => {}
                NEXT_TEMPORAL => temporal += 1,
                NEXT_SPATIAL => (spatial, temporal) = (spatial + 1, 0),
                _ => break,
            }
            if spatial > MAX_SPATIAL || temporal > MAX_TEMPORAL {
                return None;
            }
        }
        for template in &mut templates {
            template.indications = indications(bits, target_count)?;
        }
        for _ in &templates {
            while bits.flag()? {
                bits.take(4)?;
            }
        }
        let chains = bits.below(target_count + 1)?;
        if chains > 0 {
            for _ in 0..target_count {
                bits.below(chains)?;
            }
            for _ in 0..templates.len() * chains as usize {
                bits.take(4)?;
            }
        }
        if bits.flag()? {
            for _ in 0..=spatial {
                bits.take(32)?;
            }
        }
        let is_in = |template: &&Template, target: usize| template.indications[target] != 0;
        let targets = (0..MAX_TARGETS.min(target_count as usize)).map(|target| {
            let frames = || templates.iter().filter(|it| is_in(it, target));
            let spatial = frames().map(|it| it.spatial).max().unwrap_or(0);
            let temporal = frames().map(|it| it.temporal).max().unwrap_or(0);
            (spatial, temporal)
        });
        Some(Self {
            first_id,
            targets: targets.collect(),
            templates,
        })
    }
}

/// The number of a descriptor's frame, which it has always.
pub(crate) fn frame_number(descriptor: &[u8]) -> Option<u16> {
    let &[_, high, low, ..] = descriptor else { return None };
    Some(u16::from_be_bytes([high, low]))
}

fn indications(bits: &mut Bits<'_>, count: u32) -> Option<Vec<u8>> {
    (0..count).map(|_| Some(bits.take(2)? as u8)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bits::Writer;

    /// A descriptor with a structure of two spatial layers with two temporal ones each.
    pub(crate) fn keyframe() -> Vec<u8> {
        let mut bits = Writer::default();
        bits.put(0b11, 2).put(5, 6).put(100, 16).put(0b10000, 5);
        bits.put(5, 6).put(3, 5);
        // Templates: S0T0, S0T1, S1T0, S1T1.
        bits.put(NEXT_TEMPORAL, 2)
            .put(NEXT_SPATIAL, 2)
            .put(NEXT_TEMPORAL, 2)
            .put(3, 2);
        // Targets: S0T0, S0T1, S1T0, S1T1; 2 is to take up, 3 is needed, 0 is not there.
        for indications in [[2, 2, 3, 3], [0, 2, 0, 3], [0, 0, 2, 2], [0, 0, 0, 2]] {
            for indication in indications {
                bits.put(indication, 2);
            }
        }
        for _ in 0..4 {
            bits.put(1, 1).put(2, 4).put(0, 1);
        }
        // Two chains, coded as a number below 5.
        bits.put(2, 2);
        for _ in 0..4 {
            bits.put(1, 1);
        }
        for _ in 0..8 {
            bits.put(1, 4);
        }
        bits.put(1, 1);
        for (width, height) in [(320, 180), (640, 360)] {
            bits.put(width - 1, 16).put(height - 1, 16);
        }
        bits.into_bytes()
    }

    fn frame(template: u8) -> [u8; 3] {
        [0x40 | template, 0, 101]
    }

    #[test]
    fn packets_refer_to_the_structure_of_the_last_keyframe() {
        let mut structure = None;
        assert_eq!(Structure::read(&mut structure, &frame(5)), None, "nothing was told yet");
        let first = Structure::read(&mut structure, &keyframe()).unwrap();
        let lowest = Dependency {
            spatial: 0,
            temporal: 0,
            rises_to: Some(1),
            starts_keyframe: true,
            starts_frame: true,
            ends_layer: true,
        };
        assert_eq!(first, lowest);
        for (template, spatial, temporal) in [(5, 0, 0), (6, 0, 1), (7, 1, 0), (8, 1, 1)] {
            let read = Structure::read(&mut structure, &frame(template)).unwrap();
            assert_eq!(
                (read.spatial, read.temporal),
                (spatial, temporal),
                "template {template}"
            );
            assert_eq!(read.rises_to, Some(1), "template {template}");
        }
        assert_eq!(Structure::read(&mut structure, &frame(9)), None, "no such template");
        assert_eq!(Structure::read(&mut structure, &frame(4)), None, "no such template");
    }

    #[test]
    fn a_packet_may_bring_its_own_indications() {
        let mut structure = None;
        Structure::read(&mut structure, &keyframe()).unwrap();
        let mut bits = Writer::default();
        bits.put(0b01, 2).put(6, 6).put(102, 16).put(0b00100, 5);
        for indication in [0, 1, 0, 1] {
            bits.put(indication, 2);
        }
        let read = Structure::read(&mut structure, &bits.into_bytes()).unwrap();
        assert_eq!(read.rises_to, None);
        assert_eq!(read.temporal, 1);
    }

    #[test]
    fn a_descriptor_that_is_cut_or_hostile_is_none() {
        let whole = keyframe();
        for len in 0..whole.len() {
            assert_eq!(Structure::read(&mut None, &whole[..len]), None, "{len} bytes");
        }
        // More templates than ids: all in the same layer.
        let mut bits = Writer::default();
        bits.put(0b11, 2)
            .put(0, 6)
            .put(0, 16)
            .put(0b10000, 5)
            .put(0, 6)
            .put(0, 5);
        for _ in 0..500 {
            bits.put(SAME_LAYER, 2);
        }
        assert_eq!(Structure::read(&mut None, &bits.into_bytes()), None);
        for seed in 0..=255 {
            let noise: Vec<u8> = (0..64_u8).map(|at| at.wrapping_mul(seed) ^ seed).collect();
            let _ = Structure::read(&mut None, &noise);
        }
    }
}

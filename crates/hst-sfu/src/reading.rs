use crate::{
    Codec, Packet,
    dependency::{self, Dependency, Structure},
    descriptor::Targets,
    vp8::Vp8,
    vp9::Vp9,
};

/// What a packet says of itself, whatever its codec. What cannot be read is taken for the only layer there is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    /// The first packet of a keyframe, or any packet of sound.
    pub(crate) starts_keyframe: bool,
    pub(crate) rise: Option<Rise>,
    /// The last packet of its layer's frame.
    pub(crate) ends_layer: bool,
    pub(crate) vp8: Option<Vp8>,
    pub(crate) frame: Option<Frame>,
}

/// The frame of a packet whose descriptor goes on to receivers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) number: u16,
    /// What there is to decode of its stream; of the first packet of a frame.
    pub(crate) targets: Option<Targets>,
}

/// Who got the temporal layers up to one can get more of them from this picture on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rise {
    pub(crate) from: u8,
    pub(crate) to: u8,
}

impl Reading {
    /// Reads a packet. `structure` is what its source has told of its layers so far.
    pub(crate) fn of(packet: &Packet<'_>, structure: &mut Option<Box<Structure>>) -> Self {
        match packet.codec {
            Codec::Vp8 => Vp8::parse(packet.payload).map(Self::from).unwrap_or_default(),
            Codec::Vp9 => Vp9::parse(packet.payload).map(Self::from).unwrap_or_default(),
            Codec::Opus | Codec::H264 | Codec::Av1 => {
                let dependency = packet.dependency.and_then(|bytes| Structure::read(structure, bytes));
                // A payload that is encrypted from end to end says nothing.
                let starts_keyframe = match dependency {
                    Some(dependency) => dependency.starts_keyframe,
                    None => packet.codec.starts_keyframe(packet.payload),
                };
                Self {
                    starts_keyframe,
                    frame: frame(packet, dependency, structure.as_deref()),
                    ..dependency.map(Self::from).unwrap_or_default()
                }
            }
        }
    }
}

impl From<Vp8> for Reading {
    fn from(vp8: Vp8) -> Self {
        Self {
            temporal: vp8.temporal,
            starts_keyframe: vp8.starts_keyframe,
            rise: rise(vp8.is_sync, 0, vp8.temporal),
            vp8: Some(vp8),
            ..Self::default()
        }
    }
}

impl From<Vp9> for Reading {
    fn from(vp9: Vp9) -> Self {
        Self {
            spatial: vp9.spatial,
            temporal: vp9.temporal,
            starts_keyframe: vp9.starts_keyframe,
            // Later pictures of higher layers need nothing of before this one, which itself may need its own layer.
            rise: rise(vp9.is_sync, vp9.temporal, u8::MAX),
            ends_layer: vp9.ends_layer,
            ..Self::default()
        }
    }
}

impl From<Dependency> for Reading {
    fn from(dependency: Dependency) -> Self {
        Self {
            spatial: dependency.spatial,
            temporal: dependency.temporal,
            // Who does not get this frame may lack what it needs.
            rise: dependency.rises_to.map(|to| Rise {
                from: dependency.temporal,
                to,
            }),
            ends_layer: dependency.ends_layer,
            ..Self::default()
        }
    }
}

/// Receivers of other codecs go by the payload, whose numbers are changed instead.
fn frame(packet: &Packet<'_>, dependency: Option<Dependency>, structure: Option<&Structure>) -> Option<Frame> {
    let descriptor = packet.dependency.filter(|_| packet.codec == Codec::Av1)?;
    let targets = structure.filter(|_| dependency.is_some_and(|it| it.starts_frame));
    Some(Frame {
        number: dependency::frame_number(descriptor)?,
        targets: targets.map(Structure::targets),
    })
}

fn rise(is_sync: bool, from: u8, to: u8) -> Option<Rise> {
    is_sync.then_some(Rise { from, to })
}

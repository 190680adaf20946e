//! The header extensions that tell of a video's layers, which str0m negotiates but does not know.

use str0m::rtp::{
    Extension, ExtensionSerializer, ExtensionValues,
    vla::{self, SpatialLayerAllocation, VideoLayersAllocation},
};

use crate::media::Sizes;

pub(crate) const DEPENDENCY_URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
/// The longest descriptor that is passed on. A keyframe's has some 60 bytes.
pub(crate) const MAX_DESCRIPTOR: usize = 255;

/// Of what str0m only negotiates: it writes and reads none.
#[derive(Debug)]
struct Named;

/// How publishers tell which frames need which (AV1's, and that of others who want).
pub(crate) fn dependency_descriptor() -> Extension {
    Extension::with_serializer(DEPENDENCY_URI, Named)
}

/// How publishers tell how large their layers are.
pub(crate) fn layers_allocation() -> Extension {
    Extension::with_serializer(vla::URI, Named)
}

/// What a packet tells of the sizes of a track's pictures, in the value of such an extension.
pub(crate) fn sizes(value: &[u8]) -> Option<Box<Sizes>> {
    let mut values = ExtensionValues::default();
    if !vla::Serializer.parse_value(value, &mut values) {
        return None;
    }
    let layers = values.user_values.get::<VideoLayersAllocation>()?;
    let encodings = layers.simulcast_streams.iter().map(|stream| {
        let size = |layer: &SpatialLayerAllocation| {
            let picture = layer.resolution_and_framerate.as_ref()?;
            Some((picture.width, picture.height))
        };
        // Of an encoding that rests nothing is told, nor where nothing has changed: it has the sizes that it had.
        stream.spatial_layers.iter().map(size).collect::<Option<Vec<_>>>()
    });
    Some(Box::new(encodings.map(Option::unwrap_or_default).collect()))
}

impl ExtensionSerializer for Named {
    fn write_to(&self, _buf: &mut [u8], _values: &ExtensionValues) -> usize {
        0
    }

    fn parse_value(&self, _buf: &[u8], _values: &mut ExtensionValues) -> bool {
        false
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use str0m::rtp::vla::{ResolutionAndFramerate, SimulcastStreamAllocation, TemporalLayerAllocation};

    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written_and_of_what_rests_there_are_none() {
        let layer = |width: u16, height| SpatialLayerAllocation {
            temporal_layers: vec![TemporalLayerAllocation { cumulative_kbps: 100 }],
            resolution_and_framerate: Some(ResolutionAndFramerate {
                width,
                height,
                framerate: 30,
            }),
        };
        let stream = |spatial_layers| SimulcastStreamAllocation { spatial_layers };
        let mut values = ExtensionValues::default();
        values.user_values.set(VideoLayersAllocation {
            current_simulcast_stream_index: 0,
            simulcast_streams: vec![stream(vec![layer(320, 180)]), stream(vec![layer(640, 360)])],
        });
        let mut bytes = [0; 64];
        let len = vla::Serializer.write_to(&mut bytes, &values);
        let read = sizes(&bytes[..len]).expect("well-formed");
        assert_eq!(*read, [vec![(320, 180)], vec![(640, 360)]]);
        assert_eq!(sizes(&[0]).map(|sizes| sizes.len()), Some(0), "all rests");
        for len in 0..len {
            // What is cut short tells nothing, or less.
            let _ = sizes(&bytes[..len]);
        }
    }
}

//! The header extensions that tell of a video's layers, which str0m carries but does not know.

use std::sync::Arc;

use str0m::rtp::{
    Extension, ExtensionSerializer, ExtensionValues,
    vla::{self, SpatialLayerAllocation, VideoLayersAllocation},
};

use crate::media::Sizes;

pub(crate) const DEPENDENCY_URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
/// The longest descriptor that is passed on. A keyframe's has some 60 bytes.
pub(crate) const MAX_DESCRIPTOR: usize = 255;
/// The longest that fits the one-byte form of extensions (RFC 8285 section 4.2).
const MAX_SHORT: usize = 16;

/// A packet's dependency descriptor, unread: the router reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DependencyDescriptor(Arc<[u8]>);

#[derive(Debug)]
struct Serializer;

/// How publishers tell which frames need which (AV1's, and that of others who want).
pub(crate) fn dependency_descriptor() -> Extension {
    Extension::with_serializer(DEPENDENCY_URI, Serializer)
}

/// How publishers tell how large their layers are.
pub(crate) fn layers_allocation() -> Extension {
    Extension::with_serializer(vla::URI, vla::Serializer)
}

impl DependencyDescriptor {
    pub(crate) fn of(values: &ExtensionValues) -> Option<&Arc<[u8]>> {
        Some(&values.user_values.get::<Self>()?.0)
    }
}

/// What a packet tells of the sizes of a track's pictures.
pub(crate) fn sizes(values: &ExtensionValues) -> Option<Box<Sizes>> {
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

impl ExtensionSerializer for Serializer {
    fn write_to(&self, buf: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(bytes) = DependencyDescriptor::of(values) else {
            return 0;
        };
        let Some(buf) = buf.get_mut(..bytes.len()) else {
            return 0;
        };
        buf.copy_from_slice(bytes);
        bytes.len()
    }

    fn parse_value(&self, buf: &[u8], values: &mut ExtensionValues) -> bool {
        let is_passed_on = !buf.is_empty() && buf.len() <= MAX_DESCRIPTOR;
        if is_passed_on {
            values.user_values.set(DependencyDescriptor(buf.into()));
        }
        is_passed_on
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, values: &ExtensionValues) -> bool {
        DependencyDescriptor::of(values).is_some_and(|bytes| bytes.len() > MAX_SHORT)
    }
}

//! The header extensions that tell of a video's layers, which str0m negotiates but does not know.

use str0m::rtp::{Extension, ExtensionSerializer, ExtensionValues, vla};

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

/// What a packet tells of the sizes of a track's pictures, in the value of such an extension
/// (<https://webrtc.googlesource.com/src/+/refs/heads/main/docs/native-code/rtp-hdrext/video-layers-allocation00/>).
pub(crate) fn sizes(value: &[u8]) -> Option<Box<Sizes>> {
    let (&head, mut rest) = value.split_first()?;
    if value == [0] {
        // Everything rests.
        return Some(Box::default());
    }
    let count = usize::from(head >> 4 & 3) + 1;
    // Which layers of each encoding are sent, a bit for each: the same of all, or in half a byte each.
    let mut sent = [head & 0x0f; 4];
    if sent[0] == 0 {
        let bytes = take(&mut rest, count.div_ceil(2))?;
        let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        sent.iter_mut().zip(halves).for_each(|(sent, half)| *sent = half);
    }
    let sent = &sent[..count];
    // How many frame rates each layer has, and then what each takes.
    let layers = sent.iter().map(|sent| sent.count_ones() as usize).sum::<usize>();
    let counts = take(&mut rest, layers.div_ceil(4))?;
    let counts = counts
        .iter()
        .flat_map(|byte| [6, 4, 2, 0].map(|shift| (byte >> shift & 3) + 1));
    for _ in 0..counts.take(layers).map(usize::from).sum() {
        let last = rest.iter().position(|byte| byte & 0x80 == 0)?;
        take(&mut rest, last + 1)?;
    }
    // Where nothing has changed it may end here.
    let mut told = rest.as_chunks::<5>().0.iter().map(|&[wide, narrow, high, low, _]| {
        let side = |bytes| u16::from_be_bytes(bytes).saturating_add(1);
        (side([wide, narrow]), side([high, low]))
    });
    let encodings = sent.iter().map(|sent| {
        let layers = sent.count_ones() as usize;
        let sizes: Vec<_> = told.by_ref().take(layers).collect();
        // Of layers that rest nothing is told, nor where nothing has changed: the encoding has the sizes that it had.
        let is_all = sizes.len() == layers && sent.trailing_ones() as usize == layers;
        if is_all { sizes } else { Vec::new() }
    });
    Some(Box::new(encodings.collect()))
}

/// So many bytes from the beginning.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (first, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(first)
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
    use rand::{Rng, SeedableRng, rngs::StdRng};
    use str0m::rtp::vla::{
        ResolutionAndFramerate, SimulcastStreamAllocation, SpatialLayerAllocation, TemporalLayerAllocation,
        VideoLayersAllocation,
    };

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

    #[test]
    fn whatever_is_told_is_read_as_by_another_house() {
        let mut dice = StdRng::seed_from_u64(7);
        let mut told = 0;
        for _ in 0..100_000 {
            let mut value = vec![0; dice.random_range(1..48)];
            dice.fill(&mut value[..]);
            // Small numbers: rates in one byte, and no side that is too long for the other.
            value.iter_mut().skip(1).for_each(|byte| *byte &= 0x7f);
            let mut values = ExtensionValues::default();
            let theirs = vla::Serializer.parse_value(&value, &mut values);
            let Some(ours) = sizes(&value) else { continue };
            assert!(theirs, "{value:?}");
            let layers = values.user_values.get::<VideoLayersAllocation>().expect("it was read");
            let theirs = layers.simulcast_streams.iter().map(|stream| {
                let sizes = stream.spatial_layers.iter().map(|layer| {
                    let size = layer.resolution_and_framerate.as_ref()?;
                    Some((size.width, size.height))
                });
                sizes.collect::<Option<Vec<_>>>().unwrap_or_default()
            });
            assert_eq!(*ours, theirs.collect::<Vec<_>>(), "{value:?}");
            told += usize::from(ours.iter().any(|sizes| !sizes.is_empty()));
        }
        assert!(told > 1000, "{told}");
    }

    #[test]
    fn a_picture_of_more_pixels_than_can_be_told_is_the_largest() {
        // One layer with one rate, 65,536 pixels wide and high.
        let value = [0x01, 0x00, 100, 0xff, 0xff, 0xff, 0xff, 30];
        assert_eq!(*sizes(&value).expect("well-formed"), [vec![(u16::MAX, u16::MAX)]]);
    }
}

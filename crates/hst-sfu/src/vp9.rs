/// A VP9 payload descriptor (RFC 9628 section 4.2), as far as forwarding must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Vp9 {
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    /// Later pictures of higher temporal layers need no earlier one of those layers (the U bit).
    pub(crate) is_sync: bool,
    /// The first packet of a picture that needs no earlier one.
    pub(crate) starts_keyframe: bool,
    /// The last packet of a layer's frame.
    pub(crate) ends_layer: bool,
}

impl Vp9 {
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut bytes = payload.iter().copied();
        let flags = bytes.next()?;
        let [has_picture_id, is_inter, has_layer, begins, ends] =
            [0x80, 0x40, 0x20, 0x08, 0x04].map(|bit| flags & bit != 0);
        if has_picture_id && bytes.next()? & 0x80 != 0 {
            bytes.next()?;
        }
        let layer = if has_layer { bytes.next()? } else { 0 };
        let spatial = layer >> 1 & 0x07;
        Some(Self {
            spatial,
            temporal: layer >> 5,
            is_sync: layer & 0x10 != 0,
            starts_keyframe: !is_inter && begins && spatial == 0,
            ends_layer: ends,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_layers_behind_picture_ids_of_both_widths() {
        for payload in [&[0xac, 0x05, 0b0101_0010, 0][..], &[0xac, 0x81, 0x23, 0b0101_0010, 0]] {
            let read = Vp9::parse(payload).unwrap();
            assert_eq!((read.temporal, read.spatial), (2, 1));
            assert!(read.is_sync && read.ends_layer && !read.starts_keyframe);
        }
        assert_eq!(
            Vp9::parse(&[0x40]),
            Some(Vp9::default()),
            "an inter picture without layers"
        );
    }

    #[test]
    fn a_keyframe_starts_at_the_lowest_layer_of_an_unpredicted_picture() {
        let starts = |payload: &[u8]| Vp9::parse(payload).is_some_and(|it| it.starts_keyframe);
        assert!(starts(&[0x08]));
        assert!(starts(&[0x88, 0x81, 0x23]));
        assert!(starts(&[0xa8, 0x05, 0x00, 0]));
        assert!(!starts(&[0xa8, 0x05, 0x02, 0]), "a higher spatial layer");
        assert!(!starts(&[0x48]), "inter-predicted");
        assert!(!starts(&[0x00]), "not the beginning");
    }

    #[test]
    fn a_cut_descriptor_is_none() {
        let whole = [0xa8, 0x81, 0x23, 0x02];
        assert!(Vp9::parse(&whole).is_some());
        for len in 0..whole.len() {
            assert_eq!(Vp9::parse(&whole[..len]), None, "{len} bytes");
        }
    }
}

/// The ids in a VP8 payload descriptor that must go on without a break for one decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vp8Ids {
    /// PictureID, if the descriptor has one; it fits the width which the descriptor uses.
    pub picture_id: Option<u16>,
    /// TL0PICIDX, if the descriptor has one.
    pub tl0_pic_idx: Option<u8>,
}

impl Vp8Ids {
    /// Writes them over those of a payload, which must have such a descriptor; of another one nothing is changed.
    pub fn write(self, payload: &mut [u8]) {
        // Behind the flags and what says which ids there are.
        let mut at = 2;
        let &mut [flags, extension, ..] = payload else { return };
        if flags & 0x80 == 0 {
            return;
        }
        if extension & 0x80 != 0 {
            let is_long = payload.get(at).is_some_and(|high| high & 0x80 != 0);
            let width = if is_long { 2 } else { 1 };
            if let (Some(id), Some(place)) = (self.picture_id, payload.get_mut(at..at + width)) {
                match place {
                    [high, low] => [*high, *low] = (id | 0x8000).to_be_bytes(),
                    place => place[0] = id as u8 & 0x7f,
                }
            }
            at += width;
        }
        if extension & 0x40 != 0
            && let (Some(index), Some(place)) = (self.tl0_pic_idx, payload.get_mut(at))
        {
            *place = index;
        }
    }
}

/// A VP8 payload descriptor (RFC 7741 section 4.2), as far as forwarding must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vp8 {
    pub(crate) ids: Vp8Ids,
    /// 0x7f or 0x7fff: the width of the picture id.
    pub(crate) picture_id_mask: u16,
    pub(crate) starts_keyframe: bool,
    /// The temporal layer, 0 where there are none.
    pub(crate) temporal: u8,
    /// It needs only frames of the lowest temporal layer (the Y bit).
    pub(crate) is_sync: bool,
}

impl Vp8 {
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut bytes = payload.iter().copied();
        let flags = bytes.next()?;
        let extension = if flags & 0x80 == 0 { 0 } else { bytes.next()? };
        let mut ids = Vp8Ids::default();
        let mut picture_id_mask = 0x7f;
        if extension & 0x80 != 0 {
            let high = bytes.next()?;
            ids.picture_id = Some(if high & 0x80 == 0 {
                u16::from(high)
            } else {
                picture_id_mask = 0x7fff;
                u16::from_be_bytes([high & 0x7f, bytes.next()?])
            });
        }
        if extension & 0x40 != 0 {
            ids.tl0_pic_idx = Some(bytes.next()?);
        }
        let layer = if extension & 0x30 != 0 { bytes.next()? } else { 0 };
        let has_layer = extension & 0x20 != 0;
        // The S bit, partition 0, and the P bit of the payload header that follows.
        let starts_partition = flags & 0x10 != 0 && flags & 0x07 == 0;
        let starts_keyframe = starts_partition && bytes.next().is_some_and(|header| header & 1 == 0);
        Some(Self {
            ids,
            picture_id_mask,
            starts_keyframe,
            temporal: if has_layer { layer >> 6 } else { 0 },
            is_sync: has_layer && layer & 0x20 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ids_of_both_widths() {
        let long = Vp8::parse(&[0x90, 0xf0, 0x81, 0x23, 7, 0x20, 0x00]).unwrap();
        assert_eq!(
            long.ids,
            Vp8Ids {
                picture_id: Some(0x123),
                tl0_pic_idx: Some(7)
            }
        );
        assert_eq!((long.picture_id_mask, long.starts_keyframe), (0x7fff, true));

        assert_eq!((long.temporal, long.is_sync), (0, true));

        let short = Vp8::parse(&[0x80, 0x80, 0x23, 0x01]).unwrap();
        assert_eq!(
            short.ids,
            Vp8Ids {
                picture_id: Some(0x23),
                tl0_pic_idx: None
            }
        );
        assert_eq!((short.picture_id_mask, short.starts_keyframe), (0x7f, false));

        assert_eq!(Vp8::parse(&[0x10, 0x00]).unwrap().ids, Vp8Ids::default());
    }

    #[test]
    fn ids_are_written_where_they_were_read() {
        let ids = Vp8Ids {
            picture_id: Some(0x7e),
            tl0_pic_idx: Some(9),
        };
        let long = [0x90, 0xf0, 0x81, 0x23, 7, 0x20, 0x00];
        for (descriptor, picture_id, tl0_pic_idx) in [
            (&long[..], Some(0x7e), Some(9)),
            (&[0x80, 0x80, 0x23, 0x01], Some(0x7e), None),
            (&[0x90, 0x40, 7, 0x00], None, Some(9)),
            (&[0x10, 0x00], None, None),
        ] {
            let mut payload = descriptor.to_vec();
            ids.write(&mut payload);
            let before = Vp8::parse(descriptor).unwrap();
            let expected = Vp8Ids {
                picture_id,
                tl0_pic_idx,
            };
            assert_eq!(
                Vp8::parse(&payload).unwrap(),
                Vp8 {
                    ids: expected,
                    ..before
                }
            );
        }
        for len in 0..long.len() {
            ids.write(&mut long[..len].to_vec());
        }
    }

    #[test]
    fn a_cut_descriptor_is_none() {
        let whole = [0x90, 0xf0, 0x81, 0x23, 7, 0x20];
        assert!(Vp8::parse(&whole).is_some());
        for len in 0..whole.len() {
            assert_eq!(Vp8::parse(&whole[..len]), None, "{len} bytes");
        }
    }
}

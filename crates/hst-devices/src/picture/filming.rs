use std::time::Duration;

use hst_media::{Codec, Frame};

use super::{Picture, PictureEncoder, RawPicture, VideoOptions};
use crate::DeviceError;

/// Makes a track of the pictures of a device: the time is the caller's.
#[derive(Debug)]
pub(crate) struct Filming {
    encoder: Box<dyn PictureEncoder>,
    options: VideoOptions,
    /// When the next picture is wanted; earlier ones are left out.
    due: Duration,
    /// The time of the first one.
    began: Option<Duration>,
    /// A keyframe that the encoder still owes.
    is_owed: bool,
}

impl Filming {
    pub(crate) fn new(encoder: Box<dyn PictureEncoder>, options: VideoOptions) -> Self {
        Self {
            encoder,
            options,
            due: Duration::ZERO,
            began: None,
            is_owed: true,
        }
    }

    pub(crate) fn codec(&self) -> Codec {
        self.encoder.codec()
    }

    /// The time between two pictures.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.options.rate.max(1)
    }

    /// The next frame must be a keyframe.
    pub(crate) fn owe_keyframe(&mut self) {
        self.is_owed = true;
    }

    /// Takes the picture of this moment; gives its frame, unless the picture is left out.
    pub(crate) fn take(&mut self, raw: &RawPicture, now: Duration) -> Result<Option<Frame>, DeviceError> {
        let interval = self.interval();
        // A device is never quite even: half an interval early is early enough.
        if now + interval / 2 < self.due {
            return Ok(None);
        }
        self.due = (self.due + interval).max(now + interval / 2);
        let picture = Picture::from(raw).fit(self.options.size);
        let Some(data) = self.encoder.encode(&picture, self.is_owed)? else {
            return Ok(None);
        };
        let keyframe = self.encoder.codec().is_keyframe(&data);
        self.is_owed &= !keyframe;
        let time = now - *self.began.get_or_insert(now);
        Ok(Some(Frame {
            data,
            time,
            duration: interval,
            keyframe,
            level: None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::picture::PixelFormat;

    /// VP8 in name: each frame says only whether it is a keyframe, and every third is left out.
    #[derive(Debug, Default)]
    struct Fake(u32);

    impl PictureEncoder for Fake {
        fn codec(&self) -> Codec {
            Codec::Vp8
        }

        fn encode(&mut self, _: &Picture, keyframe: bool) -> Result<Option<Bytes>, DeviceError> {
            self.0 += 1;
            let data = if keyframe { &[0][..] } else { &[1] };
            Ok((!self.0.is_multiple_of(3)).then_some(Bytes::from_static(data)))
        }
    }

    fn filming(rate: u32) -> Filming {
        let options = VideoOptions {
            rate,
            ..VideoOptions::CAMERA
        };
        Filming::new(Box::new(Fake::default()), options)
    }

    fn film(filming: &mut Filming, at: Duration) -> Option<Frame> {
        let raw = RawPicture::new((2, 2), PixelFormat::Gray, vec![0; 4]).unwrap();
        filming.take(&raw, at).unwrap()
    }

    #[test]
    fn a_camera_that_is_too_fast_is_thinned_out_and_one_that_is_slow_is_not() {
        for (camera, wanted, left) in [(60, 30, 30), (30, 30, 30), (15, 30, 15), (25, 10, 10)] {
            let mut filming = filming(wanted);
            let start = Duration::from_secs(1_000);
            let times = (0..camera).map(|at| start + Duration::from_secs(1) * at / camera);
            times.for_each(|at| _ = film(&mut filming, at));
            // What the encoder was given, whatever it left out.
            let Ok(encoded) = format!("{:?}", filming.encoder)
                .trim_matches(|c: char| !c.is_numeric())
                .parse::<u32>()
            else {
                panic!("{:?}", filming.encoder)
            };
            assert!(
                encoded.abs_diff(left) <= 1,
                "{camera} a second, {wanted} wanted: {encoded}"
            );
        }
    }

    #[test]
    fn times_begin_at_zero_and_a_keyframe_that_was_asked_for_comes_even_if_a_picture_is_left_out() {
        let mut filming = filming(10);
        let next =
            |filming: &mut Filming, at: u32| film(filming, Duration::from_millis(7_000) + filming.interval() * at);
        let frame = next(&mut filming, 0).unwrap();
        assert_eq!((frame.time, frame.keyframe), (Duration::ZERO, true));
        let frame = next(&mut filming, 1).unwrap();
        assert_eq!((frame.time, frame.keyframe), (Duration::from_millis(100), false));
        filming.owe_keyframe();
        assert_eq!(next(&mut filming, 2), None);
        assert!(next(&mut filming, 3).unwrap().keyframe);
        assert!(!next(&mut filming, 4).unwrap().keyframe);
    }
}

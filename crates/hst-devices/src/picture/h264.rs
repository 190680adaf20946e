use std::fmt;

use bytes::Bytes;
use hst_media::Codec;
use openh264::{
    OpenH264API, Timestamp,
    encoder::{BitRate, Encoder, EncoderConfig, FrameRate, FrameType, Profile, RateControlMode, UsageType, VuiConfig},
    formats::YUVSlices,
};

use super::{Picture, PictureEncoder, VideoOptions};
use crate::DeviceError;

/// H.264, constrained baseline, by Cisco's OpenH264.
pub struct H264Encoder {
    encoder: Encoder,
}

impl H264Encoder {
    /// For pictures of a camera: what moves matters.
    ///
    /// # Errors
    /// [`DeviceError::Unsupported`] if the encoder refuses the options.
    pub fn for_camera(options: VideoOptions) -> Result<Self, DeviceError> {
        Self::new(options, UsageType::CameraVideoRealTime)
    }

    /// For pictures of a screen: what stands still is to be sharp.
    ///
    /// # Errors
    /// As [`for_camera`](Self::for_camera).
    pub fn for_screen(options: VideoOptions) -> Result<Self, DeviceError> {
        Self::new(options, UsageType::ScreenContentRealTime)
    }

    fn new(options: VideoOptions, usage: UsageType) -> Result<Self, DeviceError> {
        let is_camera = matches!(usage, UsageType::CameraVideoRealTime);
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(options.bitrate))
            .max_frame_rate(FrameRate::from_hz(options.rate as f32))
            .rate_control_mode(RateControlMode::Bitrate)
            .skip_frames(true)
            .profile(Profile::Baseline)
            .usage_type(usage)
            // What the encoder offers for cameras alone.
            .adaptive_quantization(is_camera)
            .background_detection(is_camera)
            .vui(VuiConfig::bt601());
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config).map_err(fault)?;
        Ok(Self { encoder })
    }
}

impl fmt::Debug for H264Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H264Encoder").finish_non_exhaustive()
    }
}

impl PictureEncoder for H264Encoder {
    fn codec(&self) -> Codec {
        Codec::H264
    }

    fn encode(&mut self, picture: &Picture, keyframe: bool) -> Result<Option<Bytes>, DeviceError> {
        if keyframe {
            self.encoder.force_intra_frame();
        }
        let ((width, height), [y, u, v]) = (picture.size(), picture.planes());
        let source = YUVSlices::new((y, u, v), (width, height), (width, width / 2, width / 2));
        let stream = self.encoder.encode_at(&source, Timestamp::ZERO).map_err(fault)?;
        let is_skipped = matches!(stream.frame_type(), FrameType::Skip | FrameType::Invalid);
        Ok((!is_skipped).then(|| stream.to_vec().into()))
    }
}

fn fault(error: openh264::Error) -> DeviceError {
    DeviceError::Unsupported {
        reason: error.to_string(),
    }
}

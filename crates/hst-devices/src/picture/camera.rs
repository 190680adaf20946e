use nokhwa::{
    NokhwaError, query,
    utils::{ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType},
};
use zune_jpeg::{JpegDecoder, zune_core::bytestream::ZCursor};

use super::{H264Encoder, LiveVideo, PixelFormat, RawPicture, VideoOptions};
use crate::{Device, DeviceError, DeviceKind};

/// What we can read, the best first: what needs no decoding costs less.
const FORMATS: &[FrameFormat] = &[
    FrameFormat::NV12,
    FrameFormat::YUYV,
    FrameFormat::MJPEG,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
    FrameFormat::GRAY,
];

/// The system's cameras, by the crate `nokhwa`: V4L2 on Linux, Media Foundation on Windows, AVFoundation on macOS.
#[derive(Debug)]
pub struct Camera;

impl Camera {
    /// Opens the camera of this id, or the first one, and films in H.264. Blocks while it is opened.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn open(id: Option<&str>, options: VideoOptions) -> Result<LiveVideo, DeviceError> {
        let cameras = Self::list();
        let is_it = |camera: &Device| id.map_or(camera.is_default, |id| camera.id == id);
        let id = cameras.into_iter().find(is_it).ok_or(DeviceError::NoDevice)?.id;
        let encoder = H264Encoder::for_camera(options)?;
        LiveVideo::start(options, Box::new(encoder), move || open(&id, options))
    }

    pub(crate) fn list() -> Vec<Device> {
        let cameras = query(ApiBackend::Auto).unwrap_or_default();
        let device = |(at, camera): (usize, nokhwa::utils::CameraInfo)| Device {
            id: camera.index().as_string(),
            label: camera.human_name(),
            kind: DeviceKind::Camera,
            is_default: at == 0,
        };
        cameras.into_iter().enumerate().map(device).collect()
    }
}

/// What gives the camera's pictures.
fn open(
    id: &str,
    options: VideoOptions,
) -> Result<impl FnMut() -> Result<RawPicture, DeviceError> + use<>, DeviceError> {
    let index = id
        .parse()
        .map_or_else(|_| CameraIndex::String(id.to_owned()), CameraIndex::Index);
    let any = RequestedFormat::with_formats(RequestedFormatType::None, FORMATS);
    let mut camera = nokhwa::Camera::new(index, any).map_err(fault)?;
    let formats = camera.compatible_camera_formats().map_err(fault)?;
    let best = formats.into_iter().filter(|format| FORMATS.contains(&format.format()));
    if let Some(best) = best.min_by_key(|format| distance(format, options)) {
        let exact = RequestedFormat::with_formats(RequestedFormatType::Exact(best), FORMATS);
        camera.set_camera_requset(exact).map_err(fault)?;
    }
    camera.open_stream().map_err(fault)?;
    Ok(move || {
        let buffer = camera.frame().map_err(|_| DeviceError::Lost)?;
        let (size, data) = (buffer.resolution(), buffer.buffer());
        let size = (size.width(), size.height());
        let format = match buffer.source_frame_format() {
            FrameFormat::MJPEG => return jpeg(data),
            FrameFormat::YUYV => PixelFormat::Yuyv,
            FrameFormat::NV12 => PixelFormat::Nv12,
            FrameFormat::GRAY => PixelFormat::Gray,
            FrameFormat::RAWRGB => PixelFormat::Rgb,
            FrameFormat::RAWBGR => PixelFormat::Bgr,
        };
        RawPicture::new(size, format, data.to_vec())
    })
}

/// How far a camera's format is from what is wanted: too small and too slow are worse than too large and too fast.
fn distance(format: &CameraFormat, options: VideoOptions) -> (u32, u32, usize) {
    let size = |is: u32, wanted: u16| {
        let wanted = u32::from(wanted);
        is.abs_diff(wanted) * if is < wanted { 4 } else { 1 }
    };
    let pixels = size(format.width(), options.size.0) + size(format.height(), options.size.1);
    let slow = options.rate.saturating_sub(format.frame_rate());
    let rank = FORMATS.iter().position(|known| *known == format.format());
    (
        slow.min(options.rate / 2) * 64 + pixels,
        slow,
        rank.unwrap_or(FORMATS.len()),
    )
}

fn jpeg(data: &[u8]) -> Result<RawPicture, DeviceError> {
    let mut decoder = JpegDecoder::new(ZCursor::new(data));
    let unreadable = |error: zune_jpeg::errors::DecodeErrors| DeviceError::Unsupported {
        reason: format!("the camera sends no JPEG: {error}"),
    };
    let pixels = decoder.decode().map_err(unreadable)?;
    // Pixels without a size are no picture, which is said there.
    let size = decoder
        .info()
        .map_or((0, 0), |info| (info.width.into(), info.height.into()));
    RawPicture::new(size, PixelFormat::Rgb, pixels)
}

/// `nokhwa` tells what went wrong in words alone; those of the system's errors are known.
fn fault(error: NokhwaError) -> DeviceError {
    let reason = error.to_string();
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["os error 16", "busy"]) {
        DeviceError::Busy
    } else if says(&["os error 13", "os error 1)", "denied", "permission"]) {
        DeviceError::Denied
    } else if says(&["os error 2)", "os error 19", "No such", "not found"]) {
        DeviceError::NoDevice
    } else {
        DeviceError::Unsupported { reason }
    }
}

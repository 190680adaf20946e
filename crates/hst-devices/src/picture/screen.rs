use std::{
    thread,
    time::{Duration, Instant},
};

use xcap::{Monitor, XCapError};

use super::{H264Encoder, LiveVideo, PixelFormat, RawPicture, VideoOptions};
use crate::{Device, DeviceError, DeviceKind};

/// The system's screens, by the crate `xcap`: X11 and Wayland on Linux, Windows, macOS.
#[derive(Debug)]
pub struct Screen;

impl Screen {
    /// Films the screen of this id, or the main one, in H.264. Blocks while it is opened; some systems ask the user.
    ///
    /// # Errors
    /// [`DeviceError`]; a machine without a desktop has no screen.
    pub fn open(id: Option<&str>, options: VideoOptions) -> Result<LiveVideo, DeviceError> {
        let id = id.map(str::to_owned);
        let encoder = H264Encoder::for_screen(options)?;
        let interval = Duration::from_secs(1) / options.rate.max(1);
        LiveVideo::start(options, Box::new(encoder), move || open(id.as_deref(), interval))
    }

    pub(crate) fn list() -> Vec<Device> {
        let screens = Monitor::all().unwrap_or_default();
        let device = |screen: &Monitor| {
            Some(Device {
                id: screen.id().ok()?.to_string(),
                label: screen.friendly_name().or_else(|_| screen.name()).ok()?,
                kind: DeviceKind::Screen,
                is_default: screen.is_primary().unwrap_or(false),
            })
        };
        screens.iter().filter_map(device).collect()
    }
}

/// What gives the screen's pictures, one an interval.
fn open(
    id: Option<&str>,
    interval: Duration,
) -> Result<impl FnMut() -> Result<RawPicture, DeviceError> + use<>, DeviceError> {
    // Where no desktop answers, there is no screen.
    let screens = Monitor::all().map_err(|_| DeviceError::NoDevice)?;
    let is_it = |screen: &&Monitor| match id {
        Some(id) => screen.id().is_ok_and(|own| own.to_string() == id),
        None => screen.is_primary().unwrap_or(false),
    };
    let first = screens.first().filter(|_| id.is_none());
    let screen = screens
        .iter()
        .find(is_it)
        .or(first)
        .ok_or(DeviceError::NoDevice)?
        .clone();
    // Where it may not be seen, that shows now and not in the middle of a call.
    screen.capture_image().map_err(fault)?;
    let mut due = Instant::now();
    Ok(move || {
        // A thread of its own, and nothing to wait for but the time.
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due = (due + interval).max(Instant::now());
        let image = screen.capture_image().map_err(|_| DeviceError::Lost)?;
        RawPicture::new(image.dimensions(), PixelFormat::Rgba, image.into_raw())
    })
}

/// `xcap` does not tell a user's refusal from a desktop that cannot show its screen.
fn fault(error: XCapError) -> DeviceError {
    DeviceError::Unsupported {
        reason: error.to_string(),
    }
}

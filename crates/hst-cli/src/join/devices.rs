use std::io::{self, Write as _};

use clap::Args;
use hst_rtc::{
    MediaId, MediaType, RtcEngine,
    devices::{Camera, Cleaner, DeviceError, DeviceKind, Devices, Microphone, Screen, Speaker, VideoOptions},
    media::MediaSource,
};

use crate::error::CliError;

/// The id of a camera that no browser has given one.
const CAMERA: &str = "appdef_vid";

/// The devices of this machine that take part; `hst devices` lists their ids.
#[derive(Args, Clone, Debug)]
pub(crate) struct DeviceOptions {
    /// Publish a microphone: the default one, or the one of this id. Without the echo of a speaker that takes part.
    #[arg(long, value_name = "ID")]
    microphone: Option<Option<String>>,
    /// Play what the others say on a speaker: the default one, or the one of this id.
    #[arg(long, value_name = "ID")]
    speaker: Option<Option<String>>,
    /// Publish a camera: the first one, or the one of this id.
    #[arg(long, value_name = "ID")]
    camera: Option<Option<String>>,
    /// Publish a screen: the main one, or the one of this id.
    #[arg(long, value_name = "ID")]
    screen: Option<Option<String>>,
}

/// Prints the devices of this machine: what each is for, the id that opens it, and its name; `*` opens without an id.
pub(crate) fn list() -> io::Result<()> {
    for device in Devices::list() {
        let kind = match device.kind {
            DeviceKind::Microphone => "microphone",
            DeviceKind::Speaker => "speaker",
            DeviceKind::Camera => "camera",
            DeviceKind::Screen => "screen",
        };
        let mark = if device.is_default { '*' } else { ' ' };
        writeln!(io::stdout(), "{mark} {kind:<10}  {}  {}", device.id, device.label)?;
    }
    Ok(())
}

/// Opens what was asked for, publishes what gives media, and returns what plays.
pub(super) async fn take_part(engine: &RtcEngine, options: &DeviceOptions) -> Result<Option<Speaker>, CliError> {
    let speaker = open("speaker", &options.speaker, Speaker::open)?;
    let microphone = open("microphone", &options.microphone, |id| {
        let cleaner = speaker
            .as_ref()
            .map_or_else(Cleaner::of_noise, |it| Cleaner::of_echo(it.played()));
        Ok(Microphone::open(id)?.cleaned(cleaner))
    })?;
    let camera = open("camera", &options.camera, |id| Camera::open(id, VideoOptions::CAMERA))?;
    let screen = open("screen", &options.screen, |id| Screen::open(id, VideoOptions::SCREEN))?;
    publish(engine, MediaType::Audio, MediaId::microphone().as_str(), microphone).await?;
    publish(engine, MediaType::Video, CAMERA, camera).await?;
    publish(engine, MediaType::ScreenShare, MediaId::screen().as_str(), screen).await?;
    Ok(speaker)
}

fn open<T>(
    kind: &'static str,
    wanted: &Option<Option<String>>,
    open: impl FnOnce(Option<&str>) -> Result<T, DeviceError>,
) -> Result<Option<T>, CliError> {
    let opened = wanted.as_ref().map(|id| open(id.as_deref())).transpose();
    opened.map_err(|fault| CliError::Device { kind, fault })
}

async fn publish(
    engine: &RtcEngine,
    media_type: MediaType,
    media: &str,
    source: Option<impl MediaSource>,
) -> Result<(), CliError> {
    match source {
        Some(source) => Ok(engine.publish(media_type, media, Box::new(source)).await?),
        None => Ok(()),
    }
}

use cpal::{
    Error, ErrorKind, FromSample, Host, Sample, SampleFormat, SizedSample, StreamConfig, SupportedStreamConfig,
    traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _},
};

use super::{Fill, Format, Hear, Lose, RATE, Running, SoundBackend};
use crate::{Device, DeviceError, DeviceKind};

/// ALSA's device that hears nothing and that nobody hears: it is on every machine, and nobody looks for it.
const NULL: &str = "alsa:null";

/// The system's microphones and speakers, by the crate `cpal`: ALSA on Linux, WASAPI on Windows, CoreAudio on macOS.
#[derive(Debug, Clone, Copy)]
pub struct SystemSound;

impl SoundBackend for SystemSound {
    fn devices(&self) -> Vec<Device> {
        let host = cpal::default_host();
        let mut devices = Vec::new();
        for (kind, default) in [
            (DeviceKind::Microphone, host.default_input_device()),
            (DeviceKind::Speaker, host.default_output_device()),
        ] {
            let default = default.and_then(|device| device.id().ok());
            let of_kind = |device: &cpal::Device| config(device, kind).is_ok();
            for device in host.devices().into_iter().flatten().filter(of_kind) {
                if let (Ok(id), Ok(description)) = (device.id(), device.description())
                    && id.to_string() != NULL
                {
                    devices.push(Device {
                        is_default: default.as_ref() == Some(&id),
                        id: id.to_string(),
                        label: description.name().to_owned(),
                        kind,
                    });
                }
            }
        }
        devices
    }

    fn hear(&self, id: Option<&str>, hear: Hear, lose: Lose) -> Result<Running, DeviceError> {
        let (device, config) = open(id, DeviceKind::Microphone)?;
        let stream = match config.sample_format() {
            SampleFormat::F32 => hear_as::<f32>(&device, config.config(), hear, lose),
            SampleFormat::I16 => hear_as::<i16>(&device, config.config(), hear, lose),
            SampleFormat::I32 => hear_as::<i32>(&device, config.config(), hear, lose),
            SampleFormat::U8 => hear_as::<u8>(&device, config.config(), hear, lose),
            other => return Err(unsupported(other)),
        }?;
        stream.play().map_err(fault)?;
        Ok(Box::new(stream))
    }

    fn play(&self, id: Option<&str>, fill: Fill, lose: Lose) -> Result<Running, DeviceError> {
        let (device, config) = open(id, DeviceKind::Speaker)?;
        let stream = match config.sample_format() {
            SampleFormat::F32 => play_as::<f32>(&device, config.config(), fill, lose),
            SampleFormat::I16 => play_as::<i16>(&device, config.config(), fill, lose),
            SampleFormat::I32 => play_as::<i32>(&device, config.config(), fill, lose),
            SampleFormat::U8 => play_as::<u8>(&device, config.config(), fill, lose),
            other => return Err(unsupported(other)),
        }?;
        stream.play().map_err(fault)?;
        Ok(Box::new(stream))
    }
}

fn open(id: Option<&str>, kind: DeviceKind) -> Result<(cpal::Device, SupportedStreamConfig), DeviceError> {
    let device = find(&cpal::default_host(), id, kind).ok_or(DeviceError::NoDevice)?;
    // An opened default that nothing stands behind is the same as none: ALSA always names one.
    let config = config(&device, kind).map_err(fault)?;
    Ok((device, config))
}

fn find(host: &Host, id: Option<&str>, kind: DeviceKind) -> Option<cpal::Device> {
    match (id, kind) {
        (Some(id), _) => host.device_by_id(&id.parse().ok()?),
        (None, DeviceKind::Microphone) => host.default_input_device(),
        (None, _) => host.default_output_device(),
    }
}

/// The device's own configuration, at 48 kHz where it has that.
fn config(device: &cpal::Device, kind: DeviceKind) -> Result<SupportedStreamConfig, Error> {
    let (own, ranges): (_, Vec<_>) = match kind {
        DeviceKind::Microphone => (
            device.default_input_config()?,
            device.supported_input_configs()?.collect(),
        ),
        _ => (
            device.default_output_config()?,
            device.supported_output_configs()?.collect(),
        ),
    };
    let alike = |range: &&cpal::SupportedStreamConfigRange| {
        range.channels() == own.channels() && range.sample_format() == own.sample_format()
    };
    let at_best_rate = ranges
        .iter()
        .filter(alike)
        .find_map(|range| range.try_with_sample_rate(RATE));
    Ok(at_best_rate.unwrap_or(own))
}

fn hear_as<T>(
    device: &cpal::Device,
    config: StreamConfig,
    mut hear: Hear,
    lose: Lose,
) -> Result<cpal::Stream, DeviceError>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let format = format(&config);
    let mut samples = Vec::new();
    let heard = move |data: &[T], _: &_| {
        samples.clear();
        samples.extend(data.iter().map(|&sample| f32::from_sample(sample)));
        hear(format, &samples);
    };
    device
        .build_input_stream(config, heard, ended(lose), None)
        .map_err(fault)
}

fn play_as<T>(
    device: &cpal::Device,
    config: StreamConfig,
    mut fill: Fill,
    lose: Lose,
) -> Result<cpal::Stream, DeviceError>
where
    T: SizedSample + FromSample<f32>,
{
    let format = format(&config);
    let mut samples = Vec::new();
    let wanted = move |data: &mut [T], _: &_| {
        samples.resize(data.len(), 0.0);
        fill(format, &mut samples);
        data.iter_mut()
            .zip(&samples)
            .for_each(|(to, from)| *to = T::from_sample(*from));
    };
    device
        .build_output_stream(config, wanted, ended(lose), None)
        .map_err(fault)
}

/// Tells the errors after which a stream is over from those that it survives.
fn ended(mut lose: Lose) -> impl FnMut(Error) + Send + 'static {
    move |error| match error.kind() {
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable | ErrorKind::StreamInvalidated => {
            lose(DeviceError::Lost);
        }
        ErrorKind::PermissionDenied => lose(DeviceError::Denied),
        kind if survives(kind) => tracing::debug!(%error, "the sound goes on"),
        _ => lose(fault(error)),
    }
}

/// Whether `cpal` goes on after an error of this kind: on WASAPI its thread ends with all but these, elsewhere with none.
fn survives(kind: ErrorKind) -> bool {
    !cfg!(windows)
        || matches!(
            kind,
            ErrorKind::DeviceChanged | ErrorKind::Xrun | ErrorKind::RealtimeDenied
        )
}

fn format(config: &StreamConfig) -> Format {
    Format {
        rate: config.sample_rate.max(1),
        channels: config.channels.max(1),
    }
}

fn fault(error: Error) -> DeviceError {
    match error.kind() {
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => DeviceError::NoDevice,
        ErrorKind::DeviceBusy => DeviceError::Busy,
        ErrorKind::PermissionDenied => DeviceError::Denied,
        _ => DeviceError::Unsupported {
            reason: error.to_string(),
        },
    }
}

fn unsupported(format: SampleFormat) -> DeviceError {
    DeviceError::Unsupported {
        reason: format!("samples of {format} are not supported"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    /// What the owner of a stream learns of this error.
    fn learned(kind: ErrorKind) -> Option<DeviceError> {
        let (lose, lost) = sync_channel(1);
        ended(Box::new(move |error| lose.send(error).unwrap()))(Error::new(kind));
        lost.try_recv().ok()
    }

    #[test]
    fn a_stream_is_lost_by_the_errors_that_end_it_and_by_no_other() {
        for kind in [
            ErrorKind::DeviceNotAvailable,
            ErrorKind::HostUnavailable,
            ErrorKind::StreamInvalidated,
        ] {
            assert_eq!(learned(kind), Some(DeviceError::Lost), "{kind:?}");
        }
        assert_eq!(learned(ErrorKind::PermissionDenied), Some(DeviceError::Denied));
        for kind in [ErrorKind::DeviceChanged, ErrorKind::RealtimeDenied, ErrorKind::Xrun] {
            assert_eq!(learned(kind), None, "{kind:?}");
        }
        for kind in [ErrorKind::BackendError, ErrorKind::DeviceBusy, ErrorKind::Other] {
            assert_eq!(learned(kind).is_some(), cfg!(windows), "{kind:?}");
        }
    }
}

//! Devices that are not there: a clean error, at once.

use hst_devices::Devices;
#[cfg(feature = "audio")]
use hst_devices::{Microphone, Speaker};

/// What no system calls a device.
#[cfg(any(feature = "audio", feature = "camera", feature = "screen"))]
const NOWHERE: Option<&str> = Some("no such device");

#[cfg(any(feature = "audio", feature = "camera", feature = "screen"))]
use hst_devices::{DeviceError, DeviceKind};

#[cfg(any(feature = "audio", feature = "camera", feature = "screen"))]
fn has(kind: DeviceKind) -> bool {
    Devices::list().iter().any(|device| device.kind == kind)
}

#[test]
fn each_device_is_listed_once_and_each_kind_has_one_default_at_most() {
    let devices = Devices::list();
    for device in &devices {
        let alike = devices
            .iter()
            .filter(|other| (&other.id, other.kind) == (&device.id, device.kind));
        assert_eq!(alike.count(), 1, "{device:?}");
        let defaults = devices
            .iter()
            .filter(|other| other.kind == device.kind && other.is_default);
        assert!(defaults.count() <= 1, "{devices:?}");
    }
}

#[cfg(feature = "audio")]
#[test]
fn a_microphone_and_a_speaker_that_are_not_there_say_so() {
    assert_eq!(Microphone::open(NOWHERE).unwrap_err(), DeviceError::NoDevice);
    assert_eq!(Speaker::open(NOWHERE).unwrap_err(), DeviceError::NoDevice);
    if !has(DeviceKind::Microphone) {
        assert_eq!(Microphone::open(None).unwrap_err(), DeviceError::NoDevice);
    }
    if !has(DeviceKind::Speaker) {
        assert_eq!(Speaker::open(None).unwrap_err(), DeviceError::NoDevice);
    }
}

#[cfg(feature = "camera")]
#[test]
fn a_camera_that_is_not_there_says_so() {
    use hst_devices::{Camera, VideoOptions};

    assert_eq!(
        Camera::open(NOWHERE, VideoOptions::CAMERA).unwrap_err(),
        DeviceError::NoDevice
    );
    if !has(DeviceKind::Camera) {
        assert_eq!(
            Camera::open(None, VideoOptions::CAMERA).unwrap_err(),
            DeviceError::NoDevice
        );
    }
}

#[cfg(feature = "screen")]
#[test]
fn a_screen_that_is_not_there_says_so() {
    use hst_devices::{Screen, VideoOptions};

    assert_eq!(
        Screen::open(NOWHERE, VideoOptions::SCREEN).unwrap_err(),
        DeviceError::NoDevice
    );
    if !has(DeviceKind::Screen) {
        assert_eq!(
            Screen::open(None, VideoOptions::SCREEN).unwrap_err(),
            DeviceError::NoDevice
        );
    }
}

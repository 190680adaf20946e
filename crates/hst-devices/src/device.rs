/// What a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// Hears.
    Microphone,
    /// Plays sound.
    Speaker,
    /// Sees.
    Camera,
    /// Shows pictures, and is shown to others.
    Screen,
}

/// A device of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What opens it again, today and after a restart where the system allows that. Not for people.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// What it is for.
    pub kind: DeviceKind,
    /// Whether it is the one that opens when no id is given.
    pub is_default: bool,
}

/// The devices of this machine.
#[derive(Debug)]
pub struct Devices;

impl Devices {
    /// All devices of the kinds that this crate was built for, at this moment. Empty where there are none, and where the
    /// system does not tell: an attempt to open one says why. Blocks while the system is asked.
    pub fn list() -> Vec<Device> {
        #[allow(unused_mut, reason = "built without any kind of device")]
        let mut devices = Vec::new();
        #[cfg(feature = "audio")]
        devices.extend(crate::SoundBackend::devices(&crate::SystemSound));
        #[cfg(feature = "camera")]
        devices.extend(crate::Camera::list());
        #[cfg(feature = "screen")]
        devices.extend(crate::Screen::list());
        devices
    }
}

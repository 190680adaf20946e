use std::fmt;

use crate::{Device, DeviceError};

/// What the samples of a device mean; they are interleaved, and 1.0 is the full scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Samples a second of each channel, never 0.
    pub rate: u32,
    /// Channels, never 0.
    pub channels: u16,
}

/// Takes what a microphone has heard. Called on the device's own thread: it never waits.
pub type Hear = Box<dyn FnMut(Format, &[f32]) + Send>;

/// Fills all that a speaker is to play next. Called on the device's own thread: it never waits.
pub type Fill = Box<dyn FnMut(Format, &mut [f32]) + Send>;

/// Learns that a device has stopped for good, and why.
pub type Lose = Box<dyn FnMut(DeviceError) + Send>;

/// A device at work; it stops when this is dropped.
pub type Running = Box<dyn Send + Sync>;

/// Where microphones and speakers come from: the system, or a test.
pub trait SoundBackend: fmt::Debug + Send + Sync + 'static {
    /// All microphones and speakers of this moment.
    fn devices(&self) -> Vec<Device>;

    /// Starts the microphone of this id, or the default one. Blocks while it is opened.
    ///
    /// # Errors
    /// [`DeviceError`].
    fn hear(&self, id: Option<&str>, hear: Hear, lose: Lose) -> Result<Running, DeviceError>;

    /// Starts the speaker of this id, or the default one. Blocks while it is opened.
    ///
    /// # Errors
    /// [`DeviceError`].
    fn play(&self, id: Option<&str>, fill: Fill, lose: Lose) -> Result<Running, DeviceError>;
}

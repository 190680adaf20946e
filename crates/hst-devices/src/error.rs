use thiserror::Error;

/// Why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The machine has none of its kind, or none with this id.
    #[error("there is no such device: connect one, or choose another")]
    NoDevice,
    /// Another program has it to itself.
    #[error("another program uses the device: close that, and try again")]
    Busy,
    /// The system forbids it to this program.
    #[error("the system forbids the device: permit it in its settings, and try again")]
    Denied,
    /// It is there, and cannot do what is asked of it.
    #[error("the device cannot be used: {reason}")]
    Unsupported {
        /// What it cannot, for people and logs.
        reason: String,
    },
    /// It was in use and is gone: unplugged, or taken away by the system.
    #[error("the device is gone: connect it again, or choose another")]
    Lost,
}

impl DeviceError {
    /// Whether the same device may be opened later, without any change by the program.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy | Self::Denied | Self::Lost)
    }
}

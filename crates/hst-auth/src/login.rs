use std::{fmt, num::NonZeroU8, str::FromStr};

use serde::{Serialize, Serializer};
use thiserror::Error;

/// The most devices that one user may have online together.
const MAX_DEVICES: u8 = 16;
const DEVICES: &str = "devices:";

/// What happens when a user logs in who is online already on the same class of terminal.
///
/// As text, in tokens, the database and on command lines: `refuse`, `replace`, `devices:3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "closed by design: a server must know every kind")]
pub enum LoginPolicy {
    /// The later login is refused.
    #[default]
    Refuse,
    /// The later login ends the earlier one.
    Replace,
    /// So many may be online together; one more is refused.
    Devices(Devices),
}

/// How many devices of one user may be online together: 1 to 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Devices(NonZeroU8);

/// A text that is no login policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a login policy is refuse, replace or devices:1 to devices:16")]
pub struct UnknownLoginPolicy;

impl LoginPolicy {
    /// How many may be online together.
    pub fn places(self) -> NonZeroU8 {
        match self {
            Self::Refuse | Self::Replace => NonZeroU8::MIN,
            Self::Devices(Devices(devices)) => devices,
        }
    }
}

impl Devices {
    /// The only door.
    ///
    /// # Errors
    /// [`UnknownLoginPolicy`] for 0 and for more than 16.
    pub fn new(devices: u8) -> Result<Self, UnknownLoginPolicy> {
        let devices = NonZeroU8::new(devices).filter(|devices| devices.get() <= MAX_DEVICES);
        devices.map(Self).ok_or(UnknownLoginPolicy)
    }
}

impl FromStr for LoginPolicy {
    type Err = UnknownLoginPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "replace" => Ok(Self::Replace),
            _ => {
                let number = text.strip_prefix(DEVICES).and_then(|n| n.parse().ok());
                Devices::new(number.ok_or(UnknownLoginPolicy)?).map(Self::Devices)
            }
        }
    }
}

impl fmt::Display for LoginPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => f.write_str("refuse"),
            Self::Replace => f.write_str("replace"),
            Self::Devices(Devices(devices)) => write!(f, "{DEVICES}{devices}"),
        }
    }
}

impl Serialize for LoginPolicy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_reads_back_from_its_text() {
        let devices = (1..=16).map(|n| LoginPolicy::Devices(Devices::new(n).unwrap()));
        for policy in [LoginPolicy::Refuse, LoginPolicy::Replace].into_iter().chain(devices) {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        for text in [
            "",
            "Refuse",
            "devices",
            "devices:",
            "devices:0",
            "devices:17",
            "devices:257",
            "devices:-1",
            "devices:1 ",
        ] {
            assert_eq!(text.parse::<LoginPolicy>(), Err(UnknownLoginPolicy), "{text:?}");
        }
    }
}

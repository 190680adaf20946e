use std::{fmt, str::FromStr};

use crate::{Bounded, InvalidValue};

/// How many devices of one user may be online together.
pub type Devices = Bounded<1, 16>;

/// What happens when a user logs in who is online already.
///
/// As text, in the database and on command lines: `refuse`, `replace`, `devices:3`.
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

const DEVICES: &str = "devices:";

impl FromStr for LoginPolicy {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "replace" => Ok(Self::Replace),
            _ => {
                let number = text.strip_prefix(DEVICES).and_then(|n| n.parse().ok());
                Devices::new(number.ok_or(InvalidValue::LoginPolicy)?).map(Self::Devices)
            }
        }
    }
}

impl fmt::Display for LoginPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => f.write_str("refuse"),
            Self::Replace => f.write_str("replace"),
            Self::Devices(devices) => write!(f, "{DEVICES}{devices}"),
        }
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
            "devices:-1",
            "devices:1 ",
        ] {
            assert!(text.parse::<LoginPolicy>().is_err(), "{text:?}");
        }
    }
}

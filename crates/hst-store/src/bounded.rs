use std::fmt;

use crate::InvalidValue;

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The least there is.
    pub const MIN: u32 = MIN;
    /// The most there is.
    pub const MAX: u32 = MAX;

    /// The only door.
    ///
    /// # Errors
    /// [`InvalidValue::OutOfRange`].
    pub const fn new(value: u32) -> Result<Self, InvalidValue> {
        if value < MIN || value > MAX {
            return Err(InvalidValue::OutOfRange {
                value,
                min: MIN,
                max: MAX,
            });
        }
        Ok(Self(value))
    }

    /// A number of ours, judged by the compiler.
    pub(crate) const fn constant(value: u32) -> Self {
        assert!(MIN <= value && value <= MAX);
        Self(value)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u32> for Bounded<MIN, MAX> {
    type Error = InvalidValue;

    fn try_from(value: u32) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl<const MIN: u32, const MAX: u32> fmt::Debug for Bounded<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MIN: u32, const MAX: u32> fmt::Display for Bounded<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_belong_to_the_range_and_nothing_beyond_them() {
        type Devices = Bounded<1, 16>;
        for (value, fits) in [(0, false), (1, true), (16, true), (17, false), (u32::MAX, false)] {
            assert_eq!(Devices::new(value).is_ok(), fits, "{value}");
        }
        assert_eq!(Devices::new(17).unwrap_err().to_string(), "17 is not from 1 to 16");
    }
}

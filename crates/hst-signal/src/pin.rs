use std::{fmt, str::FromStr};

use thiserror::Error;

/// The one certificate a client accepts: the SHA-256 of its DER form, written as 64 hexadecimal digits.
///
/// With it a server may use a certificate it made itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CertificatePin([u8; 32]);

/// A text that is no [`CertificatePin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a certificate's SHA-256 has 64 hexadecimal digits")]
pub struct InvalidPin;

impl CertificatePin {
    /// The pin of a digest.
    pub fn from_sha256(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Its bytes.
    pub fn as_sha256(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for CertificatePin {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Self, InvalidPin> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(InvalidPin);
        };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| InvalidPin)?;
        let mut digest = [0; 32];
        for (byte, &[high, low]) in digest.iter_mut().zip(pairs) {
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Ok(Self(digest))
    }
}

fn digit(c: u8) -> Result<u8, InvalidPin> {
    // A hexadecimal digit is below 16 and so fits.
    char::from(c).to_digit(16).map(|d| d as u8).ok_or(InvalidPin)
}

impl fmt::Display for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificatePin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_written_as_it_is_read() {
        let text = "00ff10".to_owned() + &"ab".repeat(29);
        let pin: CertificatePin = text.parse().unwrap();
        assert_eq!(pin.as_sha256()[..4], [0, 0xff, 0x10, 0xab]);
        assert_eq!(pin.to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(pin));
    }

    #[test]
    fn anything_but_64_digits_is_no_pin() {
        for text in [
            "",
            &"a".repeat(63),
            &"a".repeat(65),
            &"g".repeat(64),
            &"+1".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(text.parse::<CertificatePin>(), Err(InvalidPin), "{text}");
        }
    }
}

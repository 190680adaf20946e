use std::{fmt, str::FromStr, sync::Arc};

use crate::WebhookError;

const MAX_LEN: usize = 64;

/// The id of one event, the same in every try to deliver it: its receiver uses it to process nothing twice.
///
/// 1 to 64 of `[A-Za-z0-9_-]`: no dot, which separates the parts of what is signed, so that none can move from one to
/// the next.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventId(Arc<str>);

impl EventId {
    /// The only door for given ids.
    ///
    /// # Errors
    /// [`WebhookError::EventId`].
    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if text.is_empty() || text.len() > MAX_LEN || !text.bytes().all(allowed) {
            return Err(WebhookError::EventId);
        }
        Ok(Self(text.into()))
    }

    /// `msg_` and 128 random bits as hexadecimal digits.
    pub fn random() -> Self {
        Self(format!("msg_{:032x}", rand::random::<u128>()).into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = WebhookError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_fits_into_a_header_and_has_no_dot() {
        for text in ["a", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "7-7", &"a".repeat(64)] {
            assert_eq!(EventId::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "a.b", "a b", "a\r\nb", "\u{e9}", &"a".repeat(65)] {
            assert_eq!(EventId::parse(text), Err(WebhookError::EventId), "{text:?}");
        }
    }

    #[test]
    fn random_ids_are_valid_and_differ() {
        let [one, two] = [EventId::random(), EventId::random()];
        assert_eq!(EventId::parse(one.as_str()).as_ref(), Ok(&one));
        assert_ne!(one, two);
    }
}

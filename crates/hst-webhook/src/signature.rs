//! The signature of the Standard Webhooks convention, version 1.0.0: HMAC-SHA256 over `id.timestamp.body`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{EventId, VerifyError, WebhookSecret};

/// How far a receiver's clock and the platform's may be apart, and thereby how long a request can be replayed.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Of one kind of signature, by a secret that both sides have.
const VERSION: &str = "v1,";

/// The three headers of a request, as its receiver finds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookHeaders<'a> {
    /// `webhook-id`: the event's id, the same in every try.
    pub id: &'a str,
    /// `webhook-timestamp`: when this try was made, in whole seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more signatures with a space between them.
    pub signature: &'a str,
}

/// For receivers: whether a request is genuine and new. `body` are the bytes as they came, before any decoding;
/// `tolerance` is usually [`TOLERANCE`].
///
/// A request can still come twice within that time, and a delivery whose answer was lost does: process each
/// `webhook-id` once. Signatures are compared in constant time; those of other versions are passed over.
///
/// # Errors
/// [`VerifyError`]: do not believe the request.
pub fn verify(
    secret: &WebhookSecret,
    headers: &WebhookHeaders<'_>,
    body: &[u8],
    now: SystemTime,
    tolerance: Duration,
) -> Result<(), VerifyError> {
    // What is signed has dots between its parts: with one in the id, another id, timestamp and body could look the same.
    let id = EventId::parse(headers.id).map_err(|_| VerifyError::Malformed)?;
    let timestamp = seconds(headers.timestamp).ok_or(VerifyError::Malformed)?;
    if timestamp.abs_diff(unix(now)) > tolerance.as_secs() {
        return Err(VerifyError::Stale);
    }
    let expected = tag(secret, &id, timestamp, body);
    let mut signatures = headers.signature.split(' ').filter_map(|one| one.strip_prefix(VERSION));
    let genuine = |base64: &str| {
        let given = STANDARD.decode(base64).unwrap_or_default();
        verify_slices_are_equal(expected.as_ref(), &given).is_ok()
    };
    signatures.any(genuine).then_some(()).ok_or(VerifyError::Signature)
}

/// The value of `webhook-signature`.
pub(crate) fn sign(secret: &WebhookSecret, id: &EventId, timestamp: u64, body: &[u8]) -> String {
    format!("{VERSION}{}", STANDARD.encode(tag(secret, id, timestamp, body)))
}

/// Whole seconds since 1970. A clock before that is as wrong as one that stands there.
pub(crate) fn unix(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn tag(secret: &WebhookSecret, id: &EventId, timestamp: u64, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&secret.key());
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    context.sign()
}

/// Only the form in which it was signed: neither a sign nor leading zeros.
fn seconds(text: &str) -> Option<u64> {
    let seconds: u64 = text.parse().ok()?;
    (seconds.to_string() == text).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const BODY: &[u8] = br#"{"type":"group.joined"}"#;
    /// Made by another implementation of HMAC, for the id `msg_1`.
    const SIGNATURE: &str = "v1,jRq6s/B+ydjBFD6DAnH3G13OoFhSurEw31i5sDL44fk=";

    fn secret() -> WebhookSecret {
        WebhookSecret::parse("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").unwrap()
    }

    const GENUINE: WebhookHeaders<'_> = WebhookHeaders {
        id: "msg_1",
        timestamp: "1700000000",
        signature: SIGNATURE,
    };

    /// What a receiver says whose clock is that many seconds ahead.
    fn judged(headers: WebhookHeaders<'_>, body: &[u8], ahead: i64) -> Result<(), VerifyError> {
        let now = UNIX_EPOCH + Duration::from_secs(NOW.checked_add_signed(ahead).unwrap());
        verify(&secret(), &headers, body, now, TOLERANCE)
    }

    #[test]
    fn h5_a_signature_is_what_other_implementations_make() {
        assert_eq!(sign(&secret(), &EventId::parse("msg_1").unwrap(), NOW, BODY), SIGNATURE);
        assert_eq!(judged(GENUINE, BODY, 0), Ok(()));
    }

    #[test]
    fn h5_a_replayed_request_is_refused() {
        for ahead in [-300, -1, 1, 300] {
            assert_eq!(judged(GENUINE, BODY, ahead), Ok(()), "{ahead}");
        }
        for ahead in [-1_700_000_000, -86_400, -301, 301, 86_400] {
            assert_eq!(judged(GENUINE, BODY, ahead), Err(VerifyError::Stale), "{ahead}");
        }
    }

    #[test]
    fn h5_an_altered_request_is_refused() {
        let refused = Err(VerifyError::Signature);
        for bit in 0..BODY.len() * 8 {
            let mut body = BODY.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(judged(GENUINE, &body, 0), refused);
        }
        assert_eq!(judged(GENUINE, &BODY[1..], 0), refused);
        assert_eq!(judged(GENUINE, b"", 0), refused);
        assert_eq!(judged(WebhookHeaders { id: "msg_2", ..GENUINE }, BODY, 0), refused);
        let later = WebhookHeaders {
            timestamp: "1700000001",
            ..GENUINE
        };
        assert_eq!(judged(later, BODY, 0), refused);
    }

    #[test]
    fn h5_a_forged_signature_is_refused() {
        let unsigned = SIGNATURE.trim_start_matches("v1,");
        for signature in [
            "",
            " ",
            "v1",
            "v1,",
            "v1,====",
            unsigned,
            &SIGNATURE[..SIGNATURE.len() - 4],
            &format!("{SIGNATURE}AAAA"),
            &format!("v1a,{unsigned}"),
            &format!("V1,{unsigned}"),
            &SIGNATURE.replacen("jRq", "kRq", 1),
            &"v1,AAAA ".repeat(1000),
        ] {
            let headers = WebhookHeaders { signature, ..GENUINE };
            assert_eq!(judged(headers, BODY, 0), Err(VerifyError::Signature), "{signature:?}");
        }
        let other = WebhookSecret::random().unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        let forged = verify(&other, &GENUINE, BODY, now, TOLERANCE);
        assert_eq!(forged, Err(VerifyError::Signature), "by another secret");
    }

    #[test]
    fn h5_one_valid_signature_among_several_is_enough() {
        for signature in [
            format!("v1,AAAA {SIGNATURE}"),
            format!("v1a,AAAA {SIGNATURE} v1,AAAA"),
            format!("{SIGNATURE} v9,AAAA"),
        ] {
            let headers = WebhookHeaders {
                signature: &signature,
                ..GENUINE
            };
            assert_eq!(judged(headers, BODY, 0), Ok(()), "{signature}");
        }
    }

    /// All of these have the same signed bytes as the genuine request.
    #[test]
    fn h5_nothing_can_move_over_a_dot() {
        let signed = format!("msg_1.{NOW}.1700000000.a");
        let signature = {
            let tag = hmac::sign(&secret().key(), signed.as_bytes());
            format!("v1,{}", STANDARD.encode(tag))
        };
        let headers = WebhookHeaders {
            signature: &signature,
            ..GENUINE
        };
        assert_eq!(judged(headers, b"1700000000.a", 0), Ok(()));
        let id = format!("msg_1.{NOW}");
        let moved = WebhookHeaders { id: &id, ..headers };
        assert_eq!(judged(moved, b"a", 0), Err(VerifyError::Malformed));
    }

    #[test]
    fn h5_headers_of_another_form_are_refused() {
        for id in ["", "a b", "a.b", "\u{e9}"] {
            assert_eq!(
                judged(WebhookHeaders { id, ..GENUINE }, BODY, 0),
                Err(VerifyError::Malformed)
            );
        }
        for timestamp in [
            "",
            "now",
            "-1",
            "+1700000000",
            "01700000000",
            "1700000000.0",
            "99999999999999999999",
        ] {
            let headers = WebhookHeaders { timestamp, ..GENUINE };
            assert_eq!(judged(headers, BODY, 0), Err(VerifyError::Malformed), "{timestamp:?}");
        }
    }
}

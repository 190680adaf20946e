use std::io;

use hst_signal::ConnectError;
use quinn::{ConnectionError, TransportErrorCode};
use thiserror::Error;

use crate::connection::code;

/// Why a [`QuicListener`](crate::QuicListener) was not opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The certificate or its key is of no use.
    #[error("the certificate cannot be used")]
    Certificate(#[source] rustls::Error),
    /// The address cannot be had.
    #[error("the UDP port cannot be opened")]
    Io(#[from] io::Error),
}

/// TLS's "no application protocol" (RFC 7301, section 3.2): who answers speaks QUIC, but not with us.
const NO_APPLICATION_PROTOCOL: u8 = 120;
/// QUIC's error codes that wrap an alert of TLS (RFC 9001, section 4.8).
const TLS_ALERTS: std::ops::Range<u64> = 0x100..0x200;

/// Why no connection was made.
pub(crate) fn connect(error: ConnectionError) -> ConnectError {
    let transport_code = match &error {
        ConnectionError::TransportError(error) => error.code,
        ConnectionError::ConnectionClosed(close) => close.error_code,
        ConnectionError::ApplicationClosed(close) => {
            return if code(close.error_code).is_retryable() {
                ConnectError::Busy(error.into())
            } else {
                ConnectError::Refused(error.into())
            };
        }
        ConnectionError::TimedOut => return ConnectError::Timeout,
        ConnectionError::VersionMismatch => return ConnectError::Refused(error.into()),
        ConnectionError::Reset | ConnectionError::LocallyClosed | ConnectionError::CidsExhausted => {
            return ConnectError::Unreachable(error.into());
        }
    };
    if transport_code == TransportErrorCode::CONNECTION_REFUSED {
        ConnectError::Busy(error.into())
    } else if TLS_ALERTS.contains(&transport_code.into())
        && transport_code != TransportErrorCode::crypto(NO_APPLICATION_PROTOCOL)
    {
        ConnectError::Tls(error.into())
    } else {
        ConnectError::Refused(error.into())
    }
}

use std::io;

use hst_signal::ConnectError;
use tungstenite::Error;

/// Why the HTTP upgrade failed.
pub(crate) fn handshake(error: Error) -> ConnectError {
    match error {
        Error::Io(error) => ConnectError::Unreachable(error),
        // 429 Too Many Requests, and the server errors: what is behind it is down or full.
        Error::Http(response) if response.status() == 429 || response.status().is_server_error() => {
            ConnectError::Busy(Error::Http(response).into())
        }
        error => ConnectError::Refused(error.into()),
    }
}

/// Why the TLS handshake failed. rustls hands its own errors over inside those of the system.
pub(crate) fn tls(error: io::Error) -> ConnectError {
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        ConnectError::Tls(error.into())
    } else {
        ConnectError::Unreachable(error)
    }
}

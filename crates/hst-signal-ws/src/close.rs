use hst_signal::{CloseCode, CloseReason, RecvEnd};
use tungstenite::{
    Error, Utf8Bytes,
    error::{CapacityError, ProtocolError},
    protocol::CloseFrame,
};

pub(crate) fn frame(reason: &CloseReason) -> CloseFrame {
    CloseFrame {
        code: reason.code.number().into(),
        reason: Utf8Bytes::from(reason.text()),
    }
}

/// A close without a frame is what a browser's plain `close()` sends.
pub(crate) fn reason(frame: Option<CloseFrame>) -> CloseReason {
    frame.map_or(CloseCode::Normal.into(), |frame| {
        CloseReason::new(
            CloseCode::from_number(frame.code.into()),
            frame.reason.as_str().to_owned(),
        )
    })
}

/// How receiving ends with an error of tungstenite.
pub(crate) fn end(error: &Error) -> RecvEnd {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => RecvEnd::TooLarge { max: *max_size },
        Error::Utf8(_) => RecvEnd::Malformed("text that is not UTF-8"),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => RecvEnd::Lost,
        Error::Protocol(ProtocolError::UnmaskedFrameFromClient) => RecvEnd::Malformed("an unmasked frame"),
        Error::Protocol(_) => RecvEnd::Malformed("a frame that WebSocket does not allow"),
        _ => RecvEnd::Lost,
    }
}

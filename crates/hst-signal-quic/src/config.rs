use std::{sync::Arc, time::Duration};

use quinn::{IdleTimeout, TransportConfig, VarInt};

/// Keeps address translators and the other side's idle timer awake.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// Without a sign of the peer for this long the connection is lost, in milliseconds.
const IDLE_MILLIS: u32 = 15_000;
/// What a peer may have sent that we have not read yet, in bytes, before anybody reads: enough for its first words, and
/// little enough to be held for every stranger.
const FIRST_WINDOW: u32 = 16 * 1024;
/// The most that the same comes to later. When it is full, the peer's `send` waits.
const WINDOW: u32 = 256 * 1024;
/// What we have sent and the peer has not acknowledged yet, in bytes. When it is full, `send` waits.
const SEND_WINDOW: u64 = 256 * 1024;

/// `streams` is how many the peer may open: one to the server, none to the client.
pub(crate) fn transport(streams: u32) -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MILLIS))))
        // The window of the connection, which has one stream, is the one that counts.
        .stream_receive_window(WINDOW.into())
        .receive_window(FIRST_WINDOW.into())
        .send_window(SEND_WINDOW)
        .max_concurrent_bidi_streams(streams.into())
        .max_concurrent_uni_streams(0_u32.into())
        .datagram_receive_buffer_size(None);
    Arc::new(config)
}

/// How far the window opens for a peer who may send frames of `max_frame` bytes.
pub(crate) fn window(max_frame: usize) -> VarInt {
    let two = u32::try_from(max_frame.saturating_mul(2)).unwrap_or(WINDOW);
    two.clamp(FIRST_WINDOW, WINDOW).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_who_may_send_little_holds_little() {
        for (max_frame, open) in [
            (0, FIRST_WINDOW),
            (8 * 1024, FIRST_WINDOW),
            (100_000, 200_000),
            (256 * 1024, WINDOW),
            (usize::MAX, WINDOW),
        ] {
            assert_eq!(window(max_frame), VarInt::from_u32(open), "{max_frame}");
        }
    }
}

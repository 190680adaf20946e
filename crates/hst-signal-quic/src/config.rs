use std::{sync::Arc, time::Duration};

use quinn::{IdleTimeout, TransportConfig, VarInt};

/// Keeps address translators and the other side's idle timer awake.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// Without a sign of the peer for this long the connection is lost, in milliseconds.
const IDLE_MILLIS: u32 = 15_000;
/// What a peer may have sent on the stream that we have not read yet, in bytes. When it is full, the peer's `send` waits.
const STREAM_WINDOW: u32 = 512 * 1024;
/// The same for the whole connection.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What we have sent and the peer has not acknowledged yet, in bytes. When it is full, `send` waits.
const SEND_WINDOW: u64 = 512 * 1024;

/// `streams` is how many the peer may open: one to the server, none to the client.
pub(crate) fn transport(streams: u32) -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MILLIS))))
        .stream_receive_window(STREAM_WINDOW.into())
        .receive_window(CONNECTION_WINDOW.into())
        .send_window(SEND_WINDOW)
        .max_concurrent_bidi_streams(streams.into())
        .max_concurrent_uni_streams(0_u32.into())
        .datagram_receive_buffer_size(None);
    Arc::new(config)
}

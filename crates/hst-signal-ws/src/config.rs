use hst_signal::Limits;
use tungstenite::protocol::WebSocketConfig;

/// What one read takes from the socket at most, and what a socket at rest keeps. It is filled with zeros for each read,
/// also when there is nothing to read. A larger frame gets a buffer of its own size for as long as it is being read.
const READ_BUFFER: usize = 1024;

/// Room behind the largest frame for its header (14 bytes) and for answers to the peer's pings. When it is full, older
/// answers are dropped for the newest.
const CONTROL_ROOM: usize = 1024;

/// tungstenite's own defaults cost over 128 KiB a socket and set the write buffer no limit.
pub(crate) fn config(limits: Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // Each frame goes to the socket at once.
        .write_buffer_size(0)
        .max_write_buffer_size(limits.max_frame + CONTROL_ROOM)
        .max_message_size(Some(limits.max_frame))
        .max_frame_size(Some(limits.max_frame))
}

/// What comes may have this many bytes from now on.
pub(crate) fn limit_frames(config: &mut WebSocketConfig, max_frame: usize) {
    config.max_message_size = Some(max_frame);
    config.max_frame_size = Some(max_frame);
}

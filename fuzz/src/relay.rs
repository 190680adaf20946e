use std::time::Instant;

use hst_turn::{Client, MAX_MESSAGE, Output, Peers, Relay, Secret, Unframer};

/// Messages of a client of the relay, each behind a byte that says how long it is: whoever does not know the secret gets
/// no socket.
pub fn message(data: &[u8]) {
    let now = Instant::now();
    let mut peers = Peers::default();
    let media = ([203, 0, 113, 9], 7881).into();
    peers.permit(media, ([127, 0, 0, 1], 7881).into());
    let mut relay = Relay::new(now, 1_700_000_000, Secret::new(*b"secret"), peers, |_| true);
    let addr = ([198, 51, 100, 7], 5000).into();
    let mut rest = data;
    while let Some((len, after)) = rest.split_first() {
        let (bytes, after) = after.split_at(usize::from(*len).min(after.len()));
        rest = after;
        for stream in [None, Some(1)] {
            relay.handle_client(now, Client { addr, stream }, bytes);
            while let Some(output) = relay.poll_output() {
                match output {
                    Output::Reply { bytes, .. } => assert_eq!(bytes.len() % 4, 0),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert_eq!(relay.allocations(), 0);
}

/// A stream of messages, in pieces.
pub fn stream(data: &[u8]) {
    let mut unframer = Unframer::default();
    let mut taken = 0;
    for piece in data.chunks(usize::from(data.first().copied().unwrap_or(0)).max(1)) {
        unframer.push(piece);
        loop {
            match unframer.next_message() {
                Ok(Some(message)) => {
                    assert!(message.len() <= MAX_MESSAGE);
                    taken += message.len();
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
    assert!(taken <= data.len());
}

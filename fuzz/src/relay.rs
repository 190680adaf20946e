use std::time::{Duration, Instant};

use hst_turn::{Client, MAX_MESSAGE, Output, Peers, Question, Relay, Secret, Tunnel, TunnelOutput, Unframer};

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

/// What a relay answers to a client of it, each message behind a byte that says how, and one how long it is: an answer to what was asked
/// last, or any. What comes through is of a peer of ours, and what is sent is no flood.
pub fn answers(data: &[u8]) {
    assert_eq!(Question::new().answer(data), None, "nobody knows what was asked");
    let mut now = Instant::now();
    let peers = vec![([203, 0, 113, 9], 7881).into(), ([203, 0, 113, 10], 7881).into()];
    let credentials = Secret::new(*b"secret").credentials("name", 1_700_000_000);
    let mut tunnel = Tunnel::new(now, credentials, peers.clone(), data.len() % 2 == 1);
    let mut asked = [0; 12];
    let mut rest = data;
    loop {
        let mut sent = 0;
        while let Some(output) = tunnel.poll_output() {
            if let TunnelOutput::Send(bytes) = output {
                assert!(bytes.len() <= MAX_MESSAGE);
                if let Some(id) = bytes.get(8..20) {
                    asked.copy_from_slice(id);
                }
                sent += 1;
            }
        }
        assert!(sent <= 8, "{sent} messages at a time");
        let Some((&[how, len], behind)) = rest.split_first_chunk() else {
            break;
        };
        let (piece, behind) = behind.split_at(usize::from(len).min(behind.len()));
        rest = behind;
        let mut message = piece.to_vec();
        if how & 1 == 1
            && let Some(id) = message.get_mut(8..20)
        {
            id.copy_from_slice(&asked);
        }
        now += Duration::from_millis(u64::from(how >> 1) * 100);
        if tunnel.poll_timeout().is_some_and(|at| at <= now) {
            tunnel.handle_timeout(now);
        } else if let Some((peer, data)) = tunnel.handle_message(now, &message) {
            assert!(peers.contains(&peer) && data.len() <= message.len());
        }
        tunnel.send(peers[0], &[how]);
    }
}

//! What every transport must do. [`signal_contract!`](crate::signal_contract) stamps it into an implementation's tests.

use std::{future::Future, pin::pin, time::Duration};

use bytes::Bytes;
use tokio::{
    task::yield_now,
    time::{Instant, error::Elapsed, timeout},
};

use crate::{
    CloseCode, CloseReason, ConnectError, Limits, RecvEnd, SendError, SignalConnection, SignalListener, SignalReceiver,
    SignalSender, SignalTransport,
};

/// The limits that the implementation's connections must have in these tests, on both sides.
pub const LIMITS: Limits = Limits { max_frame: 100_000 };

/// Far beyond what any step takes: a test that hangs fails here.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a `send` must rest to count as one that waits. On a machine so slow that any `send` takes longer the tests
/// become weaker, never red.
const REST: Duration = Duration::from_millis(300);
/// More than the buffers of any system hold, in frames of the largest size.
const MOST_IN_FLIGHT: usize = 1000;

/// A transport, and a listener which it reaches at `url`.
#[derive(Debug)]
pub struct Door {
    /// The client's side.
    pub transport: Box<dyn SignalTransport>,
    /// The server's side.
    pub listener: Box<dyn SignalListener>,
    /// Where the listener is.
    pub url: String,
}

impl Door {
    /// A new connection: the client's end and the server's.
    async fn pair(&mut self) -> (SignalConnection, SignalConnection) {
        let both = async { tokio::join!(self.transport.connect(&self.url), self.listener.accept()) };
        let (client, server) = within(both).await;
        (client.expect("connects"), server.expect("accepts"))
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("done in time")
}

/// A frame of `len` bytes (at least 8) that tells its number. It is text, as some transports carry nothing else.
fn frame(number: usize, len: usize) -> Bytes {
    let mut text = format!("{number:08}").into_bytes();
    text.resize(len, b'.');
    text.into()
}

fn largest(number: usize) -> Bytes {
    frame(number, LIMITS.max_frame)
}

/// Sends the largest frames, numbered from 0, until one waits, and drops that `send`. Returns its number.
async fn fill(sender: &mut dyn SignalSender) -> usize {
    for number in 0..MOST_IN_FLIGHT {
        match timeout(REST, sender.send(largest(number))).await {
            Ok(sent) => sent.expect("is sent"),
            Err(Elapsed { .. }) => return number,
        }
    }
    panic!("send never waits, though nobody reads");
}

/// Receives, dropping the `recv` each time it is not ready at once.
async fn impatient_recv(receiver: &mut dyn SignalReceiver) -> Result<Bytes, RecvEnd> {
    loop {
        tokio::select! {
            biased;
            received = receiver.recv() => return received,
            () = yield_now() => {}
        }
    }
}

/// Sends until the connection is known to have ended.
async fn send_until_closed(sender: &mut dyn SignalSender) {
    loop {
        match within(sender.send(frame(0, 8))).await {
            Ok(()) => yield_now().await,
            Err(error) => return assert_eq!(error, SendError::Closed),
        }
    }
}

/// Frames of many lengths, the empty one too, in both directions at once.
pub async fn frames_arrive_whole_and_in_order(mut door: Door) {
    async fn send_all(sender: &mut dyn SignalSender) {
        sender.send(Bytes::new()).await.expect("the empty frame is sent");
        for number in 0..300 {
            sender.send(frame(number, 8 + number * number)).await.expect("is sent");
        }
    }
    async fn recv_all(receiver: &mut dyn SignalReceiver) {
        assert_eq!(receiver.recv().await, Ok(Bytes::new()));
        for number in 0..300 {
            assert_eq!(receiver.recv().await, Ok(frame(number, 8 + number * number)));
        }
    }
    let (mut client, mut server) = door.pair().await;
    within(async {
        tokio::join!(
            send_all(&mut *client.sender),
            recv_all(&mut *server.receiver),
            send_all(&mut *server.sender),
            recv_all(&mut *client.receiver),
        )
    })
    .await;
}

/// A refused frame does not harm the connection.
pub async fn the_largest_frame_passes_and_one_byte_more_is_refused(mut door: Door) {
    let (client, server) = door.pair().await;
    for (mut from, mut to) in [(client.sender, server.receiver), (server.sender, client.receiver)] {
        let (len, max) = (LIMITS.max_frame + 1, LIMITS.max_frame);
        assert_eq!(
            within(from.send(frame(0, len))).await,
            Err(SendError::TooLarge { len, max })
        );
        let (sent, received) = within(async { tokio::join!(from.send(largest(1)), to.recv()) }).await;
        assert_eq!((sent, received), (Ok(()), Ok(largest(1))));
    }
}

/// The limit can be small at first and be raised between two frames, though both had come before.
pub async fn a_small_limit_holds_until_it_is_raised(mut door: Door) {
    const SMALL: usize = 1000;
    let (mut client, mut server) = door.pair().await;
    server.receiver.limit_frames(SMALL);
    let send = async {
        client.sender.send(frame(0, SMALL)).await.expect("is sent");
        client.sender.send(largest(1)).await.expect("is sent");
    };
    let read = async {
        assert_eq!(server.receiver.recv().await, Ok(frame(0, SMALL)));
        // More than there is stays the connection's own limit.
        server.receiver.limit_frames(2 * LIMITS.max_frame);
        assert_eq!(server.receiver.recv().await, Ok(largest(1)));
    };
    within(async { tokio::join!(send, read) }).await;

    server.receiver.limit_frames(SMALL);
    let (_, end) = within(async { tokio::join!(client.sender.send(largest(2)), server.receiver.recv()) }).await;
    assert_eq!(end, Err(RecvEnd::TooLarge { max: SMALL }));
}

/// The clock of a connection starts before its handshake ends.
pub async fn a_connection_counts_from_its_beginning(mut door: Door) {
    let start = Instant::now();
    let (client, server) = door.pair().await;
    for since in [client.since, server.since] {
        assert!(start <= since && since <= Instant::now());
    }
}

/// The back-pressure.
pub async fn send_waits_until_the_peer_reads(mut door: Door) {
    let (mut client, mut server) = door.pair().await;
    for number in 0..MOST_IN_FLIGHT {
        let mut send = pin!(client.sender.send(largest(number)));
        if let Ok(sent) = timeout(REST, &mut send).await {
            sent.expect("is sent");
            continue;
        }
        let read = async {
            for expected in 0..=number {
                assert_eq!(server.receiver.recv().await, Ok(largest(expected)));
            }
        };
        let (sent, ()) = within(async { tokio::join!(send, read) }).await;
        return assert_eq!(sent, Ok(()));
    }
    panic!("send never waits, though nobody reads");
}

/// The frame whose `send` was dropped arrives whole or not at all, and the next one is not harmed.
pub async fn a_send_dropped_half_way_leaves_whole_frames(mut door: Door) {
    let (mut client, mut server) = door.pair().await;
    let dropped = fill(&mut *client.sender).await;
    let last = frame(9, 9);
    let read = async {
        for number in 0..dropped {
            assert_eq!(server.receiver.recv().await, Ok(largest(number)));
        }
        let next = server.receiver.recv().await.expect("a frame");
        if next != last {
            assert_eq!(next, largest(dropped));
            assert_eq!(server.receiver.recv().await, Ok(last.clone()));
        }
    };
    let (sent, ()) = within(async { tokio::join!(client.sender.send(last.clone()), read) }).await;
    assert_eq!(sent, Ok(()));
}

/// `recv` is cancel-safe.
pub async fn a_recv_dropped_half_way_loses_nothing(mut door: Door) {
    let (mut client, mut server) = door.pair().await;
    let send = async {
        for number in 0..50 {
            client.sender.send(largest(number)).await.expect("is sent");
        }
    };
    let read = async {
        for number in 0..50 {
            assert_eq!(impatient_recv(&mut *server.receiver).await, Ok(largest(number)));
        }
    };
    within(async { tokio::join!(send, read) }).await;
}

/// `accept` is cancel-safe.
pub async fn an_accept_dropped_half_way_loses_nothing(mut door: Door) {
    for number in 0..5 {
        let accept = async {
            loop {
                tokio::select! {
                    biased;
                    accepted = door.listener.accept() => return accepted,
                    () = yield_now() => {}
                }
            }
        };
        let (client, server) = within(async { tokio::join!(door.transport.connect(&door.url), accept) }).await;
        let (mut client, mut server) = (client.expect("connects"), server.expect("accepts"));
        within(client.sender.send(frame(number, 8))).await.expect("is sent");
        assert_eq!(within(server.receiver.recv()).await, Ok(frame(number, 8)));
    }
}

/// Every code and the text arrive, behind the frames, even to a peer that reads late.
pub async fn the_reason_arrives_behind_the_frames(mut door: Door) {
    for code in CloseCode::ALL {
        let (mut client, mut server) = door.pair().await;
        let reason = CloseReason::new(code, "because, naïvely");
        let close = async {
            for number in 0..3 {
                server.sender.send(largest(number)).await.expect("is sent");
            }
            server.sender.close(reason.clone()).await;
        };
        let read = async {
            for number in 0..3 {
                yield_now().await;
                assert_eq!(client.receiver.recv().await, Ok(largest(number)));
            }
            assert_eq!(client.receiver.recv().await, Err(RecvEnd::Closed(reason.clone())));
        };
        within(async { tokio::join!(close, read) }).await;
    }
}

/// After a `close` nothing goes on anywhere, and every `recv` repeats the reason.
pub async fn closing_ends_both_sides(mut door: Door) {
    let (mut client, mut server) = door.pair().await;
    let reason = CloseReason::new(CloseCode::Replaced, "by another");
    // The own receiver is waiting, in a task of its own, when its sender closes.
    let mut receiver = client.receiver;
    let waiting = tokio::spawn(async move { (receiver.recv().await, receiver.recv().await) });
    yield_now().await;
    let ((), other) = within(async { tokio::join!(client.sender.close(reason.clone()), server.receiver.recv()) }).await;
    let end = Err(RecvEnd::Closed(reason));
    assert_eq!(within(waiting).await.expect("ends"), (end.clone(), end.clone()));
    assert_eq!((&other, &within(server.receiver.recv()).await), (&end, &end));
    assert_eq!(within(client.sender.send(frame(0, 8))).await, Err(SendError::Closed));
    send_until_closed(&mut *server.sender).await;
    within(server.sender.close(CloseCode::Normal.into())).await;
    within(client.sender.close(CloseCode::Normal.into())).await;
    assert_eq!(within(server.receiver.recv()).await, end);
}

/// A `send` that waits for the peer to read ends too, even if nobody receives on its side.
pub async fn sending_ends_when_the_peer_closes(mut door: Door) {
    let (mut client, mut server) = door.pair().await;
    fill(&mut *client.sender).await;
    within(async {
        tokio::join!(
            send_until_closed(&mut *client.sender),
            server.sender.close(CloseCode::Normal.into())
        )
    })
    .await;
}

/// `close` does not hang on a peer that does nothing.
pub async fn a_close_ends_although_the_peer_never_reads(mut door: Door) {
    let (mut client, _server) = door.pair().await;
    fill(&mut *client.sender).await;
    within(client.sender.close(CloseCode::SlowReader.into())).await;
    assert_eq!(within(client.sender.send(frame(0, 8))).await, Err(SendError::Closed));
}

/// Whichever side drops its connection, the other one notices.
pub async fn dropping_one_side_ends_the_other(mut door: Door) {
    for server_drops in [true, false] {
        let (client, server) = door.pair().await;
        let (dropped, mut kept) = if server_drops {
            (server, client)
        } else {
            (client, server)
        };
        drop(dropped);
        assert_eq!(within(kept.receiver.recv()).await, Err(RecvEnd::Lost));
        assert_eq!(within(kept.receiver.recv()).await, Err(RecvEnd::Lost));
        send_until_closed(&mut *kept.sender).await;
    }
}

/// So that [`AnyTransport`](crate::AnyTransport) can ask the next one.
pub async fn an_alien_scheme_is_unsupported(door: Door) {
    for url in ["alien://host:1/path", "alien://"] {
        let refused = within(door.transport.connect(url)).await;
        assert!(matches!(refused, Err(ConnectError::Unsupported)), "{refused:?}");
    }
    let (_, rest) = door.url.split_once("://").expect("the URL has a scheme");
    let broken = within(door.transport.connect(rest)).await;
    assert!(matches!(broken, Err(ConnectError::InvalidUrl(_))), "{broken:?}");
}

/// Stamps the contract into a test file: one `#[tokio::test]` for each of its demands.
///
/// It takes the path of an `async fn() -> Door`, whose connections keep to [`contract::LIMITS`](crate::contract::LIMITS).
/// The crate needs `tokio` among its dependencies.
#[macro_export]
macro_rules! signal_contract {
    ($open:path) => {
        $crate::signal_contract!(@stamp $open:
            frames_arrive_whole_and_in_order,
            the_largest_frame_passes_and_one_byte_more_is_refused,
            a_small_limit_holds_until_it_is_raised,
            a_connection_counts_from_its_beginning,
            send_waits_until_the_peer_reads,
            a_send_dropped_half_way_leaves_whole_frames,
            a_recv_dropped_half_way_loses_nothing,
            an_accept_dropped_half_way_loses_nothing,
            the_reason_arrives_behind_the_frames,
            closing_ends_both_sides,
            sending_ends_when_the_peer_closes,
            a_close_ends_although_the_peer_never_reads,
            dropping_one_side_ends_the_other,
            an_alien_scheme_is_unsupported,
        );
    };
    (@stamp $open:path: $($demand:ident,)*) => {
        $(
            #[tokio::test]
            async fn $demand() {
                $crate::contract::$demand($open().await).await;
            }
        )*
    };
}

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    join,
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
    time::Instant,
};

use crate::cable::{Core, until};

/// The chunks of one direction that are on their way; when it is full, the sender waits, as for a window.
const CHUNKS: usize = 256;
/// The bytes of a chunk.
const CHUNK: usize = 16 * 1024;

/// Carries connections.
pub(crate) async fn carry(listener: TcpListener, server: SocketAddr, cable: Core) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((client, _)) = listener.accept().await {
            connections.spawn(connect(client, server, cable.clone()));
        }
    }
}

/// Carries one connection until both ends have closed it.
async fn connect(client: TcpStream, server: SocketAddr, mut cable: Core) {
    cable.whole().await;
    // The system has answered the client's handshake already: over the cable it takes a round trip.
    let opened = Instant::now() + 2 * cable.one_way;
    // A server that is not there is a connection that ends at once.
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    join!(
        pass(from_client, to_server, opened, cable.clone()),
        pass(from_server, to_client, opened, cable),
    );
}

/// Carries one direction of a connection, and its end: an empty chunk.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, opened: Instant, mut cable: Core) {
    let (put, mut chunks) = mpsc::channel(CHUNKS);
    let one_way = cable.one_way;
    let depart = async move {
        loop {
            let mut chunk = vec![0; CHUNK];
            // A connection that was reset ends too.
            let len = from.read(&mut chunk).await.unwrap_or(0);
            chunk.truncate(len);
            let due = Instant::now().max(opened) + one_way;
            if put.send((due, chunk)).await.is_err() || len == 0 {
                return;
            }
        }
    };
    let arrive = async move {
        while let Some((due, chunk)) = chunks.recv().await {
            until(due).await;
            cable.whole().await;
            if chunk.is_empty() || to.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    join!(depart, arrive);
}

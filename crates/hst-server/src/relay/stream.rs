use std::{sync::Arc, time::Duration};

use hst_turn::{Client, Unframer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split},
    sync::mpsc,
    time::timeout,
};

use super::service::Arrival;
use crate::admission::Place;

/// How many replies wait for a client that reads slowly; then datagrams for it are lost.
const REPLIES: usize = 256;
/// How long a client may take to read one.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);
const READ: usize = 4096;

/// Passes on what a client of the relay says on its connection, and what it is answered, until either side ends it.
pub(super) async fn serve<S>(stream: S, client: Client, place: Arc<Place>, arrivals: mpsc::Sender<Arrival>)
where
    S: AsyncRead + AsyncWrite,
{
    let (replies, waiting) = mpsc::channel(REPLIES);
    if arrivals.send(Arrival::Connected(client, replies, place)).await.is_err() {
        return;
    }
    let (reader, writer) = split(stream);
    tokio::select! {
        () = listen(reader, client, &arrivals) => {}
        () = answer(writer, waiting) => {}
    }
    // A relay that has ended knows.
    let _ = arrivals.send(Arrival::Gone(client)).await;
}

async fn listen(mut reader: ReadHalf<impl AsyncRead>, client: Client, arrivals: &mpsc::Sender<Arrival>) {
    let (mut bytes, mut unframer) = (vec![0; READ], Unframer::default());
    while let Ok(len @ 1..) = reader.read(&mut bytes).await {
        unframer.push(&bytes[..len]);
        loop {
            match unframer.next_message() {
                Ok(Some(message)) => {
                    let arrival = Arrival::Message(client, message.to_vec());
                    if arrivals.send(arrival).await.is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

async fn answer(mut writer: WriteHalf<impl AsyncWrite>, mut waiting: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = waiting.recv().await {
        let written = timeout(WRITE_TIMEOUT, async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            return;
        }
    }
}

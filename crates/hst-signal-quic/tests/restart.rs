//! A server that is killed and started again.
#![allow(clippy::unwrap_used, reason = "the helpers are tests too")]

mod house;

use std::net::{Ipv4Addr, SocketAddr};

use house::{Server, certificate};
use hst_signal::{CertificatePin, Limits, SignalListener};
use hst_signal_quic::{PREAMBLE, QuicListener, ResetKey};
use quinn::{Connection, ConnectionError};
use tokio::{runtime, sync::oneshot, task::JoinHandle};

fn bind(address: SocketAddr, key: u8) -> (QuicListener, CertificatePin) {
    let (certificate, private_key) = certificate();
    let pin = CertificatePin::of(&certificate);
    let resets = ResetKey::new([key; 32]);
    let listener = QuicListener::bind_again(address, vec![certificate], private_key, &resets, Limits::default());
    (listener.unwrap(), pin)
}

/// A client of a server that is gone without a word, and where that was.
async fn orphan(key: u8) -> (Connection, SocketAddr) {
    let (say, said) = oneshot::channel();
    let (let_die, may_die) = oneshot::channel::<()>();
    // A runtime of its own: when it is over, nothing of the server is at work that could say good-bye.
    let life: JoinHandle<()> = tokio::task::spawn_blocking(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let remains = runtime.block_on(async move {
            let (mut listener, pin) = bind((Ipv4Addr::LOCALHOST, 0).into(), key);
            say.send((listener.local_addr().unwrap(), pin)).unwrap();
            let connection = listener.accept().await.unwrap();
            may_die.await.unwrap();
            (connection, listener)
        });
        drop(runtime);
        drop(remains);
    });
    let (address, pin) = said.await.unwrap();
    let client = Server::raw_client(address, pin).await;
    let (mut send, _recv) = client.open_bi().await.unwrap();
    send.write_all(&PREAMBLE).await.unwrap();
    let_die.send(()).unwrap();
    life.await.unwrap();
    (client, address)
}

#[tokio::test]
async fn a_client_of_before_learns_at_its_next_word_that_its_connection_is_gone() {
    let (client, address) = orphan(7).await;
    let (_again, _) = bind(address, 7);
    assert_eq!(client.closed().await, ConnectionError::Reset);
}

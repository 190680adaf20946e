use std::{sync::Arc, time::Duration};

use quinn::{Connection, ConnectionError, SendStream, WriteError};
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;

use crate::{
    CloseCode, CloseReason, Link, NodeName, Peer,
    closing::End,
    frames::{FrameError, Incoming, prefix},
    hello::{Hello, MAX_HELLO},
    identity,
    registry::{Origin, Registry, Standing},
};

/// How long a peer who says nothing may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why a greeting came to nothing.
pub(crate) enum Unwelcome {
    /// By this side, with what the peer is to be told.
    Here(CloseReason),
    /// The connection ended.
    Lost(ConnectionError),
}

/// The side that has dialled `expected` speaks first.
pub(crate) async fn call(
    connection: Connection,
    own: &Hello,
    expected: &NodeName,
    registry: Arc<Registry>,
) -> Result<Link, Unwelcome> {
    let (mut send, recv) = connection.open_bi().await.map_err(Unwelcome::Lost)?;
    say(&mut send, own).await?;
    let mut incoming = Incoming::new(recv);
    let peer = match hear(&mut incoming).await {
        // Who turns somebody away ends the stream before the connection: the reason is on its way.
        Err(Unwelcome::Here(silence)) => match timeout(LAST_WORDS, connection.closed()).await {
            Ok(error) => return Err(Unwelcome::Lost(error)),
            Err(_) => return Err(Unwelcome::Here(silence)),
        },
        heard => heard?,
    };
    if peer.name != *expected {
        return Err(wrong_name(&peer.name));
    }
    enter(connection, own, peer, true, (send, incoming), registry)
}

/// The side that was dialled judges, and answers.
pub(crate) async fn answer(connection: Connection, own: &Hello, registry: Arc<Registry>) -> Result<Link, Unwelcome> {
    let (send, recv) = connection.accept_bi().await.map_err(Unwelcome::Lost)?;
    let mut incoming = Incoming::new(recv);
    let peer = hear(&mut incoming).await?;
    if peer.name == own.name || !is_proved(&connection, &peer.name) {
        return Err(wrong_name(&peer.name));
    }
    let mut link = enter(connection, own, peer, false, (send, incoming), registry)?;
    say(link.frame_sender.stream(), own).await?;
    Ok(link)
}

/// The caller's name was proved by TLS, which knows what was dialled; here it is what the peer says.
fn is_proved(connection: &Connection, name: &NodeName) -> bool {
    let chain = connection.peer_identity().expect("no connection without a certificate");
    let chain = chain.downcast::<Vec<CertificateDer<'static>>>().expect("of rustls");
    chain
        .first()
        .is_some_and(|certificate| identity::is_for(certificate, name))
}

fn enter(
    connection: Connection,
    own: &Hello,
    peer: Hello,
    by_own: bool,
    streams: (SendStream, Incoming),
    registry: Arc<Registry>,
) -> Result<Link, Unwelcome> {
    let version = own.agree(&peer).map_err(Unwelcome::Here)?;
    let address = connection.remote_address();
    let origin = Origin {
        by_smaller: by_own == (own.name < peer.name),
        epochs: [own.epoch, peer.epoch],
    };
    let end = End::new(connection);
    let standing = Standing {
        end: end.clone(),
        origin,
    };
    registry.enter(&peer.name, standing).map_err(Unwelcome::Here)?;
    let peer = Peer {
        name: peer.name,
        epoch: peer.epoch,
        version,
        address,
    };
    Ok(Link::new(end, peer, streams, registry))
}

async fn say(send: &mut SendStream, hello: &Hello) -> Result<(), Unwelcome> {
    let hello = hello.encode();
    let written = send.write_all_chunks(&mut [prefix(hello.len()), hello]).await;
    written.map_err(|error| match error {
        WriteError::ConnectionLost(error) => Unwelcome::Lost(error),
        _ => no_hello(),
    })
}

async fn hear(incoming: &mut Incoming) -> Result<Hello, Unwelcome> {
    match incoming.next(MAX_HELLO).await {
        Ok(Some(frame)) => Hello::decode(frame).ok_or_else(no_hello),
        Err(FrameError::Lost(error)) => Err(Unwelcome::Lost(error)),
        Ok(None) | Err(_) => Err(no_hello()),
    }
}

fn no_hello() -> Unwelcome {
    Unwelcome::Here(CloseReason::new(CloseCode::Hello, "the first frame is no hello"))
}

fn wrong_name(name: &NodeName) -> Unwelcome {
    Unwelcome::Here(CloseReason::new(
        CloseCode::Name,
        format!("{name} is not expected here"),
    ))
}

use std::{io::Write as _, net::SocketAddr, ops::RangeInclusive, pin::pin, sync::Arc, time::Duration};

use axum::{Router, http::Request};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    admission::Admission,
    http::peer::Peer,
    hub::{ACCEPT_PAUSE, Hub},
};

/// A client that does not complete the TLS handshake in this time is cut.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// A client that does not send a whole request head in this time is cut, also when it sends nothing at all.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long one connection may be used for HTTP, and so how slowly an answer may be read. WebSockets have their own
/// rules.
const LIFETIME: Duration = Duration::from_secs(60);
/// How long a connection may take for its last answer after that.
const GRACE: Duration = Duration::from_secs(5);
/// Room for a request's head, and for what is read or written at a time.
const BUFFER: usize = 16 * 1024;
/// What is said to a client for whom there is no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n\
    Content-Type: text/plain\r\nContent-Length: 21\r\n\r\ntoo many connections\n";

/// The first byte of a STUN message (RFC 8489 section 5), which begins no request of HTTP and no handshake of TLS.
const BEGINS_STUN: RangeInclusive<u8> = 0..=1;

/// Serves HTTP/1.1 until the server ends.
///
/// A loop of its own and not the framework's, because that one would wait for ever for a client that never speaks.
///
/// Its connections have their places in `admission`.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    hub: Arc<Hub>,
    admission: Arc<Admission>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = hub.life.draining() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the system handed over no connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = admission.admit(Some(address.ip())) else {
            if tls.is_none() {
                refuse(stream);
            }
            continue;
        };
        let local = stream
            .local_addr()
            .unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
        let peer = Peer {
            address,
            local,
            secure: tls.is_some(),
            since: Instant::now(),
            place,
        };
        let (tls, router, hub) = (tls.clone(), router.clone(), hub.clone());
        hub.clone()
            .life
            .spawn(async move { accepted_one(stream, tls, peer, router, &hub).await });
    }
}

/// Says so, if that costs no waiting. Under TLS it would cost a handshake, so that one is just closed.
fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(NO_PLACE);
    }
}

async fn accepted_one(stream: TcpStream, tls: Option<TlsAcceptor>, peer: Peer, router: Router, hub: &Hub) {
    // Frames are small and each is wanted at once.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return tell_apart(stream, peer, router, hub).await;
    };
    let deadline = Instant::now() + HANDSHAKE_DEADLINE;
    // What is relayed is encrypted already, so who comes for that needs no TLS.
    if hub.relay.get().is_some() && is_for_relay(&stream, deadline).await {
        return tell_apart(stream, peer, router, hub).await;
    }
    match timeout_at(deadline, tls.accept(stream)).await {
        Ok(Ok(stream)) => tell_apart(stream, peer, router, hub).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

/// Whether it begins with a STUN message, and so with no handshake of TLS.
async fn is_for_relay(stream: &TcpStream, deadline: Instant) -> bool {
    let mut first = [u8::MAX];
    let read = timeout_at(deadline, stream.peek(&mut first)).await;
    matches!(read, Ok(Ok(1))) && BEGINS_STUN.contains(&first[0])
}

/// Who comes for the relay begins with a STUN message.
async fn tell_apart<S>(stream: S, peer: Peer, router: Router, hub: &Hub)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Some(relay) = hub.relay.get() else {
        return speak(stream, peer, router, hub).await;
    };
    // Room for that byte alone: whatever follows is read past it.
    let mut stream = BufReader::with_capacity(1, stream);
    match timeout(HEAD_DEADLINE, stream.fill_buf()).await {
        Ok(Ok(&[first])) if BEGINS_STUN.contains(&first) => {
            tokio::select! {
                () = relay.serve(stream, peer.address, peer.place) => {}
                () = hub.life.draining() => {}
            }
        }
        Ok(Ok(&[_])) => speak(stream, peer, router, hub).await,
        _ => {}
    }
}

async fn speak<S>(stream: S, peer: Peer, router: Router, hub: &Hub)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // An error here is the client's: it broke off, or sent what is not HTTP and was told so.
        _ = connection.as_mut() => return,
        () = sleep(LIFETIME) => {}
        () = hub.life.draining() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(GRACE, connection).await;
}

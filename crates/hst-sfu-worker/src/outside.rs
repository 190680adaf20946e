use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use str0m::ice::{StunMessage, StunMessageBuilder, TransId};
use tokio::{net::UdpSocket, time::timeout};

/// How long each question waits for its answer. One that is lost is asked again.
const PATIENCE: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_millis(1000),
    Duration::from_millis(1500),
    Duration::from_millis(2000),
];
/// Neither the question nor any answer to it is longer.
const MESSAGE: usize = 1500;

/// Asks a STUN server (RFC 8489) at which address the world sees this machine.
///
/// # Errors
/// `TimedOut` when no answer comes within 5 s; others when this machine has no way there, or hears that nobody answers.
///
/// Cancel-safe: nothing is kept.
pub async fn outside_address(server: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // What others send is not even received.
    socket.connect(server).await?;
    let id = TransId::new();
    let mut question = [0; MESSAGE];
    let message = StunMessageBuilder::new().binding().request().build(id);
    let len = message
        .to_bytes(None, &mut question, |_, _| [0; 20])
        .map_err(io::Error::other)?;
    for patience in PATIENCE {
        socket.send(&question[..len]).await?;
        if let Ok(answered) = timeout(patience, answer(&socket, id)).await {
            return answered;
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Waits for the answer to this question; anything else is passed over.
async fn answer(socket: &UdpSocket, id: TransId) -> io::Result<IpAddr> {
    let mut bytes = [0; MESSAGE];
    loop {
        let len = socket.recv(&mut bytes).await?;
        if let Ok(message) = StunMessage::parse(&bytes[..len])
            && message.is_successful_binding_response()
            && message.trans_id() == id
            && let Some(mapped) = message.mapped_address()
        {
            return Ok(mapped.ip().to_canonical());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A STUN server that loses the first question, says something else to the second, and answers the third.
    async fn serve(socket: UdpSocket, outside: SocketAddr) {
        let mut bytes = [0; MESSAGE];
        socket.recv_from(&mut bytes).await.expect("a question");
        let (len, client) = socket.recv_from(&mut bytes).await.expect("the question again");
        let reply = |id| {
            let mut reply = vec![0; MESSAGE];
            let message = StunMessage::binding_reply(id, outside);
            let len = message.to_bytes(None, &mut reply, |_, _| [0; 20]).expect("room");
            reply.truncate(len);
            reply
        };
        let id = StunMessage::parse(&bytes[..len]).expect("a question").trans_id();
        for junk in [reply(TransId::new()), b"junk".to_vec(), bytes[..len].to_vec()] {
            socket.send_to(&junk, client).await.expect("sent");
        }
        socket.recv_from(&mut bytes).await.expect("the question once more");
        socket.send_to(&reply(id), client).await.expect("sent");
    }

    #[tokio::test]
    async fn the_address_is_the_one_in_the_answer_to_the_question() {
        for (bind, outside) in [("127.0.0.1:0", "203.0.113.9:4000"), ("[::1]:0", "[2001:db8::9]:4000")] {
            let socket = UdpSocket::bind(bind).await.expect("loopback");
            let server = socket.local_addr().expect("bound");
            let outside: SocketAddr = outside.parse().expect("an address");
            let (found, ()) = tokio::join!(outside_address(server), serve(socket, outside));
            assert_eq!(found.expect("an answer"), outside.ip());
        }
    }

    #[tokio::test]
    async fn where_nobody_answers_there_is_no_address() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
        let server = socket.local_addr().expect("bound");
        let error = outside_address(server).await.expect_err("silence");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(socket);
        let error = outside_address(server).await.expect_err("a closed port");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}

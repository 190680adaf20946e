use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use hst_turn::Question;
use tokio::{
    net::{UdpSocket, lookup_host},
    time::timeout,
};

/// How long each question waits for its answer, in ms. One that is lost is asked again.
const PATIENCE: [u64; 4] = [500, 1000, 1500, 2000];
/// No answer is longer.
const MESSAGE: usize = 1500;

/// At which addresses the world sees this machine, by what a STUN server says: at most one of each family.
///
/// A server that does not answer keeps nobody from starting, because it is somebody else's: it is said in the log, and
/// the machine has the addresses that it has.
pub(crate) async fn outside_addresses(stun_server: &str) -> Vec<IpAddr> {
    let servers: Vec<SocketAddr> = match lookup_host(stun_server).await {
        Ok(found) => found.collect(),
        Err(error) => {
            tracing::warn!(stun_server, %error, "THE STUN SERVER HAS NO ADDRESS: clients are told this machine's own");
            return Vec::new();
        }
    };
    let of_family = |is_v4: bool| servers.iter().copied().find(|server| server.is_ipv4() == is_v4);
    let ask = async |server: Option<SocketAddr>| Some((server?, outside_address(server?).await));
    let (v4, v6) = tokio::join!(ask(of_family(true)), ask(of_family(false)));
    let mut found = Vec::new();
    for (server, answer) in [v4, v6].into_iter().flatten() {
        match answer {
            Ok(ip) => found.push(ip),
            Err(error) => tracing::warn!(%server, %error, "the STUN server does not answer"),
        }
    }
    if found.is_empty() {
        tracing::warn!(
            stun_server,
            "NO ADDRESS WAS FOUND OUT: clients are told this machine's own"
        );
    } else {
        tracing::info!(stun_server, ?found, "the world sees this machine here");
    }
    found
}

/// Asks a STUN server at which address it sees this machine, for 5 s.
async fn outside_address(server: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // What others send is not even received.
    socket.connect(server).await?;
    let question = Question::new();
    for patience in PATIENCE.map(Duration::from_millis) {
        socket.send(&question.bytes()).await?;
        if let Ok(answered) = timeout(patience, answer(&socket, &question)).await {
            return answered;
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Waits for the answer to this question; anything else is passed over.
async fn answer(socket: &UdpSocket, question: &Question) -> io::Result<IpAddr> {
    let mut bytes = [0; MESSAGE];
    loop {
        let len = socket.recv(&mut bytes).await?;
        if let Some(seen) = question.answer(&bytes[..len]) {
            return Ok(seen.ip().to_canonical());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to a Binding request of a client that is seen at 203.0.113.9.
    fn reply(request: &[u8]) -> Vec<u8> {
        let attribute = [0, 0x20, 0, 8, 0, 1, 0x10, 0x21, 0xea, 0x12, 0xd5, 0x4b];
        [&[1, 1, 0, 12], &request[4..20], &attribute].concat()
    }

    #[tokio::test]
    async fn a_lost_question_is_asked_again_and_only_its_answer_counts() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = server.local_addr().unwrap().to_string();
        let serve = async {
            let mut bytes = [0; MESSAGE];
            server.recv_from(&mut bytes).await.unwrap();
            let (len, client) = server.recv_from(&mut bytes).await.unwrap();
            let answer = reply(&bytes[..len]);
            bytes[8] ^= 1;
            for datagram in [&reply(&bytes[..len])[..], b"junk", &answer] {
                server.send_to(datagram, client).await.unwrap();
            }
        };
        let (found, ()) = tokio::join!(outside_addresses(&addr), serve);
        assert_eq!(found, [IpAddr::from([203, 0, 113, 9])]);
    }

    #[tokio::test]
    async fn where_nobody_answers_there_is_no_address() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = silent.local_addr().unwrap();
        let error = outside_address(server).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(silent);
        let error = outside_address(server).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(outside_addresses("no address").await.is_empty());
    }
}

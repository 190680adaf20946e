use std::net::SocketAddr;

use tokio::net::UdpSocket;

use super::ANYWHERE;

/// Lays a path to a server that loses every datagram above so many bytes; returns its entrance, for one client.
pub(crate) async fn thin_path(most: usize, server: SocketAddr) -> SocketAddr {
    let entrance = UdpSocket::bind(ANYWHERE).await.expect("a port");
    let exit = UdpSocket::bind(ANYWHERE).await.expect("a port");
    let address = entrance.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut forth, mut back) = ([0; 2048], [0; 2048]);
        let mut client = ANYWHERE;
        loop {
            let (socket, datagram, to) = tokio::select! {
                Ok((len, from)) = entrance.recv_from(&mut forth) => {
                    client = from;
                    (&exit, &forth[..len], server)
                }
                Ok((len, _)) = exit.recv_from(&mut back) => (&entrance, &back[..len], client),
            };
            if datagram.len() <= most {
                // What the system does not take is lost, too.
                let _ = socket.send_to(datagram, to).await;
            }
        }
    });
    address
}

//! A network that swallows UDP, and what leads through it to a server.

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::{Ipv4Addr, SocketAddr};

use hst_framing::{Unframer, header};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::watch,
    task::JoinHandle,
};

/// What the wall makes of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Their datagrams go to the server and back.
    Honest,
    /// They are told this, and nothing else.
    Hostile(Vec<u8>),
}

/// One address at which UDP is swallowed, or not, and TCP led on to the server's own UDP. It ends when it is dropped.
pub(crate) struct Wall {
    address: SocketAddr,
    manner: watch::Sender<Manner>,
    lets_udp: watch::Sender<bool>,
    /// How many connections have come, and how many stand.
    came: watch::Receiver<usize>,
    stand: watch::Receiver<usize>,
    tasks: [JoinHandle<()>; 2],
}

impl Wall {
    /// In front of the server at this address.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let udp = UdpSocket::bind(address).await.unwrap();
        let manner = watch::Sender::new(Manner::Honest);
        let lets_udp = watch::Sender::new(false);
        let (coming, came) = watch::channel(0);
        let (standing, stand) = watch::channel(0);
        let tasks = [
            tokio::spawn(lead(listener, server, manner.subscribe(), coming, standing)),
            tokio::spawn(pass(udp, server, lets_udp.subscribe())),
        ];
        Self {
            address,
            manner,
            lets_udp,
            came,
            stand,
            tasks,
        }
    }

    /// Where the server is said to be.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The answer, as it reads from behind the wall, where TCP leads through it or not.
    pub(crate) fn seen(&self, answer: &str, has_tcp: bool) -> String {
        let (at, server) = (self.address, server_of(answer));
        let place = |it: SocketAddr| format!("{} {} typ host", it.ip(), it.port());
        let tcp = format!("a=candidate:9 1 tcp 1518280447 {} tcptype passive", place(at));
        let lines = answer.lines().flat_map(|line| {
            let is_candidate = line.starts_with("a=candidate:");
            let tcp = (is_candidate && has_tcp).then(|| tcp.clone());
            [Some(line.replace(&place(server), &place(at))), tcp]
        });
        lines.flatten().flat_map(|line| [line, "\r\n".to_owned()]).collect()
    }

    /// Ends all connections, in the middle of a frame, and treats those to come like this.
    pub(crate) fn turn(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    pub(crate) fn let_udp(&self) {
        self.lets_udp.send_replace(true);
    }

    pub(crate) fn came(&self) -> usize {
        *self.came.borrow()
    }

    /// Waits until a connection has come.
    pub(crate) async fn first_comes(&self) {
        self.came.clone().wait_for(|it| *it > 0).await.unwrap();
    }

    /// Waits until so many connections stand.
    pub(crate) async fn stand(&self, count: usize) {
        self.stand.clone().wait_for(|it| *it == count).await.unwrap();
    }
}

impl Drop for Wall {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Where the server is that gave this answer.
pub(crate) fn server_of(answer: &str) -> SocketAddr {
    let line = answer.lines().find(|line| line.starts_with("a=candidate:")).unwrap();
    let words: Vec<_> = line.split(' ').collect();
    format!("{}:{}", words[4], words[5]).parse().unwrap()
}

async fn lead(
    listener: TcpListener,
    server: SocketAddr,
    manner: watch::Receiver<Manner>,
    coming: watch::Sender<usize>,
    standing: watch::Sender<usize>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        coming.send_modify(|it| *it += 1);
        let (mut manner, standing) = (manner.clone(), standing.clone());
        standing.send_modify(|it| *it += 1);
        tokio::spawn(async move {
            let now = manner.borrow_and_update().clone();
            match now {
                Manner::Honest => honest(stream, server, manner).await,
                Manner::Hostile(bytes) => hostile(stream, &bytes, manner).await,
            }
            standing.send_modify(|it| *it -= 1);
        });
    }
}

async fn honest(mut stream: TcpStream, server: SocketAddr, mut manner: watch::Receiver<Manner>) {
    stream.set_nodelay(true).unwrap();
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    udp.connect(server).await.unwrap();
    let (mut unframer, mut datagram) = (Unframer::default(), Vec::new());
    let (mut bytes, mut answer) = (vec![0; 4096], vec![0; 2048]);
    loop {
        tokio::select! {
            read = stream.read(&mut bytes) => match read {
                Ok(len @ 1..) => unframer.push(&bytes[..len]),
                _ => return,
            },
            len = udp.recv(&mut answer) => {
                let Ok(len) = len else { continue };
                let datagram = &answer[..len];
                let framed = [&header(datagram).unwrap()[..], datagram].concat();
                if stream.write_all(&framed).await.is_err() {
                    return;
                }
            }
            _ = manner.changed() => {
                // The beginning of a frame that never comes to its end.
                let _ = stream.write_all(&[4, 0, 1, 1]).await;
                return;
            }
        }
        while unframer.next(&mut datagram).unwrap() {
            let _ = udp.send(&datagram).await;
        }
    }
}

async fn hostile(mut stream: TcpStream, bytes: &[u8], mut manner: watch::Receiver<Manner>) {
    let _ = stream.write_all(bytes).await;
    let mut heard = vec![0; 4096];
    loop {
        tokio::select! {
            read = stream.read(&mut heard) => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
            }
            _ = manner.changed() => return,
        }
    }
}

/// Carries datagrams of one client to and fro, or swallows them.
async fn pass(udp: UdpSocket, server: SocketAddr, lets: watch::Receiver<bool>) {
    let behind = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    behind.connect(server).await.unwrap();
    let (mut bytes, mut answer) = (vec![0; 2048], vec![0; 2048]);
    let mut client = None;
    loop {
        tokio::select! {
            Ok((len, from)) = udp.recv_from(&mut bytes) => {
                client = Some(from);
                if *lets.borrow() {
                    let _ = behind.send(&bytes[..len]).await;
                }
            }
            Ok(len) = behind.recv(&mut answer) => {
                if let Some(client) = client {
                    let _ = udp.send_to(&answer[..len], client).await;
                }
            }
        }
    }
}

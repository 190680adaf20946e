//! A way to a server's media threads that can be cut.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use hst_signal::{ConnectError, RecvEnd, SignalConnection, SignalReceiver, SignalTransport};
use tokio::{net::UdpSocket, task::JoinHandle};

/// Carries datagrams to and fro as a router with an address translation does: each address of a client has another one
/// at the server's side. It ends when it is dropped.
#[derive(Debug)]
pub struct Path {
    /// What a candidate of the server looks like, and what it must look like to lead over this path.
    pub detour: [String; 2],
    flows: Flows,
    task: JoinHandle<()>,
}

/// Each client's address with the task that carries its answers back; none when it was cut off.
type Flows = Arc<Mutex<HashMap<SocketAddr, Option<Flow>>>>;

#[derive(Debug)]
struct Flow {
    to_server: Arc<UdpSocket>,
    answers: JoinHandle<()>,
}

impl Path {
    /// A path to the media thread at this address.
    pub async fn to(server: SocketAddr) -> Self {
        let entrance = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
        let detour = detour(server, entrance.local_addr().unwrap());
        let flows = Flows::default();
        let task = tokio::spawn(carry(entrance, server, flows.clone()));
        Self { detour, flows, task }
    }

    /// Signalling whose answers lead media over this path.
    pub fn lead(&self, transport: Arc<dyn SignalTransport>) -> Arc<dyn SignalTransport> {
        rewriting(transport, vec![self.detour.clone()])
    }

    /// Loses, from now on and for ever, everything from and to the addresses of clients that it has carried so far, as
    /// when a host has come into another network. What comes from other addresses passes.
    pub fn cut(&self) {
        for flow in self.flows.lock().unwrap().values_mut() {
            if let Some(flow) = flow.take() {
                flow.answers.abort();
            }
        }
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

/// Signalling in which everything that the server says reads otherwise: the first of each two is the second.
pub fn rewriting(transport: Arc<dyn SignalTransport>, changes: Vec<[String; 2]>) -> Arc<dyn SignalTransport> {
    Arc::new(Rewriting { transport, changes })
}

/// What a candidate with the first address looks like, and what one with the second does.
pub fn detour(from: SocketAddr, to: SocketAddr) -> [String; 2] {
    [from, to].map(|at| format!("{} {} typ host", at.ip(), at.port()))
}

#[derive(Debug)]
struct Rewriting {
    transport: Arc<dyn SignalTransport>,
    changes: Vec<[String; 2]>,
}

#[async_trait]
impl SignalTransport for Rewriting {
    async fn connect(&self, url: &str) -> Result<SignalConnection, ConnectError> {
        let mut connection = self.transport.connect(url).await?;
        connection.receiver = Box::new(RewritingReceiver {
            receiver: connection.receiver,
            changes: self.changes.clone(),
        });
        Ok(connection)
    }
}

#[derive(Debug)]
struct RewritingReceiver {
    receiver: Box<dyn SignalReceiver>,
    changes: Vec<[String; 2]>,
}

#[async_trait]
impl SignalReceiver for RewritingReceiver {
    async fn recv(&mut self) -> Result<Bytes, RecvEnd> {
        let frame = self.receiver.recv().await?;
        let text = String::from_utf8(frame.into()).unwrap();
        let changed = self
            .changes
            .iter()
            .fold(text, |text, [from, to]| text.replace(from, to));
        Ok(changed.into())
    }

    fn limit_frames(&mut self, max_frame: usize) {
        self.receiver.limit_frames(max_frame);
    }
}

async fn carry(entrance: Arc<UdpSocket>, server: SocketAddr, flows: Flows) {
    let mut buffer = vec![0; 2048];
    loop {
        let Ok((len, client)) = entrance.recv_from(&mut buffer).await else {
            continue;
        };
        let known = flows
            .lock()
            .unwrap()
            .get(&client)
            .map(|flow| flow.as_ref().map(|it| it.to_server.clone()));
        let to_server = match known {
            Some(Some(to_server)) => to_server,
            // It was cut off.
            Some(None) => continue,
            None => {
                let to_server = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
                to_server.connect(server).await.unwrap();
                let answers = tokio::spawn(carry_back(entrance.clone(), to_server.clone(), client));
                let flow = Flow {
                    to_server: to_server.clone(),
                    answers,
                };
                flows.lock().unwrap().insert(client, Some(flow));
                to_server
            }
        };
        // What the kernel does not take is lost, as any datagram may be.
        let _ = to_server.send(&buffer[..len]).await;
    }
}

async fn carry_back(entrance: Arc<UdpSocket>, to_server: Arc<UdpSocket>, client: SocketAddr) {
    let mut buffer = vec![0; 2048];
    loop {
        if let Ok(len) = to_server.recv(&mut buffer).await {
            let _ = entrance.send_to(&buffer[..len], client).await;
        }
    }
}

//! A relay on sockets of loopback, over UDP, TCP and TLS.

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use hst_media::IceServer;
use hst_turn::{AllocationId, Client, Credentials, Output, Peers, Relay, Secret, Unframer};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, crypto::aws_lc_rs::default_provider, pki_types::PrivateKeyDer,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    net::{TcpListener, UdpSocket},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

/// Of what has come and was not looked at.
const CAPACITY: usize = 256;

pub(crate) struct TestRelay {
    pub(crate) udp: String,
    pub(crate) tcp: String,
    pub(crate) tls: String,
    /// What trusts its certificate.
    pub(crate) trust: Arc<ClientConfig>,
    credentials: Credentials,
    allocations: watch::Receiver<usize>,
    cut: watch::Sender<()>,
    tasks: Vec<JoinHandle<()>>,
}

enum Arrival {
    Came(Client, mpsc::Sender<Vec<u8>>),
    Said(Client, Vec<u8>),
    Gone(Client),
    Peer(AllocationId, SocketAddr, Vec<u8>),
}

impl TestRelay {
    /// One that leads to the second address, which clients know as the first.
    pub(crate) async fn to(known: SocketAddr, place: SocketAddr) -> Self {
        let mut peers = Peers::default();
        assert!(peers.permit(known, place));
        let now = Instant::now().into_std();
        let relay = Relay::new(now, 1_700_000_000, Secret::random(), peers, |_| true);
        let credentials = relay.credentials(now, "ann");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let udp = format!("turn:{}?transport=udp", socket.local_addr().unwrap());
        let (arrivals, arrived) = mpsc::channel(CAPACITY);
        let (count, allocations) = watch::channel(0);

        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let mut trusted = RootCertStore::empty();
        trusted.add(made.cert.der().clone()).unwrap();
        let trust = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();

        let cut = watch::Sender::new(());
        let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let secret = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self {
            udp,
            tcp: format!("turn:{}?transport=tcp", plain.local_addr().unwrap()),
            tls: format!("turns:{}?transport=tcp", secret.local_addr().unwrap()),
            trust: Arc::new(trust),
            credentials,
            allocations,
            tasks: vec![
                tokio::spawn(run(relay, socket, arrivals.clone(), arrived, count)),
                tokio::spawn(listen(plain, None, arrivals.clone(), cut.subscribe())),
                tokio::spawn(listen(
                    secret,
                    Some(TlsAcceptor::from(Arc::new(tls))),
                    arrivals,
                    cut.subscribe(),
                )),
            ],
            cut,
        }
    }

    pub(crate) fn server(&self, url: &str) -> IceServer {
        IceServer {
            urls: vec![url.to_owned()],
            username: self.credentials.username.clone(),
            credential: self.credentials.password.clone(),
        }
    }

    /// Ends all its connections.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(());
    }

    /// Waits until it has so many allocations.
    pub(crate) async fn has(&self, allocations: usize) {
        self.allocations
            .clone()
            .wait_for(|it| *it == allocations)
            .await
            .unwrap();
    }
}

impl Drop for TestRelay {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn listen(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    arrivals: mpsc::Sender<Arrival>,
    cut: watch::Receiver<()>,
) {
    loop {
        let (stream, addr) = listener.accept().await.unwrap();
        let stream_number = u64::from(addr.port()) + if tls.is_some() { 1 << 16 } else { 0 };
        let client = Client {
            addr,
            stream: Some(stream_number),
        };
        let (tls, arrivals, mut cut) = (tls.clone(), arrivals.clone(), cut.clone());
        tokio::spawn(async move {
            let serving = async {
                match tls {
                    None => serve(stream, client, arrivals).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, client, arrivals).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = serving => {}
                _ = cut.changed() => {}
            }
        });
    }
}

async fn serve<S: AsyncRead + AsyncWrite>(stream: S, client: Client, arrivals: mpsc::Sender<Arrival>) {
    let (mut reader, mut writer) = split(stream);
    let (replies, mut queue) = mpsc::channel::<Vec<u8>>(CAPACITY);
    let _ = arrivals.send(Arrival::Came(client, replies)).await;
    let (mut unframer, mut bytes) = (Unframer::default(), vec![0; 4096]);
    loop {
        tokio::select! {
            read = reader.read(&mut bytes) => match read {
                Ok(len @ 1..) => unframer.push(&bytes[..len]),
                _ => break,
            },
            reply = queue.recv() => {
                let Some(reply) = reply else { break };
                if writer.write_all(&reply).await.is_err() || writer.flush().await.is_err() {
                    break;
                }
            }
        }
        while let Some(message) = unframer.next_message().unwrap() {
            let _ = arrivals.send(Arrival::Said(client, message.to_vec())).await;
        }
    }
    let _ = arrivals.send(Arrival::Gone(client)).await;
}

async fn run(
    mut relay: Relay,
    udp: UdpSocket,
    arrivals: mpsc::Sender<Arrival>,
    mut arrived: mpsc::Receiver<Arrival>,
    count: watch::Sender<usize>,
) {
    let mut streams: HashMap<Client, mpsc::Sender<Vec<u8>>> = HashMap::new();
    let mut sockets: HashMap<AllocationId, (Arc<UdpSocket>, JoinHandle<()>)> = HashMap::new();
    let mut bytes = vec![0; 2048];
    loop {
        tokio::select! {
            arrival = arrived.recv() => {
                let now = Instant::now().into_std();
                match arrival.unwrap() {
                    Arrival::Came(client, replies) => _ = streams.insert(client, replies),
                    Arrival::Said(client, message) => relay.handle_client(now, client, &message),
                    Arrival::Gone(client) => {
                        streams.remove(&client);
                        relay.handle_gone(client);
                    }
                    Arrival::Peer(allocation, from, data) => relay.handle_peer(now, allocation, from, &data),
                }
            }
            Ok((len, addr)) = udp.recv_from(&mut bytes) => {
                relay.handle_client(Instant::now().into_std(), Client { addr, stream: None }, &bytes[..len]);
            }
        }
        while let Some(output) = relay.poll_output() {
            match output {
                Output::Reply { client, bytes } => match streams.get(&client) {
                    Some(stream) => _ = stream.try_send(bytes),
                    None => _ = udp.send_to(&bytes, client.addr).await,
                },
                Output::Open { allocation, .. } => {
                    let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
                    let relayed = socket.local_addr().ok();
                    let reading = tokio::spawn(read(allocation, socket.clone(), arrivals.clone()));
                    sockets.insert(allocation, (socket, reading));
                    relay.handle_opened(Instant::now().into_std(), allocation, relayed);
                }
                Output::Forward { allocation, to, data } => _ = sockets[&allocation].0.send_to(&data, to).await,
                Output::Close { allocation } => {
                    if let Some((_, reading)) = sockets.remove(&allocation) {
                        reading.abort();
                    }
                }
            }
        }
        count.send_replace(relay.allocations());
    }
}

async fn read(allocation: AllocationId, socket: Arc<UdpSocket>, arrivals: mpsc::Sender<Arrival>) {
    let mut bytes = vec![0; 2048];
    while let Ok((len, from)) = socket.recv_from(&mut bytes).await {
        let _ = arrivals
            .send(Arrival::Peer(allocation, from, bytes[..len].to_vec()))
            .await;
    }
}

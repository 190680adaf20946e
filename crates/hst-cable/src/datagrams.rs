use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::{net::UdpSocket, sync::mpsc, task::JoinSet, time::Instant};

use crate::cable::{Core, until};

/// The datagrams of one direction of a client that are on their way; when it is full, more are lost.
const DATAGRAMS: usize = 4096;
/// The most bytes of a datagram.
const DATAGRAM: usize = 2048;

/// Carries datagrams as a router with an address translation does: each address of a client has another one at the
/// server's side.
pub(crate) async fn carry(entrance: UdpSocket, server: SocketAddr, cable: Core) {
    let entrance = Arc::new(entrance);
    let mut clients = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut buffer = [0; DATAGRAM];
    loop {
        let Ok((len, client)) = entrance.recv_from(&mut buffer).await else {
            continue;
        };
        let lane = match clients.get_mut(&client) {
            Some(lane) => lane,
            None => {
                // Without a socket it is as if the datagram had been lost.
                let Ok(exit) = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await else {
                    continue;
                };
                let exit = Arc::new(exit);
                let forth = Lane::open(&mut tasks, exit.clone(), server, cable.clone());
                let back = Lane::open(&mut tasks, entrance.clone(), client, cable.clone());
                tasks.spawn(carry_back(exit, back));
                clients.entry(client).or_insert(forth)
            }
        };
        lane.put(&buffer[..len]);
    }
}

async fn carry_back(exit: Arc<UdpSocket>, mut lane: Lane) {
    let mut buffer = [0; DATAGRAM];
    loop {
        if let Ok((len, _)) = exit.recv_from(&mut buffer).await {
            lane.put(&buffer[..len]);
        }
    }
}

/// One direction of what a client sends and gets.
struct Lane {
    cable: Core,
    dice: StdRng,
    put: mpsc::Sender<(Instant, Vec<u8>)>,
}

impl Lane {
    fn open(tasks: &mut JoinSet<()>, exit: Arc<UdpSocket>, to: SocketAddr, cable: Core) -> Self {
        let (put, mut datagrams) = mpsc::channel::<(Instant, Vec<u8>)>(DATAGRAMS);
        let lane = Self {
            cable: cable.clone(),
            dice: StdRng::seed_from_u64(cable.loss.seed),
            put,
        };
        tasks.spawn(async move {
            while let Some((due, datagram)) = datagrams.recv().await {
                until(due).await;
                if cable.is_whole() {
                    // What the system does not take is lost, as any datagram may be.
                    let _ = exit.send_to(&datagram, to).await;
                }
            }
        });
        lane
    }

    fn put(&mut self, datagram: &[u8]) {
        if self.dice.random_bool(self.cable.loss.rate) {
            return;
        }
        let due = Instant::now() + self.cable.one_way;
        let _ = self.put.try_send((due, datagram.to_vec()));
    }
}

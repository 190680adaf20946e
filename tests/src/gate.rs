//! A way to a server's HTTP and signalling that can be shut.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Carries TCP connections to a server, which may be another one later. It ends when it is dropped.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    /// To whom it leads; nobody when it is shut.
    leads_to: watch::Sender<Option<SocketAddr>>,
    turned_away: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Gate {
    /// An open gate to the server at this address.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let leads_to = watch::Sender::new(Some(server));
        let (turn_away, turned_away) = watch::channel(0);
        let task = tokio::spawn(keep(listener, leads_to.subscribe(), turn_away));
        Self {
            address,
            leads_to,
            turned_away,
            task,
        }
    }

    /// Where it stands.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections, and turns away who comes, until it is opened.
    pub fn shut(&self) {
        self.leads_to.send_replace(None);
    }

    /// Leads to the server at this address from now on. Connections that there are end.
    pub fn open(&self, server: SocketAddr) {
        self.leads_to.send_replace(Some(server));
    }

    /// Waits until so many have been turned away in all.
    pub async fn turned_away(&self, count: usize) {
        self.turned_away
            .clone()
            .wait_for(|so_far| *so_far >= count)
            .await
            .unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(listener: TcpListener, leads_to: watch::Receiver<Option<SocketAddr>>, turn_away: watch::Sender<usize>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let mut leads_to = leads_to.clone();
        let server = *leads_to.borrow_and_update();
        match server {
            Some(server) => drop(tokio::spawn(carry(client, server, leads_to))),
            None => {
                drop(client);
                turn_away.send_modify(|count| *count += 1);
            }
        }
    }
}

/// Carries one connection until either end closes it, or the gate leads elsewhere or is gone.
async fn carry(mut client: TcpStream, server: SocketAddr, mut leads_to: watch::Receiver<Option<SocketAddr>>) {
    // A server that is not there is a connection that ends at once.
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = leads_to.changed() => {}
    }
}

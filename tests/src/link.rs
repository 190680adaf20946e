//! A cable to a server, which can be cut and mended, and on which everything takes its time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod datagrams;
mod streams;

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use hst_server::RunningServer;
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::watch,
    task::JoinSet,
};

use crate::path::detour;

/// Carries everything between clients and one server: HTTP and signalling (TCP), and media (UDP). It ends when it is
/// dropped.
#[derive(Debug)]
pub struct Link {
    /// What a candidate of the server looks like, and what it must look like to lead over this link.
    pub detour: [String; 2],
    address: SocketAddr,
    is_whole: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

/// What both kinds of traffic have to go through.
#[derive(Debug, Clone)]
struct Cable {
    is_whole: watch::Receiver<bool>,
    /// How long it takes to the other end.
    one_way: Duration,
}

impl Link {
    /// A link to this server, which has one media thread. Its round trip is twice the given time, and up to 2 ms more,
    /// the grain of the timers.
    pub async fn to(server: &RunningServer, one_way: Duration) -> Self {
        let addresses = server.addresses();
        let (http, media) = (addresses.http.unwrap(), addresses.media[0]);
        assert_eq!(addresses.media.len(), 1, "a link leads to one media thread");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let entrance = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let detour = detour(media, entrance.local_addr().unwrap());
        let is_whole = watch::Sender::new(true);
        let cable = Cable {
            is_whole: is_whole.subscribe(),
            one_way,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(streams::carry(listener, http, cable.clone()));
        tasks.spawn(datagrams::carry(entrance, media, cable));
        Self {
            detour,
            address,
            is_whole,
            _tasks: tasks,
        }
    }

    /// Where clients find the server's HTTP and signalling.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets nothing through any more. Nobody is told: datagrams are lost, and connections stand still.
    pub fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    /// Carries again. Connections go on where they stood, as those do whose ends repeat what was not confirmed.
    pub fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}

impl Cable {
    fn is_whole(&self) -> bool {
        *self.is_whole.borrow()
    }

    /// Waits until something may pass.
    async fn whole(&mut self) {
        // Where the link is gone, this task is about to end as well.
        let _ = self.is_whole.wait_for(|is_whole| *is_whole).await;
    }
}

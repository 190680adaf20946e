use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    net::{TcpListener, UdpSocket},
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{datagrams, streams};

/// A cable between clients and servers. It ends when it is dropped.
#[derive(Debug)]
pub struct Cable {
    one_way: Duration,
    loss: Loss,
    is_whole: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// What everything on the cable has to go through.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    is_whole: watch::Receiver<bool>,
    /// How long it takes to the other end.
    pub(crate) one_way: Duration,
    pub(crate) loss: Loss,
}

/// Which datagrams are lost on a cable that is whole.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Loss {
    /// The share of them.
    pub(crate) rate: f64,
    pub(crate) seed: u64,
}

impl Cable {
    /// A cable whose round trip is twice this time.
    pub fn new(one_way: Duration) -> Self {
        Self {
            one_way,
            loss: Loss::default(),
            is_whole: watch::Sender::new(true),
            tasks: JoinSet::new(),
        }
    }

    /// Loses this share of the datagrams, by dice that fall the same for the same seed.
    #[must_use]
    pub fn with_loss(self, rate: f64, seed: u64) -> Self {
        Self {
            loss: Loss { rate, seed },
            ..self
        }
    }

    /// Lays it to a server for TCP; returns the address at which clients find it on this host.
    ///
    /// # Errors
    /// There is no socket.
    pub async fn carry_streams(&mut self, server: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let entrance = listener.local_addr()?;
        self.tasks.spawn(streams::carry(listener, server, self.core()));
        Ok(entrance)
    }

    /// Lays it to a server for UDP; returns the address at which clients find it on this host.
    ///
    /// # Errors
    /// There is no socket.
    pub async fn carry_datagrams(&mut self, server: SocketAddr) -> io::Result<SocketAddr> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let entrance = socket.local_addr()?;
        self.tasks.spawn(datagrams::carry(socket, server, self.core()));
        Ok(entrance)
    }

    /// Lets nothing through any more. Nobody is told: datagrams are lost, and connections stand still.
    pub fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    /// Carries again. Connections go on where they stood, as those do whose ends repeat what was not confirmed.
    pub fn mend(&self) {
        self.is_whole.send_replace(true);
    }

    fn core(&self) -> Core {
        Core {
            is_whole: self.is_whole.subscribe(),
            one_way: self.one_way,
            loss: self.loss,
        }
    }
}

/// Waits for a moment; not at all where it is over, which the grain of the timers would make a millisecond.
pub(crate) async fn until(due: Instant) {
    if due > Instant::now() {
        sleep_until(due).await;
    }
}

impl Core {
    pub(crate) fn is_whole(&self) -> bool {
        *self.is_whole.borrow()
    }

    /// Waits until something may pass.
    pub(crate) async fn whole(&mut self) {
        // Where the cable is gone, this task is about to end as well.
        let _ = self.is_whole.wait_for(|is_whole| *is_whole).await;
    }
}

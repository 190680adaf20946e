use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use hst_signal::{ConnectError, RecvEnd, SignalTransport};

use crate::{
    connection::{Connection, Stuck},
    race::{Answered, race},
};

/// The way to the signalling service.
#[derive(Default)]
pub(crate) struct Link {
    way: Way,
    /// The address that answered last: it is tried first the next time.
    favourite: Option<String>,
    /// Where the session is by the server's word: tried alone at first, and before all others from then on.
    followed: Vec<String>,
    follows: bool,
}

#[derive(Default)]
enum Way {
    #[default]
    Down,
    /// Being made; what is to be sent first waits, which is no more than a login.
    Connecting(Connecting, Vec<Bytes>),
    Up(Connection),
}

type Connecting = Pin<Box<dyn Future<Output = Result<Answered, ConnectError>> + Send>>;

/// What happens on the way.
pub(crate) enum LinkNews {
    /// It is made, or cannot be.
    Connected(Result<(), ConnectError>),
    Frame(Bytes),
    Ended(RecvEnd),
}

impl Link {
    /// Begins to make it, to the address that answers first, in place of the one there is.
    pub(crate) fn connect(&mut self, transport: Arc<dyn SignalTransport>, addresses: &[String]) {
        let mut addresses = addresses.to_vec();
        // The others keep their order.
        addresses.sort_by_key(|address| Some(address) != self.favourite.as_ref());
        let others = match std::mem::take(&mut self.follows) {
            true => Vec::new(),
            false => addresses,
        };
        let is_new = |address: &String| !self.followed.contains(address);
        let others: Vec<_> = others.into_iter().filter(is_new).collect();
        let addresses = self.followed.iter().cloned().chain(others).collect();
        self.close();
        self.way = Way::Connecting(Box::pin(race(transport, addresses)), Vec::new());
    }

    /// The session is at these addresses. An empty list says nothing.
    pub(crate) fn follow(&mut self, addresses: Vec<String>) {
        self.favourite = None;
        self.follows = !addresses.is_empty();
        self.followed = addresses;
    }

    /// The next thing that happens; pending while it is down. Cancel-safe.
    pub(crate) async fn next(&mut self) -> LinkNews {
        match &mut self.way {
            Way::Down => std::future::pending().await,
            Way::Connecting(connecting, _) => {
                let result = connecting.await;
                LinkNews::Connected(self.connected(result))
            }
            Way::Up(connection) => match connection.recv().await {
                Ok(frame) => LinkNews::Frame(frame),
                Err(end) => LinkNews::Ended(end),
            },
        }
    }

    /// Sends a frame, or keeps it until the way is made; never waits.
    pub(crate) fn send(&mut self, frame: Bytes) -> Result<(), Stuck> {
        match &mut self.way {
            Way::Down => Ok(()),
            Way::Connecting(_, unsent) => {
                unsent.push(frame);
                Ok(())
            }
            Way::Up(connection) => connection.send(frame).inspect_err(|_| self.close()),
        }
    }

    /// Ends it; what is queued still goes out.
    pub(crate) fn close(&mut self) {
        if let Way::Up(connection) = std::mem::take(&mut self.way) {
            connection.close();
        }
    }

    fn connected(&mut self, result: Result<Answered, ConnectError>) -> Result<(), ConnectError> {
        let Way::Connecting(_, unsent) = std::mem::take(&mut self.way) else {
            return Ok(());
        };
        let Answered { address, connection } = result.inspect_err(|_| self.favourite = None)?;
        self.favourite = Some(address);
        self.way = Way::Up(Connection::new(connection));
        for frame in unsent {
            // A fresh connection has room for a login.
            let _ = self.send(frame);
        }
        Ok(())
    }
}

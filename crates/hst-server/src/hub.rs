use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use hst_signal::{AcceptError, CloseCode, SignalConnection, SignalListener};
use tokio::time::{Duration, sleep};

use crate::{
    admission::{Admission, FRAME_BEFORE_LOGIN, Place},
    apps::Apps,
    connection::Connection,
    groups::Groups,
    life::Life,
};

/// The pause after the system could not hand over a connection, for example because too many files are open.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where all connections meet.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) apps: Apps,
    pub(crate) groups: Arc<Groups>,
    pub(crate) life: Life,
    pub(crate) admission: Arc<Admission>,
    last_session: AtomicU64,
}

impl Hub {
    pub(crate) fn new(apps: Apps, groups: Arc<Groups>, admission: Arc<Admission>, life: Life) -> Arc<Self> {
        Arc::new(Self {
            apps,
            groups,
            life,
            admission,
            last_session: AtomicU64::new(0),
        })
    }

    /// A place for one more connection of this client, if there is one.
    pub(crate) fn place(&self, client: Option<IpAddr>) -> Option<Arc<Place>> {
        self.admission.admit(client)
    }

    /// The server's name for the next session.
    pub(crate) fn next_session(&self) -> u64 {
        1 + self.last_session.fetch_add(1, Ordering::Relaxed)
    }

    /// Serves a connection in a task of its own.
    pub(crate) fn serve(self: &Arc<Self>, mut connection: SignalConnection, place: Arc<Place>) {
        connection.receiver.limit_frames(FRAME_BEFORE_LOGIN);
        self.life.spawn(Connection::serve(self.clone(), connection, place));
    }

    /// Serves whoever a listener accepts, until the server ends.
    pub(crate) async fn listen(self: Arc<Self>, mut listener: Box<dyn SignalListener>) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.life.draining() => return,
            };
            match accepted {
                Ok(connection) => match self.place(connection.peer.map(|peer| peer.ip())) {
                    Some(place) => self.serve(connection, place),
                    None => self.refuse(connection),
                },
                Err(error @ AcceptError::Io(_)) => {
                    tracing::warn!(%error);
                    sleep(ACCEPT_PAUSE).await;
                }
                Err(error) => return tracing::error!(%error, ?listener, "a listener has ended"),
            }
        }
    }

    fn refuse(&self, mut connection: SignalConnection) {
        self.life
            .spawn(async move { connection.sender.close(CloseCode::Overloaded.into()).await });
    }
}

//! The least that a server can do: whatever one connection says is said to all others. No sessions, no groups, no
//! numbers; what a real server costs more than this is what its promises cost.

use std::{
    env,
    io::{self, Write as _},
    time::Duration,
};

use bytes::Bytes;
use hst_rtc::{
    signal::{Limits, SignalConnection, SignalListener as _, SignalTransport as _},
    signal_ws::{WsListener, WsTransport},
};
use serde_json::json;
use tokio::{sync::broadcast, time::sleep};

use super::{BenchError, process::Process};

/// Messages that wait for the slowest connection; it misses the oldest when there are more.
const WAITING: usize = 1024;
/// How long to wait when the system hands over no connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// It in a process of its own.
pub(super) struct Bare {
    process: Process,
    transport: WsTransport,
}

impl Bare {
    /// Starts it.
    pub(super) async fn start() -> Result<Self, BenchError> {
        Ok(Self {
            process: Process::start(&env::current_exe()?, &["bench", "bare"]).await?,
            transport: WsTransport::new(Limits::default()),
        })
    }

    /// One more connection to it.
    pub(super) async fn connect(&self) -> Result<SignalConnection, BenchError> {
        let url = format!("ws://{}/", self.process.address());
        Ok(self.transport.connect(&url).await?)
    }

    /// Its process; `None` when it is over.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.pid()
    }
}

/// Serves until the process is ended.
pub(super) async fn serve() -> Result<(), BenchError> {
    let mut listener = WsListener::bind("127.0.0.1:0", Limits::default()).await?;
    let ready = json!({ "ready": { "http": listener.local_addr()? } });
    writeln!(io::stdout(), "{ready}")?;
    let (all, _) = broadcast::channel(WAITING);
    for id in 0.. {
        match listener.accept().await {
            Ok(connection) => drop(tokio::spawn(pass_on(id, connection, all.clone()))),
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
    Ok(())
}

async fn pass_on(id: u64, connection: SignalConnection, all: broadcast::Sender<(u64, Bytes)>) {
    let mut others = all.subscribe();
    let SignalConnection {
        mut sender,
        mut receiver,
        ..
    } = connection;
    loop {
        tokio::select! {
            frame = receiver.recv() => match frame {
                // Nobody else may be there.
                Ok(frame) => drop(all.send((id, frame))),
                Err(_) => return,
            },
            said = others.recv() => match said {
                Ok((from, frame)) if from != id => {
                    if sender.send(frame).await.is_err() {
                        return;
                    }
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}

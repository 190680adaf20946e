use std::{sync::Arc, time::Duration};

use hst_signal::{ConnectError, SignalConnection, SignalTransport};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::debug;

/// How long an address has the race to itself before the next one starts (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);
/// How long one address may take to answer. So a dead gateway costs no more than this, when it comes first.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The address that answered first.
pub(crate) struct Answered {
    pub(crate) address: String,
    pub(crate) connection: SignalConnection,
}

/// Tries addresses one after the other, each with a head start before the next, and takes the one that answers first.
/// One that has failed lets the next one start at once.
///
/// Dropped half-way, all tries end.
pub(crate) async fn race(
    transport: Arc<dyn SignalTransport>,
    addresses: Vec<String>,
) -> Result<Answered, ConnectError> {
    let mut tries = JoinSet::new();
    let mut last = ConnectError::Unsupported;
    let mut addresses = addresses.into_iter();
    let mut may_start = true;
    loop {
        if std::mem::take(&mut may_start)
            && let Some(address) = addresses.next()
        {
            tries.spawn(attempt(transport.clone(), address));
        }
        let has_more = addresses.len() > 0;
        tokio::select! {
            ended = tries.join_next() => match ended {
                Some(Ok(Ok(answered))) => return Ok(answered),
                Some(Ok(Err(error))) => {
                    last = error;
                    may_start = true;
                }
                // A transport of somebody else's that has panicked.
                Some(Err(_)) => may_start = true,
                None if has_more => may_start = true,
                None => return Err(last),
            },
            () = sleep(HEAD_START), if has_more => may_start = true,
        }
    }
}

async fn attempt(transport: Arc<dyn SignalTransport>, address: String) -> Result<Answered, ConnectError> {
    let connected = timeout(CONNECT_TIMEOUT, transport.connect(&address)).await;
    match connected.unwrap_or(Err(ConnectError::Timeout)) {
        Ok(connection) => Ok(Answered { address, connection }),
        Err(error) => {
            debug!(address, %error, "this address does not answer");
            Err(error)
        }
    }
}

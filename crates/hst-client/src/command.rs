use std::{sync::Arc, time::Instant};

use hst_access::AccessDiscovery;
use hst_e2ee::GroupKey;
use hst_group::client::{LoginOptions, Refusal, Session};
use hst_id::{MediaId, MediaRef, MediaType};
use hst_media::MediaSource;
use hst_proto::{Reply, RequestId};
use tokio::sync::oneshot;

use crate::{Error, MediaStats, RemoteMedia};

/// Where the outcome of a call goes; the caller may have given up.
pub(crate) type Outcome<T> = oneshot::Sender<Result<T, Error>>;

/// A request of the state machine.
pub(crate) type Ask = Box<dyn FnOnce(&mut Session, Instant) -> Result<RequestId, Refusal> + Send>;

/// What is to become of the key of end-to-end encryption.
pub(crate) enum KeyChange {
    Set(u8, GroupKey),
    Ratchet,
    Exchange,
    End,
}

/// What an application asks of the driver.
pub(crate) enum Command {
    Init {
        access: Arc<dyn AccessDiscovery>,
        outcome: Outcome<Reply>,
    },
    Login {
        options: LoginOptions,
        outcome: Outcome<Reply>,
    },
    Prepare {
        group: String,
        outcome: Outcome<Reply>,
    },
    Join {
        group: String,
        /// What to receive at once, and where to.
        receives: Vec<(MediaRef, Outcome<RemoteMedia>)>,
        outcome: Outcome<Reply>,
    },
    Leave {
        outcome: Outcome<Reply>,
    },
    Exit {
        outcome: Outcome<Reply>,
    },
    Publish {
        media_type: MediaType,
        media: MediaId,
        source: Box<dyn MediaSource>,
        outcome: Outcome<()>,
    },
    StopPublish {
        media_type: MediaType,
        media: MediaId,
        outcome: Outcome<Reply>,
    },
    Receive {
        key: MediaRef,
        outcome: Outcome<RemoteMedia>,
    },
    StopReceive {
        key: MediaRef,
        outcome: Outcome<Reply>,
    },
    /// A request that the session makes of the state machine and that needs nothing else of the driver.
    Ask {
        ask: Ask,
        outcome: Outcome<Reply>,
    },
    Encrypt {
        change: KeyChange,
        outcome: Outcome<u8>,
    },
    Stats {
        outcome: Outcome<Vec<MediaStats>>,
    },
    MeasureLevels {
        on: bool,
        outcome: Outcome<()>,
    },
}

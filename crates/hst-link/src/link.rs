use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use quinn::SendStream;

use crate::{
    CloseCode, CloseReason, Closed, DatagramReceiver, DatagramSender, Figures, FrameReceiver, FrameSender, NodeName,
    closing::End, frames::Incoming, registry::Registry,
};

/// A link that stands: its halves, each for whoever needs it. It ends when all of them are dropped, with the handle.
#[derive(Debug)]
#[non_exhaustive]
pub struct Link {
    /// Sends datagrams.
    pub datagram_sender: DatagramSender,
    /// Receives datagrams.
    pub datagram_receiver: DatagramReceiver,
    /// Sends frames.
    pub frame_sender: FrameSender,
    /// Receives frames.
    pub frame_receiver: FrameReceiver,
    /// Knows the peer and the figures, and closes the link.
    pub handle: Handle,
}

/// Who is at the other end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its name, which its certificate proves.
    pub name: NodeName,
    /// Its life, as it says.
    pub epoch: u64,
    /// The version that both speak on this link.
    pub version: u16,
    /// Where it was when the link came to stand.
    pub address: SocketAddr,
}

/// A link from outside: who is there, how it does, and its end.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Core>);

/// What all parts of a link hold.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) end: Arc<End>,
    pub(crate) datagrams_offered: AtomicU64,
    pub(crate) datagrams_taken: AtomicU64,
    peer: Peer,
    registry: Arc<Registry>,
}

impl Drop for Core {
    fn drop(&mut self) {
        self.registry.leave(&self.peer.name, &self.end);
        self.end.close(CloseReason::new(CloseCode::Dropped, ""));
    }
}

impl Link {
    /// Of a connection that was entered.
    pub(crate) fn new(
        end: Arc<End>,
        peer: Peer,
        (send, incoming): (SendStream, Incoming),
        registry: Arc<Registry>,
    ) -> Self {
        let core = Arc::new(Core {
            end,
            datagrams_offered: AtomicU64::new(0),
            datagrams_taken: AtomicU64::new(0),
            peer,
            registry,
        });
        Self {
            datagram_sender: DatagramSender::new(core.clone()),
            datagram_receiver: DatagramReceiver::new(core.clone()),
            frame_sender: FrameSender::new(core.clone(), send),
            frame_receiver: FrameReceiver::new(core.clone(), incoming),
            handle: Handle(core),
        }
    }
}

impl Handle {
    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// Closes the link at once; what the peer has not got yet is lost ([`FrameSender::finish`] waits for it). The first
    /// reason counts.
    pub fn close(&self, reason: CloseReason) {
        self.0.end.close(reason);
    }

    /// Waits until the link has ended, and says how. Cancel-safe.
    pub async fn closed(&self) -> Closed {
        self.0.end.closed().await
    }

    /// What the link has carried.
    pub fn figures(&self) -> Figures {
        let stats = self.0.end.connection.stats();
        Figures {
            round_trip: stats.path.rtt,
            datagrams_offered: self.0.datagrams_offered.load(Relaxed),
            datagrams_sent: stats.frame_tx.datagram,
            datagram_space: self.0.end.connection.datagram_send_buffer_space() as u64,
            datagrams_arrived: stats.frame_rx.datagram,
            datagrams_taken: self.0.datagrams_taken.load(Relaxed),
            packets_sent: stats.path.sent_packets,
            packets_lost: stats.path.lost_packets,
            bytes_sent: stats.udp_tx.bytes,
            bytes_received: stats.udp_rx.bytes,
        }
    }
}

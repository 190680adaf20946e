//! A process that can be made to hang: whatever it says and hears waits.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use hst_cluster::{
    Bus, Delivery, Directory, Entry, Filter, Key, Prefix, RequestError, Revision, Subject, Subscription, Unavailable,
    Watch, WatchEvent, WriteError,
    simulated::{Dice, SimulatedNode},
};
use hst_signal::{
    AcceptError, CloseReason, RecvEnd, SendError, SignalConnection, SignalListener, SignalReceiver, SignalSender,
    memory::MemoryListener,
};
use tokio::sync::Notify;

/// Of a thousand words between groups on different nodes so many are said twice: their pipes promise to bear that.
const DOUBLED: u32 = 20;

/// Shut while the process hangs. A clone is the same gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    is_shut: Arc<AtomicBool>,
    opened: Arc<Notify>,
}

impl Gate {
    pub(crate) fn shut(&self) {
        self.is_shut.store(true, Ordering::Relaxed);
    }

    pub(crate) fn open(&self) {
        self.is_shut.store(false, Ordering::Relaxed);
        self.opened.notify_waiters();
    }

    /// Waits until it is open. Cancel-safe.
    async fn pass(&self) {
        loop {
            // It hears what is said from here on, also before it is awaited.
            let opened = self.opened.notified();
            if !self.is_shut.load(Ordering::Relaxed) {
                return;
            }
            opened.await;
        }
    }

    /// What was done behind the gate is known once it is open.
    async fn through<T>(&self, done: impl Future<Output = T>) -> T {
        self.pass().await;
        let done = done.await;
        self.pass().await;
        done
    }
}

/// Directory and bus as a process sees them.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    node: SimulatedNode,
    gate: Gate,
    dice: Arc<Mutex<Dice>>,
}

impl Process {
    pub(crate) fn new(node: SimulatedNode, gate: Gate, dice: Dice) -> Self {
        let dice = Arc::new(Mutex::new(dice));
        Self { node, gate, dice }
    }
}

#[async_trait]
impl Directory for Process {
    async fn create(&self, key: &Key, value: Bytes) -> Result<Revision, WriteError> {
        let written = self.gate.through(self.node.create(key, value)).await;
        tracing::trace!(node = ?self.node, %key, ?written, "creates");
        written
    }

    async fn update(&self, key: &Key, value: Bytes, expected: Revision) -> Result<Revision, WriteError> {
        let written = self.gate.through(self.node.update(key, value, expected)).await;
        tracing::trace!(node = ?self.node, %key, ?written, "updates");
        written
    }

    async fn delete(&self, key: &Key, expected: Revision) -> Result<(), WriteError> {
        let written = self.gate.through(self.node.delete(key, expected)).await;
        tracing::trace!(node = ?self.node, %key, ?written, "deletes");
        written
    }

    async fn get(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        self.gate.through(self.node.get(key)).await
    }

    async fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Unavailable> {
        self.gate.through(self.node.list(prefix)).await
    }

    async fn watch(&self, prefix: &Prefix) -> Result<Box<dyn Watch>, Unavailable> {
        let inner = self.gate.through(self.node.watch(prefix)).await?;
        let gate = self.gate.clone();
        Ok(Box::new(Gated { inner, gate }))
    }
}

#[async_trait]
impl Bus for Process {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable> {
        self.gate.pass().await;
        let is_doubled = subject.as_str().starts_with("pipe.") && self.dice.lock().unwrap().comes_to_pass(DOUBLED);
        if is_doubled {
            self.node.publish(subject, payload.clone()).await?;
        }
        self.node.publish(subject, payload).await
    }

    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable> {
        let inner = self.gate.through(self.node.subscribe(filter)).await?;
        let gate = self.gate.clone();
        Ok(Box::new(Gated { inner, gate }))
    }

    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        self.gate.through(self.node.request(subject, payload, timeout)).await
    }
}

/// One half of something that leads in or out.
#[derive(Debug)]
struct Gated<T> {
    inner: T,
    gate: Gate,
}

#[async_trait]
impl Watch for Gated<Box<dyn Watch>> {
    async fn next(&mut self) -> WatchEvent {
        self.gate.pass().await;
        self.inner.next().await
    }
}

#[async_trait]
impl Subscription for Gated<Box<dyn Subscription>> {
    async fn next(&mut self) -> Delivery {
        self.gate.pass().await;
        self.inner.next().await
    }
}

#[async_trait]
impl SignalSender for Gated<Box<dyn SignalSender>> {
    async fn send(&mut self, frame: Bytes) -> Result<(), SendError> {
        self.gate.pass().await;
        self.inner.send(frame).await
    }

    async fn close(&mut self, reason: CloseReason) {
        self.gate.pass().await;
        self.inner.close(reason).await;
    }
}

#[async_trait]
impl SignalReceiver for Gated<Box<dyn SignalReceiver>> {
    async fn recv(&mut self) -> Result<Bytes, RecvEnd> {
        self.gate.pass().await;
        self.inner.recv().await
    }

    fn limit_frames(&mut self, max_frame: usize) {
        self.inner.limit_frames(max_frame);
    }
}

/// Where clients come to a process.
#[derive(Debug)]
pub(crate) struct Door {
    inner: MemoryListener,
    gate: Gate,
}

impl Door {
    pub(crate) fn new(inner: MemoryListener, gate: Gate) -> Self {
        Self { inner, gate }
    }
}

#[async_trait]
impl SignalListener for Door {
    async fn accept(&mut self) -> Result<SignalConnection, AcceptError> {
        self.gate.pass().await;
        let accepted = self.inner.accept().await?;
        let gate = || self.gate.clone();
        Ok(SignalConnection {
            sender: Box::new(Gated {
                inner: accepted.sender,
                gate: gate(),
            }),
            receiver: Box::new(Gated {
                inner: accepted.receiver,
                gate: gate(),
            }),
            ..accepted
        })
    }
}

//! A connection over which nothing goes any more, and that nobody has closed: the far end has vanished without a word.

use std::{future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use hst_access::{AccessPoints, StaticAccess};
use hst_rtc::{
    ClientBuilder, Event, GroupEvent, Payload, Preset, RtcEngine,
    media::memory::Hub,
    signal::{ConnectError, SignalConnection, SignalTransport},
};
use hst_signal::{CloseCode, CloseReason, RecvEnd, SendError, SignalReceiver, SignalSender};
use hst_tests::house::{Door, House, login, user};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout, timeout_at},
};

/// Within this time both ends notice: the clock of their timers has milliseconds.
const LIMIT: Duration = Duration::from_millis(15_010);

/// A way into the house that swallows everything, in both directions, for as long as it is told to.
#[derive(Debug, Clone)]
struct Way {
    inner: Arc<dyn SignalTransport>,
    swallows: watch::Receiver<bool>,
    /// How the server has closed what nobody hears of any more.
    ends: mpsc::Sender<RecvEnd>,
}

/// A half is there as long as it is not dropped.
#[derive(Debug)]
struct Sending(Option<Box<dyn SignalSender>>, Way);

#[derive(Debug)]
struct Receiving(Option<Box<dyn SignalReceiver>>, Way);

impl Way {
    fn is_open(&self) -> bool {
        !*self.swallows.borrow()
    }

    /// Swallows what the server says, up to its end.
    async fn swallow(self, mut receiver: Box<dyn SignalReceiver>) {
        let end = loop {
            if let Err(end) = receiver.recv().await {
                break end;
            }
        };
        let _ = self.ends.try_send(end);
    }
}

/// Nobody hears that a half is gone.
impl Drop for Sending {
    fn drop(&mut self) {
        let sender = self.0.take();
        if !self.1.is_open() {
            tokio::spawn(async move {
                pending::<()>().await;
                drop(sender);
            });
        }
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        if let Some(receiver) = self.0.take().filter(|_| !self.1.is_open()) {
            tokio::spawn(self.1.clone().swallow(receiver));
        }
    }
}

#[async_trait]
impl SignalTransport for Way {
    async fn connect(&self, url: &str) -> Result<SignalConnection, ConnectError> {
        if !self.is_open() {
            return Err(ConnectError::Timeout);
        }
        let connection = self.inner.connect(url).await?;
        Ok(SignalConnection {
            sender: Box::new(Sending(Some(connection.sender), self.clone())),
            receiver: Box::new(Receiving(Some(connection.receiver), self.clone())),
            ..connection
        })
    }
}

#[async_trait]
impl SignalSender for Sending {
    async fn send(&mut self, frame: Bytes) -> Result<(), SendError> {
        match self.1.is_open() {
            true => self.0.as_mut().unwrap().send(frame).await,
            false => Ok(()),
        }
    }

    async fn close(&mut self, reason: CloseReason) {
        if self.1.is_open() {
            self.0.as_mut().unwrap().close(reason).await;
        }
    }
}

#[async_trait]
impl SignalReceiver for Receiving {
    async fn recv(&mut self) -> Result<Bytes, RecvEnd> {
        let received = self.0.as_mut().unwrap().recv().await;
        match self.1.is_open() {
            true => received,
            false => pending().await,
        }
    }

    fn limit_frames(&mut self, max_frame: usize) {
        self.0.as_mut().unwrap().limit_frames(max_frame);
    }
}

#[tokio::test(start_paused = true)]
async fn s14_both_ends_of_a_half_open_connection_notice_in_15_seconds_and_no_send_succeeds_meanwhile() {
    let house = House::open(Door::Memory).await;
    let (swallow, swallows) = watch::channel(false);
    let (ends, mut ended) = mpsc::channel(8);
    let way = Way {
        inner: house.transport().clone(),
        swallows,
        ends,
    };
    let access = StaticAccess::new(AccessPoints::new(house.signal_urls().to_vec()).unwrap());
    let client = ClientBuilder::new(Arc::new(way), Arc::new(Hub::new().engine()));
    let bob = RtcEngine::with(Preset::new(Arc::new(access), client));
    let mut events = bob.events();
    bob.init(None).await.unwrap();
    bob.login(login("bob")).await.unwrap();
    bob.join_group("g").await.unwrap();
    let mut ann = house.member("ann", "g").await;
    ann.say("hello").await;

    swallow.send_replace(true);
    let cut = Instant::now();
    let mut sent = Box::pin(bob.send_group_message(Payload::text("is anybody there?")));
    let noticed = async { while events.recv().await.unwrap() != Event::Reconnecting {} };
    let (noticed, closed, unsent) = tokio::join!(
        timeout_at(cut + LIMIT, noticed),
        timeout_at(cut + LIMIT, ended.recv()),
        timeout_at(cut + LIMIT, &mut sent),
    );
    noticed.expect("the client notices");
    assert!(unsent.is_err(), "nobody has it");
    let end = closed.expect("the server lets go of the connection");
    assert_eq!(end, Some(RecvEnd::Closed(CloseCode::HeartbeatLost.into())));

    swallow.send_replace(false);
    timeout(LIMIT, sent).await.expect("the way is free again").unwrap();
    while events.recv().await.unwrap() != Event::Reconnected {}
    loop {
        match ann.event().await {
            GroupEvent::Message(message) => break assert_eq!(message.from, user("bob")),
            event => assert!(!matches!(event, GroupEvent::MemberLeft(_)), "bob was never away"),
        }
    }
}

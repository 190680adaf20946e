//! The event gateway: developers' backends follow what happens in the groups of their Apps.

mod followed;
pub(crate) mod fuzzed;
mod pages;
mod wire;

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use hst_cluster::Delivery;
use hst_id::AppId;
use hst_signal::{CloseCode, CloseReason, MAX_FRAME, SignalConnection, SignalReceiver, SignalSender};
use hst_store::DeveloperId;
use serde_json::Map;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use self::{
    followed::Followed,
    pages::Pages,
    wire::{Asked, Head, Refusal, Request, Selection},
};
use crate::{
    admin::Refused,
    admission::{FRAME_BEFORE_LOGIN, Place},
    follow::{Feed, Happened},
    hub::Hub,
    pace::Pace,
};

/// A connection that has not logged in by then is closed.
const LOGIN_DEADLINE: Duration = Duration::from_secs(10);
/// A connection that says nothing for so long is closed: a client without another request sends heartbeats.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// A client that does not make room for one frame in this time is closed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Happenings that wait for a client that reads slowly. When it is full, more wait in the Bus, and when they are too
/// many for that one, too, the oldest are dropped and a version is left out.
const HAPPENINGS: usize = 1024;
/// Apps that one connection follows at a time; more are refused.
const MAX_APPS: usize = 256;

/// One client.
struct Gateway {
    hub: Arc<Hub>,
    place: Arc<Place>,
    sender: Box<dyn SignalSender>,
    developer: Option<DeveloperId>,
    followed: Followed<JoinSet<()>>,
    happenings: mpsc::Sender<Heard>,
}

/// What the Bus says of an App.
type Heard = (AppId, Delivery);

/// Why the connection ends.
type End = CloseReason;

impl Hub {
    /// Serves a client of the event gateway, in a task of its own.
    pub(crate) fn serve_events(self: &Arc<Self>, mut connection: SignalConnection, place: Arc<Place>) {
        connection.receiver.limit_frames(FRAME_BEFORE_LOGIN);
        self.life.spawn(serve(self.clone(), connection, place));
    }
}

async fn serve(hub: Arc<Hub>, connection: SignalConnection, place: Arc<Place>) {
    let (happenings, heard) = mpsc::channel(HAPPENINGS);
    let mut gateway = Gateway {
        hub,
        place,
        sender: connection.sender,
        developer: None,
        followed: Followed::new(),
        happenings,
    };
    let reason = gateway.run(connection.receiver, heard, connection.since).await;
    tracing::debug!(%reason, "event gateway: connection ended");
    gateway.followed.clear();
    let _ = timeout(WRITE_TIMEOUT, gateway.sender.close(reason)).await;
}

impl Gateway {
    async fn run(
        &mut self,
        mut receiver: Box<dyn SignalReceiver>,
        mut heard: mpsc::Receiver<Heard>,
        accepted: Instant,
    ) -> End {
        let life = self.hub.life.clone();
        let mut pace = Pace::new(Instant::now());
        let mut last_frame = accepted;
        loop {
            let (deadline, late) = match self.developer {
                Some(_) => (last_frame + IDLE_TIMEOUT, CloseCode::HeartbeatLost.into()),
                None => (
                    accepted + LOGIN_DEADLINE,
                    CloseReason::new(CloseCode::PolicyViolation, "no login in time"),
                ),
            };
            let next_frame = pace.next();
            let waits = next_frame > Instant::now();
            let done = tokio::select! {
                frame = receiver.recv(), if !waits => match frame {
                    Ok(frame) => {
                        last_frame = Instant::now();
                        pace.count(last_frame);
                        let was_stranger = self.developer.is_none();
                        let done = self.take(&frame).await;
                        if was_stranger && self.developer.is_some() {
                            receiver.limit_frames(MAX_FRAME);
                        }
                        done
                    }
                    Err(end) => Err(end.answer().unwrap_or(CloseCode::Normal.into())),
                },
                // A client that sends too fast is read later.
                () = sleep_until(next_frame), if waits => Ok(()),
                Some((app, delivery)) = heard.recv() => self.tell(&app, delivery).await,
                () = sleep_until(deadline) => Err(late),
                () = life.draining() => Err(CloseCode::GoingAway.into()),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Does what a client asks, and says so.
    async fn take(&mut self, frame: &[u8]) -> Result<(), End> {
        let Some(Asked { head, request }) = Asked::read(frame) else {
            return Err(CloseReason::new(
                CloseCode::ProtocolError,
                "not a frame of this protocol",
            ));
        };
        let result = match request {
            Ok(Request::Login { developer, token }) => self.login(&developer, &token),
            Ok(_) if self.developer.is_none() => Err(Refusal::auth("log in first")),
            Ok(Request::Subscribe(apps)) => self.subscribe(apps).await,
            Ok(Request::Unsubscribe(Some(apps))) => self.followed.remove(&apps),
            Ok(Request::Unsubscribe(None)) => {
                self.followed.clear();
                Ok(())
            }
            Ok(Request::Sync(apps)) => match self.check(&apps) {
                Ok(()) => return self.sync(&head, apps).await,
                Err(refused) => Err(refused),
            },
            Ok(Request::Heartbeat) => return self.heartbeat(&head).await,
            Ok(Request::Logout) => {
                self.send(head.answer(&Ok(()), Map::new())).await?;
                return Err(CloseCode::Normal.into());
            }
            Err(refused) => Err(refused),
        };
        self.send(head.answer(&result, Map::new())).await
    }

    fn login(&mut self, developer: &str, token: &str) -> Result<(), Refusal> {
        if self.developer.is_some() {
            return Err(Refusal::failed("logged in already"));
        }
        let of_token = self.hub.registry.check_access_token(token);
        let Some(developer) = of_token.filter(|of_token| of_token.as_str() == developer) else {
            return Err(match self.hub.failures.count(&self.place.source()) {
                Ok(()) => Refusal::auth("the access token is not this developer's, or its time is over: get a new one"),
                Err(_) => Refusal::failed("too many wrong credentials came from this address: wait a minute"),
            });
        };
        self.developer = Some(developer);
        self.place.settle();
        Ok(())
    }

    /// Whether all of these Apps are the developer's, or the configuration's.
    fn check(&self, apps: &[Selection]) -> Result<(), Refusal> {
        for Selection { app, .. } in apps {
            let developer = self.developer.as_ref();
            if developer.is_none_or(|developer| self.hub.app_of(developer, app).is_err()) {
                return Err(Refusal::invalid(format!("there is no App {app}")));
            }
        }
        Ok(())
    }

    async fn subscribe(&mut self, apps: Vec<Selection>) -> Result<(), Refusal> {
        self.check(&apps)?;
        let new: HashSet<_> = apps.iter().map(|selection| &selection.app).collect();
        let new = new.into_iter().filter(|app| !self.followed.has(app)).count();
        if self.followed.len() + new > MAX_APPS {
            return Err(Refusal::failed(format!("no more than {MAX_APPS} Apps a connection")));
        }
        for selection in apps {
            let app = selection.app.clone();
            if self.followed.has(&app) {
                self.followed.add(selection, JoinSet::new);
                continue;
            }
            let subscription = self.hub.node.bus.subscribe(&Feed::of(&app).into()).await;
            let mut subscription = subscription.map_err(|error| Refusal::failed(format!("{error}: try again")))?;
            let happenings = self.happenings.clone();
            self.followed.add(selection, || {
                let mut listener = JoinSet::new();
                listener.spawn(async move {
                    while happenings.send((app.clone(), subscription.next().await)).await.is_ok() {}
                });
                listener
            });
        }
        Ok(())
    }

    /// Shows each App as it is now. What happens meanwhile is told afterwards, also what the client has seen here.
    async fn sync(&mut self, head: &Head, apps: Vec<Selection>) -> Result<(), End> {
        for Selection { app, groups } in apps {
            let mut pages = Pages::new(app.clone(), self.followed.version(&app));
            let groups = match groups {
                Some(groups) => groups,
                None => match self.hub.groups_of(&app).await {
                    Ok(groups) => groups,
                    Err(refused) => {
                        let refused = Err(Refusal::failed(refused.to_string()));
                        return self.send(head.answer(&refused, Map::new())).await;
                    }
                },
            };
            for group in groups {
                match self.hub.look(&app, &group).await {
                    Ok(view) => pages.add(group, &view),
                    Err(Refused::NoSuchGroup) => {}
                    Err(refused) => {
                        let refused = Err(Refusal::failed(refused.to_string()));
                        return self.send(head.answer(&refused, Map::new())).await;
                    }
                }
                while let Some(page) = pages.next_full() {
                    self.send(head.answer(&Ok(()), page)).await?;
                }
            }
            self.send(head.answer(&Ok(()), pages.last())).await?;
        }
        Ok(())
    }

    async fn heartbeat(&mut self, head: &Head) -> Result<(), End> {
        let versions = ("app_list".to_owned(), self.followed.versions());
        self.send(head.answer(&Ok(()), Map::from_iter([versions]))).await
    }

    async fn tell(&mut self, app: &AppId, delivery: Delivery) -> Result<(), End> {
        let happened = match delivery {
            Delivery::Message(message) => serde_json::from_slice::<Happened>(&message.payload).ok(),
            Delivery::Gap => None,
        };
        // What another version of the server has said is missed, too.
        let Some(happened) = happened else {
            self.followed.skip(app);
            return Ok(());
        };
        match self.followed.count(app, &happened.group) {
            Some(version) => self.send(wire::push(&happened, version)).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, frame: Bytes) -> Result<(), End> {
        match timeout(WRITE_TIMEOUT, self.sender.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(CloseCode::Normal.into()),
            Err(_) => Err(CloseCode::SlowReader.into()),
        }
    }
}

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use hst_cascade::{Cascade, Joined};
use hst_cluster::NodeId;
use hst_group::server::{MediaCommand, MemberId, TrackId, TrackLine, TrackRole};
use hst_link::NodeName;
use hst_proto::{ErrorCode, Failure, Foretold, Priority};
use hst_sfu::{PeerId, Priority as SfuPriority, TrackId as SfuTrackId};
use hst_sfu_worker::{Line, LineRole, MediaEvent, MediaPlane, OfferError, Room, RoomId, RoomStats};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Duration, Instant},
};

use crate::{group::Message, groups::Key as GroupKey, handle::SessionId, life::Life};

/// Commands that wait for a room of the media plane. When it is full, the group waits.
const COMMANDS: usize = 256;

/// For how long figures of a room are good.
const FRESH: Duration = Duration::from_secs(1);

/// The media plane, or none: groups then carry no media. A clone is the same plane.
#[derive(Debug, Clone)]
pub(crate) struct Media {
    plane: Option<Arc<MediaPlane>>,
    /// What joins rooms to those of other nodes, if there may be others.
    cascade: Arc<OnceLock<Cascade>>,
    rooms: Arc<Rooms>,
    life: Life,
}

/// Whose room is whose, for events. A lock, because groups enter and remove theirs; held for one look-up.
type Rooms = Mutex<HashMap<RoomId, mpsc::WeakSender<Message>>>;

/// A group's way to its room.
#[derive(Debug)]
pub(crate) struct RoomMedia {
    commands: Option<mpsc::Sender<Asked>>,
    figures: Option<RoomFigures>,
    /// The name by which all nodes know the group.
    name: String,
    cascade: Arc<OnceLock<Cascade>>,
}

/// The way to what flows in a room. Its media thread is asked once a second at most, however many want to know, and one
/// after the other: whoever asks at the same time waits for the same answer.
#[derive(Debug, Clone)]
pub(crate) struct RoomFigures {
    room: Room,
    last: Arc<tokio::sync::Mutex<Option<Figures>>>,
}

/// What a media thread has told, and when.
type Figures = (Instant, Arc<RoomStats>);

/// A command, for which session its answer was foretold, and where the answer to an offer goes.
type Asked = (
    MediaCommand,
    Option<SessionId>,
    oneshot::Sender<Result<String, Failure>>,
);

impl Media {
    /// No media plane.
    pub(crate) fn off(life: Life) -> Self {
        Self {
            plane: None,
            cascade: Arc::default(),
            rooms: Arc::default(),
            life,
        }
    }

    /// A running plane, whose events are told to the groups from now on.
    pub(crate) fn new(plane: MediaPlane, events: mpsc::Receiver<MediaEvent>, life: Life) -> Self {
        let rooms = Arc::default();
        life.spawn(tell(events, Arc::clone(&rooms), life.clone()));
        Self {
            plane: Some(Arc::new(plane)),
            cascade: Arc::default(),
            rooms,
            life,
        }
    }

    pub(crate) fn plane(&self) -> Option<&Arc<MediaPlane>> {
        self.plane.as_ref()
    }

    /// All who publish here are going to other nodes.
    pub(crate) fn leave(&self) {
        if let Some(plane) = &self.plane {
            plane.leave();
        }
    }

    /// How busy the plane is, in thousandths of what it can do.
    pub(crate) fn load(&self) -> u32 {
        self.plane.as_ref().map_or(0, |plane| plane.load())
    }

    /// What joins this node to others; nothing where no media cross.
    pub(crate) fn links(&self) -> Vec<hst_cascade::Figures> {
        self.cascade.get().map(Cascade::figures).unwrap_or_default()
    }

    /// Rooms are joined to those of other nodes by this from now on.
    pub(crate) fn join_by(&self, cascade: Cascade) {
        // There is one in the life of a server.
        let _ = self.cascade.set(cascade);
    }

    /// What a session may know of the answer to its first offer.
    pub(crate) fn foretell(&self, session: SessionId) -> Option<Foretold> {
        let hst_sfu_worker::Foretold {
            ufrag,
            password,
            addresses,
        } = self.plane.as_ref()?.foretell(session.0)?;
        Some(Foretold {
            ufrag,
            password,
            addresses,
        })
    }

    /// A room for a group, served by a task of its own until the group drops its end.
    pub(crate) fn open_room(&self, (app, id): &GroupKey, group: &mpsc::Sender<Message>) -> RoomMedia {
        let name = format!("{app}/{id}");
        let Some(plane) = &self.plane else {
            return RoomMedia {
                commands: None,
                figures: None,
                name,
                cascade: self.cascade.clone(),
            };
        };
        let room = plane.open_room();
        lock(&self.rooms).insert(room.id(), group.downgrade());
        let (to_room, commands) = mpsc::channel(COMMANDS);
        let rooms = self.rooms.clone();
        let figures = RoomFigures {
            room: room.clone(),
            last: Arc::default(),
        };
        self.life.spawn(async move {
            serve(&room, commands).await;
            lock(&rooms).remove(&room.id());
        });
        RoomMedia {
            commands: Some(to_room),
            figures: Some(figures),
            name,
            cascade: self.cascade.clone(),
        }
    }
}

impl RoomFigures {
    /// What flows, as of a second ago at most.
    pub(crate) async fn read(&self) -> Arc<RoomStats> {
        let mut last = self.last.lock().await;
        if let Some((at, stats)) = &*last
            && at.elapsed() < FRESH
        {
            return stats.clone();
        }
        let stats = Arc::new(self.room.stats().await);
        *last = Some((Instant::now(), stats.clone()));
        stats
    }
}

impl RoomMedia {
    /// The room and the one of the same group at the other node are one until what this gives is dropped; both must say so.
    /// `None` where no media cross.
    pub(crate) fn join(&self, node: &NodeId) -> Option<Joined> {
        let room = &self.figures.as_ref()?.room;
        let node = NodeName::parse(node.as_str()).ok()?;
        Some(self.cascade.get()?.join(&node, &self.name, room))
    }

    pub(crate) fn figures(&self) -> Option<RoomFigures> {
        self.figures.clone()
    }

    /// Hands over a command, with the session for which the answer was foretold, if it was; the answer to an offer comes out of
    /// what is returned. Commands are carried out in order.
    pub(crate) async fn command(
        &self,
        command: MediaCommand,
        session: Option<SessionId>,
    ) -> oneshot::Receiver<Result<String, Failure>> {
        let (answer, answered) = oneshot::channel();
        match &self.commands {
            // A room that has ended drops the answer's sender, which the receiver notices.
            Some(room) => drop(room.send((command, session, answer)).await),
            None => drop(answer.send(Err(Failure::new(
                ErrorCode::OperationFailed,
                "this server carries no media",
            )))),
        }
        answered
    }
}

async fn serve(room: &Room, mut commands: mpsc::Receiver<Asked>) {
    while let Some((command, session, answer)) = commands.recv().await {
        match command {
            MediaCommand::Offer {
                member,
                generation,
                sdp,
                lines,
                ..
            } => {
                let lines = lines.into_iter().map(line).collect();
                let session = session.map(|session| session.0);
                let outcome = room.offer_foretold(peer(member), generation, sdp, lines, session).await;
                // A group that has ended needs no answer.
                let _ = answer.send(outcome.map_err(|error| failure(&error)));
            }
            MediaCommand::MuteTrack {
                track: muted,
                muted: is_muted,
            } => room.mute_track(track(muted), is_muted).await,
            MediaCommand::HoldTrack {
                member,
                track: kept,
                held,
            } => room.hold_track(peer(member), track(kept), held).await,
            MediaCommand::ViewTrack {
                member,
                track: viewed,
                height,
            } => room.view_track(peer(member), track(viewed), height).await,
            MediaCommand::PrioritizeTrack {
                member,
                track: preferred,
                priority: wanted,
            } => {
                room.prioritize_track(peer(member), track(preferred), priority(wanted))
                    .await
            }
            MediaCommand::EndTrack(ended) => room.remove_track(track(ended)).await,
            MediaCommand::EndPeer(member) => room.remove_peer(peer(member)).await,
        }
    }
}

/// Tells groups what has happened to their transports.
async fn tell(mut events: mpsc::Receiver<MediaEvent>, rooms: Arc<Rooms>, life: Life) {
    loop {
        let event = tokio::select! {
            Some(event) = events.recv() => event,
            () = life.draining() => return,
            else => return,
        };
        tracing::debug!(?event, "media");
        let Some((room, message)) = message(event) else {
            continue;
        };
        let group = lock(&rooms).get(&room).and_then(mpsc::WeakSender::upgrade);
        if let Some(group) = group {
            // A group reads its inbox without waiting for anybody who waits here.
            let _ = group.send(message).await;
        }
    }
}

/// What a group is told of an event, if anything.
fn message(event: MediaEvent) -> Option<(RoomId, Message)> {
    Some(match event {
        MediaEvent::Lost {
            room, peer, generation, ..
        } => {
            let member = MemberId(peer.0);
            (room, Message::TransportLost { member, generation })
        }
        MediaEvent::Wanted { room, track, rids } => {
            let track = TrackId(track.0);
            (room, Message::Encodings { track, rids })
        }
        MediaEvent::Starved {
            room,
            peer,
            track,
            is_starved,
        } => {
            let (member, track) = (MemberId(peer.0), TrackId(track.0));
            let starved = is_starved;
            (room, Message::Starved { member, track, starved })
        }
        _ => return None,
    })
}

fn peer(member: MemberId) -> PeerId {
    PeerId(member.0)
}

fn track(track: TrackId) -> SfuTrackId {
    SfuTrackId(track.0)
}

fn priority(priority: Priority) -> SfuPriority {
    match priority {
        Priority::Low => SfuPriority::Low,
        Priority::Normal => SfuPriority::Normal,
        Priority::High => SfuPriority::High,
    }
}

fn line(line: TrackLine) -> Line {
    let role = match line.role {
        TrackRole::Send(sent) => LineRole::Send { track: track(sent) },
        TrackRole::Receive(received) => LineRole::Receive { track: track(received) },
    };
    Line {
        mid: line.mid,
        role,
        stream: line.in_step_with.map(|member| member.0),
    }
}

fn failure(error: &OfferError) -> Failure {
    let code = match error {
        OfferError::TrackTaken(_) => ErrorCode::OperationFailed,
        OfferError::Stopped => ErrorCode::ServerInternal,
        _ => ErrorCode::InvalidArgument,
    };
    Failure::new(code, error.to_string())
}

fn lock(rooms: &Rooms) -> MutexGuard<'_, HashMap<RoomId, mpsc::WeakSender<Message>>> {
    rooms.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use hst_sfu_worker::LostReason;

    use super::*;
    use crate::life;

    #[tokio::test]
    async fn a_lost_transport_is_told_to_the_group_of_its_room() {
        let (_lifeline, life) = life::begin();
        let rooms = Arc::new(Rooms::default());
        let (group, mut inbox) = mpsc::channel(1);
        lock(&rooms).insert(RoomId(7), group.downgrade());
        let (plane, events) = mpsc::channel(4);
        life.spawn(tell(events, rooms.clone(), life.clone()));

        let lost = |room| MediaEvent::Lost {
            room: RoomId(room),
            peer: PeerId(3),
            generation: 2,
            reason: LostReason::Silent,
        };
        for room in [8, 7] {
            plane.send(lost(room)).await.unwrap();
        }
        let Some(Message::TransportLost { member, generation }) = inbox.recv().await else {
            panic!("the group was not told")
        };
        assert_eq!((member, generation), (MemberId(3), 2));
    }
}

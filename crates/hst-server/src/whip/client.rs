use std::sync::Arc;

use hst_id::MediaRef;
use hst_proto::{
    Command, ErrorCode, Event, Failure, GOT_EVERY, HEARTBEAT, Reply, Request, RequestId, ServerFrame, decode_server,
    encode_client, encode_got,
};
use hst_signal::{CloseCode, Limits, SignalConnection, memory};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

use crate::{admission::Place, hub::Hub};

/// The client's end of a session in this process. It keeps nothing of what it is told but whether it is to go on.
#[derive(Debug)]
pub(super) struct Client {
    connection: SignalConnection,
    last_id: RequestId,
    /// When to say again that it is alive.
    heartbeat: Interval,
    /// What it plays. When the last of it has ended, there is nothing to go on for.
    plays: Vec<MediaRef>,
    is_over: bool,
}

impl Client {
    /// Connects to the platform, as somebody who has this place.
    pub(super) fn connect(hub: &Arc<Hub>, place: Arc<Place>) -> Self {
        let (connection, other_end) = memory::pair(Limits::default());
        place.stay();
        hub.serve(other_end, place);
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            connection,
            last_id: 0,
            heartbeat,
            plays: Vec::new(),
            is_over: false,
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The platform's refusal.
    pub(super) async fn ask(&mut self, command: Command) -> Result<Reply, Failure> {
        let id = self.say(command).await;
        loop {
            match next_frame(&mut self.connection).await {
                Some(ServerFrame::Reply { re, result, .. }) if re == id => return result,
                Some(frame) => self.note(frame).await,
                None => return Err(Failure::new(ErrorCode::SessionGone, "the session has ended")),
            }
        }
    }

    /// From now on it goes on only as long as one of these is published.
    pub(super) fn play(&mut self, media: Vec<MediaRef>) {
        self.plays = media;
    }

    /// Waits until it is not to go on: it was ended or removed, its media transport is gone, or what it plays.
    ///
    /// Cancel-safe.
    pub(super) async fn over(&mut self) {
        while !self.is_over {
            tokio::select! {
                frame = next_frame(&mut self.connection) => match frame {
                    Some(frame) => self.note(frame).await,
                    None => self.is_over = true,
                },
                _ = self.heartbeat.tick() => drop(self.say(Command::Ping {}).await),
            }
        }
    }

    /// Ends the session, and waits until the user is out of his group.
    pub(super) async fn exit(mut self) {
        self.say(Command::Exit {}).await;
        let ended = async { while self.connection.receiver.recv().await.is_ok() {} };
        // Longer than a session takes for its good-byes; if it hangs, it finds its client gone.
        let _ = timeout(HEARTBEAT, ended).await;
        self.connection.sender.close(CloseCode::Normal.into()).await;
    }

    async fn say(&mut self, command: Command) -> RequestId {
        self.last_id += 1;
        let request = Request {
            id: self.last_id,
            command,
        };
        // That the session is gone is heard from the receiver.
        let _ = self.connection.sender.send(encode_client(&request)).await;
        self.last_id
    }

    /// Takes note of a frame, and says now and then how many have come. Dropped half-way only that may be left out, which
    /// the next time makes good.
    async fn note(&mut self, frame: ServerFrame) {
        let (ServerFrame::Reply { seq, .. } | ServerFrame::Event { seq, .. }) = &frame;
        let seq = seq.filter(|seq| seq.is_multiple_of(GOT_EVERY));
        match frame {
            ServerFrame::Event { event, .. } => self.hear(event),
            // To a heartbeat, or to what nobody waits for any more.
            ServerFrame::Reply { .. } => {}
        }
        if let Some(seq) = seq {
            let _ = self.connection.sender.send(encode_got(seq)).await;
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Ended(_) | Event::Removed(_) | Event::TransportLost { .. } => self.is_over = true,
            Event::Unpublished(media) if self.plays.contains(&media.key) => {
                self.plays.retain(|played| *played != media.key);
                self.is_over |= self.plays.is_empty();
            }
            _ => {}
        }
    }
}

/// The next frame; `None` when there will be no more. Cancel-safe.
async fn next_frame(connection: &mut SignalConnection) -> Option<ServerFrame> {
    decode_server(&connection.receiver.recv().await.ok()?).ok()
}

use std::sync::Arc;

use async_trait::async_trait;
use hst_media::{
    Codec, Direction, FrameWriter, Kind, LineId, LineStats, MediaError, MediaPeer, Negotiation, Offer, TrackInfo,
    rtp::{Counters, Outgoing},
};
use str0m::{media, media::Mid};
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use crate::{
    codecs::{media_kind, payload_type_of},
    command::{Command, Wanted},
    link::Link,
    section::Carried,
    writer::{Gate, Writer},
};

/// The [`MediaPeer`]: the books of its lines, and the way to the task that drives the connection. Dropping it ends that
/// task.
#[derive(Debug)]
pub(crate) struct Str0mPeer {
    commands: mpsc::Sender<Command>,
    link: watch::Receiver<Link>,
    negotiation: Negotiation<Section>,
    restart_ice: bool,
}

/// One section of the session description.
#[derive(Debug)]
struct Section {
    /// Its name, once it was offered.
    mid: Option<Mid>,
    media: Media,
    /// How the other side is to see it.
    direction: media::Direction,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum Media {
    Send {
        codec: Codec,
        stream: Arc<Mutex<Outgoing>>,
        gate: watch::Sender<Gate>,
    },
    Receive(Kind),
}

impl Section {
    fn new(media: Media) -> Self {
        Self {
            mid: None,
            media,
            direction: media::Direction::Inactive,
            counters: Arc::default(),
        }
    }

    fn kind(&self) -> Kind {
        match &self.media {
            Media::Send { codec, .. } => codec.kind(),
            Media::Receive(kind) => *kind,
        }
    }
}

impl Str0mPeer {
    pub(crate) fn new(commands: mpsc::Sender<Command>, link: watch::Receiver<Link>) -> Self {
        Self {
            commands,
            link,
            negotiation: Negotiation::new(),
            restart_ice: false,
        }
    }

    fn check_open(&self) -> Result<(), MediaError> {
        match *self.link.borrow() {
            Link::Gone => Err(MediaError::Closed),
            Link::Waiting | Link::Up => Ok(()),
        }
    }

    /// Asks the driver; without it the connection is over.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, MediaError> {
        let (reply, outcome) = oneshot::channel();
        let sent = self.commands.send(command(reply)).await;
        sent.map_err(|_| MediaError::Closed)?;
        outcome.await.map_err(|_| MediaError::Closed)
    }
}

#[async_trait]
impl MediaPeer for Str0mPeer {
    async fn add_sender(&mut self, info: TrackInfo) -> Result<(LineId, Box<dyn FrameWriter>), MediaError> {
        self.check_open()?;
        let codec = info.codec;
        if payload_type_of(codec).is_none() {
            return Err(MediaError::Engine(format!("{codec} is not supported").into()));
        }
        let fits = |section: &Section| matches!(section.media, Media::Send { codec: of, .. } if of == codec);
        let place = self.negotiation.idle(fits).unwrap_or_else(|| {
            // Below the middle, as its documentation wants it.
            let stream = Outgoing::new(codec, rand::random::<u16>() >> 1);
            let stream = Arc::new(Mutex::new(stream));
            let gate = watch::Sender::new(Gate::Shut);
            self.negotiation.add(Section::new(Media::Send { codec, stream, gate }))
        });
        let (line, section) = self.negotiation.carry(place);
        section.counters = Arc::default();
        section.direction = media::Direction::SendOnly;
        let Media::Send { stream, gate, .. } = &mut section.media else {
            unreachable!("the section was chosen, or made, for sending")
        };
        // A new gate for each line: the writer of the line before keeps the one that was shut.
        *gate = watch::Sender::new(Gate::Waiting);
        let writer = Writer {
            stream: stream.clone(),
            gate: gate.subscribe(),
            link: self.link.clone(),
            commands: self.commands.downgrade(),
            counters: section.counters.clone(),
            zero: None,
        };
        Ok((line, Box::new(writer)))
    }

    async fn add_receiver(&mut self, kind: Kind) -> Result<LineId, MediaError> {
        self.check_open()?;
        let fits = |section: &Section| matches!(section.media, Media::Receive(of) if of == kind);
        let place = match self.negotiation.idle(fits) {
            Some(place) => place,
            None => self.negotiation.add(Section::new(Media::Receive(kind))),
        };
        let (line, section) = self.negotiation.carry(place);
        section.counters = Arc::default();
        section.direction = media::Direction::RecvOnly;
        Ok(line)
    }

    async fn stop_line(&mut self, line: LineId) -> Result<(), MediaError> {
        self.check_open()?;
        let section = self.negotiation.stop(line)?;
        section.direction = media::Direction::Inactive;
        if let Media::Send { gate, .. } = &section.media {
            gate.send_replace(Gate::Shut);
        }
        if let Some(mid) = section.mid {
            let stopped = self.commands.send(Command::Stop { mid }).await;
            stopped.map_err(|_| MediaError::Closed)?;
        }
        Ok(())
    }

    async fn restart_ice(&mut self) -> Result<(), MediaError> {
        self.check_open()?;
        self.restart_ice = true;
        Ok(())
    }

    async fn offer(&mut self) -> Result<Offer, MediaError> {
        self.check_open()?;
        self.negotiation.check_offer()?;
        let wanted = self.negotiation.sections().map(|section| Wanted {
            mid: section.mid,
            kind: media_kind(section.kind()),
            direction: section.direction,
        });
        let sections = wanted.collect();
        let restart_ice = std::mem::take(&mut self.restart_ice);
        let offered = self.ask(|reply| Command::Offer {
            sections,
            restart_ice,
            reply,
        });
        let offered = offered.await??;
        for (section, mid) in self.negotiation.sections().zip(offered.mids) {
            section.mid = Some(mid);
        }
        self.negotiation.offered()?;
        let mids = self
            .negotiation
            .lines()
            .filter_map(|(line, section)| Some((line, section.mid?.to_string())));
        Ok(Offer {
            sdp: offered.sdp,
            mids: mids.collect(),
        })
    }

    async fn answer(&mut self, sdp: &str) -> Result<(), MediaError> {
        self.check_open()?;
        let live: Vec<_> = self
            .negotiation
            .answered()?
            .filter_map(|(line, section)| {
                let carried = Carried {
                    line,
                    counters: section.counters.clone(),
                    clock_rate: match &section.media {
                        Media::Send { codec, .. } => codec.clock_rate(),
                        Media::Receive(_) => 0,
                    },
                };
                Some((section.mid?, carried))
            })
            .collect();
        let answered: Vec<LineId> = live.iter().map(|(_, carried)| carried.line).collect();
        let sdp = sdp.to_owned();
        let taken = self.ask(|reply| Command::Answer {
            sdp,
            lines: live,
            reply,
        });
        taken.await??;
        for (line, section) in self.negotiation.lines() {
            if let (Media::Send { gate, .. }, Some(mid)) = (&section.media, section.mid)
                && answered.contains(&line)
            {
                gate.send_replace(Gate::Open(mid));
            }
        }
        Ok(())
    }

    async fn stats(&mut self) -> Vec<LineStats> {
        let lines = self.negotiation.lines().map(|(line, section)| {
            let direction = match &section.media {
                Media::Send { .. } => Direction::Send,
                Media::Receive(_) => Direction::Receive,
            };
            section.counters.fill(LineStats::new(line, direction, section.kind()))
        });
        lines.collect()
    }

    async fn close(&mut self) {
        // Without its task it is closed already.
        let _ = self.ask(|reply| Command::Close { reply }).await;
    }
}

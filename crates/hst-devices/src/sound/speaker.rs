use std::{
    fmt,
    ops::ControlFlow,
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
};

use hst_media::{Frame, MediaSink, SinkError};

use super::{
    BLOCK, Running, SoundBackend, SystemSound,
    player::{Guest, Player},
    voice::{Track, Volume},
};
use crate::DeviceError;

/// Guests that the speaker has not noticed yet; when full, a device that does not ask has stopped, and one more is as
/// good as gone.
const GUESTS: usize = 256;
/// Packets of one voice between two looks of the speaker, a second of them; when full the newest is dropped.
const PACKETS: usize = 50;
/// Blocks that a listener has not taken yet, half a second of them; when full the newest is dropped.
const UNHEARD: usize = 50;

/// A speaker that mixes all voices. Dropping it stops it.
pub struct Speaker {
    guests: SyncSender<Guest>,
    lost: Arc<OnceLock<DeviceError>>,
    _running: Running,
}

impl Speaker {
    /// Opens the speaker of this id, or the system's default one. Blocks while it is opened.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn open(id: Option<&str>) -> Result<Self, DeviceError> {
        Self::of(&SystemSound, id)
    }

    /// As [`open`](Self::open), of another backend.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn of(backend: &dyn SoundBackend, id: Option<&str>) -> Result<Self, DeviceError> {
        let (guests, arriving) = sync_channel(GUESTS);
        let lost = Arc::new(OnceLock::new());
        let mut player = Player::new(arriving);
        let end = lost.clone();
        let running = backend.play(
            id,
            Box::new(move |format, output| player.fill(format, output)),
            Box::new(move |error| _ = end.set(error)),
        )?;
        Ok(Self {
            guests,
            lost,
            _running: running,
        })
    }

    /// A voice in the mix: the sink of one received sound. It ends when it is dropped.
    pub fn voice(&self) -> Voice {
        let (packets, arriving) = sync_channel(PACKETS);
        let volume = Volume::new();
        // Where there is no room the track is gone, and the voice notices that.
        let track = Box::new(Track::new(arriving, volume.clone()));
        let _ = self.guests.try_send(Guest::Track(track));
        Voice {
            packets,
            volume,
            lost: self.lost.clone(),
        }
    }

    /// What is played from now on, for whoever has to know what a microphone may hear of it.
    pub fn played(&self) -> Played {
        let (listener, blocks) = sync_channel(UNHEARD);
        let _ = self.guests.try_send(Guest::Listener(listener));
        Played::of(blocks)
    }

    /// Why the device has stopped, if it has.
    pub fn lost(&self) -> Option<&DeviceError> {
        self.lost.get()
    }
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker")
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

/// One sound in the mix of a [`Speaker`]: takes the Opus packets of one sender, in whatever order. What is late is
/// waited for as long as the network has lately demanded; what is lost is concealed.
#[derive(Debug)]
pub struct Voice {
    packets: SyncSender<Frame>,
    volume: Volume,
    lost: Arc<OnceLock<DeviceError>>,
}

impl Voice {
    /// How loud it is played: 1.0 as it was sent, 0.0 not at all, 2.0 twice as loud. Values that are not finite, or below
    /// zero, count as 0.
    pub fn set_volume(&self, volume: f32) {
        // An infinite one would make silence no number, and with it everybody's mix.
        self.volume.set(if volume.is_finite() { volume.max(0.0) } else { 0.0 });
    }
}

impl MediaSink for Voice {
    fn write(&mut self, frame: Frame) -> Result<ControlFlow<()>, SinkError> {
        if let Some(error) = self.lost.get() {
            return Err(SinkError::Device(Box::new(error.clone())));
        }
        match self.packets.try_send(frame) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(ControlFlow::Continue(())),
            Err(TrySendError::Disconnected(_)) => Ok(ControlFlow::Break(())),
        }
    }

    fn finish(self: Box<Self>) -> Result<(), SinkError> {
        Ok(())
    }
}

/// What a [`Speaker`] plays, as one channel at 48 kHz in blocks of 10 ms.
#[derive(Debug)]
pub struct Played {
    blocks: Receiver<[f32; BLOCK]>,
}

impl Played {
    pub(super) fn of(blocks: Receiver<[f32; BLOCK]>) -> Self {
        Self { blocks }
    }

    /// The next block that was played and not taken yet; never waits.
    pub fn take(&mut self) -> Option<[f32; BLOCK]> {
        self.blocks.try_recv().ok()
    }
}

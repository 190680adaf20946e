use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Fill, Format, Hear, Lose, Running, SoundBackend};
use crate::{Device, DeviceError, DeviceKind};

/// A microphone and a speaker in memory, for tests: the fake of [`SoundBackend`]. Clones are the same devices.
#[derive(Debug, Clone, Default)]
pub struct MemorySound {
    // Locks, because the test and the microphone's and speaker's owners all hold them; nobody waits while holding one.
    microphone: Arc<Mutex<Slot<Hear>>>,
    speaker: Arc<Mutex<Slot<Fill>>>,
}

impl MemorySound {
    /// The microphone hears this.
    pub fn say(&self, format: Format, samples: &[f32]) {
        if let Some((hear, _)) = &mut lock(&self.microphone).at_work {
            hear(format, samples);
        }
    }

    /// What the speaker plays next, so many samples of each channel; silence while nobody plays.
    pub fn listen(&self, format: Format, samples: usize) -> Vec<f32> {
        let mut output = vec![0.0; samples * usize::from(format.channels)];
        if let Some((fill, _)) = &mut lock(&self.speaker).at_work {
            fill(format, &mut output);
        }
        output
    }

    /// Pulls both out: whoever uses them learns of it, and there are none from now on.
    pub fn unplug(&self) {
        lock(&self.microphone).unplug();
        lock(&self.speaker).unplug();
    }
}

impl SoundBackend for MemorySound {
    fn devices(&self) -> Vec<Device> {
        let device = |kind, id: &str, is_gone: bool| {
            (!is_gone).then(|| Device {
                id: id.to_owned(),
                label: format!("a {id} in memory"),
                kind,
                is_default: true,
            })
        };
        let microphone = device(DeviceKind::Microphone, "microphone", lock(&self.microphone).is_gone);
        let speaker = device(DeviceKind::Speaker, "speaker", lock(&self.speaker).is_gone);
        microphone.into_iter().chain(speaker).collect()
    }

    fn hear(&self, id: Option<&str>, hear: Hear, lose: Lose) -> Result<Running, DeviceError> {
        plug(&self.microphone, id.is_none_or(|id| id == "microphone"), hear, lose)
    }

    fn play(&self, id: Option<&str>, fill: Fill, lose: Lose) -> Result<Running, DeviceError> {
        plug(&self.speaker, id.is_none_or(|id| id == "speaker"), fill, lose)
    }
}

struct Slot<T> {
    at_work: Option<(T, Lose)>,
    is_gone: bool,
}

impl<T> Slot<T> {
    fn unplug(&mut self) {
        self.is_gone = true;
        // As with a real one, what it worked with stays until its owner lets go.
        if let Some((_, lose)) = &mut self.at_work {
            lose(DeviceError::Lost);
        }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            at_work: None,
            is_gone: false,
        }
    }
}

impl<T> std::fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("is_gone", &self.is_gone)
            .finish_non_exhaustive()
    }
}

/// Frees the device when it is dropped.
struct InUse<T>(Arc<Mutex<Slot<T>>>);

impl<T> Drop for InUse<T> {
    fn drop(&mut self) {
        lock(&self.0).at_work = None;
    }
}

fn plug<T: Send + 'static>(
    slot: &Arc<Mutex<Slot<T>>>,
    is_known: bool,
    work: T,
    lose: Lose,
) -> Result<Running, DeviceError> {
    let mut device = lock(slot);
    if device.is_gone || !is_known {
        return Err(DeviceError::NoDevice);
    }
    if device.at_work.is_some() {
        return Err(DeviceError::Busy);
    }
    device.at_work = Some((work, lose));
    Ok(Box::new(InUse(slot.clone())))
}

fn lock<T>(slot: &Mutex<Slot<T>>) -> MutexGuard<'_, Slot<T>> {
    // Whoever panicked while holding it left a whole slot behind.
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

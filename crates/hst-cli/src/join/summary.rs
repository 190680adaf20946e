use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use hst_rtc::{GroupId, MediaRef, MediaStats, Quality, UserId, media::Direction};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::record::Recorded;
use crate::error::CliError;

/// What a stay in a group has carried; the last figures of a media stay after it has ended.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    user: UserId,
    group: GroupId,
    pub(super) seconds: f64,
    /// Everybody who was met, not only those who are still there.
    members: BTreeSet<UserId>,
    sent: Vec<Carried>,
    received: Vec<Carried>,
}

/// What one media has carried.
#[derive(Debug, Serialize)]
pub(super) struct Carried {
    #[serde(flatten)]
    pub(super) key: MediaRef,
    codec: Option<&'static str>,
    packets: u64,
    bytes: u64,
    frames: u64,
    lost: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    /// Over the last second.
    pub(super) bits_per_second: u64,
    /// Over the last second, too, or the last one in which it was known.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_object")]
    pub(super) quality: Option<Quality>,
}

impl Summary {
    pub(super) fn new(user: &UserId, group: &GroupId) -> Self {
        Self {
            user: user.clone(),
            group: group.clone(),
            seconds: 0.0,
            members: BTreeSet::new(),
            sent: Vec::new(),
            received: Vec::new(),
        }
    }

    pub(super) fn sent(&self) -> &[Carried] {
        &self.sent
    }

    pub(super) fn received(&self) -> &[Carried] {
        &self.received
    }

    pub(super) fn met(&mut self, users: &[UserId]) {
        self.members.extend(users.iter().cloned());
    }

    /// The figures of this moment, read once a second.
    pub(super) fn figures(&mut self, own: &UserId, figures: Vec<MediaStats>) {
        for carried in self.sent.iter_mut().chain(&mut self.received) {
            carried.bits_per_second = 0;
        }
        for MediaStats {
            key,
            line,
            bitrate,
            quality,
            ..
        } in figures
        {
            if (*own == key.user) != (line.direction == Direction::Send) {
                continue;
            }
            let carried = self.carried(key, line.direction);
            carried.bits_per_second = bitrate;
            carried.quality = quality.or(carried.quality);
            carried.codec = line.codec.map(|codec| codec.as_str());
            carried.packets = line.packets;
            carried.bytes = line.bytes;
            carried.frames = line.frames;
            carried.lost = line.lost;
        }
    }

    pub(super) fn recorded(&mut self, key: MediaRef, recorded: Recorded) {
        let carried = self.carried(key, Direction::Receive);
        carried.files = recorded.files.iter().map(|path| path.display().to_string()).collect();
        // The recording has seen the frames of the last moment, too.
        carried.frames = carried.frames.max(recorded.frames);
        carried.bytes = carried.bytes.max(recorded.bytes);
    }

    pub(super) fn print(&self, json: bool) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, self).map_err(io::Error::from)?;
            writeln!(out)?;
            return Ok(());
        }
        writeln!(out, "{:.1} s in group {} as {}", self.seconds, self.group, self.user)?;
        for (way, all) in [("sent", &self.sent), ("received", &self.received)] {
            for carried in all {
                let Carried {
                    key,
                    packets,
                    bytes,
                    frames,
                    lost,
                    quality,
                    ..
                } = carried;
                let quality = quality
                    .map(|it| format!("  quality {:.1} ({})", it.score, it.reason))
                    .unwrap_or_default();
                let codec = carried.codec.unwrap_or("-");
                writeln!(
                    out,
                    "{way:9}{key}  {codec}  {packets} packets  {bytes} bytes  {frames} frames  {lost} lost{quality}"
                )?;
                for file in &carried.files {
                    writeln!(out, "         -> {file}")?;
                }
            }
        }
        Ok(())
    }

    fn carried(&mut self, key: MediaRef, direction: Direction) -> &mut Carried {
        let all = match direction {
            Direction::Send => &mut self.sent,
            Direction::Receive => &mut self.received,
        };
        let at = all.iter().position(|carried| carried.key == key).unwrap_or_else(|| {
            let none = Carried {
                key,
                codec: None,
                packets: 0,
                bytes: 0,
                frames: 0,
                lost: 0,
                files: Vec::new(),
                bits_per_second: 0,
                quality: None,
            };
            all.push(none);
            all.len() - 1
        });
        &mut all[at]
    }
}

fn as_object<S: Serializer>(quality: &Option<Quality>, serializer: S) -> Result<S::Ok, S::Error> {
    let quality = quality.map(|it| (it.score, it.reason.as_str()));
    let mut object = serializer.serialize_struct("quality", 2)?;
    if let Some((score, reason)) = quality {
        object.serialize_field("score", &score)?;
        object.serialize_field("reason", reason)?;
    }
    object.end()
}

use std::collections::{BTreeMap, BTreeSet};

use hst_group::client::GroupEvent;
use hst_id::{MediaRef, MediaType};
use hst_media::{Direction, LineStats};
use hst_quality::{Figures, Kind, Limit, Quality};
use tokio::time::{Duration, Instant};

use crate::pump::OwnMedia;

/// Over how long rates are measured at least.
const WINDOW: Duration = Duration::from_secs(1);
/// After how long without a report of further losses there are none: of sounds, servers report every 5 s.
const QUIET: Duration = Duration::from_secs(10);

/// What one media in use is like.
///
/// Rates are those of the time since the question before, if that was a second ago or longer; the first question begins the
/// measuring, and has none.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MediaStats {
    /// Whose and which.
    pub key: MediaRef,
    /// What its line has carried so far.
    pub line: LineStats,
    /// Bits of media in a second.
    pub bitrate: u64,
    /// Frames in a second.
    pub frame_rate: f64,
    /// The share of packets that never arrived, from 0 to 1.
    pub loss_rate: f64,
    /// Why it is not better, as far as the server tells.
    pub limited_by: Limit,
    /// How good it is; `None` while nothing flows.
    pub quality: Option<Quality>,
}

/// Measures one line, again and again.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Since when rates are measured, and since when they will be.
    since: Option<(Reading, Reading)>,
    reports: Option<Reports>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    line: LineStats,
}

/// The losses of what is sent, of which only the other end's reports tell: each at once of all since the one before, so they
/// are shared out over what was sent meanwhile.
#[derive(Debug)]
struct Reports {
    at: Instant,
    packets: u64,
    lost: u64,
    /// As told the last time.
    told: u64,
    rate: f64,
}

impl Meter {
    pub(crate) fn read(&mut self, at: Instant, key: MediaRef, line: LineStats, bounds: &Bounds) -> MediaStats {
        let now = Reading { at, line };
        let from = self.from(now);
        let seconds = (at - from.at).as_secs_f64();
        let per = |count: u64, of: f64| if of > 0.0 { count as f64 / of } else { 0.0 };
        let since = |now: u64, then: u64| now.saturating_sub(then);
        let lost = since(line.lost, from.line.lost);
        let loss_rate = match line.direction {
            Direction::Send => self.reports.get_or_insert_with(|| Reports::new(now)).loss_rate(now),
            Direction::Receive => per(lost, (since(line.packets, from.line.packets) + lost) as f64),
        };
        let (limited_by, asked_height) = bounds.of(&key, line);
        let (width, height) = line.size.unwrap_or_default();
        let figures = Figures {
            bitrate: per(since(line.bytes, from.line.bytes) * 8, seconds) as u64,
            frame_rate: per(since(line.frames, from.line.frames), seconds),
            width: width.into(),
            height: height.into(),
            asked_height,
            loss_rate,
            jitter: Duration::try_from_secs_f64(line.jitter).unwrap_or_default(),
            round_trip: line.round_trip.unwrap_or_default(),
            frozen: per(since(micros(line.frozen), micros(from.line.frozen)), seconds * 1e6),
            limited_by,
            ..Figures::of(kind(key.media_type))
        };
        MediaStats {
            key,
            line,
            bitrate: figures.bitrate,
            frame_rate: figures.frame_rate,
            loss_rate: figures.loss_rate,
            limited_by,
            quality: figures.quality(),
        }
    }

    fn from(&mut self, now: Reading) -> Reading {
        // A media that got another line counts from zero again.
        let since = self
            .since
            .filter(|(_, next)| next.line.line == now.line.line && next.line.packets <= now.line.packets);
        if since.is_none() {
            self.reports = None;
        }
        let (from, next) = *self.since.insert(since.unwrap_or((now, now)));
        if now.at - next.at < WINDOW {
            return from;
        }
        self.since = Some((next, now));
        next
    }
}

impl Reports {
    /// From the first reading of a line; reports count from the line's beginning.
    fn new(first: Reading) -> Self {
        Self {
            at: first.at,
            packets: 0,
            lost: 0,
            told: first.line.lost,
            rate: 0.0,
        }
    }

    fn loss_rate(&mut self, Reading { at, line }: Reading) -> f64 {
        let is_new = line.lost != self.told;
        if is_new || at - self.at >= QUIET {
            let lost = line.lost.saturating_sub(self.lost);
            let sent = line.packets.saturating_sub(self.packets);
            let share = if sent > 0 { lost as f64 / sent as f64 } else { 0.0 };
            self.rate = if is_new { share.min(1.0) } else { 0.0 };
            (self.at, self.packets, self.lost) = (at, line.packets, line.lost);
        }
        self.told = line.lost;
        self.rate
    }
}

/// What bounds the media of a group, as far as the server tells; never more of them than the group has.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    muted: BTreeSet<MediaRef>,
    /// Pictures that one's own network does not carry.
    starved: BTreeSet<MediaRef>,
    /// How high pictures of one's own are wanted, where that is less than everything.
    wanted: BTreeMap<OwnMedia, u32>,
}

impl Bounds {
    pub(crate) fn handle(&mut self, event: &GroupEvent) {
        match event {
            GroupEvent::Published(media) | GroupEvent::Muted(media) => mark(&mut self.muted, &media.key, media.muted),
            GroupEvent::Unpublished(media) => {
                self.muted.remove(&media.key);
                self.starved.remove(&media.key);
            }
            GroupEvent::Starved { key, starved } => mark(&mut self.starved, key, *starved),
            GroupEvent::Wanted {
                media_type,
                media,
                height,
            } => {
                let own = (*media_type, media.clone());
                match height {
                    Some(height) => _ = self.wanted.insert(own, *height),
                    None => _ = self.wanted.remove(&own),
                }
            }
            _ => {}
        }
    }

    /// Another group, or none.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What the server has said of its own accord does not hold any more, and it says it anew where it does.
    pub(crate) fn distrust(&mut self) {
        self.starved.clear();
        self.wanted.clear();
    }

    pub(crate) fn is_muted(&self, key: &MediaRef) -> bool {
        self.muted.contains(key)
    }

    /// Why a media is no better, and how high a picture of one's own is wanted at present; 0 is not known.
    fn of(&self, key: &MediaRef, line: LineStats) -> (Limit, u32) {
        let own: OwnMedia = (key.media_type, key.media.clone());
        let wanted = self.wanted.get(&own).filter(|_| line.direction == Direction::Send);
        let (_, height) = line.size.unwrap_or_default();
        let limit = match wanted {
            _ if self.muted.contains(key) => Limit::Muted,
            _ if self.starved.contains(key) => Limit::Bandwidth,
            Some(&wanted) if wanted < height.into() => Limit::View,
            _ => Limit::None,
        };
        (limit, wanted.copied().unwrap_or_default())
    }
}

fn mark(marked: &mut BTreeSet<MediaRef>, key: &MediaRef, is_marked: bool) {
    match is_marked {
        true => _ = marked.insert(key.clone()),
        false => _ = marked.remove(key),
    }
}

fn kind(media_type: MediaType) -> Kind {
    match media_type {
        MediaType::Audio => Kind::Sound,
        MediaType::ScreenShare => Kind::Screen,
        _ => Kind::Camera,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use hst_id::UserId;
    use hst_media::{Codec, LineId};
    use hst_proto::Media;

    use super::*;

    fn key() -> MediaRef {
        MediaRef {
            user: UserId::parse("ann").unwrap(),
            media_type: MediaType::Video,
            media: "cam".parse().unwrap(),
        }
    }

    /// A picture of 15 frames and 500 kbit a second, of whose 100 packets five are lost.
    fn after(seconds: u64, line: u32) -> LineStats {
        let mut stats = LineStats::new(LineId(line), Direction::Receive, hst_media::Kind::Video);
        stats.codec = Some(Codec::Vp8);
        (stats.packets, stats.lost) = (95 * seconds, 5 * seconds);
        (stats.bytes, stats.frames) = (62_500 * seconds, 15 * seconds);
        stats.size = Some((640, 480));
        stats
    }

    #[test]
    fn rates_are_those_since_the_question_before_of_a_second_at_least() {
        let (mut meter, bounds, start) = (Meter::default(), Bounds::default(), Instant::now());
        let mut read = |millis: u64, line: LineStats| {
            let at = start + Duration::from_millis(millis);
            let stats = meter.read(at, key(), line, &bounds);
            (
                stats.bitrate,
                stats.frame_rate,
                stats.loss_rate,
                stats.quality.map(|it| it.reason),
            )
        };
        let lossy = (500_000, 15.0, 0.05, Some(hst_quality::Reason::Loss));
        assert_eq!(read(0, after(0, 1)), (0, 0.0, 0.0, None));
        assert_eq!(read(1_000, after(1, 1)), lossy);
        // All of a second comes at its beginning.
        assert_eq!(read(1_500, after(2, 1)).0, 666_666);
        assert_eq!(read(2_000, after(2, 1)), lossy);
        assert_eq!(read(62_000, after(62, 1)), lossy);
        // Another line counts from zero, even under the number of the one before.
        assert_eq!(read(63_000, after(1, 2)).0, 0);
        assert_eq!(read(64_000, after(0, 2)).0, 0);
        assert_eq!(read(65_000, after(1, 2)), lossy);
    }

    #[test]
    fn losses_of_what_is_sent_are_those_between_two_reports_however_often_it_is_asked() {
        let (bounds, start) = (Bounds::default(), Instant::now());
        // A hundred packets a second, of which every twentieth is lost for 20 s, as is told every 5 s.
        let sent = |second: u64| {
            let mut stats = LineStats::new(LineId(1), Direction::Send, hst_media::Kind::Audio);
            (stats.packets, stats.lost) = (100 * second, 25 * (second.min(20) / 5));
            stats
        };
        for first in [0, 3, 7] {
            let mut meter = Meter::default();
            let mut read = |second| {
                let at = start + Duration::from_secs(second);
                meter.read(at, key(), sent(second), &bounds).loss_rate
            };
            let told: Vec<_> = (first..=40).map(&mut read).collect();
            let rises = 5 - usize::try_from(first).unwrap() % 5;
            let falls = 30 - usize::try_from(first).unwrap();
            assert_eq!(told[..rises], vec![0.0; rises]);
            assert_eq!(told[rises..falls], vec![0.05; falls - rises]);
            assert_eq!(told[falls..], [0.0; 11]);
        }
    }

    #[test]
    fn what_the_server_tells_bounds_a_media_until_it_tells_otherwise() {
        let mut bounds = Bounds::default();
        let (line, key) = (after(1, 1), key());
        let muted = |muted| {
            GroupEvent::Muted(Media {
                key: self::key(),
                name: String::new(),
                muted,
            })
        };
        let starved = |starved| GroupEvent::Starved {
            key: self::key(),
            starved,
        };
        assert_eq!(bounds.of(&key, line), (Limit::None, 0));
        bounds.handle(&starved(true));
        assert_eq!(bounds.of(&key, line).0, Limit::Bandwidth);
        bounds.handle(&muted(true));
        assert_eq!(bounds.of(&key, line).0, Limit::Muted);
        bounds.distrust();
        assert_eq!(bounds.of(&key, line).0, Limit::Muted);
        bounds.handle(&muted(false));
        assert_eq!(bounds.of(&key, line).0, Limit::None);

        bounds.handle(&GroupEvent::Wanted {
            media_type: key.media_type,
            media: key.media.clone(),
            height: Some(240),
        });
        assert_eq!(bounds.of(&key, line), (Limit::None, 0), "it is another's");
        let mut own = line;
        own.direction = Direction::Send;
        assert_eq!(bounds.of(&key, own), (Limit::View, 240));
        bounds.clear();
        assert_eq!(bounds.of(&key, own), (Limit::None, 0));
    }
}

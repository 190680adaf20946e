use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until};

use crate::{Frame, MediaSource, SourceError, TrackInfo};

/// Later than this, time is taken as lost: the frames that follow are moved back rather than sent in a burst.
const MAX_LATE: Duration = Duration::from_millis(100);

/// A source that gives each frame when it is due, in the runtime's time; the first one at once.
#[derive(Debug)]
pub struct Paced<S> {
    source: S,
    /// When the track's time zero is.
    origin: Option<Instant>,
    /// A frame that is not due yet.
    held: Option<Frame>,
}

impl<S: MediaSource> Paced<S> {
    /// Makes a source keep time.
    pub fn new(source: S) -> Self {
        Self {
            source,
            origin: None,
            held: None,
        }
    }
}

#[async_trait]
impl<S: MediaSource> MediaSource for Paced<S> {
    fn info(&self) -> TrackInfo {
        self.source.info()
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        if self.held.is_none() {
            self.held = self.source.next().await?;
        }
        let Some(frame) = &self.held else { return Ok(None) };
        let now = Instant::now();
        let mut due = *self.origin.get_or_insert(now.checked_sub(frame.time).unwrap_or(now)) + frame.time;
        if now > due + MAX_LATE {
            self.origin = self.origin.map(|origin| origin + (now - due));
            due = now;
        }
        sleep_until(due).await;
        Ok(self.held.take())
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        self.source.rewind().await?;
        self.origin = None;
        self.held = None;
        Ok(())
    }

    fn request_keyframe(&mut self) {
        self.source.request_keyframe();
    }
}

/// A source that begins again when it ends, for ever, while its times go on.
#[derive(Debug)]
pub struct Looped<S> {
    source: S,
    /// Where this round began.
    began: Duration,
    /// Where the latest frame ended.
    ended: Duration,
    /// Whether the source has ended and must go back.
    over: bool,
}

impl<S: MediaSource> Looped<S> {
    /// Makes a source go round.
    pub fn new(source: S) -> Self {
        Self {
            source,
            began: Duration::ZERO,
            ended: Duration::ZERO,
            over: false,
        }
    }
}

#[async_trait]
impl<S: MediaSource> MediaSource for Looped<S> {
    fn info(&self) -> TrackInfo {
        self.source.info()
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        loop {
            if self.over {
                self.source.rewind().await?;
                self.over = false;
                self.began = self.ended;
            }
            if let Some(mut frame) = self.source.next().await? {
                frame.time += self.began;
                self.ended = frame.time + frame.duration;
                return Ok(Some(frame));
            }
            if self.ended == self.began {
                return Ok(None); // it is empty: going round would never end
            }
            self.over = true;
        }
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        self.source.rewind().await?;
        (self.began, self.ended, self.over) = (Duration::ZERO, Duration::ZERO, false);
        Ok(())
    }

    fn request_keyframe(&mut self) {
        self.source.request_keyframe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Codec, FrameList};

    fn film(frames: u64) -> FrameList {
        let duration = Duration::from_millis(40);
        let frame = |i: u64| Frame {
            data: vec![i as u8].into(),
            time: duration * i as u32,
            duration,
            keyframe: i == 0,
            level: None,
        };
        FrameList::new(TrackInfo::new(Codec::Vp8), (0..frames).map(frame).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn frames_come_when_they_are_due_and_go_round() {
        let mut source = Paced::new(Looped::new(film(3)));
        let start = Instant::now();
        for round in 0..10 {
            let frame = source.next().await.unwrap().unwrap();
            assert_eq!(frame.time, Duration::from_millis(40 * round));
            assert_eq!(start.elapsed(), frame.time);
            assert_eq!(frame.keyframe, round % 3 == 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_pause_is_no_burst() {
        let mut source = Paced::new(film(10));
        source.next().await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        source.next().await.unwrap();
        let after = Instant::now();
        source.next().await.unwrap();
        assert_eq!(after.elapsed(), Duration::from_millis(40));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_loses_no_frame() {
        let mut source = Paced::new(film(3));
        source.next().await.unwrap();
        for _ in 0..3 {
            tokio::select! {
                biased;
                frame = source.next() => assert_eq!(frame.unwrap().unwrap().data[0], 1),
                () = tokio::time::sleep(Duration::from_millis(15)) => continue,
            }
        }
        assert_eq!(source.next().await.unwrap().unwrap().data[0], 2);
        assert_eq!(source.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_empty_source_ends_even_when_looped() {
        assert_eq!(Looped::new(film(0)).next().await.unwrap(), None);
    }
}

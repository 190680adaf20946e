//! `hst join`: a member of a group without a screen, who publishes files and records what he receives.

#[cfg(feature = "devices")]
mod devices;
mod options;
mod progress;
mod record;
mod summary;

use std::{io::IsTerminal, path::Path, sync::Arc, time::Duration};

use hst_rtc::{
    Event, Events, GroupEvent, LoginOptions, MediaRef, MediaType, RtcEngine, UserId,
    media::{Kind, Looped, MediaSource as _, Paced, open_source},
    presets,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

#[cfg(feature = "devices")]
pub(crate) use devices::list as list_devices;
pub(crate) use options::JoinOptions;

use crate::error::CliError;
use progress::Progress;
use record::{Recorded, record};
use summary::Summary;

/// How often the figures are read and shown.
const TICK: Duration = Duration::from_secs(1);

/// Joins, stays for the time that was asked for or until Ctrl-C, leaves, and says what was carried.
pub(crate) async fn run(options: JoinOptions) -> Result<(), CliError> {
    let engine = Arc::new(RtcEngine::with(presets::with_media(options.engine.make())));
    let events = engine.events();
    engine.init(Some(&options.access)).await?;
    let summary = visit(&engine, &options, events).await;
    // Whatever came of it: a session that nobody ends keeps its user's name for a minute. The platform may never answer; the
    // visit is over either way.
    let _ = engine.exit().await;
    engine.destroy();
    summary?.print(options.json)
}

async fn visit(engine: &Arc<RtcEngine>, options: &JoinOptions, events: Events) -> Result<Summary, CliError> {
    engine
        .login(LoginOptions::new(
            options.app_id(),
            options.token()?,
            options.user.as_str(),
        ))
        .await?;
    engine.set_encryption_key(options.key()?).await?;
    engine.join_group(options.group.as_str()).await?;
    for file in &options.publish {
        publish(engine, file).await?;
    }
    let stay = Stay::new(engine.clone(), options);
    #[cfg(feature = "devices")]
    let stay = Stay {
        speaker: devices::take_part(engine, &options.devices).await?,
        ..stay
    };
    stay.run(events).await
}

/// Publishes a file, looped, at the speed at which it is to be played.
async fn publish(engine: &RtcEngine, file: &Path) -> Result<(), CliError> {
    let source = open_source(file).await.map_err(|fault| CliError::Source {
        file: file.to_owned(),
        fault,
    })?;
    let media_type = match source.info().kind() {
        Kind::Audio => MediaType::Audio,
        Kind::Video => MediaType::Video,
    };
    let media = file
        .file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy()
        .replace(|c: char| !c.is_ascii_graphic(), "_");
    Ok(engine
        .publish(media_type, &media, Box::new(Paced::new(Looped::new(source))))
        .await?)
}

/// The time spent in the group.
struct Stay<'a> {
    engine: Arc<RtcEngine>,
    options: &'a JoinOptions,
    since: Instant,
    members: Vec<UserId>,
    summary: Summary,
    #[cfg(feature = "devices")]
    speaker: Option<hst_rtc::devices::Speaker>,
    /// One task for each received media, ended with it.
    recordings: JoinSet<(MediaRef, Result<Recorded, CliError>)>,
}

impl<'a> Stay<'a> {
    fn new(engine: Arc<RtcEngine>, options: &'a JoinOptions) -> Self {
        Self {
            engine,
            options,
            since: Instant::now(),
            members: Vec::new(),
            summary: Summary::new(&options.user, &options.group),
            #[cfg(feature = "devices")]
            speaker: None,
            recordings: JoinSet::new(),
        }
    }

    async fn run(mut self, mut events: Events) -> Result<Summary, CliError> {
        let end = self.options.duration.map(|duration| self.since + *duration);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let progress = Progress::new(std::io::stderr().is_terminal() && !self.options.json);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(Event::Ended(why)) => return Err(CliError::Ended(why)),
                    Some(event) => self.handle(event),
                    None => break,
                },
                Some(ended) = self.recordings.join_next() => self.recorded(ended)?,
                _ = ticks.tick() => {
                    self.read_figures().await?;
                    progress.show(self.since.elapsed(), &self.members, &self.summary);
                }
                () = at(end) => break,
                _ = tokio::signal::ctrl_c() => break,
            }
        }
        progress.finish();
        self.read_figures().await?;
        self.summary.seconds = self.since.elapsed().as_secs_f64();
        // Leaving ends every received media, and with it its recording.
        let _ = self.engine.leave_group().await;
        while let Some(ended) = self.recordings.join_next().await {
            self.recorded(ended)?;
        }
        Ok(self.summary)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Group(GroupEvent::Members(members)) => {
                self.summary.met(&members);
                self.members = members;
            }
            Event::Group(GroupEvent::MemberJoined(user)) => {
                self.summary.met(std::slice::from_ref(&user));
                self.members.push(user);
            }
            Event::Group(GroupEvent::MemberLeft(user)) => self.members.retain(|member| *member != user),
            Event::Group(GroupEvent::Published(media)) if media.key.media_type.is_stream() => {
                let engine = self.engine.clone();
                let folder = self.options.record.clone();
                #[cfg(feature = "devices")]
                let voice = self.voice(&media.key);
                #[cfg(not(feature = "devices"))]
                let voice = None;
                self.recordings.spawn(async move {
                    let recorded = record(&engine, &media.key, folder.as_deref(), voice).await;
                    (media.key, recorded)
                });
            }
            _ => {}
        }
    }

    /// Where a sound is to be heard, beside being recorded.
    #[cfg(feature = "devices")]
    fn voice(&self, key: &MediaRef) -> Option<Box<dyn hst_rtc::media::MediaSink>> {
        let speaker = self.speaker.as_ref().filter(|_| key.media_type == MediaType::Audio)?;
        Some(Box::new(speaker.voice()))
    }

    fn recorded(
        &mut self,
        ended: Result<(MediaRef, Result<Recorded, CliError>), tokio::task::JoinError>,
    ) -> Result<(), CliError> {
        // A task that panicked has said so already.
        let Ok((key, recorded)) = ended else { return Ok(()) };
        self.summary.recorded(key, recorded?);
        Ok(())
    }

    async fn read_figures(&mut self) -> Result<(), CliError> {
        let figures = self.engine.stats().await?;
        self.summary.figures(&self.options.user, figures);
        Ok(())
    }
}

async fn at(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

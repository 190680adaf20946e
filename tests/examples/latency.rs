//! How long a native engine takes on loopback: the server's start, login, and from `join_group` to the first sound,
//! by each media engine in turn.
//!
//! `cargo run --release -p hst-tests --example latency`

#![allow(clippy::print_stdout, reason = "it prints its figures")]

use std::{
    error::Error,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use hst_auth::{AppSecret, TokenIssuer, TokenRequest};
use hst_rtc::{
    AppId, Event, GroupEvent, LoginOptions, MediaType, RtcEngine,
    media::{Looped, MediaEngine, Paced, open_source},
    presets,
};
use hst_server::{Config, DEV_APP_ID, DEV_APP_SECRET, Server};

const RUNS: usize = 20;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let config = || Config {
        bind: ([127, 0, 0, 1], 0).into(),
        ..Config::dev()
    };
    let mut starts = Vec::new();
    for _ in 0..RUNS {
        let since = Instant::now();
        let server = Server::new(config()).start().await?;
        starts.push(since.elapsed());
        server.shutdown().await;
    }
    say("server start to ready, in process", starts);

    let server = Server::new(config()).start().await?;
    let access = server.origins().first().ok_or("the server has no address")?.to_string();
    let bot = enter(&access, "bot").await?;
    let sound = open_source(Path::new(env!("CARGO_MANIFEST_DIR")).join("media/film.ogg")).await?;
    bot.publish(MediaType::Audio, "film", Box::new(Paced::new(Looped::new(sound))))
        .await?;

    let (mut logins, mut fast, mut relaying) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        for (engine, sounds) in [(presets::str0m(), &mut fast), (presets::webrtc(), &mut relaying)] {
            let (login, sound) = visit(&access, engine, run).await?;
            logins.push(login);
            sounds.push(sound);
        }
    }
    say("login, with the connection", logins);
    say("join_group to the first sound, str0m", fast);
    say("join_group to the first sound, webrtc", relaying);
    Ok(())
}

async fn enter(access: &str, user: &str) -> Result<RtcEngine> {
    let engine = RtcEngine::new();
    engine.init(Some(access)).await?;
    engine.login(LoginOptions::new(DEV_APP_ID, token()?, user)).await?;
    engine.join_group("latency").await?;
    Ok(engine)
}

/// One visitor's login time, and his time from joining to the first sound.
async fn visit(access: &str, media: Arc<dyn MediaEngine>, run: usize) -> Result<(Duration, Duration)> {
    let engine = RtcEngine::with(presets::with_media(media));
    let mut events = engine.events();
    engine.init(Some(access)).await?;
    let since = Instant::now();
    engine
        .login(LoginOptions::new(DEV_APP_ID, token()?, format!("visitor{run}")))
        .await?;
    let login = since.elapsed();
    let since = Instant::now();
    engine.join_group("latency").await?;
    let key = loop {
        let event = events.recv().await.ok_or("the engine is gone")?;
        if let Event::Group(GroupEvent::Published(media)) = event {
            break media.key;
        }
    };
    let mut remote = engine.receive(key).await?;
    remote.read().await.ok_or("the film has ended")?;
    let sound = since.elapsed();
    engine.exit().await?;
    Ok((login, sound))
}

fn token() -> Result<String> {
    let issuer = TokenIssuer::legacy_001(AppId::parse(DEV_APP_ID)?, &AppSecret::parse(DEV_APP_SECRET)?);
    Ok(issuer.issue(&TokenRequest::default(), std::time::SystemTime::now().into())?)
}

fn say(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1];
    println!("{what}: p50 {:.1?}, p95 {:.1?} of {}", at(0.5), at(0.95), times.len());
}

use std::{net::SocketAddr, sync::Arc, time::Duration};

use clap::Args;
use hst_cable::Cable;
use hst_rtc::{
    Client, ClientBuilder, Event, LoginOptions, MediaId, MediaRef, MediaType, RemoteMedia, UserId,
    access::StaticAccess,
    media::{Codec, Frame, FrameList, Looped, MediaSource, Paced, PeerState, TrackInfo},
    signal::Limits,
    signal_ws::WsTransport,
};
use serde::Serialize;
use tokio::time::{Instant, timeout};

use super::{
    BenchError,
    lead::Led,
    process::Process,
    report,
    target::{Target, TargetOptions, user},
};
use crate::{error::CliError, media::Engine};

/// Media that have not come by then do not come.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is published: a sound with a packet every 20 ms, and a picture.
const MEDIA: [(MediaType, &str); 2] = [(MediaType::Audio, "appdef_mic"), (MediaType::Video, "camera")];

#[derive(Args)]
pub(crate) struct Options {
    /// The round trips of the links, in milliseconds.
    #[arg(long, value_name = "MS", value_delimiter = ',', default_value = "0,50,150")]
    rtt: Vec<u64>,
    /// How often to join over each.
    #[arg(long, value_name = "N", default_value_t = 20)]
    runs: usize,
    /// What carries the media of who joins.
    #[arg(long, value_enum, default_value_t)]
    engine: Engine,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// All times go from joining the group, over signalling that is connected and logged in, to the first whole frame of
/// another member. The first packet that the server forwards is due up to 20 ms after it can be sent.
#[derive(Serialize)]
struct Figures {
    engine: String,
    runs: usize,
    links: Vec<Figure>,
    p50_ms_rtt0: Option<f64>,
    p95_ms_rtt0: Option<f64>,
    /// With a transport that is made while joining: what a link adds to the median, in its round trips.
    round_trips_cold: Option<f64>,
    /// With a transport that was prepared before, and the media asked for with the join.
    round_trips_warm: Option<f64>,
    /// From asking for a media to its first frame, in the group and with the transport connected.
    round_trips_receive: Option<f64>,
}

#[derive(Serialize)]
struct Figure {
    rtt_ms: u64,
    p50_ms: f64,
    p95_ms: f64,
    warm_p50_ms: f64,
    warm_p95_ms: f64,
    receive_p50_ms: f64,
    receive_p95_ms: f64,
}

/// One who publishes in a group and others who join it, each over a link of its own.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let process = Process::media_server(None).await?;
    let target = Target::reach(&TargetOptions::dev(process.address())).await?;
    let group = format!("bench-{}", std::process::id());
    let publisher = user(0);
    let _publisher = publish(&target, &publisher, &group).await?;
    let mut links = Vec::new();
    let mut next_user = 1;
    for &rtt_ms in &options.rtt {
        let link = Link::lay(&process, Duration::from_millis(rtt_ms) / 2).await?;
        let (mut joins, mut receives, mut warm) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.runs.max(1) {
            let visitor = Visitor {
                target: &target,
                link: &link,
                engine: options.engine,
                publisher: &publisher,
                group: &group,
            };
            let [join, receive] = visitor.visit(user(next_user)).await?;
            joins.push(join);
            receives.push(receive);
            warm.push(visitor.visit_warm(user(next_user + 1)).await?);
            next_user += 2;
        }
        links.push(Figure {
            rtt_ms,
            p50_ms: report::millis(report::percentile(&mut joins, 50)),
            p95_ms: report::millis(report::percentile(&mut joins, 95)),
            warm_p50_ms: report::millis(report::percentile(&mut warm, 50)),
            warm_p95_ms: report::millis(report::percentile(&mut warm, 95)),
            receive_p50_ms: report::millis(report::percentile(&mut receives, 50)),
            receive_p95_ms: report::millis(report::percentile(&mut receives, 95)),
        });
    }
    let near = links.iter().find(|link| link.rtt_ms == 0);
    let figures = Figures {
        engine: format!("{:?}", options.engine).to_lowercase(),
        runs: options.runs,
        p50_ms_rtt0: near.map(|link| link.p50_ms),
        p95_ms_rtt0: near.map(|link| link.p95_ms),
        round_trips_cold: slope(&links, |link| link.p50_ms),
        round_trips_warm: slope(&links, |link| link.warm_p50_ms),
        round_trips_receive: slope(&links, |link| link.receive_p50_ms),
        links,
    };
    Ok(report::print(&figures, options.json)?)
}

/// How many milliseconds a millisecond more of round trip costs, between the shortest link and the longest.
fn slope(links: &[Figure], time: impl Fn(&Figure) -> f64) -> Option<f64> {
    let shortest = links.iter().min_by_key(|link| link.rtt_ms)?;
    let longest = links.iter().max_by_key(|link| link.rtt_ms)?;
    let longer = longest.rtt_ms - shortest.rtt_ms;
    (longer > 0).then(|| report::rounded((time(longest) - time(shortest)) / longer as f64))
}

/// A link to the server, and how its clients are led over it.
struct Link {
    signal: String,
    detours: Vec<(SocketAddr, SocketAddr)>,
    _cable: Cable,
}

impl Link {
    async fn lay(process: &Process, one_way: Duration) -> Result<Self, BenchError> {
        let mut cable = Cable::new(one_way);
        let http = process.address().parse().map_err(|_| BenchError::NotProtocol)?;
        let entrance = cable.carry_streams(http).await?;
        let mut detours = Vec::new();
        for &media in process.media() {
            detours.push((media, cable.carry_datagrams(media).await?));
        }
        Ok(Self {
            signal: format!("ws://{entrance}/v1/signal"),
            detours,
            _cable: cable,
        })
    }
}

/// Who joins, and hears the publisher.
struct Visitor<'a> {
    target: &'a Target,
    link: &'a Link,
    engine: Engine,
    publisher: &'a UserId,
    group: &'a str,
}

impl Visitor<'_> {
    /// How long it took from joining to the first frame, and from asking for the other media to its first frame.
    async fn visit(&self, user: UserId) -> Result<[Duration; 2], CliError> {
        let client = self.login(&user).await?;
        let begun = Instant::now();
        client.join_group(self.group).await?;
        first_frame(client.receive(self.key(MEDIA[0])).await?).await?;
        let joined = begun.elapsed();
        let begun = Instant::now();
        first_frame(client.receive(self.key(MEDIA[1])).await?).await?;
        let received = begun.elapsed();
        // The platform may never answer; the visit is over either way.
        let _ = client.exit().await;
        Ok([joined, received])
    }

    /// How long it took from joining to the first frame, with a transport that was there before.
    async fn visit_warm(&self, user: UserId) -> Result<Duration, CliError> {
        let client = self.login(&user).await?;
        let mut events = client.events();
        client.prepare_group(self.group).await?;
        let connected = async {
            while let Some(event) = events.recv().await {
                if event == Event::Transport(PeerState::Connected) {
                    return;
                }
            }
        };
        timeout(PATIENCE, connected).await.map_err(|_| missing())?;
        let begun = Instant::now();
        let media = client.join_receiving(self.group, vec![self.key(MEDIA[0])]).await?;
        for media in media {
            first_frame(media).await?;
        }
        let joined = begun.elapsed();
        // The platform may never answer; the visit is over either way.
        let _ = client.exit().await;
        Ok(joined)
    }

    async fn login(&self, user: &UserId) -> Result<Client, CliError> {
        let transport = Led::new(WsTransport::new(Limits::default()), &self.link.detours);
        let client = ClientBuilder::new(Arc::new(transport), self.engine.make())
            .early_media(true)
            .build();
        login(&client, self.target, &self.link.signal, user).await?;
        Ok(client)
    }

    fn key(&self, (media_type, media): (MediaType, &str)) -> MediaRef {
        MediaRef {
            user: self.publisher.clone(),
            media_type,
            media: MediaId::parse(media).expect("a plain name"),
        }
    }
}

async fn first_frame(mut media: RemoteMedia) -> Result<(), BenchError> {
    let first = timeout(PATIENCE, media.read()).await;
    first.ok().flatten().map(|_| ()).ok_or_else(missing)
}

fn missing() -> BenchError {
    BenchError::Missing {
        missing: 1,
        expected: 1,
        seconds: PATIENCE.as_secs(),
    }
}

async fn login(client: &Client, target: &Target, signal: &str, user: &UserId) -> Result<(), CliError> {
    client.init(Arc::new(StaticAccess::of(signal))).await?;
    let options = LoginOptions::new(target.app().as_str(), target.token(user)?, user.as_str());
    Ok(client.login(options).await?)
}

/// Somebody in the group who publishes.
async fn publish(target: &Target, user: &UserId, group: &str) -> Result<Client, CliError> {
    let transport = Arc::new(WsTransport::new(Limits::default()));
    let client = ClientBuilder::new(transport, Engine::default().make()).build();
    login(&client, target, target.signal(), user).await?;
    client.join_group(group).await?;
    for (media_type, media) in MEDIA {
        client.publish(media_type, media, source(media_type)).await?;
    }
    Ok(client)
}

/// Frames without end, as they come from a microphone or a camera, every one a keyframe.
fn source(media_type: MediaType) -> Box<dyn MediaSource> {
    let (codec, data, duration) = match media_type {
        MediaType::Audio => (Codec::Opus, vec![0xfc; 80], Duration::from_millis(20)),
        _ => (Codec::Vp8, vec![0; 1000], Duration::from_millis(40)),
    };
    let frame = Frame {
        data: data.into(),
        time: Duration::ZERO,
        duration,
        keyframe: true,
        level: None,
    };
    let frames = FrameList::new(TrackInfo::new(codec), vec![frame]);
    Box::new(Paced::new(Looped::new(frames)))
}

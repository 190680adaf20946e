use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use hst_cluster::NodeId;
use hst_group::server::{MemberId, TrackId};
use hst_id::{AppId, GroupId, MediaRef, MediaType, UserId};
use hst_quality::{Figures, Kind, Limit, Quality};
use hst_sfu_worker::{Flow, FlowLimit, LineStats, Path, TrackStats};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{
    Refused,
    groups::{PATIENCE, ask_inbox},
    parts::{self, Part},
};
use crate::{
    group::{Message, Naming},
    hub::Hub,
    node::NodeMessage,
};

/// A media on its way from its publisher to the server, or on to one receiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Stream {
    /// Whose media it is.
    #[schema(value_type = String)]
    user: UserId,
    /// 0 screen share, 1 audio, 2 video.
    #[serde(rename = "type")]
    media_type: u8,
    media: String,
    /// To whom it goes; null on the way from its publisher.
    #[schema(value_type = Option<String>)]
    receiver: Option<UserId>,
    /// Bits of payload in a second.
    bitrate: u64,
    /// Pictures in a second.
    frame_rate: f64,
    /// Of the pictures, in pixels; null where the publisher does not tell.
    width: Option<u16>,
    height: Option<u16>,
    /// Which layers of a picture; null where nothing flows.
    layer: Option<Layer>,
    packets: u64,
    /// As the receiver reports; null until he does, and on the way from the publisher, of which the share alone is known.
    packets_lost: Option<u64>,
    /// The share of packets that never arrived, from 0 to 1.
    loss_rate: f64,
    /// How unevenly packets arrive.
    jitter_ms: f64,
    /// To the client and back; null until it was measured.
    round_trip_ms: Option<f64>,
    /// How often the receiver asked for packets again; null on the way from the publisher.
    nacks: Option<u64>,
    /// How often the receiver, or here the publisher, was asked for a keyframe.
    keyframe_requests: u64,
    /// How often pictures stood still, by when the server sent them on; null of a sound, and on the way from the publisher.
    freeze_count: Option<u64>,
    /// For how long all together.
    freeze_ms: Option<f64>,
    /// Bits in a second that the receiver's network carries, all that he gets together; null where it is not known.
    estimate: Option<u64>,
    /// Why it is no more: none, bandwidth, view, muted or paused.
    limited_by: String,
    /// How good it is; null where nothing flows.
    quality: Option<Score>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
struct Layer {
    /// Of the encodings that are sent side by side, from 0, the smallest.
    encoding: u8,
    /// The largest size of it that flows, from 0.
    spatial: u8,
    /// The highest frame rate of it that flows, from 0.
    temporal: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
struct Score {
    /// From 1.0, bad, to 5.0, excellent.
    score: f64,
    /// What costs the most.
    reason: String,
}

/// What nodes ask each other about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StreamsAsk {
    app: AppId,
    group: GroupId,
    offset: usize,
    limit: usize,
}

/// What flows in a group on one node: a part of it, and how much there is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Streams {
    streams: Vec<Stream>,
    total: usize,
}

/// What flows in a group on all nodes that have said so.
#[derive(Debug)]
pub(crate) struct AllStreams {
    pub(crate) streams: Vec<Stream>,
    pub(crate) total: usize,
    /// Nodes that live and did not answer.
    pub(crate) missing: BTreeSet<NodeId>,
}

impl Hub {
    /// What flows in a group, in the order of media and receivers, at most `limit` streams behind the first `offset`; as of a second
    /// ago at most.
    ///
    /// # Errors
    /// [`Refused::NoSuchGroup`], [`Refused::Late`], [`Refused::Cluster`].
    pub(crate) async fn measure(
        &self,
        app: &AppId,
        group: &GroupId,
        (offset, limit): (usize, usize),
    ) -> Result<AllStreams, Refused> {
        self.look(app, group).await?;
        let end = offset.saturating_add(limit);
        let ask = StreamsAsk {
            app: app.clone(),
            group: group.clone(),
            offset: 0,
            limit: end,
        };
        let own = self.own_streams(ask.clone()).await?;
        let of_part = move |offset, limit| {
            let ask = ask.clone();
            NodeMessage::Streams(StreamsAsk { offset, limit, ..ask })
        };
        // What is among the first of all nodes together is among the first of its own.
        let (others, missing) = parts::of_others::<Streams>(&self.node, end, of_part).await?;
        let (mut streams, mut total) = (own.streams, own.total);
        for part in others {
            streams.extend(part.streams);
            total += part.total;
        }
        sort(&mut streams);
        let streams = streams.into_iter().skip(offset).take(limit).collect();
        Ok(AllStreams {
            streams,
            total,
            missing,
        })
    }

    /// The same of this node alone.
    ///
    /// # Errors
    /// [`Refused::Late`].
    pub(crate) async fn own_streams(&self, ask: StreamsAsk) -> Result<Streams, Refused> {
        let StreamsAsk {
            app,
            group,
            offset,
            limit,
        } = ask;
        let Some(inbox) = self.groups.find(&(app, group)) else {
            return Ok(Streams::default());
        };
        let naming: Naming = ask_inbox(inbox, Message::Measure).await?;
        let Some(figures) = &naming.figures else {
            return Ok(Streams::default());
        };
        let stats = timeout(PATIENCE, figures.read()).await.map_err(|_| Refused::Late)?;
        // What has ended or left meanwhile has no name any more.
        let inward = stats.tracks.iter().filter_map(|track| naming.inward(track));
        let outward = stats.lines.iter().filter_map(|line| naming.outward(line));
        let mut streams: Vec<_> = inward.chain(outward).collect();
        sort(&mut streams);
        Ok(Streams {
            total: streams.len(),
            streams: streams.into_iter().skip(offset).take(limit).collect(),
        })
    }
}

impl Part for Streams {
    const MOST: usize = 1_000;

    fn len(&self) -> usize {
        self.streams.len()
    }
}

impl Streams {
    pub(crate) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("names and numbers are JSON").into()
    }
}

fn sort(streams: &mut [Stream]) {
    streams.sort_by(|one, other| one.place().cmp(&other.place()));
}

impl Naming {
    fn inward(&self, of: &TrackStats) -> Option<Stream> {
        let media = self.tracks.get(&TrackId(of.track.0))?;
        Some(Stream {
            packets: of.packets,
            keyframe_requests: of.keyframe_requests,
            ..Stream::new(media, &of.flow, &of.path)
        })
    }

    fn outward(&self, of: &LineStats) -> Option<Stream> {
        let media = self.tracks.get(&TrackId(of.track.0))?;
        let freezes = (media.media_type != MediaType::Audio).then_some(of.freezes);
        Some(Stream {
            freeze_count: freezes.map(|it| it.count.into()),
            freeze_ms: freezes.map(|it| millis(it.time)),
            receiver: Some(self.members.get(&MemberId(of.peer.0))?.clone()),
            packets: of.packets,
            nacks: Some(of.nacks),
            keyframe_requests: of.keyframe_requests,
            estimate: of.estimate,
            ..Stream::new(media, &of.flow, &of.path)
        })
    }
}

impl Stream {
    fn new(media: &MediaRef, flow: &Flow, path: &Path) -> Self {
        let quality = quality(media.media_type, flow, path).map(|it| Score {
            score: it.score,
            reason: it.reason.as_str().to_owned(),
        });
        Self {
            user: media.user.clone(),
            media_type: media.media_type.into(),
            media: media.media.to_string(),
            receiver: None,
            bitrate: flow.rate,
            frame_rate: rounded(flow.frame_rate.into(), 10.0),
            width: flow.size.map(|(width, _)| width),
            height: flow.size.map(|(_, height)| height),
            layer: flow.layer.map(|layer| Layer {
                encoding: layer.encoding,
                spatial: layer.spatial,
                temporal: layer.temporal,
            }),
            packets: 0,
            packets_lost: path.lost,
            loss_rate: rounded(path.loss_rate.into(), 10_000.0),
            jitter_ms: millis(path.jitter),
            round_trip_ms: path.round_trip.map(millis),
            nacks: None,
            keyframe_requests: 0,
            freeze_count: None,
            freeze_ms: None,
            estimate: None,
            limited_by: limit(flow.limit).as_str().to_owned(),
            quality,
        }
    }

    fn place(&self) -> impl Ord {
        (&self.user, self.media_type, &self.media, &self.receiver)
    }
}

fn limit(of: FlowLimit) -> Limit {
    match of {
        FlowLimit::None => Limit::None,
        FlowLimit::View => Limit::View,
        FlowLimit::Bandwidth => Limit::Bandwidth,
        FlowLimit::Muted => Limit::Muted,
        FlowLimit::Paused => Limit::Paused,
    }
}

/// How good it is, as far as that is seen here: for which share of the time it stood still, only who asks again and again knows.
fn quality(of: MediaType, flow: &Flow, path: &Path) -> Option<Quality> {
    let kind = match of {
        MediaType::Audio => Kind::Sound,
        MediaType::ScreenShare => Kind::Screen,
        _ => Kind::Camera,
    };
    let (width, height) = flow.size.unwrap_or_default();
    let figures = Figures {
        bitrate: flow.rate,
        frame_rate: flow.frame_rate.into(),
        width: width.into(),
        height: height.into(),
        asked_height: flow.wanted_height,
        loss_rate: path.loss_rate.into(),
        jitter: path.jitter,
        round_trip: path.round_trip.unwrap_or_default(),
        limited_by: limit(flow.limit),
        ..Figures::of(kind)
    };
    figures.quality()
}

fn millis(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1000.0, 10.0)
}

fn rounded(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use hst_id::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    named::{NamedApp, NamedGroup},
    page::Page,
    params::Params,
};
use crate::{admin::Stream, http::Web};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupStats {
    /// The streams, or this page of them, in the order of media and receivers.
    streams: Vec<StreamView>,
    /// How many there are in all.
    total: usize,
}

/// A media on its way from its publisher to the server, or on to one receiver.
#[derive(Debug, Serialize, ToSchema)]
struct StreamView {
    /// Whose media it is.
    user: String,
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
    layer: Option<LayerView>,
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
    /// Bits in a second that the receiver's network carries, all that he gets together; null where it is not known.
    estimate: Option<u64>,
    /// Why it is no more: none, bandwidth, view, muted or paused.
    #[schema(value_type = String)]
    limited_by: &'static str,
    /// How good it is; null where nothing flows.
    quality: Option<QualityView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LayerView {
    /// Of the encodings that are sent side by side, from 0, the smallest.
    encoding: u8,
    /// The largest size of it that flows, from 0.
    spatial: u8,
    /// The highest frame rate of it that flows, from 0.
    temporal: u8,
}

#[derive(Debug, Serialize, ToSchema)]
struct QualityView {
    /// From 1.0, bad, to 5.0, excellent.
    score: f64,
    /// What costs the most.
    #[schema(value_type = String)]
    reason: &'static str,
}

/// Shows what flows in a group, and how well, as of a second ago at most.
#[utoipa::path(
    get,
    path = "/v1/apps/{app}/groups/{group}/stats",
    tag = "Groups",
    params(("app" = String, Path), ("group" = String, Path), Page),
    responses((status = 200, body = Answer<GroupStats>)),
)]
pub(super) async fn get_group_stats(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    NamedGroup(group): NamedGroup,
    Params(page): Params<Page>,
) -> Outcome<GroupStats> {
    let streams = web.hub.measure(&app.id, &group).await?;
    ok(GroupStats {
        total: streams.len(),
        streams: page.of(streams).into_iter().map(StreamView::from).collect(),
    })
}

impl From<Stream> for StreamView {
    fn from(stream: Stream) -> Self {
        let quality = stream.quality().map(|it| QualityView {
            score: it.score,
            reason: it.reason.as_str(),
        });
        let limited_by = stream.limited_by().as_str();
        let Stream { media, flow, path, .. } = stream;
        Self {
            user: media.user.to_string(),
            media_type: media.media_type.into(),
            media: media.media.to_string(),
            receiver: stream.receiver,
            bitrate: flow.rate,
            frame_rate: rounded(flow.frame_rate.into(), 10.0),
            width: flow.size.map(|(width, _)| width),
            height: flow.size.map(|(_, height)| height),
            layer: flow.layer.map(|layer| LayerView {
                encoding: layer.encoding,
                spatial: layer.spatial,
                temporal: layer.temporal,
            }),
            packets: stream.packets,
            packets_lost: path.lost,
            loss_rate: rounded(path.loss_rate.into(), 10_000.0),
            jitter_ms: millis(path.jitter),
            round_trip_ms: path.round_trip.map(millis),
            nacks: stream.nacks,
            keyframe_requests: stream.keyframe_requests,
            estimate: stream.estimate,
            limited_by,
            quality,
        }
    }
}

fn millis(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1000.0, 10.0)
}

fn rounded(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}

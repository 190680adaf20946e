use hst_group::server::{MemberId, TrackId};
use hst_id::{AppId, GroupId, MediaRef, MediaType, UserId};
use hst_quality::{Figures, Kind, Limit, Quality};
use hst_sfu_worker::{Flow, FlowLimit, LineStats, Path, TrackStats};
use tokio::time::timeout;

use super::{
    Refused,
    groups::{PATIENCE, ask_inbox},
};
use crate::{
    group::{Message, Naming},
    hub::Hub,
};

/// A media on its way from its publisher, or from here to one receiver.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) media: MediaRef,
    /// `None` on the way from its publisher.
    pub(crate) receiver: Option<UserId>,
    pub(crate) flow: Flow,
    pub(crate) path: Path,
    pub(crate) packets: u64,
    /// `None` on the way from its publisher.
    pub(crate) nacks: Option<u64>,
    pub(crate) keyframe_requests: u64,
    pub(crate) estimate: Option<u64>,
}

impl Hub {
    /// What flows in a group on this node, in the order of media and receivers; as of a second ago at most.
    ///
    /// # Errors
    /// [`Refused::NoSuchGroup`], [`Refused::Late`].
    pub(crate) async fn measure(&self, app: &AppId, group: &GroupId) -> Result<Vec<Stream>, Refused> {
        let Some(inbox) = self.groups.find(&(app.clone(), group.clone())) else {
            // Whatever flows there does so on other nodes.
            return self.look(app, group).await.map(|_| Vec::new());
        };
        let naming: Naming = ask_inbox(inbox, Message::Measure).await?;
        let Some(figures) = &naming.figures else {
            return Ok(Vec::new());
        };
        let stats = timeout(PATIENCE, figures.read()).await.map_err(|_| Refused::Late)?;
        // What has ended or left meanwhile has no name any more.
        let inward = stats.tracks.iter().filter_map(|track| naming.inward(track));
        let outward = stats.lines.iter().filter_map(|line| naming.outward(line));
        let mut streams: Vec<_> = inward.chain(outward).collect();
        streams.sort_by(|one, other| (&one.media, &one.receiver).cmp(&(&other.media, &other.receiver)));
        Ok(streams)
    }
}

impl Naming {
    fn inward(&self, of: &TrackStats) -> Option<Stream> {
        Some(Stream {
            media: self.tracks.get(&TrackId(of.track.0))?.clone(),
            receiver: None,
            flow: of.flow,
            path: of.path,
            packets: of.packets,
            nacks: None,
            keyframe_requests: of.keyframe_requests,
            estimate: None,
        })
    }

    fn outward(&self, of: &LineStats) -> Option<Stream> {
        Some(Stream {
            media: self.tracks.get(&TrackId(of.track.0))?.clone(),
            receiver: Some(self.members.get(&MemberId(of.peer.0))?.clone()),
            flow: of.flow,
            path: of.path,
            packets: of.packets,
            nacks: Some(of.nacks),
            keyframe_requests: of.keyframe_requests,
            estimate: of.estimate,
        })
    }
}

impl Stream {
    pub(crate) fn limited_by(&self) -> Limit {
        match self.flow.limit {
            FlowLimit::None => Limit::None,
            FlowLimit::View => Limit::View,
            FlowLimit::Bandwidth => Limit::Bandwidth,
            FlowLimit::Muted => Limit::Muted,
            FlowLimit::Paused => Limit::Paused,
        }
    }

    /// How good it is, as far as that is seen here: how often it freezes is seen where it is decoded.
    pub(crate) fn quality(&self) -> Option<Quality> {
        let Self { flow, path, .. } = self;
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
            limited_by: self.limited_by(),
            ..Figures::of(kind(self.media.media_type))
        };
        figures.quality()
    }
}

fn kind(media_type: MediaType) -> Kind {
    match media_type {
        MediaType::Audio => Kind::Sound,
        MediaType::ScreenShare => Kind::Screen,
        _ => Kind::Camera,
    }
}

//! What the lines of the present peer tell of their media.

use hst_id::{MediaRef, UserId};
use hst_media::{LineId, LineStats};
use hst_proto::Role;
use tokio::time::Instant;

use super::MediaLink;
use crate::stats::{Bounds, MediaStats};

impl MediaLink {
    pub(crate) async fn stats(&mut self, own: Option<&UserId>, bounds: &Bounds) -> Vec<MediaStats> {
        let now = Instant::now();
        let mut all = Vec::new();
        for (key, line) in self.lines(own).await {
            let meter = self.meters.entry(key.clone()).or_default();
            all.push(meter.read(now, key, line, bounds));
        }
        self.meters.retain(|key, _| all.iter().any(|it| it.key == *key));
        all
    }

    /// What the line of each media has carried so far. One that waits for its media has nothing to tell.
    pub(crate) async fn lines(&mut self, own: Option<&UserId>) -> Vec<(MediaRef, LineStats)> {
        let (Some(transport), Some(own)) = (&mut self.transport, own) else {
            return Vec::new();
        };
        let lines = transport.peer.stats().await.into_iter();
        lines
            .filter_map(|line| Some((self.key_of(line.line, own)?, line)))
            .collect()
    }

    fn key_of(&self, line: LineId, own: &UserId) -> Option<MediaRef> {
        Some(match self.role(line)? {
            Role::Send { media_type, media } => MediaRef {
                user: own.clone(),
                media_type,
                media,
            },
            Role::Receive(key) => key,
        })
    }
}

//! The demo page, as a user handles it.

use crate::browser::Page;

impl Page {
    /// Types a name and a group into the demo page, joins, and waits until the room is there.
    pub async fn join_demo(&self, name: &str, group: &str) {
        self.type_into("#name", name).await;
        self.type_into("#group", group).await;
        self.click("#join").await;
        self.wait_until("!document.querySelector('#room').hidden").await;
        self.wait_until("document.querySelector('.tile.own.has-picture.has-sound')")
            .await;
    }

    /// Waits until the tile of another person shows a moving picture, and may be heard.
    pub async fn see_and_hear(&self, name: &str) {
        let tile = format!("document.querySelector('.tile:not(.own).has-picture.has-sound[data-name={name:?}] video')");
        let plays = "v.getVideoPlaybackQuality().totalVideoFrames > 20 && !v.muted && !v.paused";
        self.wait_until(&format!("((v) => v && {plays})({tile})")).await;
    }
}

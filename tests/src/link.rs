//! A cable to a server, which can be cut and mended, and on which everything takes its time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{net::SocketAddr, time::Duration};

use hst_cable::Cable;
use hst_server::RunningServer;

use crate::path::detour;

/// Carries everything between clients and one server: HTTP and signalling (TCP), and media (UDP). It ends when it is
/// dropped.
#[derive(Debug)]
pub struct Link {
    /// What a candidate of the server looks like, and what it must look like to lead over this link.
    pub detour: [String; 2],
    address: SocketAddr,
    cable: Cable,
}

impl Link {
    /// A link to this server, which has one media thread. Its round trip is twice the given time, and up to 2 ms more,
    /// the grain of the timers.
    pub async fn to(server: &RunningServer, one_way: Duration) -> Self {
        Self::over(Cable::new(one_way), server).await
    }

    /// The same on which this share of the media is lost.
    pub async fn lossy(server: &RunningServer, one_way: Duration, rate: f64) -> Self {
        Self::over(Cable::new(one_way).with_loss(rate, 1), server).await
    }

    async fn over(mut cable: Cable, server: &RunningServer) -> Self {
        let addresses = server.addresses();
        let (http, media) = (addresses.http.unwrap(), addresses.media[0]);
        assert_eq!(addresses.media.len(), 1, "a link leads to one media thread");
        let address = cable.carry_streams(http).await.unwrap();
        let detour = detour(media, cable.carry_datagrams(media).await.unwrap());
        Self { detour, address, cable }
    }

    /// Where clients find the server's HTTP and signalling.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets nothing through any more. Nobody is told: datagrams are lost, and connections stand still.
    pub fn cut(&self) {
        self.cable.cut();
    }

    /// Carries again. Connections go on where they stood, as those do whose ends repeat what was not confirmed.
    pub fn mend(&self) {
        self.cable.mend();
    }
}

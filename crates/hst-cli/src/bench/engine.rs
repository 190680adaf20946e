use std::sync::Arc;

use hst_rtc::{
    Client, ClientBuilder, LoginOptions, access::StaticAccess, media::memory::Hub, signal::Limits,
    signal_ws::WsTransport,
};

use super::target::{Target, user};
use crate::error::CliError;

/// Members of one group.
pub(super) const GROUP: usize = 10;

/// A whole engine, but without media, in its group. It comes back to this address when its connection is lost.
pub(super) async fn enter(target: &Target, url: &str, index: usize) -> Result<Client, CliError> {
    let transport = Arc::new(WsTransport::new(Limits::default()));
    let engine = ClientBuilder::new(transport, Arc::new(Hub::new().engine())).build();
    engine.init(Arc::new(StaticAccess::of(url))).await?;
    let user = user(index);
    let options = LoginOptions::new(target.app().as_str(), target.token(&user)?, user.as_str());
    engine.login(options).await?;
    let group = format!("bench-{}-{}", std::process::id(), index / GROUP);
    engine.join_group(&group).await?;
    Ok(engine)
}

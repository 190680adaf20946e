use std::sync::Arc;

use hst_rtc::{
    Client, ClientBuilder, LoginOptions, UserId,
    access::{AccessPoints, StaticAccess},
    media::memory::Hub,
    signal::Limits,
    signal_ws::WsTransport,
};

use super::target::{Target, user};
use crate::error::CliError;

/// Members of one group.
pub(super) const GROUP: usize = 10;

/// A whole engine, but without media, in its group. It comes back to this address when its connection is lost.
pub(super) async fn enter(target: &Target, url: &str, index: usize) -> Result<Client, CliError> {
    let group = format!("bench-{}-{}", std::process::id(), index / GROUP);
    enter_group(target, &[url], &user(index), &group).await
}

/// The same in this group, with several addresses: the first of them that is there is taken.
pub(super) async fn enter_group(
    target: &Target,
    urls: &[&str],
    user: &UserId,
    group: &str,
) -> Result<Client, CliError> {
    let transport = Arc::new(WsTransport::new(Limits::default()));
    let engine = ClientBuilder::new(transport, Arc::new(Hub::new().engine())).build();
    let points = AccessPoints::new(urls.iter().copied()).expect("there is an address");
    engine.init(Arc::new(StaticAccess::new(points))).await?;
    let options = LoginOptions::new(target.app().as_str(), target.token(user)?, user.as_str());
    engine.login(options).await?;
    engine.join_group(group).await?;
    Ok(engine)
}

//! Several nodes that are one platform: what their agreement costs, and what the death of one does to the others.

mod failover;
mod logins;
mod nodes;
mod relay;

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use self::nodes::Nodes;
use super::{BenchError, report};
use crate::error::CliError;

#[derive(Args)]
pub(crate) struct Options {
    /// How many nodes: Access names each of so many.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=8))]
    nodes: u8,
    /// For how long each of the three parts is measured: logins, media, messages.
    #[arg(long, value_name = "S", default_value_t = 10)]
    seconds: u64,
    /// A NATS server that runs; without it, `nats-server` is started, and ended afterwards.
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    nodes: u8,
    /// Users who wanted in at all nodes at once, and those of them who got in more than once, or not at all.
    users: u64,
    double_logins: u64,
    barred_logins: u64,
    /// Wishes that were granted or refused.
    claims_per_second: f64,
    /// Datagrams on the busiest link for each packet that was to cross it, however many receive it behind.
    relay_copies_per_link: Option<f64>,
    /// Between members at different nodes, as long as all live.
    message_us_p50: f64,
    message_us_p99: f64,
    acked: usize,
    /// Acknowledged, and yet did not come to somebody whose node lived.
    lost_acked: usize,
    /// From the kill until the last at another node was told that who was there has left.
    left_ms_max: f64,
    /// Until Access names it no more.
    named_ms_max: f64,
    /// The longer of the two.
    detect_ms_max: f64,
    /// Until its clients are in their groups by another node.
    back_ms_p50: f64,
    back_ms_p99: f64,
    back_ms_max: f64,
    /// The longest that a message waited for its acknowledgement, the change of homes included.
    send_ms_max: f64,
}

/// Starts the nodes, gives them work, and kills the one that is every group's home.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let length = Duration::from_secs(options.seconds.max(1));
    let nodes = Nodes::start(options.nats.as_deref(), options.nodes.into()).await?;
    let logins = logins::run(nodes.targets(), length).await?;
    let relay_copies_per_link = relay::copies(&nodes, length).await?;
    let outcome = failover::run(nodes, length).await?;

    let figures = Figures {
        nodes: options.nodes,
        users: logins.users,
        double_logins: logins.doubles,
        barred_logins: logins.barred,
        claims_per_second: logins.claims_per_second,
        relay_copies_per_link,
        message_us_p50: outcome.message_us(50),
        message_us_p99: outcome.message_us(99),
        acked: outcome.acked,
        lost_acked: outcome.lost,
        left_ms_max: report::millis(outcome.left),
        named_ms_max: report::millis(outcome.named),
        detect_ms_max: report::millis(outcome.left.max(outcome.named)),
        back_ms_p50: outcome.back_ms(50),
        back_ms_p99: outcome.back_ms(99),
        back_ms_max: outcome.back_ms(100),
        send_ms_max: report::millis(outcome.longest),
    };
    report::print(&figures, options.json)?;
    match figures.double_logins == 0 && figures.lost_acked == 0 {
        true => Ok(()),
        false => Err(BenchError::Broken.into()),
    }
}

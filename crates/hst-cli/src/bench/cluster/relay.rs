use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use hst_load::Crowd;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::nodes::Nodes;
use crate::{
    bench::{
        BenchError,
        case::Case,
        report,
        stage::{Member, Stage},
    },
    error::CliError,
};

/// Receivers at each node but the publisher's: so many copies would cross a link that carries one for each.
const RECEIVERS: usize = 3;
/// Far from the users of the other parts.
const FIRST_USER: usize = 2_000_000_000;
const PATIENCE: Duration = Duration::from_secs(60);
const WARM_UP: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(200);
const SENT: &str = "hst_link_datagrams_sent_total{node=\"";

/// One publishes at the first node, and several receive at each other: how many datagrams go over the busiest link for each
/// packet of the publisher's.
pub(super) async fn copies(nodes: &Nodes, length: Duration) -> Result<Option<f64>, CliError> {
    let shape = Case::OneToOne.shape();
    let group = format!("bench-relay-{}", std::process::id());
    let (publishers, receivers) = nodes.targets().split_at(1);
    let mut publisher = Member::enter(&publishers[0], &group, FIRST_USER, Some(shape.kind)).await?;
    let own = publisher.user().clone();
    let (mut stage, mut staying) = (Stage::default(), JoinSet::new());
    stage.front.push(publisher.connect(shape.kind, true, []).await?);
    staying.spawn(publisher.stay());
    let seats = receivers.iter().flat_map(|node| [node; RECEIVERS]);
    for (index, node) in seats.enumerate() {
        let mut member = Member::enter(node, &group, FIRST_USER + 1 + index, None).await?;
        stage.hall.push(member.connect(shape.kind, false, [&own]).await?);
        staying.spawn(member.stay());
    }

    let count = stage.hall.len() as u64;
    let [front, hall] = [("bench-front", stage.front), ("bench-hall", stage.hall)]
        .map(|(name, clients)| Crowd::start(name, clients, shape.pace).map_err(BenchError::Load));
    let crowds = [front?, hall?];
    let begun = Instant::now();
    while crowds.iter().any(|crowd| crowd.connected() < crowd.len()) {
        if begun.elapsed() > PATIENCE {
            let missing = crowds.iter().map(|crowd| crowd.len() - crowd.connected()).sum();
            return Err(BenchError::Unconnected(missing).into());
        }
        sleep(LOOK).await;
    }
    crowds.iter().for_each(Crowd::send);
    sleep(WARM_UP).await;
    let Some(metrics) = nodes.processes()[0].metrics() else {
        return Ok(None);
    };
    crowds.iter().for_each(Crowd::count);
    let before = sent(metrics).await?;
    sleep(length).await;
    let after = sent(metrics).await?;
    crowds.iter().for_each(Crowd::listen);
    sleep(LOOK).await;
    let [_, hall] = crowds;
    let tally = hall.end().map_err(BenchError::Load)?;
    let packets = (tally.received + tally.lost_in_server + tally.lost_behind_server) as f64 / count as f64;
    let crossed = after
        .iter()
        .map(|(node, sent)| sent.saturating_sub(*before.get(node).unwrap_or(&0)));
    Ok(crossed
        .max()
        .filter(|_| packets > 0.0)
        .map(|crossed| report::rounded(crossed as f64 / packets)))
}

/// Datagrams that have left for each other node.
async fn sent(metrics: SocketAddr) -> Result<BTreeMap<String, u64>, BenchError> {
    let answer = reqwest::get(format!("http://{metrics}/metrics")).await;
    let text = answer.map_err(BenchError::Metrics)?.text().await;
    let text = text.map_err(BenchError::Metrics)?;
    let links = text.lines().filter_map(|line| {
        let (node, count) = line.strip_prefix(SENT)?.split_once("\"} ")?;
        Some((node.to_owned(), count.parse().ok()?))
    });
    Ok(links.collect())
}

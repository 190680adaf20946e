use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::{join_all, try_join_all};
use hst_proto::Command;
use tokio::time::Instant;

use crate::{
    bench::{
        BenchError, report,
        target::{Target, user},
        wire::Wire,
    },
    error::CliError,
};

/// Users at a time.
const AT_ONCE: usize = 32;

/// What became of users who wanted in at all nodes at once.
pub(super) struct Logins {
    pub(super) users: u64,
    /// Who got in more than once, and who did not get in at all.
    pub(super) doubles: u64,
    pub(super) barred: u64,
    pub(super) claims_per_second: f64,
}

/// One user after the other logs in at all nodes at once, many such users side by side.
pub(super) async fn run(nodes: &[Target], length: Duration) -> Result<Logins, CliError> {
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    let storm = async |_| {
        let mut winners = Vec::new();
        while start.elapsed() < length {
            winners.push(race(nodes, next.fetch_add(1, Ordering::Relaxed)).await?);
        }
        Ok::<_, CliError>(winners)
    };
    let winners = try_join_all((0..AT_ONCE).map(storm)).await?.concat();
    let count = |is: fn(usize) -> bool| winners.iter().filter(|winners| is(**winners)).count() as u64;
    let users = count(|_| true);
    let claims = users as f64 * nodes.len() as f64;
    Ok(Logins {
        users,
        doubles: count(|winners| winners > 1),
        barred: count(|winners| winners == 0),
        claims_per_second: report::rounded(claims / start.elapsed().as_secs_f64()),
    })
}

/// How many nodes let the same user in. All have decided before anybody goes again.
async fn race(nodes: &[Target], index: usize) -> Result<usize, CliError> {
    let user = user(index);
    let outcomes = join_all(nodes.iter().map(|node| Wire::login(node, &user))).await;
    let mut winners = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(wire) => winners.push(wire),
            Err(CliError::Bench(BenchError::Refused(_))) => {}
            Err(error) => return Err(error),
        }
    }
    let count = winners.len();
    for mut winner in winners {
        winner.ask(Command::Exit {}).await?;
    }
    Ok(count)
}

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Duration,
};

use bytes::Bytes;
use hst_auth::UnixMillis;
use hst_cluster::NodeId;
use hst_id::AppId;
use hst_store::{Consumption, Day, Service};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::Refused;
use crate::{
    hub::Hub,
    node::{Node, NodeMessage},
    questions,
};

/// How long a node may take to say what was used there.
const PATIENCE: Duration = Duration::from_secs(5);
/// Entries of one answer of a node: far less than a message may hold.
const PART: usize = 5_000;

/// What nodes ask each other about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConsumptionAsk {
    apps: Vec<AppId>,
    /// A moment of the first day, and one of the last.
    days: (u64, u64),
    offset: usize,
    limit: usize,
}

/// What was used on one node, entry by entry: the number of the App among those asked for, the first moment of the day, the
/// service's number, and milliseconds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Used(Vec<(usize, u64, u8, u64)>);

/// What was used on all nodes that have said so.
#[derive(Debug)]
pub(crate) struct AllConsumption {
    pub(crate) used: Vec<Consumption>,
    /// Nodes that live and did not answer.
    pub(crate) missing: BTreeSet<NodeId>,
}

impl Hub {
    /// What Apps have used in groups of all nodes up to now: at most `limit` entries behind the first `offset`, in the order of
    /// the Apps as given, then of days and of services' numbers.
    ///
    /// # Errors
    /// [`Refused::Store`], [`Refused::Cluster`].
    pub(crate) async fn consumption(
        &self,
        of: Vec<AppId>,
        days: RangeInclusive<Day>,
        (offset, limit): (usize, usize),
    ) -> Result<AllConsumption, Refused> {
        let end = offset.saturating_add(limit);
        let ask = ConsumptionAsk {
            apps: of.clone(),
            days: (days.start().begin().as_millis(), days.end().begin().as_millis()),
            offset: 0,
            limit: end,
        };
        let others = match self.node.is_alone {
            true => Vec::new(),
            false => self.node.others().await?,
        };
        let mut asked = JoinSet::new();
        for (life, _) in others {
            let (node, ask) = (self.node.clone(), ask.clone());
            asked.spawn(async move {
                let used = ask_node(&node, &life.node, ask).await;
                (life.node, used)
            });
        }
        // What is among the first on all nodes together is among the first on each that has used it.
        let mut sum: BTreeMap<(usize, u64, u8), u64> = BTreeMap::new();
        let mut add = |Used(entries): Used| {
            for (app, day, service, millis) in entries {
                let total = sum.entry((app, day, service)).or_default();
                *total = total.saturating_add(millis);
            }
        };
        add(self.own_consumption(ask).await?);
        let mut missing = BTreeSet::new();
        while let Some(answered) = asked.join_next().await {
            match answered {
                Ok((_, Some(used))) => add(used),
                Ok((node, None)) => drop(missing.insert(node)),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            }
        }
        let entry = |((app, day, service), millis): ((usize, u64, u8), u64)| {
            Some(Consumption {
                app: of.get(app)?.clone(),
                day: Day::of(UnixMillis::from_millis(day)),
                service: Service::try_from(service).ok()?,
                time: Duration::from_millis(millis),
            })
        };
        let used = sum.into_iter().filter_map(entry).skip(offset).take(limit).collect();
        Ok(AllConsumption { used, missing })
    }

    /// The same of the groups of this node alone.
    ///
    /// # Errors
    /// [`Refused::Store`].
    pub(crate) async fn own_consumption(&self, ask: ConsumptionAsk) -> Result<Used, Refused> {
        let ConsumptionAsk {
            apps: of,
            days,
            offset,
            limit,
        } = ask;
        let [first, last] = [days.0, days.1].map(|at| Day::of(UnixMillis::from_millis(at)));
        let numbers: BTreeMap<_, _> = of.iter().cloned().zip(0_usize..).collect();
        let used = self
            .on_disk(move |apps| {
                apps.meter.write()?;
                apps.store.consumption(&of, first..=last, offset, limit)
            })
            .await?;
        let entry = |used: Consumption| {
            let millis = u64::try_from(used.time.as_millis()).unwrap_or(u64::MAX);
            let number = numbers.get(&used.app)?;
            Some((*number, used.day.begin().as_millis(), used.service.into(), millis))
        };
        Ok(Used(used.into_iter().filter_map(entry).collect()))
    }
}

/// `None`: it does not answer, or not in time.
async fn ask_node(node: &Node, of: &NodeId, mut ask: ConsumptionAsk) -> Option<Used> {
    let subject = Node::subject(of);
    let (end, mut all) = (ask.limit, Vec::new());
    while all.len() < end {
        (ask.offset, ask.limit) = (all.len(), PART.min(end - all.len()));
        let message = NodeMessage::Consumption(ask.clone()).encode();
        let answer = node.ask(&subject, message, PATIENCE).await;
        let answer =
            answer.inspect_err(|error| tracing::warn!(node = %of, %error, "what was consumed there is not told"));
        let Used(part) = questions::read(&answer.ok()?).ok()?;
        let is_last = part.len() < ask.limit;
        all.extend(part);
        if is_last {
            break;
        }
    }
    Some(Used(all))
}

impl Used {
    pub(crate) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("numbers are JSON").into()
    }
}

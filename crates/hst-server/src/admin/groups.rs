use std::{collections::BTreeSet, time::Duration};

use hst_cluster::{Key, RequestError, Unavailable};
use hst_group::server::Governance;
use hst_id::{AppId, GroupId};
use hst_proto::{Failure, Payload};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::Refused;
use crate::{
    apps::AppEntry,
    group::{GroupView, Message},
    groups::Key as GroupKey,
    hub::Hub,
    questions::Unanswered,
};

/// How long a group may take to answer. It waits for nobody, so this is long.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What the platform asks of a group, on whichever node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GroupAsk {
    Look,
    Govern(Governance),
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GroupAnswer {
    View(GroupView),
    Governed(Result<(), Failure>),
}

impl Hub {
    /// The groups of an App that somebody is in, on whichever node, in the order of their names.
    ///
    /// # Errors
    /// [`Refused::Cluster`].
    pub(crate) async fn groups_of(&self, app: &AppId) -> Result<Vec<GroupId>, Refused> {
        if self.node.is_alone {
            return Ok(self.groups.of(app));
        }
        let places = Key::parse("group").expect("letters are a part").with(app).beneath();
        let entries = self.node.directory.list(&places).await?;
        // group.<App>.<group>.<place>, and no name has a dot.
        let name = |key: &Key| GroupId::parse(key.as_str().split('.').nth(2)?).ok();
        let groups: BTreeSet<_> = entries.iter().filter_map(|entry| name(&entry.key)).collect();
        Ok(groups.into_iter().collect())
    }

    /// A group as it is now, on whichever node it has its home.
    ///
    /// # Errors
    /// [`Refused::NoSuchGroup`], [`Refused::Late`], [`Refused::Cluster`].
    pub(crate) async fn look(&self, app: &AppId, group: &GroupId) -> Result<GroupView, Refused> {
        match self.ask_group(app, group, GroupAsk::Look).await? {
            // Somebody may be on his way in, or the last one has just left.
            GroupAnswer::View(view) if !view.members.is_empty() => Ok(view),
            _ => Err(Refused::NoSuchGroup),
        }
    }

    /// Acts on a group, on whichever node it has its home.
    ///
    /// # Errors
    /// [`Refused::NoSuchGroup`], [`Refused::NotInGroup`], [`Refused::Late`], [`Refused::Cluster`].
    pub(crate) async fn govern(&self, app: &AppId, group: &GroupId, act: Governance) -> Result<(), Refused> {
        match self.ask_group(app, group, GroupAsk::Govern(act)).await? {
            GroupAnswer::Governed(done) => done.map_err(|failure| Refused::NotInGroup(failure.message)),
            GroupAnswer::View(_) => Err(Refused::NoSuchGroup),
        }
    }

    /// Tells all members of a group something in the name of the application.
    ///
    /// # Errors
    /// [`Refused::MessageTooLarge`], and those of [`govern`](Self::govern).
    pub(crate) async fn announce(&self, app: &AppEntry, group: &GroupId, body: Payload) -> Result<(), Refused> {
        check_size(app, &body)?;
        self.govern(&app.id, group, Governance::Announce(body)).await
    }

    async fn ask_group(&self, app: &AppId, group: &GroupId, ask: GroupAsk) -> Result<GroupAnswer, Refused> {
        let key = (app.clone(), group.clone());
        match self.ask_own(&key, ask.clone()).await {
            Err(Refused::NoSuchGroup) => {}
            answered => return answered,
        }
        let home = self.groups.placement.find(&key).await?;
        let Some(home) = home.filter(|home| !self.node.is(home)) else {
            return Err(Refused::NoSuchGroup);
        };
        match self.ask_node(&home, &key, ask, PATIENCE).await {
            Ok(answer) => answer.ok_or(Refused::NoSuchGroup),
            // It has died, and its groups with it, or they begin anew elsewhere.
            Err(Unanswered::Request(RequestError::NoResponders)) => Err(Refused::NoSuchGroup),
            Err(Unanswered::Request(RequestError::Timeout)) => Err(Refused::Late),
            Err(Unanswered::Request(RequestError::Unavailable)) => Err(Unavailable.into()),
            Err(Unanswered::NotUnderstood) => Err(Refused::NotUnderstood),
        }
    }

    /// Asks a group that has its home on this node.
    ///
    /// # Errors
    /// [`Refused::NoSuchGroup`], [`Refused::Late`].
    pub(crate) async fn ask_own(&self, key: &GroupKey, ask: GroupAsk) -> Result<GroupAnswer, Refused> {
        let home = self.groups.home(key).ok_or(Refused::NoSuchGroup)?;
        match ask {
            GroupAsk::Look => ask_inbox(home, Message::Look).await.map(GroupAnswer::View),
            GroupAsk::Govern(act) => {
                let govern = |outcome| Message::Govern { act, outcome };
                ask_inbox(home, govern).await.map(GroupAnswer::Governed)
            }
        }
    }
}

/// Asks a group on this node something.
pub(super) async fn ask_inbox<T>(
    inbox: mpsc::Sender<Message>,
    message: impl FnOnce(oneshot::Sender<T>) -> Message,
) -> Result<T, Refused> {
    let (answer, answered) = oneshot::channel();
    let asked = async {
        inbox.send(message(answer)).await.ok()?;
        answered.await.ok()
    };
    let in_time = timeout(PATIENCE, asked).await.map_err(|_| Refused::Late)?;
    // One that ends does not answer any more.
    in_time.ok_or(Refused::NoSuchGroup)
}

/// Holds a message to the App's limit.
pub(super) fn check_size(app: &AppEntry, body: &Payload) -> Result<(), Refused> {
    let max = app.settings.limits.message_bytes.get() as usize;
    if body.as_json().len() > max {
        Err(Refused::MessageTooLarge { max })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;

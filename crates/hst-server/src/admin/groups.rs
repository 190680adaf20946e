use std::time::Duration;

use hst_group::server::Governance;
use hst_id::{AppId, GroupId};
use hst_proto::Payload;
use tokio::{sync::oneshot, time::timeout};

use super::Refused;
use crate::{
    apps::AppEntry,
    group::{GroupView, Message},
    hub::Hub,
};

/// How long a group may take to answer. It waits for nobody, so this is long.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

impl Hub {
    /// A group as it is now.
    ///
    /// # Errors
    /// [`Refused::NoSuchGroup`], [`Refused::Late`].
    pub(crate) async fn look(&self, app: &AppId, group: &GroupId) -> Result<GroupView, Refused> {
        let view = self.ask_group(app, group, Message::Look).await?;
        // Somebody may be on his way in, or the last one has just left.
        if view.members.is_empty() {
            Err(Refused::NoSuchGroup)
        } else {
            Ok(view)
        }
    }

    /// Acts on a group.
    ///
    /// # Errors
    /// [`Refused::NoSuchGroup`], [`Refused::NotInGroup`], [`Refused::Late`].
    pub(crate) async fn govern(&self, app: &AppId, group: &GroupId, act: Governance) -> Result<(), Refused> {
        let done = self
            .ask_group(app, group, |outcome| Message::Govern { act, outcome })
            .await?;
        done.map_err(|failure| Refused::NotInGroup(failure.message))
    }

    /// Tells all members of a group something in the name of the application.
    ///
    /// # Errors
    /// [`Refused::MessageTooLarge`], and those of [`govern`](Self::govern).
    pub(crate) async fn announce(&self, app: &AppEntry, group: &GroupId, body: Payload) -> Result<(), Refused> {
        check_size(app, &body)?;
        self.govern(&app.id, group, Governance::Announce(body)).await
    }

    pub(super) async fn ask_group<T>(
        &self,
        app: &AppId,
        group: &GroupId,
        message: impl FnOnce(oneshot::Sender<T>) -> Message,
    ) -> Result<T, Refused> {
        let inbox = self
            .groups
            .find(&(app.clone(), group.clone()))
            .ok_or(Refused::NoSuchGroup)?;
        let (answer, answered) = oneshot::channel();
        let asked = async {
            inbox.send(message(answer)).await.ok()?;
            answered.await.ok()
        };
        let in_time = timeout(PATIENCE, asked).await.map_err(|_| Refused::Late)?;
        // One that ends does not answer any more.
        in_time.ok_or(Refused::NoSuchGroup)
    }
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

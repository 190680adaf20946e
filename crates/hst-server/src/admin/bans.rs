use std::sync::Arc;

use hst_auth::UnixMillis;
use hst_group::server::Governance;
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{ErrorCode, Failure};
use hst_store::{Ban, Revocation};

use super::{Refused, to_the_end};
use crate::{hub::Hub, sessions::Who};

impl Hub {
    /// Keeps a user out of an App or a group, and puts him out if he is in.
    ///
    /// # Errors
    /// [`Refused::Store`]: he is not kept out. [`Refused::Late`]: he is, and may still be in the group.
    pub(crate) async fn ban(self: &Arc<Self>, app: AppId, ban: Ban) -> Result<(), Refused> {
        let hub = self.clone();
        to_the_end(async move {
            let (of, kept) = (app.clone(), ban.clone());
            hub.on_disk(move |apps| apps.ban(&of, &kept)).await?;
            let Ban { user, group, .. } = ban;
            let Some(group) = group else {
                let why = Failure::new(ErrorCode::Banned, "kept out of this App for some time");
                hub.end_all(Who::User(app, user), why).await;
                return Ok(());
            };
            let why = Failure::new(ErrorCode::Banned, "kept out of this group for some time");
            match hub.govern(&app, &group, Governance::Remove { user, why }).await {
                Err(Refused::NoSuchGroup | Refused::NotInGroup(_)) => Ok(()),
                done => done,
            }
        })
        .await
    }

    /// Lets a user in again.
    ///
    /// # Errors
    /// [`Refused::NoSuchBan`], [`Refused::Store`].
    pub(crate) async fn unban(&self, app: AppId, group: Option<GroupId>, user: UserId) -> Result<(), Refused> {
        let was_banned = self
            .on_disk(move |apps| apps.unban(&app, group.as_ref(), &user))
            .await?;
        if was_banned { Ok(()) } else { Err(Refused::NoSuchBan) }
    }

    /// Takes tokens back, and ends the sessions that were opened with them. Of a user or of everyone those are meant
    /// that were made before the moment `before`.
    ///
    /// # Errors
    /// [`Refused::Store`].
    pub(crate) async fn revoke(
        self: &Arc<Self>,
        app: AppId,
        what: Revocation,
        before: UnixMillis,
    ) -> Result<(), Refused> {
        let hub = self.clone();
        to_the_end(async move {
            let of = app.clone();
            let who = match &what {
                Revocation::Token(id) => Who::Token(app, id.as_str().to_owned()),
                Revocation::User(user) => Who::IssuedBefore(app, Some(user.clone()), before.as_millis()),
                Revocation::Everyone => Who::IssuedBefore(app, None, before.as_millis()),
            };
            hub.on_disk(move |apps| apps.revoke(&of, &what, before)).await?;
            let why = Failure::new(ErrorCode::Revoked, "the token was revoked: get a new one");
            hub.end_all(who, why).await;
            Ok(())
        })
        .await
    }
}

use std::sync::Arc;

use hst_auth::UnixMillis;
use hst_group::server::Governance;
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{ErrorCode, Failure};
use hst_store::{Ban, MAX_BANS, MAX_REVOCATIONS, Record, Revocation, Revoked, Stamped, StoreError, Until};

use super::{Refused, to_the_end};
use crate::{
    apps::now,
    hub::Hub,
    registry::{Registry, place},
};

impl Hub {
    /// Keeps a user out of an App or a group, and puts him out if he is in.
    ///
    /// # Errors
    /// As [`Registry::ban`]. [`Refused::Late`]: he is kept out, and may still be in the group.
    pub(crate) async fn ban(self: &Arc<Self>, app: AppId, ban: Ban) -> Result<(), Refused> {
        let hub = self.clone();
        to_the_end(async move {
            hub.registry.ban(&app, ban.clone()).await?;
            let Ban { user, group, .. } = ban;
            let Some(group) = group else { return Ok(()) };
            let why = Failure::new(ErrorCode::Banned, "kept out of this group for some time");
            match hub.govern(&app, &group, Governance::Remove { user, why }).await {
                Err(Refused::NoSuchGroup | Refused::NotInGroup(_)) => Ok(()),
                done => done,
            }
        })
        .await
    }
}

impl Registry {
    /// Keeps a user out of an App or a group, and ends his sessions if it is the App. A ban of the same user from the same
    /// place is replaced.
    ///
    /// # Errors
    /// [`StoreError::TooManyBans`]; as [`write`](Self::write).
    pub(crate) async fn ban(self: &Arc<Self>, app: &AppId, ban: Ban) -> Result<(), Refused> {
        let now = now();
        let is_other = |record: &Record| {
            matches!(record, Record::Ban(_, of)
                if !of.until.is_over(now) && (&of.user, &of.group) != (&ban.user, &ban.group))
        };
        // Those that come at the same moment do not count each other.
        if self.apps.records.count(&place::bans_of(app), is_other) >= MAX_BANS as usize {
            return Err(StoreError::TooManyBans.into());
        }
        let key = place::of_ban(app, &ban.user, ban.group.as_ref());
        let record = Record::Ban(app.clone(), ban);
        self.write(key, move |_| Ok(record.clone())).await?;
        Ok(())
    }

    /// Lets a user in again.
    ///
    /// # Errors
    /// [`Refused::NoSuchBan`]; as [`write`](Self::write).
    pub(crate) async fn unban(
        self: &Arc<Self>,
        app: AppId,
        group: Option<GroupId>,
        user: UserId,
    ) -> Result<(), Refused> {
        let now = now();
        self.write(
            place::of_ban(&app, &user, group.as_ref()),
            move |present| match present {
                Some(Record::Ban(_, ban)) if !ban.until.is_over(now) => {
                    Ok(Record::BanGone(app.clone(), user.clone(), group.clone()))
                }
                _ => Err(Refused::NoSuchBan),
            },
        )
        .await?;
        Ok(())
    }

    /// Takes tokens back, and ends the sessions that were opened with them. Of a user or of everyone those are meant
    /// that were made before the moment `before`.
    ///
    /// # Errors
    /// [`StoreError::TooManyRevocations`]; as [`write`](Self::write).
    pub(crate) async fn revoke(
        self: &Arc<Self>,
        app: AppId,
        what: Revocation,
        before: UnixMillis,
    ) -> Result<(), Refused> {
        if what != Revocation::Everyone && self.other_revocations(&app, &what) >= MAX_REVOCATIONS as usize {
            return Err(StoreError::TooManyRevocations.into());
        }
        self.write(place::of_revocation(&app, &what), move |present| {
            // Of two moments the later one counts.
            let at = match present {
                Some(Record::Revoked(_, revoked)) => revoked.at.max(before),
                _ => before,
            };
            let (what, expires) = (what.clone(), Until::Forever);
            Ok(Record::Revoked(app.clone(), Revoked { what, at, expires }))
        })
        .await?;
        Ok(())
    }

    /// How many tokens and users beside this one are revoked, as far as a revocation of everyone does not say the same.
    fn other_revocations(&self, app: &AppId, what: &Revocation) -> usize {
        let now = now();
        let known = self.apps.records.beneath(&place::revocations_of(app));
        let counts = |stamped: &Stamped| match &stamped.record {
            Record::Revoked(_, revoked) => {
                let is_other = revoked.what != Revocation::Everyone && revoked.what != *what;
                is_other && self.apps.records.counts(stamped, now)
            }
            _ => false,
        };
        known.iter().filter(|(_, known)| counts(&known.stamped)).count()
    }
}

use std::{sync::Arc, time::Duration};

use hst_id::AppId;
use hst_proto::{ErrorCode, Failure};
use hst_store::{AppSettings, DeveloperId, StoreError};

use super::{Refused, to_the_end};
use crate::{
    apps::{AppEntry, Apps, now},
    hub::Hub,
    sessions::Who,
};

impl AppEntry {
    /// An App of the configuration has no owner: every developer sees it, and none its secret.
    pub(crate) fn is_visible_to(&self, developer: &DeveloperId) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner == developer)
    }

    fn must_not_be_fixed(&self) -> Result<(), Refused> {
        if self.is_fixed { Err(Refused::FixedApp) } else { Ok(()) }
    }
}

impl Hub {
    /// The Apps that a developer sees, in the order of their ids.
    pub(crate) fn apps_of(&self, developer: &DeveloperId) -> Vec<Arc<AppEntry>> {
        let mut apps = self.apps.all();
        apps.retain(|app| app.is_visible_to(developer));
        apps
    }

    /// One of these.
    ///
    /// # Errors
    /// [`Refused::NoSuchApp`].
    pub(crate) fn app_of(&self, developer: &DeveloperId, app: &AppId) -> Result<Arc<AppEntry>, Refused> {
        let app = self.apps.get(app).filter(|app| app.is_visible_to(developer));
        app.ok_or(Refused::NoSuchApp)
    }

    /// Creates an App.
    ///
    /// # Errors
    /// [`Refused::Store`].
    pub(crate) async fn create_app(&self, owner: DeveloperId, settings: AppSettings) -> Result<Arc<AppEntry>, Refused> {
        self.on_disk(move |apps| {
            let app = apps.store.create_app(&owner, settings, now())?;
            reloaded(apps, &app.id)
        })
        .await
    }

    /// Changes an App. Whoever is in goes on as he began, except that an App that is switched off loses everybody.
    ///
    /// # Errors
    /// [`Refused::FixedApp`], [`Refused::Store`].
    pub(crate) async fn change_app(
        self: &Arc<Self>,
        app: &AppEntry,
        change: impl FnOnce(&mut AppSettings) + Send + 'static,
    ) -> Result<Arc<AppEntry>, Refused> {
        app.must_not_be_fixed()?;
        let (hub, id) = (self.clone(), app.id.clone());
        to_the_end(async move {
            let changed = hub
                .on_disk(move |apps| {
                    apps.store.change_app(&id, change)?;
                    reloaded(apps, &id)
                })
                .await?;
            if !changed.settings.online {
                let why = Failure::new(ErrorCode::AppOffline, "the App was switched off");
                hub.end_all(Who::App(changed.id.clone()), why).await;
            }
            Ok(changed)
        })
        .await
    }

    /// Deletes an App, with its bans and revocations, and ends its sessions.
    ///
    /// # Errors
    /// [`Refused::FixedApp`], [`Refused::Store`].
    pub(crate) async fn delete_app(self: &Arc<Self>, app: &AppEntry) -> Result<(), Refused> {
        app.must_not_be_fixed()?;
        let (hub, id) = (self.clone(), app.id.clone());
        to_the_end(async move {
            let deleted = id.clone();
            hub.on_disk(move |apps| {
                apps.store.delete_app(&deleted)?;
                apps.reload(&deleted)
            })
            .await?;
            let why = Failure::new(ErrorCode::UnknownApp, "the App was deleted");
            hub.end_all(Who::App(id), why).await;
            Ok(())
        })
        .await
    }

    /// Gives an App a new secret; the present one stays good for a while beside it.
    ///
    /// # Errors
    /// [`Refused::FixedApp`], [`Refused::Store`].
    pub(crate) async fn rotate_secret(
        &self,
        app: &AppEntry,
        keep_previous_for: Duration,
    ) -> Result<Arc<AppEntry>, Refused> {
        app.must_not_be_fixed()?;
        let id = app.id.clone();
        self.on_disk(move |apps| {
            apps.store.rotate_secret(&id, keep_previous_for, now())?;
            reloaded(apps, &id)
        })
        .await
    }

    /// Makes the secret before the present one good for nothing at once.
    ///
    /// # Errors
    /// [`Refused::FixedApp`], [`Refused::Store`].
    pub(crate) async fn drop_previous_secret(&self, app: &AppEntry) -> Result<(), Refused> {
        app.must_not_be_fixed()?;
        let id = app.id.clone();
        self.on_disk(move |apps| {
            apps.store.drop_previous_secret(&id)?;
            apps.reload(&id)
        })
        .await
    }
}

/// The App as it is after a change.
fn reloaded(apps: &Apps, app: &AppId) -> Result<Arc<AppEntry>, StoreError> {
    apps.reload(app)?;
    // Somebody else may have deleted it in the meantime.
    apps.get(app).ok_or_else(|| StoreError::UnknownApp(app.clone()))
}

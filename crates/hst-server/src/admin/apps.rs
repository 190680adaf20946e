use std::{sync::Arc, time::Duration};

use hst_id::AppId;
use hst_store::{App, AppSettings, DeveloperId, Record};

use super::Refused;
use crate::{
    apps::{AppEntry, now},
    hub::Hub,
    registry::place,
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
    /// As [`Registry::write`](crate::registry::Registry::write).
    pub(crate) async fn create_app(&self, owner: DeveloperId, settings: AppSettings) -> Result<Arc<AppEntry>, Refused> {
        let app = App::new(owner, settings, now())?;
        let created = app.clone();
        self.registry
            .write(place::of_app(&app.id), move |_| Ok(Record::App(created.clone())))
            .await?;
        Ok(Arc::new(AppEntry::registered(app)))
    }

    /// Changes an App. Whoever is in goes on as he began, except that an App that is switched off loses everybody. Others who
    /// change it at the same moment change what this has made of it, or the other way round.
    ///
    /// # Errors
    /// [`Refused::FixedApp`], [`Refused::NoSuchApp`]; as [`Registry::write`](crate::registry::Registry::write).
    pub(crate) async fn change_app(
        &self,
        app: &AppEntry,
        change: impl Fn(&mut AppSettings) + Send + Sync + 'static,
    ) -> Result<Arc<AppEntry>, Refused> {
        self.update_app(app, move |mut app| {
            change(&mut app.settings);
            Ok(app)
        })
        .await
    }

    /// Deletes an App, with its bans and revocations, and ends its sessions.
    ///
    /// # Errors
    /// [`Refused::FixedApp`], [`Refused::NoSuchApp`]; as [`Registry::write`](crate::registry::Registry::write).
    pub(crate) async fn delete_app(self: &Arc<Self>, app: &AppEntry) -> Result<(), Refused> {
        app.must_not_be_fixed()?;
        let id = app.id.clone();
        self.registry
            .write(place::of_app(&app.id), move |present| {
                registered(present).map(|_| Record::AppGone(id.clone()))
            })
            .await?;
        Ok(())
    }

    /// Gives an App a new secret; the present one stays good for a while beside it.
    ///
    /// # Errors
    /// [`Refused::FixedApp`], [`Refused::NoSuchApp`]; as [`Registry::write`](crate::registry::Registry::write).
    pub(crate) async fn rotate_secret(
        &self,
        app: &AppEntry,
        keep_previous_for: Duration,
    ) -> Result<Arc<AppEntry>, Refused> {
        self.update_app(app, move |app| Ok(app.with_new_secret(keep_previous_for, now())?))
            .await
    }

    /// Makes the secret before the present one good for nothing at once.
    ///
    /// # Errors
    /// [`Refused::FixedApp`], [`Refused::NoSuchApp`]; as [`Registry::write`](crate::registry::Registry::write).
    pub(crate) async fn drop_previous_secret(&self, app: &AppEntry) -> Result<(), Refused> {
        self.update_app(app, |app| Ok(app.without_previous_secret())).await?;
        Ok(())
    }

    async fn update_app(
        &self,
        app: &AppEntry,
        change: impl Fn(App) -> Result<App, Refused> + Send + Sync + 'static,
    ) -> Result<Arc<AppEntry>, Refused> {
        app.must_not_be_fixed()?;
        self.registry
            .write(place::of_app(&app.id), move |present| {
                registered(present).and_then(&change).map(Record::App)
            })
            .await
            // What this has made of it, whatever others have made of that.
            .and_then(registered_again)
    }
}

/// The App that a record is.
fn registered(record: Option<Record>) -> Result<App, Refused> {
    match record {
        Some(Record::App(app)) => Ok(app),
        _ => Err(Refused::NoSuchApp),
    }
}

fn registered_again(record: Record) -> Result<Arc<AppEntry>, Refused> {
    registered(Some(record)).map(|app| Arc::new(AppEntry::registered(app)))
}

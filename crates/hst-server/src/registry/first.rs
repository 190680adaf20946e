use std::sync::Arc;

use hst_cluster::{Unavailable, WriteError};
use hst_store::{Developer, Record};

use super::{Registry, place};
use crate::{admin::Refused, apps::now};

/// How long a node may take to make the first developer, in milliseconds.
const MAKING: u64 = 60_000;

impl Registry {
    /// Makes a developer, if the platform has none. Of nodes that begin at the same time one makes him.
    pub(crate) async fn first_developer(self: &Arc<Self>) -> Result<Option<Developer>, Refused> {
        let is_developer = |record: &Record| matches!(record, Record::Developer(_));
        if self.apps.records.count(&place::all(), is_developer) > 0 {
            return Ok(None);
        }
        let developer = Developer::new(now())?;
        if !self.node.is_alone && !self.is_first().await? {
            return Ok(None);
        }
        let made = developer.clone();
        let key = place::of_developer(&developer.id);
        match self.write(key, move |_| Ok(Record::Developer(made.clone()))).await {
            // Nobody has to know of him before he shows himself.
            Ok(_) | Err(Refused::Unconfirmed) => Ok(Some(developer)),
            Err(refused) => Err(refused),
        }
    }

    async fn is_first(&self) -> Result<bool, Refused> {
        let (directory, key) = (&*self.node.directory, place::of_first_developer());
        // It says when: one that stands there and has made nobody in all the time since has died over it.
        let value = now().as_millis().to_string();
        let written = match directory.get(&key).await? {
            None => directory.create(&key, value.into()).await,
            Some(entry) => {
                let since = std::str::from_utf8(&entry.value)
                    .ok()
                    .and_then(|text| text.parse::<u64>().ok());
                if now().as_millis().saturating_sub(since.unwrap_or_default()) < MAKING {
                    return Ok(false);
                }
                directory.update(&key, value.into(), entry.revision).await
            }
        };
        match written {
            Ok(_) => Ok(true),
            Err(WriteError::Conflict) => Ok(false),
            Err(WriteError::Unavailable | WriteError::Unknown) => Err(Unavailable.into()),
        }
    }
}

use std::{sync::Arc, time::Duration};

use hst_cluster::{Prefix, Subject};
use hst_group::server::Happening;
use hst_id::{AppId, GroupId, MediaRef, UserId};
use hst_store::{Ban, BanReason, Until};
use serde::{Deserialize, Serialize};

use crate::{apps::now, hooks::Hooks, meter::GroupMeter, node::Node, registry::Registry};

/// Where groups say what happens in them, for those outside who follow.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    node: Node,
    registry: Arc<Registry>,
    hooks: Arc<Hooks>,
}

/// One group's way to say it.
#[derive(Debug)]
pub(crate) struct Follow {
    feed: Feed,
    app: AppId,
    group: GroupId,
    subject: Subject,
    meter: GroupMeter,
}

/// What has happened in which group, as nodes tell each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Happened {
    pub(crate) app: AppId,
    pub(crate) group: GroupId,
    pub(crate) what: What,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Joined(UserId),
    Left(UserId),
    Published(MediaRef),
    Unpublished(MediaRef),
}

impl From<Happening> for What {
    fn from(happening: Happening) -> Self {
        match happening {
            Happening::Joined(user) => Self::Joined(user),
            Happening::Left(user) => Self::Left(user),
            Happening::Published(media) => Self::Published(media),
            Happening::Unpublished(media) => Self::Unpublished(media),
        }
    }
}

impl Feed {
    pub(crate) fn new(node: Node, registry: Arc<Registry>, hooks: Arc<Hooks>) -> Self {
        Self { node, registry, hooks }
    }

    /// A group begins.
    pub(crate) fn follow(&self, app: AppId, group: GroupId) -> Follow {
        let subject = Subject::parse("feed")
            .expect("letters are a part")
            .with(&app)
            .with(&group);
        Follow {
            feed: self.clone(),
            meter: self.registry.apps.meter.group(app.clone()),
            app,
            group,
            subject,
        }
    }

    /// Where all groups of an App are heard.
    pub(crate) fn of(app: &AppId) -> Prefix {
        Subject::parse("feed").expect("letters are a part").with(app).beneath()
    }
}

impl Follow {
    /// Tells those who follow, on whichever node, and the App's backend; and takes account of it.
    pub(crate) async fn happened(&mut self, happening: Happening) {
        let what = What::from(happening);
        self.meter.happened(&what);
        let happened = Happened {
            app: self.app.clone(),
            group: self.group.clone(),
            what,
        };
        self.feed.hooks.happened(&happened);
        let payload = serde_json::to_vec(&happened).expect("names are JSON").into();
        if let Err(error) = self.feed.node.bus.publish(&self.subject, payload).await {
            tracing::warn!(subject = %self.subject, %error, "those who follow were not told");
        }
    }

    /// Something had happened when the group was on another node, which has told it.
    pub(crate) fn took_over(&mut self, happening: Happening) {
        self.meter.happened(&What::from(happening));
    }

    /// Keeps a user out of the group on every node, also after it has ended. The group itself keeps him out until then, so
    /// it need not wait.
    pub(crate) fn ban(&self, user: UserId, time: Duration) {
        let ban = Ban {
            user,
            group: Some(self.group.clone()),
            until: now().checked_add(time).map_or(Until::Forever, Until::Moment),
            reason: BanReason::parse("removed from the group").expect("letters are a reason"),
        };
        let (registry, app) = (self.feed.registry.clone(), self.app.clone());
        tokio::spawn(async move {
            if let Err(error) = registry.ban(&app, ban.clone()).await {
                tracing::error!(%app, user = %ban.user, %error, "a ban was not kept");
            }
        });
    }
}

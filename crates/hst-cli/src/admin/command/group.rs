use clap::Subcommand;
use hst_auth::{AppId, GroupId, MediaId, UserId};
use serde_json::{Map, Value, json};

use super::{json_or_text, object, some_seconds};
use crate::admin::{
    call::{Call, app_path},
    show,
    words::Kind,
};

#[derive(Subcommand)]
pub(crate) enum GroupCommand {
    /// Show who is in a group, and what they publish.
    Show { app: AppId, group: GroupId },
    /// Put everybody out of a group.
    Close { app: AppId, group: GroupId },
    /// Keep newcomers out of a group.
    Lock {
        app: AppId,
        group: GroupId,
        /// Let them in again.
        #[arg(long)]
        off: bool,
    },
    /// Keep a media from the others.
    Mute {
        app: AppId,
        group: GroupId,
        user: UserId,
        #[arg(value_enum)]
        kind: Kind,
        /// Its media id, such as appdef_mic.
        media: MediaId,
        /// Let it through again.
        #[arg(long)]
        off: bool,
    },
    /// Put a member out of a group.
    Kick {
        app: AppId,
        group: GroupId,
        user: UserId,
        /// For how long he cannot come back, such as 10m, 1h or 7d.
        #[arg(long, value_name = "TIME", value_parser = some_seconds)]
        ban: Option<u32>,
    },
    /// Tell all members something, in the name of the application.
    Message {
        app: AppId,
        group: GroupId,
        /// JSON, or else a text.
        #[arg(value_parser = json_or_text)]
        body: Value,
    },
}

impl GroupCommand {
    pub(super) fn call(&self) -> Call {
        let path = |app, group: &GroupId| format!("{}/groups/{group}", app_path(app));
        match self {
            Self::Show { app, group } => Call::get(path(app, group)).listing("members"),
            Self::Close { app, group } => Call::delete(path(app, group)),
            Self::Lock { app, group, off } => Call::post(path(app, group) + "/lock", json!({ "locked": !off })),
            Self::Mute {
                app,
                group,
                user,
                kind,
                media,
                off,
            } => Call::post(
                path(app, group) + "/media/mute",
                json!({ "user": user, "type": kind.number(), "media": media, "muted": !off }),
            ),
            Self::Kick { app, group, user, ban } => {
                let ban = ban.map(|seconds| ("ban", json!(seconds)));
                Call::post(format!("{}/members/{user}/kick", path(app, group)), object(ban))
            }
            Self::Message { app, group, body } => Call::post(path(app, group) + "/messages", json!({ "body": body })),
        }
    }

    pub(super) fn show(&self, answer: &Map<String, Value>) -> String {
        match self {
            Self::Show { .. } => show::group(answer),
            _ => show::done(),
        }
    }
}

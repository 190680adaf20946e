mod app;
mod group;
mod settings;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use hst_auth::{AppId, GroupId, TerminalType, UserId};
use serde_json::{Map, Value, json};

use self::{app::AppCommand, group::GroupCommand};
use super::{
    call::{Call, app_path},
    show,
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create, list and change Apps.
    #[command(subcommand)]
    App(AppCommand),
    /// List who is online.
    Online { app: AppId },
    /// End a user's sessions; he may log in again.
    Kickout {
        app: AppId,
        user: UserId,
        /// Only on this class of terminal, such as web.
        #[arg(long, value_name = "CLASS")]
        terminal: Option<TerminalType>,
    },
    /// List the groups that somebody is in.
    Groups { app: AppId },
    /// Show a group and act on it.
    #[command(subcommand)]
    Group(GroupCommand),
    /// Keep a user out, and put him out if he is in.
    Ban {
        app: AppId,
        user: UserId,
        /// Out of this group only.
        #[arg(long, value_name = "ID")]
        group: Option<GroupId>,
        /// For how long, such as 10m, 1h or 7d; without it for ever.
        #[arg(long = "for", value_name = "TIME", value_parser = some_seconds)]
        time: Option<u32>,
        /// For people to read.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Let a user in again.
    Unban {
        app: AppId,
        user: UserId,
        /// Into this group, out of which he was banned.
        #[arg(long, value_name = "ID")]
        group: Option<GroupId>,
    },
    /// List who is kept out.
    Bans { app: AppId },
    /// Take tokens back, and end the sessions that began with them.
    Revoke {
        app: AppId,
        #[command(flatten)]
        which: Tokens,
    },
    /// Invite users into a group, in the name of the application.
    Invite {
        app: AppId,
        group: GroupId,
        #[arg(required = true)]
        users: Vec<UserId>,
        /// For the invited: JSON, or else a text.
        #[arg(long, value_name = "JSON", value_parser = json_or_text)]
        info: Option<Value>,
    },
    /// Tell a user something, in the name of the application.
    Message {
        app: AppId,
        user: UserId,
        /// JSON, or else a text.
        #[arg(value_parser = json_or_text)]
        body: Value,
    },
    /// List the nodes of the platform, as the one that is asked sees them.
    Nodes,
    /// Have a node give all its sessions and groups to others, without anybody noticing, so that it can be ended.
    Drain {
        #[arg(value_parser = node_name)]
        node: String,
    },
    /// Print a new access token, for HST_ACCESS_TOKEN. The one before it is worth nothing any more.
    AccessToken,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub(super) struct Tokens {
    /// The one with this id (jti).
    #[arg(long, value_name = "ID", conflicts_with_all = ["user", "issued_before"])]
    token: Option<String>,
    /// Those by which this user logs in.
    #[arg(long, value_name = "ID")]
    user: Option<UserId>,
    /// Those from before this moment, such as 2025-01-31T12:00:00Z; of a user, without it, all.
    #[arg(long, value_name = "MOMENT", value_parser = humantime::parse_rfc3339_weak)]
    issued_before: Option<SystemTime>,
}

impl Command {
    /// What to ask the gateway; `None`: nothing more than an access token.
    pub(super) fn call(&self) -> Option<Call> {
        Some(match self {
            Self::AccessToken => return None,
            Self::App(command) => command.call(),
            Self::Group(command) => command.call(),
            Self::Drain { node } => Call::post(format!("/v1/nodes/{node}/drain"), json!({})),
            Self::Nodes => Call::get("/v1/nodes").listing("nodes"),
            Self::Online { app } => Call::get(app_path(app) + "/online").listing("terminals"),
            Self::Kickout { app, user, terminal } => {
                let body = [("app_id", json!(app)), ("user_id", json!(user))];
                let terminal = terminal.as_ref().map(|terminal| ("mutex_type", json!(terminal)));
                Call::post("/v1/kickout", object(body.into_iter().chain(terminal)))
            }
            Self::Groups { app } => Call::get(app_path(app) + "/groups").listing("groups"),
            Self::Ban {
                app,
                user,
                group,
                time,
                reason,
            } => {
                let ban = [
                    Some(("user", json!(user))),
                    group.as_ref().map(|group| ("group", json!(group))),
                    time.map(|seconds| ("seconds", json!(seconds))),
                    reason.as_ref().map(|reason| ("reason", json!(reason))),
                ];
                Call::post(app_path(app) + "/bans", object(ban.into_iter().flatten()))
            }
            Self::Unban { app, user, group } => {
                let call = Call::delete(app_path(app) + "/bans").query("user", user);
                match group {
                    Some(group) => call.query("group", group),
                    None => call,
                }
            }
            Self::Bans { app } => Call::get(app_path(app) + "/bans").listing("bans"),
            Self::Revoke { app, which } => Call::post(app_path(app) + "/revocations", which.body()),
            Self::Invite {
                app,
                group,
                users,
                info,
            } => {
                let invite = [
                    ("app_id", json!(app)),
                    ("group_id", json!(group)),
                    ("user_id_list", json!(users)),
                    ("seq_id", json!(1)),
                ];
                let info = info.clone().map(|info| ("extend_info", info));
                Call::post("/v1/online/invite", object(invite.into_iter().chain(info)))
            }
            Self::Message { app, user, body } => {
                let path = format!("{}/users/{user}/messages", app_path(app));
                Call::post(path, json!({ "body": body }))
            }
        })
    }

    /// The gateway's answer for people.
    pub(super) fn show(&self, answer: &Map<String, Value>) -> String {
        match self {
            Self::App(command) => command.show(answer),
            Self::Group(command) => command.show(answer),
            Self::Online { .. } => show::table(
                answer,
                "terminals",
                &["user", "terminal", "session", "company", "state", "extend_info"],
            ),
            Self::Nodes => show::table(
                answer,
                "nodes",
                &[
                    "node",
                    "state",
                    "load",
                    "sessions",
                    "groups",
                    "home_groups",
                    "links",
                    "epoch",
                    "version",
                    "address",
                ],
            ),
            Self::Groups { .. } => show::lines(answer, "groups"),
            Self::Bans { .. } => show::table(answer, "bans", &["user", "group", "until", "reason"]),
            Self::Drain { .. } => {
                "it gives away what it has: `hst admin nodes` shows when it has no sessions left".to_owned()
            }
            Self::Invite { .. } => show::unreached(answer),
            Self::Message { .. } => show::all_fields(answer),
            Self::Kickout { .. } | Self::Ban { .. } | Self::Unban { .. } | Self::Revoke { .. } | Self::AccessToken => {
                show::done()
            }
        }
    }
}

impl Tokens {
    fn body(&self) -> Value {
        let millis = |moment: SystemTime| moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let which = [
            self.token.as_ref().map(|token| ("token", json!(token))),
            self.user.as_ref().map(|user| ("user", json!(user))),
            self.issued_before.map(|moment| {
                (
                    "issued_before",
                    json!(u64::try_from(millis(moment)).unwrap_or(u64::MAX)),
                )
            }),
        ];
        object(which.into_iter().flatten())
    }
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What goes into a path.
fn node_name(text: &str) -> Result<String, &'static str> {
    let is_name = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_name
        .then(|| text.to_owned())
        .ok_or("a node's name has letters, digits and hyphens")
}

fn json_or_text(text: &str) -> Result<Value, std::convert::Infallible> {
    Ok(serde_json::from_str(text).unwrap_or_else(|_| text.into()))
}

fn seconds(text: &str) -> Result<u32, String> {
    let time: Duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    u32::try_from(time.as_secs()).map_err(|_| "more than 136 years".to_owned())
}

fn some_seconds(text: &str) -> Result<u32, String> {
    match seconds(text)? {
        0 => Err("less than a second".to_owned()),
        seconds => Ok(seconds),
    }
}

#[cfg(test)]
mod tests;

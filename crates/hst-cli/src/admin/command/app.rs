use clap::Subcommand;
use hst_auth::AppId;
use serde_json::{Map, Value, json};

use super::{object, seconds, settings::SettingsChange};
use crate::admin::{
    call::{Call, app_path},
    show,
    words::{Service, Status},
};

#[derive(Subcommand)]
pub(crate) enum AppCommand {
    /// Create an App.
    Create {
        /// What people call it.
        name: String,
        /// Whether its users may log in.
        #[arg(long, value_enum, default_value_t = Status::Offline)]
        status: Status,
        /// What its users may use.
        #[arg(
            long,
            value_enum,
            value_delimiter = ',',
            default_value = "video,audio,screen,messages,presence"
        )]
        services: Vec<Service>,
    },
    /// List one's Apps, and those of the server's configuration.
    List,
    /// Show an App.
    Show { app: AppId },
    /// Change an App.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
    Set {
        app: AppId,
        /// What people call it.
        #[arg(long, group = "change")]
        name: Option<String>,
        /// Whether its users may log in.
        #[arg(long, value_enum, group = "change")]
        status: Option<Status>,
        /// All that its users may use from now on.
        #[arg(long, value_enum, value_delimiter = ',', group = "change")]
        services: Option<Vec<Service>>,
    },
    /// Change an App's login policy, limits, tokens and webhook.
    Settings {
        app: AppId,
        #[command(flatten)]
        change: SettingsChange,
    },
    /// Delete an App for good.
    Delete { app: AppId },
    /// Give an App a new secret.
    Secret {
        app: AppId,
        /// How long the present secret stays good beside the new one, such as 0s, 1h or 7d.
        #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "1d")]
        keep_previous: u32,
        /// Make no new secret, but the one before the present one good for nothing.
        #[arg(long, conflicts_with = "keep_previous")]
        drop_previous: bool,
    },
}

impl AppCommand {
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Create { name, status, services } => Call::post(
                "/v1/app",
                json!({ "app_name": name, "status": status.as_str(), "service": numbers(services) }),
            ),
            Self::List => Call::get("/v1/apps").listing("apps"),
            Self::Show { app } => Call::get(app_path(app)),
            Self::Set {
                app,
                name,
                status,
                services,
            } => {
                let change = [
                    Some(("app_id", json!(app))),
                    name.as_ref().map(|name| ("app_name", json!(name))),
                    status.map(|status| ("status", json!(status.as_str()))),
                    services.as_ref().map(|services| ("service", numbers(services))),
                ];
                Call::patch("/v1/app", object(change.into_iter().flatten()))
            }
            Self::Settings { app, change } => Call::patch(app_path(app), change.body()),
            Self::Delete { app } => Call::delete("/v1/app").query("app_id", app),
            Self::Secret {
                app,
                drop_previous: true,
                ..
            } => Call::delete(app_path(app) + "/secret/previous"),
            Self::Secret { app, keep_previous, .. } => {
                Call::post(app_path(app) + "/secret", json!({ "keep_previous": keep_previous }))
            }
        }
    }

    pub(super) fn show(&self, answer: &Map<String, Value>) -> String {
        match self {
            Self::Create { .. } | Self::Set { .. } => {
                show::fields(answer, &["app_id", "app_secret", "app_name", "status", "service"])
            }
            Self::List => show::table(answer, "apps", &["app", "name", "online", "fixed", "services"]),
            Self::Delete { .. }
            | Self::Secret {
                drop_previous: true, ..
            } => show::done(),
            Self::Show { .. } | Self::Settings { .. } | Self::Secret { .. } => show::all_fields(answer),
        }
    }
}

fn numbers(services: &[Service]) -> Value {
    let services = services.iter().map(|service| json!({ "service_id": service.number() }));
    services.collect()
}

//! Records as they stand in the directory: JSON. What is read is parsed again, and what cannot be read is left alone: a newer
//! version may have written it.

use bytes::Bytes;
use hst_auth::{AppSecret, UnixMillis};
use hst_id::{AppId, GroupId, UserId};
use hst_store::{
    AccessToken, App, AppSecrets, AppSettings, Ban, Developer, Limits, Record, Revocation, Revoked, Service, Stamped,
    TokenRules, Until, Webhook, WebhookSecret, WebhookUrl,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Wire {
    stamp: u64,
    #[serde(flatten)]
    said: Said,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Developer {
        id: String,
        secret: String,
        created_at: u64,
    },
    App(Box<AppSaid>),
    AppGone(AppId),
    Ban {
        app: AppId,
        user: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<GroupId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
        reason: String,
    },
    BanGone {
        app: AppId,
        user: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<GroupId>,
    },
    Revoked {
        app: AppId,
        /// Neither of both: everyone's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
        at: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<u64>,
    },
    AccessToken {
        developer: String,
        digest: String,
        until: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct AppSaid {
    id: AppId,
    owner: String,
    created_at: u64,
    secret: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<(String, u64)>,
    name: String,
    online: bool,
    accepts_001: bool,
    accepts_jwt: bool,
    bind_001_names: bool,
    services: Vec<(u8, Option<u32>)>,
    login: String,
    max_members: u32,
    message_bytes: u32,
    history: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consumption_limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhook: Option<(String, String)>,
}

/// A record as it stands in the directory.
pub(crate) fn to_bytes(stamped: &Stamped) -> Bytes {
    let wire = Wire {
        stamp: stamped.stamp,
        said: say(&stamped.record),
    };
    serde_json::to_vec(&wire).expect("names and numbers are JSON").into()
}

/// What stands there; `None` for what this version does not understand.
pub(crate) fn read(value: &[u8]) -> Option<Stamped> {
    let Wire { stamp, said } = serde_json::from_slice(value).ok()?;
    let record = hear(said)?;
    Some(Stamped { stamp, record })
}

fn say(record: &Record) -> Said {
    match record.clone() {
        Record::Developer(developer) => Said::Developer {
            id: developer.id.to_string(),
            secret: developer.secret.reveal().to_owned(),
            created_at: developer.created_at.as_millis(),
        },
        Record::App(app) => Said::App(Box::new(say_app(app))),
        Record::AppGone(app) => Said::AppGone(app),
        Record::Ban(app, ban) => Said::Ban {
            app,
            user: ban.user,
            group: ban.group,
            until: moment(ban.until),
            reason: ban.reason.to_string(),
        },
        Record::BanGone(app, user, group) => Said::BanGone { app, user, group },
        Record::Revoked(app, Revoked { what, at, expires }) => {
            let (token, user) = match what {
                Revocation::Token(id) => (Some(id.to_string()), None),
                Revocation::User(user) => (None, Some(user)),
                Revocation::Everyone => (None, None),
            };
            Said::Revoked {
                app,
                token,
                user,
                at: at.as_millis(),
                expires: moment(expires),
            }
        }
        Record::AccessToken(token) => Said::AccessToken {
            developer: token.developer.to_string(),
            digest: token.digest,
            until: token.until.as_millis(),
        },
    }
}

fn say_app(app: App) -> AppSaid {
    let AppSettings {
        name,
        online,
        tokens,
        services,
        login,
        limits,
        consumption_limit,
        webhook,
    } = app.settings;
    let previous = app.secrets.previous();
    AppSaid {
        id: app.id,
        owner: app.owner.to_string(),
        created_at: app.created_at.as_millis(),
        secret: app.secrets.current().reveal().to_owned(),
        previous: previous.map(|(secret, until)| (secret.reveal().to_owned(), until.as_millis())),
        name: name.to_string(),
        online,
        accepts_001: tokens.accepts_001,
        accepts_jwt: tokens.accepts_jwt,
        bind_001_names: tokens.bind_001_names,
        services: services
            .iter()
            .map(|(service, limit)| (service.into(), limit))
            .collect(),
        login: login.to_string(),
        max_members: limits.max_members.get(),
        message_bytes: limits.message_bytes.get(),
        history: limits.history.get(),
        consumption_limit,
        webhook: webhook.map(|it| (it.url.to_string(), it.secret.reveal().to_owned())),
    }
}

fn hear(said: Said) -> Option<Record> {
    Some(match said {
        Said::Developer { id, secret, created_at } => Record::Developer(Developer {
            id: id.parse().ok()?,
            secret: AppSecret::parse(&secret).ok()?,
            created_at: UnixMillis::from_millis(created_at),
        }),
        Said::App(app) => Record::App(hear_app(*app)?),
        Said::AppGone(app) => Record::AppGone(app),
        Said::Ban {
            app,
            user,
            group,
            until,
            reason,
        } => {
            let (until, reason) = (until_of(until), reason.parse().ok()?);
            Record::Ban(
                app,
                Ban {
                    user,
                    group,
                    until,
                    reason,
                },
            )
        }
        Said::BanGone { app, user, group } => Record::BanGone(app, user, group),
        Said::Revoked {
            app,
            token,
            user,
            at,
            expires,
        } => {
            let what = match (token, user) {
                (Some(id), _) => Revocation::Token(id.parse().ok()?),
                (None, Some(user)) => Revocation::User(user),
                (None, None) => Revocation::Everyone,
            };
            let (at, expires) = (UnixMillis::from_millis(at), until_of(expires));
            Record::Revoked(app, Revoked { what, at, expires })
        }
        Said::AccessToken {
            developer,
            digest,
            until,
        } => Record::AccessToken(AccessToken {
            developer: developer.parse().ok()?,
            digest,
            until: UnixMillis::from_millis(until),
        }),
    })
}

fn hear_app(said: AppSaid) -> Option<App> {
    let mut secrets = AppSecrets::new(AppSecret::parse(&said.secret).ok()?);
    if let Some((secret, until)) = said.previous {
        secrets = secrets.with_previous(AppSecret::parse(&secret).ok()?, UnixMillis::from_millis(until));
    }
    let services = said.services.into_iter();
    let services = services.map(|(service, limit)| Some((Service::try_from(service).ok()?, limit)));
    let webhook = match said.webhook {
        None => None,
        Some((url, secret)) => Some(Webhook {
            url: WebhookUrl::parse(&url).ok()?,
            secret: WebhookSecret::parse(&secret).ok()?,
        }),
    };
    let settings = AppSettings {
        name: said.name.parse().ok()?,
        online: said.online,
        tokens: TokenRules {
            accepts_001: said.accepts_001,
            accepts_jwt: said.accepts_jwt,
            bind_001_names: said.bind_001_names,
        },
        services: services.collect::<Option<_>>()?,
        login: said.login.parse().ok()?,
        limits: Limits {
            max_members: said.max_members.try_into().ok()?,
            message_bytes: said.message_bytes.try_into().ok()?,
            history: said.history.try_into().ok()?,
        },
        consumption_limit: said.consumption_limit,
        webhook,
    };
    Some(App {
        id: said.id,
        owner: said.owner.parse().ok()?,
        secrets,
        settings,
        created_at: UnixMillis::from_millis(said.created_at),
    })
}

fn moment(until: Until) -> Option<u64> {
    match until {
        Until::Moment(at) => Some(at.as_millis()),
        Until::Forever => None,
    }
}

fn until_of(moment: Option<u64>) -> Until {
    moment.map_or(Until::Forever, |at| Until::Moment(UnixMillis::from_millis(at)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hst_store::{AppName, BanReason};

    use super::*;

    const NOW: UnixMillis = UnixMillis::from_millis(1_700_000_000_000);

    fn unusual() -> App {
        let developer = Developer::new(NOW).unwrap();
        let mut settings = AppSettings::new(AppName::parse("会议 2").unwrap());
        settings.online = true;
        settings.tokens.bind_001_names = true;
        settings.services = [(Service::WeChat, Some(7)), (Service::Audio, None)]
            .into_iter()
            .collect();
        settings.login = "devices:16".parse().unwrap();
        settings.limits.history = 3.try_into().unwrap();
        settings.consumption_limit = Some(0);
        settings.webhook = Some(Webhook {
            url: WebhookUrl::parse("https://example.org/hook").unwrap(),
            secret: WebhookSecret::parse("sixteen-letters-").unwrap(),
        });
        let app = App::new(developer.id, settings, NOW).unwrap();
        app.with_new_secret(Duration::from_secs(9), NOW).unwrap()
    }

    fn revoked(what: Revocation, expires: Until) -> Record {
        Record::Revoked(AppId::parse("app").unwrap(), Revoked { what, at: NOW, expires })
    }

    #[test]
    fn every_record_reads_back_as_it_was_written() {
        let (app, user) = (AppId::parse("app").unwrap(), UserId::parse("ann").unwrap());
        let group = GroupId::parse("g").unwrap();
        let developer = Developer::new(NOW).unwrap();
        let ban = |group, until| {
            let reason = BanReason::parse("\"骂人\"").unwrap();
            Record::Ban(
                app.clone(),
                Ban {
                    user: user.clone(),
                    group,
                    until,
                    reason,
                },
            )
        };
        for record in [
            Record::AccessToken(AccessToken {
                developer: developer.id.clone(),
                digest: "ab".repeat(32),
                until: NOW,
            }),
            Record::Developer(developer),
            Record::App(unusual()),
            Record::AppGone(app.clone()),
            ban(None, Until::Forever),
            ban(Some(group.clone()), Until::Moment(NOW)),
            Record::BanGone(app.clone(), user.clone(), None),
            Record::BanGone(app.clone(), user.clone(), Some(group)),
            revoked(Revocation::Token("a\0b\n".parse().unwrap()), Until::Forever),
            revoked(Revocation::User(user.clone()), Until::Moment(NOW)),
            revoked(Revocation::Everyone, Until::Forever),
        ] {
            let stamped = Stamped { stamp: 7, record };
            assert_eq!(read(&to_bytes(&stamped)), Some(stamped));
        }
    }

    #[test]
    fn the_form_stays_as_other_versions_know_it() {
        let text = r#"{"stamp":7,"ban":{"app":"app","user":"ann","until":1700000000000,"reason":""}}"#;
        let stamped = read(text.as_bytes()).unwrap();
        assert!(matches!(&stamped.record, Record::Ban(_, ban) if ban.until == Until::Moment(NOW)));
        assert_eq!(to_bytes(&stamped), text);
        let text = r#"{"stamp":8,"app_gone":"app"}"#;
        assert_eq!(to_bytes(&read(text.as_bytes()).unwrap()), text);
    }

    #[test]
    fn what_is_no_record_is_none() {
        for text in [
            "",
            "{}",
            r#"{"stamp":1}"#,
            r#"{"stamp":-1,"app_gone":"app"}"#,
            r#"{"stamp":1,"app_gone":"a b"}"#,
            r#"{"stamp":1,"something_new":{}}"#,
            r#"{"stamp":1,"developer":{"id":"x","secret":"0123456789abcdef","created_at":1}}"#,
            r#"{"stamp":1,"ban":{"app":"app","user":"ann","reason":"a\nb"}}"#,
            r#"{"stamp":1,"revoked":{"app":"app","token":"","at":1}}"#,
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}

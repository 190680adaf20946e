use std::sync::Arc;

use hst_cluster::{Entry, Login as Record, Prefix};
use hst_id::{AppId, TerminalType, UserId};
use hst_proto::{ErrorCode, Event, Failure, Payload, encode_event};

use super::{Refused, groups::check_size, to_the_end};
use crate::{
    apps::AppEntry,
    handle::SessionId,
    hub::Hub,
    logins::LoginInfo,
    node::{logins_of, logins_of_user},
};

/// One login: a user online by one terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terminal {
    pub(crate) user: UserId,
    pub(crate) terminal: TerminalType,
    pub(crate) info: LoginInfo,
    record: Record,
}

impl Terminal {
    /// What stands in the directory, if this version can read it.
    fn read(entry: &Entry) -> Option<Self> {
        // login.<App>.<user>.<terminal>.<place>, and no name has a dot.
        let mut parts = entry.key.as_str().split('.').skip(2);
        let (user, terminal) = (parts.next()?, parts.next()?);
        let record = Record::read(entry)?;
        Some(Self {
            user: UserId::parse(user).ok()?,
            terminal: TerminalType::parse(terminal).ok()?,
            info: LoginInfo::read(&record.info),
            record,
        })
    }

    /// A name for it that no other terminal has, for as long as its session lasts.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.record.owner.node, SessionId(self.record.session))
    }
}

impl Hub {
    /// Who is online in an App, in the order of users and terminals.
    ///
    /// # Errors
    /// [`Refused::Cluster`].
    pub(crate) async fn online(&self, app: &AppId) -> Result<Vec<Terminal>, Refused> {
        self.terminals(&logins_of(app)).await
    }

    /// Ends a user's sessions, or those on one class of terminal.
    ///
    /// # Errors
    /// [`Refused::NotOnline`], [`Refused::Cluster`].
    pub(crate) async fn kick_out(
        self: &Arc<Self>,
        app: &AppId,
        user: &UserId,
        only: Option<&TerminalType>,
    ) -> Result<(), Refused> {
        let terminals = self.terminals_of(app, user, only).await?;
        if terminals.is_empty() {
            return Err(Refused::NotOnline(user.clone()));
        }
        let hub = self.clone();
        to_the_end(async move {
            for Terminal { record, .. } in terminals {
                let why = Failure::new(ErrorCode::KickedOut, "removed by the application");
                hub.end_session(&record.owner, SessionId(record.session), why).await;
            }
        })
        .await;
        Ok(())
    }

    /// Tells a user something in the name of the application, on all terminals or on one class of them, and says which
    /// those were. None is no error.
    ///
    /// # Errors
    /// [`Refused::MessageTooLarge`], [`Refused::Cluster`].
    pub(crate) async fn tell(
        &self,
        app: &AppEntry,
        user: &UserId,
        only: Option<&TerminalType>,
        body: &Payload,
    ) -> Result<Vec<Terminal>, Refused> {
        check_size(app, body)?;
        let event = encode_event(&Event::ServerMessage { body: body.clone() });
        let terminals = self.terminals_of(&app.id, user, only).await?;
        for Terminal { record, .. } in &terminals {
            self.tell_session(&record.owner, SessionId(record.session), &event)
                .await;
        }
        Ok(terminals)
    }

    async fn terminals_of(
        &self,
        app: &AppId,
        user: &UserId,
        only: Option<&TerminalType>,
    ) -> Result<Vec<Terminal>, Refused> {
        let mut terminals = self.terminals(&logins_of_user(app, user)).await?;
        terminals.retain(|terminal| only.is_none_or(|only| terminal.terminal == *only));
        Ok(terminals)
    }

    async fn terminals(&self, prefix: &Prefix) -> Result<Vec<Terminal>, Refused> {
        let entries = self.node.directory.list(prefix).await?;
        Ok(entries.iter().filter_map(Terminal::read).collect())
    }
}

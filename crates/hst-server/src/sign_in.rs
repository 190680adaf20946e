use std::{sync::Arc, time::Duration};

use hst_auth::{Claims, TokenError, TokenFormat};
use hst_group::server::{Rules, SignIn};
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{ErrorCode, Failure};

use crate::{
    apps::{Policy, TokenFacts, now},
    failures::Source,
    handle::{Inbox, SessionId, session},
    hub::Hub,
    session::User,
    sessions::Secret,
};

/// Somebody who was let in, and the beginning of his session.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) user: User,
    pub(crate) inbox: Inbox,
    pub(crate) secret: Secret,
    pub(crate) token_lasts: Option<Duration>,
    pub(crate) rules: Rules,
}

impl Hub {
    /// Lets somebody in, or says why not.
    ///
    /// # Errors
    /// The codes of `login`. What was wrong with a token is for the log only.
    pub(crate) async fn sign_in(self: &Arc<Self>, who: SignIn, source: Source) -> Result<Guest, Failure> {
        let claims = self.judge(source, &who.app, &who.user, &who.login.token)?;
        if !self.sessions.has_room() {
            let message = "the server has no room for another session: try again later";
            return Err(Failure::new(ErrorCode::OperationFailed, message).retry_after(5_000));
        }
        self.end_previous(&who).await;
        let id = SessionId(self.next_session());
        let (handle, inbox) = session(id);
        let (secret, token) = (Secret::random(), TokenFacts::of(&claims));
        // Known before it is seen by others, so that they find whom they mean to end.
        self.sessions
            .enter(handle.clone(), secret.clone(), &who.app, &who.user, token.clone());
        let admitted = match self.admit(&who, &token) {
            Ok(Policy { login, rules, .. }) => {
                let login = claims.login.unwrap_or(login);
                let claimed = self.claim_login(&who, id, &secret, login).await;
                claimed.map(|login| (login, rules))
            }
            Err(failure) => Err(failure),
        };
        let (login, rules) = match admitted {
            Ok(admitted) => admitted,
            Err(failure) => {
                self.sessions.leave(id, None);
                return Err(failure);
            }
        };
        tracing::info!(session = %id, app = %who.app, user = %who.user, "logged in");
        self.hooks.online(&who.app, &who.user, &who.terminal);
        let token_lasts = lasts(&claims);
        let user = User::new(who, source, claims.grants, handle, Arc::new(login));
        Ok(Guest {
            user,
            inbox,
            secret,
            token_lasts,
            rules,
        })
    }

    /// Takes a newer token for a session, and says how long it is good.
    ///
    /// # Errors
    /// Code 1000000 when it is not accepted for this user.
    pub(crate) fn renew(&self, user: &User, token: &str) -> Result<Option<Duration>, Failure> {
        let claims = self.judge(user.source, &user.app, &user.id, token)?;
        self.sessions.renewed(user.handle.id, TokenFacts::of(&claims));
        Ok(lasts(&claims))
    }

    /// Whether a user may come into a group, by his token and by what the platform knows of him.
    ///
    /// # Errors
    /// Codes 1000000 and 1000103.
    pub(crate) fn check_join(&self, user: &User, group: &GroupId) -> Result<(), Failure> {
        if !user.grants.may_join(group) {
            let message = format!("the token does not admit to group {group}");
            return Err(Failure::new(ErrorCode::TokenRefused, message));
        }
        self.apps.check_ban(&user.app, Some(group), &user.id)
    }

    /// Whether the App has its door open to this user. To be asked once his session is known: whoever closes the door
    /// ends the sessions that are known, and so misses none.
    fn admit(&self, who: &SignIn, token: &TokenFacts) -> Result<Policy, Failure> {
        if !self.apps.may_exist(&who.app) {
            return Err(unknown_app());
        }
        let policy = self.apps.policy(&who.app);
        if !policy.online {
            return Err(Failure::new(ErrorCode::AppOffline, "the App is switched off"));
        }
        self.apps.check_ban(&who.app, None, &who.user)?;
        self.check_revoked(token, &who.app, &who.user)?;
        Ok(policy)
    }

    fn check_revoked(&self, token: &TokenFacts, app: &AppId, user: &UserId) -> Result<(), Failure> {
        if self.apps.is_revoked(token, app, user) {
            return Err(Failure::new(ErrorCode::Revoked, "the token was revoked: get a new one"));
        }
        Ok(())
    }

    /// Judges a token, if its like may still come from there.
    ///
    /// A signed token that is good is taken also from where too many wrong ones came: nobody finds one by trying, and
    /// strangers behind the same address must not keep its holder out. A `001` token is not signed, so then it is not even
    /// looked at: no answer tells anything about it.
    fn judge(&self, source: Source, app: &AppId, user: &UserId, token: &str) -> Result<Claims, Failure> {
        let whose = (source, app.clone());
        // Counted before it is known to be wrong, so that many at a time are no way around.
        let too_many = self.wrong_tokens.count(&whose);
        let verdict = match (too_many, TokenFormat::of(token)) {
            (Err(_), TokenFormat::Legacy001) => Err(not_accepted()),
            _ => self.open(app, user, token),
        };
        match (verdict, too_many) {
            (Err(failure), Err(wait)) if failure.code == ErrorCode::TokenRefused.number() => {
                tracing::info!(%source, %app, "too many wrong tokens");
                Err(failure.retry_after(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)))
            }
            (Err(failure), _) if failure.code == ErrorCode::TokenRefused.number() => Err(failure),
            (verdict, _) => {
                if too_many.is_ok() {
                    self.wrong_tokens.take_back(&whose);
                }
                verdict
            }
        }
    }

    fn open(&self, app: &AppId, user: &UserId, token: &str) -> Result<Claims, Failure> {
        let claims = self.apps.verify(app, token).map_err(|error| {
            tracing::info!(%app, %user, %error, "login refused");
            match error {
                TokenError::UnknownApp => unknown_app(),
                _ => not_accepted(),
            }
        })?;
        self.check_revoked(&TokenFacts::of(&claims), app, user)?;
        if !claims.grants.may_login(user) {
            return Err(refused(format!("the token was made for another user than {user}")));
        }
        Ok(claims)
    }

    /// The session that the same client had before gives way, if the client can prove that it was his.
    async fn end_previous(&self, who: &SignIn) {
        let Some(previous) = &who.login.previous else { return };
        let why = Failure::new(ErrorCode::SessionGone, "the client has begun another session");
        match self.sessions.find(&previous.session, &previous.secret) {
            Ok(handle) => self.end_session(&self.node.owner(), handle.id, why).await,
            Err(_) => self.end_login_elsewhere(who, &previous.secret, why).await,
        }
    }
}

fn unknown_app() -> Failure {
    Failure::new(ErrorCode::UnknownApp, "no such App: check the App ID")
}

fn not_accepted() -> Failure {
    refused("the token was not accepted: get a new one for this App")
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::TokenRefused, message)
}

/// How long a token is still good; `None` is for ever.
fn lasts(claims: &Claims) -> Option<Duration> {
    let ends = claims.expires_at?.as_millis();
    Some(Duration::from_millis(ends.saturating_sub(now().as_millis())))
}

#[cfg(test)]
mod tests;
